"""What a dataset's folder is held to: each file by its path and bytes, and nothing beside them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.dataset.intact import on_disk, release_digests, release_files
from fiubench.builder.dataset.reading import open_dataset
from fiubench.support.canonical import file_digest

from fiubench import build, make_config

FULL, SECOND = "release/fiubench/dataset/full.json", "release/fiubench/dataset/images"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clean") / "dataset"
    build(make_config({"identities": 18, "holdout": 2, "ratios": [10], "image_size": 32}), out)
    return out


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One without faces."""
    out = tmp_path_factory.mktemp("bare") / "dataset"
    build(make_config({"identities": 18, "holdout": 2, "ratios": [10], "faces": "none"}), out)
    return out


@pytest.fixture
def dataset(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "dataset"))


def found(folder: Path) -> list[str]:
    return list(on_disk(open_dataset(folder)))


def edit(dataset: Path, change: Callable[[Any], object]) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    change(manifest)
    (dataset / "manifest.json").write_text(json.dumps(manifest))


def replace(path: Path, data: bytes) -> None:
    path.unlink()  # another name of the old bytes keeps them
    path.write_bytes(data)


def test_nothing_is_said_of_what_is_as_built(clean: Path, bare: Path, tmp_path: Path) -> None:
    assert found(clean) == found(bare) == []
    copy = Path(shutil.copytree(clean, tmp_path / "copy"))
    for name in (".build", ".publish"):
        (copy / name).mkdir()
        (copy / name / "scratch").touch()
    (copy / "manifest.json.minisig").touch()
    assert found(copy) == []
    (copy / "build.yaml").unlink()
    assert found(copy) == []


def test_every_file_by_its_path(dataset: Path) -> None:
    face = sorted((dataset / "images").iterdir())[0].name
    replace(dataset / "images" / face, b"x")
    (dataset / SECOND / face).unlink()
    replace(dataset / "splits.json", (dataset / "splits.json").read_bytes() + b" ")
    replace(dataset / "release" / "README.md", b"mine")
    (dataset / FULL).unlink()
    (dataset / "release" / ".build").mkdir()
    for name in ("notes.txt", "release/.build/x", "images/.publish"):
        (dataset / name).touch()
    assert sorted(found(dataset)) == [
        "images/.publish: is no part of the dataset",
        f"images/{face}: not as built",
        "notes.txt: is no part of the dataset",
        "release/.build/x: is no part of the dataset",
        "release/README.md: not as built",
        f"{FULL}: missing",
        f"{SECOND}/{face}: missing",
        "splits.json: not as built",
    ]


def test_links_are_no_files(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (dataset / "README.md").symlink_to(dataset / "release" / "README.md")
    (dataset / "more").symlink_to(tmp_path / "outside")
    (dataset / "release" / "more").symlink_to(tmp_path / "outside")
    (dataset / "splits.json").rename(tmp_path / "splits.json")
    (dataset / "splits.json").symlink_to(tmp_path / "splits.json")
    assert sorted(found(dataset)) == [
        "README.md: is no part of the dataset",
        "more: is no part of the dataset",
        "release/more: is no part of the dataset",
        "splits.json: a link, not a file",
    ]


def lines(dataset: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = dataset / "identities.jsonl"
    replace(path, b"".join(change(path.read_bytes().splitlines(keepends=True))))


WHOLE = "manifest.json: digests.identities: not the digest of identities.jsonl"


def test_records_line_by_line(dataset: Path) -> None:
    ids = [entry[0] for entry in json.loads((dataset / "manifest.json").read_text())["identities"]]
    lines(dataset, lambda old: [*old[:3], old[3].replace(b"person", b"human"), *old[4:-1]])
    assert found(dataset)[:3] == [
        f"identities.jsonl, line 4: identity {ids[3]} is not as built",
        "identities.jsonl: 19 lines, the manifest says 20",
        WHOLE,
    ]
    lines(dataset, lambda old: [*old, old[0], old[0]])
    assert found(dataset)[1:4] == [
        f"identities.jsonl, line 20: identity {ids[19]} is not as built",
        "identities.jsonl: 21 lines, the manifest says 20",
        WHOLE,
    ]
    lines(
        dataset,
        lambda old: [b"no JSON\n", b"[1]\n", b"{}\n", b'{"image_path": 5, "unique_id": "%s"}\n' % ids[3].encode()],
    )
    told = found(dataset)
    assert told[:6] == [
        *(f"identities.jsonl, line {k + 1}: identity {ids[k]} is not as built" for k in range(4)),
        "identities.jsonl: 4 lines, the manifest says 20",
        WHOLE,
    ]
    assert len(told) == 6 + 2 * 20  # no picture belongs to anybody now
    (dataset / "identities.jsonl").unlink()
    assert "identities.jsonl: missing" in found(dataset)


def test_digests_of_the_whole(dataset: Path, bare: Path, tmp_path: Path) -> None:
    images = "manifest.json: digests.images: not the digest of its images"
    edit(dataset, lambda manifest: manifest["digests"].update(identities="0" * 64))
    assert found(dataset) == [WHOLE]
    edit(dataset, lambda manifest: manifest["digests"].update(images="0" * 64))
    assert found(dataset) == [images, WHOLE]
    edit(dataset, lambda manifest: manifest["digests"].pop("images"))
    assert found(dataset) == [images, WHOLE]
    without = Path(shutil.copytree(bare, tmp_path / "bare"))
    edit(without, lambda manifest: manifest["digests"].update(images="0" * 64))
    assert found(without) == [images]


def test_words_of_a_model_are_a_file_too(dataset: Path) -> None:
    (dataset / "wordings.jsonl").write_text("{}\n")
    assert found(dataset) == ["wordings.jsonl: is no part of the dataset"]
    entry = {"sha256": file_digest(dataset / "wordings.jsonl"), "model": "m", "by_model": 0, "by_template": 0}
    edit(dataset, lambda manifest: manifest.update(wordings=entry))
    assert found(dataset) == []
    (dataset / "wordings.jsonl").write_text("{ }\n")
    assert found(dataset) == ["wordings.jsonl: not as built"]


def test_a_release_of_no_records_has_no_second_pictures(dataset: Path) -> None:
    """The pictures lie where the records are, as in the first releases beside `fiubench/full.json`."""

    def first(manifest: Any) -> None:
        for name in ("full.json", "holdout.json"):
            manifest["release"].pop(f"fiubench/dataset/{name}")

    edit(dataset, first)
    told = found(dataset)
    assert len(told) == 22
    assert all(line.endswith("is no part of the dataset") for line in told)


def test_files_of_a_release(clean: Path) -> None:
    names = release_files(clean / "release")
    assert names == sorted(names)
    assert names == sorted(json.loads((clean / "manifest.json").read_text())["release"])
    assert not any("images" in name for name in names)
    assert release_digests(clean / "release") == {name: file_digest(clean / "release" / name) for name in names}
    assert os.sep == "/" or not any(os.sep in name for name in names)
