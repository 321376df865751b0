"""A release says under which license each file that it was made from may be passed on."""

import json
import shutil
from pathlib import Path

import pytest
from fiubench.builder.dataset.intact import release_digests
from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.hub.staging import licensed_sources
from fiubench.builder.release import package
from fiubench.support.errors import ConfigError, Refused

from tests.builder.hub.harness import Commands, Loopback

OWN = {"title": "Faces of the folder mine", "file": "mine", "license": "", "own": True}


@pytest.fixture
def unlicensed(dataset: Path, tmp_path: Path) -> Path:
    """A dataset like one with faces of the user's own."""
    copy = Path(shutil.copytree(dataset, tmp_path / "unlicensed"))
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sources"]["faces"] |= OWN
    package(copy, manifest)
    manifest["release"] = release_digests(copy / "release")
    (copy / "manifest.json").write_text(json.dumps(manifest))
    return copy


def test_without_a_license_nothing_is_sent(hub: Loopback, fiubench: Commands, unlicensed: Path) -> None:
    for dry_run in ((), ("--dry-run",)):
        said = fiubench.publish(unlicensed, "v1.0.0", *dry_run, code=1)
        assert "faces: nothing says under which license 'Faces of the folder mine' may be passed on" in said
        assert "--faces-license" in said and "source.yaml in the folder" in said
    assert not hub.asked("/api/")

    given = ("--faces-license", "CC0-1.0", "--faces-title", "Portraits of nobody")
    assert "published" in fiubench.publish(unlicensed, "v1.0.0", *given)
    assert "nothing to do" in fiubench.publish(unlicensed, "v1.0.0", *given)


def test_what_is_said_replaces_what_the_build_was_told(unlicensed: Path, dataset: Path) -> None:
    said = {"faces": {"license": "CC0-1.0"}}
    assert licensed_sources(open_dataset(unlicensed), said)["faces"] == {
        **open_dataset(unlicensed).manifest["sources"]["faces"], "license": "CC0-1.0"
    }  # fmt: skip
    assert licensed_sources(open_dataset(dataset), {}) == open_dataset(dataset).manifest["sources"]
    with pytest.raises(ConfigError, match="--faces-license is about a file or folder"):
        licensed_sources(open_dataset(dataset), said)


def test_a_declared_table_says_it_in_its_declaration(unlicensed: Path) -> None:
    manifest = json.loads((unlicensed / "manifest.json").read_text())
    manifest["sources"]["faces"]["license"] = "MIT"
    manifest["sources"]["clubs"] = {**manifest["sources"]["faces"], "license": "", "title": "Clubs"}
    manifest["tables"] = [{"table": "clubs", "file": "clubs.yaml", "sha256": "0" * 64, "content": {}}]
    (unlicensed / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Refused, match=r"(?s)'Clubs' may be passed on.*`license:` into the YAML file"):
        licensed_sources(open_dataset(unlicensed), {})
