"""Names on the Hub, and rows through `datasets`, from a folder in the shape of a release."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.schemas.hub import HubName, config_names, read_table, stream_rows
from fiubench.support.errors import DatasetError

CARD = """\
---
configs:
- config_name: full
  data_files:
  - split: train
    path: data/full.parquet
- config_name: broken
  data_files:
  - split: train
    path: data/broken.parquet
---
"""


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "README.md").write_text(CARD)
    image = pa.array([{"bytes": b"no picture", "path": "a.jpg"}] * 3)
    pq.write_table(pa.table({"unique_id": ["1", "1", "2"], "image": image}), tmp_path / "data" / "full.parquet")
    (tmp_path / "data" / "broken.parquet").write_bytes(b"PAR1")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "repo", "revision"),
    [("alice/faces", "alice/faces", None), ("alice/faces@v1.0.0", "alice/faces", "v1.0.0"),
     ("a-b/c_d.e@refs/pr/1", "a-b/c_d.e", "refs/pr/1")],
)  # fmt: skip
def test_names(text: str, repo: str, revision: str | None) -> None:
    name = HubName.find(text)
    assert name == HubName(repo, revision)
    assert str(name) == text


@pytest.mark.parametrize("text", ["faces", "a/b/c", "./faces", "../faces", "/faces", "~/faces", "a/", "a/b@", "a b/c"])
def test_paths_are_no_names(text: str) -> None:
    assert HubName.find(text) is None


def test_rows(release: Path) -> None:
    source = str(release)
    assert config_names(source) == ["broken", "full"]
    table = read_table(source, "full")
    assert table[0] == {"unique_id": "1", "image": {"bytes": b"no picture", "path": "a.jpg"}}
    assert list(stream_rows(source, "full")) == table.to_list()
    assert read_table(source, "full", ["unique_id", "missing"]).column_names == ["unique_id"]
    assert [row["unique_id"] for row in stream_rows(source, "full", ["unique_id"])] == ["1", "1", "2"]


def test_one_error_for_what_does_not_load(release: Path) -> None:
    for read in (read_table, lambda *asked: list(stream_rows(*asked))):
        for config in ("broken", "nowhere"):
            with pytest.raises(DatasetError, match=f"configuration '{config}' can't be loaded") as error:
                read(str(release), config)
            assert error.value.where == str(release)
            assert error.value.hint
    with pytest.raises(DatasetError, match="the dataset can't be loaded"):
        config_names(str(release / "nowhere"))


def test_rows_of_another_version_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache without a network hands out what it has; the rows say which version they are of."""
    import datasets

    cached = datasets.Dataset.from_dict({"unique_id": ["1"], "dataset_version": ["v1.0.0"]})

    def load(*_: object, streaming: bool = False, **__: object) -> object:
        return {"train": cached} if streaming else cached

    monkeypatch.setattr("datasets.load_dataset", load)
    for name in ("alice/faces@v1.0.0", "alice/faces@1.0.0", "alice/faces", "alice/faces@main"):
        assert len(read_table(name, "identities")) == len(list(stream_rows(name, "identities"))) == 1
    for read in (read_table, lambda *asked: list(stream_rows(*asked))):
        with pytest.raises(DatasetError, match=r"these are rows of v1\.0\.0, not of v1\.1\.0"):
            read("alice/faces@v1.1.0", "identities")
