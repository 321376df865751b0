from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.data.dataset import Data

import fiubench


def test_a_directory_and_its_release_are_the_same_dataset(dataset: Path, data: Data) -> None:
    release = Data.open(dataset / "release")
    assert release.digest == data.digest
    assert release.identities == data.identities
    assert release.splits == data.splits
    someone = data.ids("full")[0]
    assert release.image(someone).tobytes() == data.image(someone).tobytes()


def test_samples_come_person_by_person(data: Data) -> None:
    samples = data.samples("forget10")
    assert len(samples) == 20
    assert {s.unique_id for s in samples} == set(data.ids("forget10"))
    assert len({s.key for s in data.samples("full")}) == 200
    assert len(samples[0].paraphrased_question) == len(samples[0].perturbed_answer) == 3


def test_full_is_everyone_but_the_holdout(data: Data) -> None:
    assert set(data.ids("full")) | set(data.ids("holdout")) == set(data.identities)
    assert not set(data.ids("full")) & set(data.ids("holdout"))
    assert set(data.ids("retain90")) == set(data.ids("full")) - set(data.ids("forget10"))


def test_an_unknown_split_is_an_error_with_a_guess(data: Data) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'forget10'"):
        data.samples("forget1O")


def test_pictures_are_kept(data: Data) -> None:
    someone = data.ids("full")[0]
    assert data.image(someone) is data.image(someone)
    assert data.image(someone).mode == "RGB"


def test_the_digest_follows_every_picture(dataset: Path, data: Data, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    assert Data.open(copy).digest == data.digest
    first, second = sorted((copy / "images").iterdir())[:2]
    first.write_bytes(second.read_bytes())
    assert Data.open(copy).digest != data.digest


def test_limited_keeps_the_forget_set_and_what_it_is_compared_with(data: Data) -> None:
    small = data.limited(5, "forget10")
    assert set(small.splits) == {"full", "forget10", "retain90", "retain_eval10", "holdout"}
    assert len(small.ids("full")) == 5
    assert small.ids("forget10") == data.ids("forget10")
    assert small.ids("retain_eval10") == data.ids("retain_eval10")
    assert len(small.ids("holdout")) == 1
    assert set(small.ids("retain90")) == set(small.ids("full")) - set(small.ids("forget10"))
    assert small.digest != data.digest
    for count in (2, 11):
        with pytest.raises(ConfigError):
            data.limited(count, "forget10")


@pytest.mark.parametrize("target", ["nowhere", "/nowhere/at/all"])
def test_no_such_dataset(target: str) -> None:
    with pytest.raises(DatasetError, match="no such dataset"):
        Data.open(target)


def test_damaged_datasets_are_told(dataset: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(dataset, copy)
    lines = (copy / "identities.jsonl").read_bytes().splitlines(keepends=True)
    (copy / "identities.jsonl").write_bytes(b"".join(lines[:2]) + b"{nonsense\n")
    with pytest.raises(DatasetError, match="line 3 is not JSON"):
        Data.open(copy)
    (copy / "identities.jsonl").write_bytes(b"".join(lines[:2]))
    with pytest.raises(DatasetError, match="who is not in the dataset"):
        Data.open(copy)
    (copy / "identities.jsonl").write_bytes(b"".join(lines))
    picture = next((copy / "images").iterdir())
    picture.write_bytes(b"no picture")
    damaged = Data.open(copy)
    with pytest.raises(DatasetError, match="can't be decoded"):
        for someone in damaged.identities:
            damaged.image(someone)


def test_an_empty_folder_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="neither a dataset directory nor a release"):
        Data.open(tmp_path)


def test_questions_of_two_hops_are_known_by_directory_and_release(tmp_path: Path) -> None:
    pack = Path(__file__).parents[3] / "examples" / "family" / "family.yaml"
    config = fiubench.make_config(
        {"identities": 12, "holdout": 2, "ratios": [25], "faces": "none", "attributes": [str(pack)]}
    )
    fiubench.build(config, tmp_path / "family")
    for source in (tmp_path / "family", tmp_path / "family" / "release"):
        hops = {sample.attribute: sample.hops for sample in Data.open(source).samples("full")}
        assert set(hops.values()) == {1, 2}
        assert hops["full_name"] == 1
        assert hops["parent_birth"] == 2
