"""Releases of the first layout stay readable: all records in one file, tables of people beside those of questions."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.builder.audit import audit
from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.hub.pull import fetch
from fiubench.builder.release.stage import write_stage
from fiubench.support.canonical import file_digest
from fiubench.support.errors import Refused

from fiubench import build, make_config


class Folder:
    """A hub with one commit, which lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, _repo: str, _oid: str, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def snapshot(self, _repo: str, _oid: str, _paths: object) -> Path:
        return self.folder

    def file(self, _repo: str, _oid: str, path: str, *, again: bool = False) -> Path:
        return self.folder / path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config({"identities": 20, "holdout": 5, "ratios": [10], "image_size": 32}), out)
    return out


@pytest.fixture(scope="module")
def first(built, tmp_path_factory):
    """The same as it was published before."""
    folder = tmp_path_factory.mktemp("first") / "release"
    shutil.copytree(built / "release" / "data", folder / "data")
    (folder / "fiubench").mkdir()
    parts = [built / "release" / "fiubench" / "dataset" / name for name in ("full.json", "holdout.json")]
    text = "".join(part.read_text() for part in parts).replace("./dataset/images/", "images/")
    (folder / "fiubench" / "full.json").write_text(text)
    shutil.copy(parts[0].with_name("split.json"), folder / "fiubench" / "split.json")
    people = [pq.read_table(file) for file in sorted((built / "release" / "people").iterdir())]
    pq.write_table(pa.concat_tables(people).drop(["qa_list"]), folder / "data" / "identities-00000.parquet")
    manifest = json.loads((built / "manifest.json").read_text())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest["release"] = {path.relative_to(folder).as_posix(): file_digest(path) for path in files}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    shutil.copy(built / "splits.json", folder / "splits.json")
    return folder


@pytest.mark.parametrize("pictures", [True, False])
def test_it_is_pulled(built, first, tmp_path, pictures):
    fetch(Folder(first), "somebody/faces", "0" * 40, tmp_path / "pulled", pictures=pictures)
    assert (tmp_path / "pulled" / "identities.jsonl").read_bytes() == (built / "identities.jsonl").read_bytes()
    if pictures:
        for image in (built / "images").iterdir():
            assert (tmp_path / "pulled" / "images" / image.name).read_bytes() == image.read_bytes()
            assert (tmp_path / "pulled" / "release" / "fiubench" / "images" / image.name).is_file()


def test_it_is_not_published_again(first, tmp_path):
    fetch(Folder(first), "somebody/faces", "0" * 40, tmp_path / "pulled", pictures=True)
    with pytest.raises(Refused, match="a release of an older layout"):
        write_stage(open_dataset(tmp_path / "pulled"), tmp_path / "stage")


def test_it_is_audited(built, first):
    report = audit(first, faces=False, attacks=False)
    whole = audit(built, faces=False, attacks=False)
    assert report.target["identities"] == whole.target["identities"] == 25
    assert report.target["applied"] == whole.target["applied"]
