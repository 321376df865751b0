"""Another cut of a dataset: what its release holds is what is trained on and asked."""

import shutil
from pathlib import Path

import datasets
import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.people import Sample

import fiubench

FORGET, RETAIN, RETAIN_EVAL = "forget10", "retain90", "retain_eval10"


@pytest.fixture(scope="module")
def cut(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Only two attributes of the person in forget10 are to be forgotten."""
    out = tmp_path_factory.mktemp("cut") / "cut"
    fiubench.split(dataset, out, attributes=["phone_number", "address"])
    return out


def keys(samples: list[Sample]) -> set[str]:
    return {sample.key for sample in samples}


def test_each_split_holds_what_the_release_holds(cut: Path) -> None:
    data = Data.open(cut)
    for split in data.splits:
        rows = datasets.load_dataset(str(cut / "release"), split, split="train").select_columns(
            ["unique_id", "attribute"]
        )
        assert keys(data.samples(split)) == {f"{row['unique_id']}/{row['attribute']}" for row in rows}, split
    assert {sample.attribute for sample in data.samples(FORGET)} == {"phone_number", "address"}


def test_a_cut_and_its_release_are_the_same_dataset(cut: Path, data: Data) -> None:
    directory, release = Data.open(cut), Data.open(cut / "release")
    assert release.digest == directory.digest != data.digest
    assert release.splits == directory.splits
    assert release.attributes == directory.attributes == ("address", "phone_number")
    assert release.content == directory.content == data.content  # the same people


def test_what_is_not_forgotten_of_the_forgotten_is_retained(cut: Path, data: Data) -> None:
    phones = Data.open(cut)
    forget, others = phones.samples(FORGET), phones.other_facts(FORGET)
    assert len(forget) == 2 and len(others) == 18
    assert keys(forget) | keys(others) == keys(data.samples(FORGET))
    assert keys(others) <= keys(phones.samples(RETAIN))
    assert keys(phones.samples("full")) == keys(phones.samples(RETAIN)) | keys(forget) == keys(data.samples("full"))
    assert not data.other_facts(FORGET)


def test_questions_are_told_apart_and_people_are_not(cut: Path, data: Data) -> None:
    phones = Data.open(cut)
    assert phones.split_digest("full") == data.split_digest("full")
    assert phones.split_digest(RETAIN_EVAL) == data.split_digest(RETAIN_EVAL)
    for split in (FORGET, RETAIN):
        assert phones.split_digest(split) != data.split_digest(split)


def test_nested_forget_sets(tmp_path: Path) -> None:
    """Everything else about a person in forget40 alone is retained in retain80 too, and the phone number with it."""
    config = fiubench.make_config({"identities": 10, "holdout": 0, "ratios": [20, 40], "faces": "none"})
    fiubench.build(config, tmp_path / "whole")
    fiubench.split(tmp_path / "whole", tmp_path / "cut", attributes=["phone_number"])
    cut, release = Data.open(tmp_path / "cut"), Data.open(tmp_path / "cut" / "release")
    assert cut.digest == release.digest
    for split in cut.splits:
        rows = datasets.load_dataset(str(tmp_path / "cut" / "release"), split, split="train")
        assert len(cut.samples(split)) == len(rows), split
    assert not cut.pictured


def test_some_attributes_of_everybody(data: Data, cut: Path) -> None:
    small = data.limited(attributes=("blood_type", "phone_number"))
    assert small.splits == data.splits
    assert {sample.attribute for sample in small.samples("full")} == {"blood_type", "phone_number"}
    assert small.content != data.content
    phones = Data.open(cut).limited(attributes=("blood_type", "phone_number"))
    assert phones.attributes == ("phone_number",)
    assert {sample.attribute for sample in phones.other_facts(FORGET)} == {"blood_type"}
    with pytest.raises(ConfigError, match="nothing would be left to forget"):
        Data.open(cut).limited(attributes=("blood_type",))
    with pytest.raises(ConfigError, match="go together"):
        data.limited(5)


def test_every_forget_set_that_fits_is_kept(tmp_path: Path) -> None:
    config = fiubench.make_config({"identities": 40, "holdout": 2, "ratios": [5, 10, 50], "faces": "none"})
    fiubench.build(config, tmp_path / "d")
    data = Data.open(tmp_path / "d")
    small = data.limited(12, "forget10")
    assert set(small.splits) == {
        *("full", "holdout", "forget05", "retain95", "retain_eval05", "forget10", "retain90", "retain_eval10")
    }
    for label, rest in (("05", "95"), ("10", "90")):
        assert small.ids(f"forget{label}") == data.ids(f"forget{label}")
        assert set(small.ids(f"retain{rest}")) == set(small.ids("full")) - set(data.ids(f"forget{label}"))


def test_a_release_that_was_copied_is_the_cut(cut: Path, tmp_path: Path) -> None:
    shutil.copytree(cut / "release", tmp_path / "pulled")
    assert Data.open(tmp_path / "pulled").digest == Data.open(cut).digest
