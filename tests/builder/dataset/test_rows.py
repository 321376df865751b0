"""Rows of a dataset directory are those of its release: as many, in the same order, with the same values."""

import pickle
from pathlib import Path

import datasets
import pytest
from fiubench.builder.config import make_config
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.dataset.rows import Rows
from fiubench.builder.pipeline.build import build
from fiubench.builder.pipeline.resplit import split
from fiubench.support.errors import ConfigError, DatasetError


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("default") / "dataset"
    build(make_config({"identities": 100, "holdout": 10, "image_size": 64}), out)
    return out


@pytest.fixture(scope="module", params=["default", "by attribute", "text", "disjoint, hard negatives"])
def folder(request: pytest.FixtureRequest, default: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("another") / "dataset"
    match request.param:
        case "default":
            return default
        case "by attribute":
            split(default, out, attributes=("phone_number",))
        case "text":
            build(make_config({"faces": "none", "identities": 60, "holdout": 0, "ratios": [5]}), out)
        case _:
            split(default, out, split_scheme="disjoint", ratios=(5, 10), hard_negatives="looks")
    return out


def test_every_configuration_row_by_row(folder: Path) -> None:
    dataset, release = open_dataset(folder), str(folder / "release")
    assert sorted(dataset.names) == sorted(datasets.get_dataset_config_names(release))
    for name in dataset.names:
        own = dataset.rows(name)
        theirs = datasets.load_dataset(release, name, split="train")
        assert len(own) == len(theirs), name
        assert set(own[0]) == set(theirs.column_names)
        plain = theirs.remove_columns("image") if "image" in theirs.column_names else theirs
        for mine, other in zip(own, plain, strict=True):
            assert mine.without_image == other, name


def test_pictures_are_those_of_the_release(default: Path) -> None:
    own = open_dataset(default).rows("forget05")
    theirs = datasets.load_dataset(str(default / "release"), "forget05", split="train")
    for number in (0, 25, 79):
        assert own[number]["image"].tobytes() == theirs[number]["image"].convert("RGB").tobytes()


def test_forgetting_by_attribute_is_honoured(default: Path, tmp_path: Path) -> None:
    split(default, tmp_path / "phones", attributes=("phone_number",))
    dataset = open_dataset(tmp_path / "phones")
    forget, retain = dataset.rows("forget05"), dataset.rows("retain95")
    assert len(forget) == len(dataset.splits["forget05"]) == 5
    assert {row["attribute"] for row in forget} == {"phone_number"}
    assert len(retain) == 100 * 20 - 5
    assert len(dataset.to_pandas("forget05")) == 5


@pytest.fixture(scope="module")
def rows(default: Path) -> Rows:
    return open_dataset(default).rows("forget05")


def test_a_sequence(rows: Rows) -> None:
    everything = list(rows)
    assert len(rows) == len(everything) == 100
    assert rows[-1] == everything[-1] == rows[99]
    assert list(rows[10:50:7]) == everything[10:50:7]
    assert list(rows[::-1][:3]) == everything[:-4:-1]
    assert len(rows[100:]) == 0
    assert rows[3] in rows[:5]
    for outside in (100, -101):
        with pytest.raises(IndexError):
            _ = rows[outside]


def test_a_row(rows: Rows) -> None:
    row = rows[21]
    assert row["image"].mode == "RGB"
    assert dict(row)["question"] == row["question"]
    assert "image" in row
    assert len(row) == len(list(row)) == 17
    with pytest.raises(KeyError):
        _ = row["nothing"]
    assert len(repr(rows)) < 400
    assert "AttributeError" not in repr(row)


def test_rows_go_to_other_processes(rows: Rows) -> None:
    again = pickle.loads(pickle.dumps(rows[5:9]))
    assert [row.without_image for row in again] == [row.without_image for row in rows[5:9]]


def test_unknown_names(default: Path) -> None:
    dataset = open_dataset(default)
    for ask in (dataset.rows, dataset.to_pandas):
        with pytest.raises(ConfigError, match="Did you mean 'forget05'"):
            ask("forgt05")


def test_pandas(default: Path) -> None:
    dataset = open_dataset(default)
    table, forget = dataset.to_pandas(), dataset.to_pandas("forget05")
    assert len(table) == 110 * 20
    assert list(table.columns) == list(forget.columns)
    assert list(forget["answer"]) == [row["answer"] for row in dataset.rows("forget05")]


def test_a_record_that_is_none(default: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(default, tmp_path / "copy")
    (tmp_path / "copy" / "identities.jsonl").write_bytes(b'{"unique_id": "1"}\n')
    with pytest.raises(DatasetError, match="line 1: damaged"):
        Dataset(tmp_path / "copy").rows("full")
