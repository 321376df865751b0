"""Whose faces and records are: recognised, or as their user says; and what `publish` asks for."""

import json
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.hub.staging import licensed_sources
from fiubench.builder.pipeline.build import build
from fiubench.builder.release.stage import write_stage
from fiubench.raw_sources.reading.folder import is_sfhq
from fiubench.support.errors import ConfigError, Refused

import fiubench
from fiubench import make_config
from tests import commands
from tests.docs.stand_ins import labels

SIZE = {"identities": 10, "holdout": 2, "ratios": [10], "image_size": 64}
SAID = """\
title: Portraits of nobody
license: CC0-1.0
authors: A. Painter
citation: "A. Painter. Portraits of nobody, 2024."
url: https://example.org/portraits
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Thirty pictures of faces."""
    out = tmp_path_factory.mktemp("drawn") / "d"
    build(make_config({**SIZE, "identities": 30, "holdout": 0}), out)
    return [path.read_bytes() for path in sorted((out / "images").iterdir())]


def folder(parent: Path, name: str, pictures: list[bytes], pattern: str = "portrait_{}.jpg") -> Path:
    made = parent / name
    made.mkdir()
    for number, data in enumerate(pictures):
        (made / pattern.format(number)).write_bytes(data)
    labels(made)
    return made


def built(out: Path, faces: Path, **given: Any) -> dict[str, Any]:
    return build(make_config({**SIZE, "faces": str(faces), **given}), out).manifest


def published(dataset: Path, **given: Any) -> Any:
    return fiubench.publish(dataset, "alice/people", "v1.0.0", dry_run=True, **given)


def command(*arguments: object, code: int = 0) -> str:
    done = commands.fiubench(*arguments)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def everything_said(out: Path) -> str:
    files = (out / "manifest.json", out / "release" / "README.md", out / "release" / "croissant.json")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_a_folder_of_ones_own_is_never_called_sfhq(tmp_path: Path, pictures: list[bytes]) -> None:
    faces, out = folder(tmp_path, "mine", pictures), tmp_path / "d"
    source = built(out, faces)["sources"]["faces"]
    assert (source["title"], source["license"], source["own"]) == ("Faces of the folder mine", "", True)
    said = everything_said(out)
    assert not [word for word in ("sfhq", "beniaguev", "stylegan", "generated images") if word in said.casefold()]
    assert "### Faces: Faces of the folder mine" in said and "- License: not stated" in said
    assert "Who or what the pictures show was not checked" in said
    with pytest.raises(Refused, match=r"(?s)'Faces of the folder mine'.*--faces-license.*source\.yaml in the folder"):
        published(out)
    assert "--faces-license" in command(
        "publish", out, "--repo", "alice/people", "--version", "v1.0.0", "--dry-run", code=1
    )


def test_a_license_can_be_given_when_publishing(tmp_path: Path, pictures: list[bytes]) -> None:
    out = tmp_path / "d"
    built(out, folder(tmp_path, "mine", pictures))
    given = ("--dry-run", "--faces-license", "CC0-1.0", "--faces-title", "Portraits of nobody")
    assert "proved" in command("publish", out, "--repo", "alice/people", "--version", "v1.0.0", *given)
    dataset = open_dataset(out)
    sources = licensed_sources(dataset, {"faces": {"title": "Portraits of nobody", "license": "CC0-1.0"}})
    (tmp_path / "stage").mkdir()
    manifest = write_stage(dataset, tmp_path / "stage", sources=sources)
    assert manifest["sources"]["faces"]["title"] == "Portraits of nobody"
    card = (tmp_path / "stage" / "README.md").read_text(encoding="utf-8")
    assert "### Faces: Portraits of nobody" in card and "License: CC0-1.0" in card
    with pytest.raises(ConfigError, match="--health-license is about a file or folder"):
        published(out, licenses={"health": "MIT", "faces": "MIT"})


def test_a_folder_says_whose_it_is(tmp_path: Path, pictures: list[bytes]) -> None:
    faces, out = folder(tmp_path, "mine", pictures), tmp_path / "d"
    (faces / "source.yaml").write_text(SAID)
    source = built(out, faces)["sources"]["faces"]
    assert {key: source[key] for key in ("title", "license", "authors", "url")} == {
        "title": "Portraits of nobody", "license": "CC0-1.0", "authors": "A. Painter",
        "url": "https://example.org/portraits",
    }  # fmt: skip
    card = (out / "release" / "README.md").read_text(encoding="utf-8")
    assert "### Faces: [Portraits of nobody](https://example.org/portraits)" in card
    assert "- License: CC0-1.0\n- Authors: A. Painter\n" in card
    assert "license:\n- apache-2.0\n- cc0-1.0\n" in card
    assert "- A. Painter. Portraits of nobody, 2024." in card.split("## Citation")[1]
    croissant = json.loads((out / "release" / "croissant.json").read_text())
    assert croissant["isBasedOn"] == [
        {
            "@type": "sc:CreativeWork", "name": "Portraits of nobody", "url": "https://example.org/portraits",
            "license": "https://creativecommons.org/publicdomain/zero/1.0/", "creditText": "A. Painter",
            "citation": "A. Painter. Portraits of nobody, 2024.",
        }
    ]  # fmt: skip
    assert "croissant" in "\n".join(published(out).plan.proofs)
    assert not list(fiubench.verify(out))
    checked = command("sources", "check", faces)
    assert "title        Portraits of nobody" in checked and "no license" not in checked


def test_options_win_over_the_file(tmp_path: Path, pictures: list[bytes]) -> None:
    faces, out = folder(tmp_path, "mine", pictures), tmp_path / "d"
    (faces / "source.yaml").write_text(SAID)
    size = [word for name, value in (("identities", 10), ("holdout", 2), ("ratios", 10), ("image-size", 64))
            for word in (f"--{name}", value)]  # fmt: skip
    command("build", "--out", out, *size, "--faces", faces, "--faces-license", "Own terms", "--no-audit")
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["config"]["faces_license"] == "Own terms"
    source = manifest["sources"]["faces"]
    assert (source["title"], source["license"]) == ("Portraits of nobody", "Own terms")
    card = (out / "release" / "README.md").read_text(encoding="utf-8")
    assert "license: other\n" in card and "License: Own terms" in card and "--faces-license 'Own terms'" in card
    again = command("build", "--config", out / "build.yaml", "--out", tmp_path / "again", "--no-audit")
    assert manifest["digests"]["identities"] in again
    assert json.loads((tmp_path / "again" / "manifest.json").read_text())["fingerprint"] == manifest["fingerprint"]


@pytest.mark.parametrize(
    ("name", "pattern", "called"),
    [
        ("mine", "SFHQ_pt1_{:08d}.jpg", True),
        ("SFHQ", "{:08d}.jpg", True),
        ("mine", "{:08d}.jpg", False),
        ("sfhq", "face_{}.jpg", False),
    ],
)
def test_sfhq_is_told_by_its_names(
    tmp_path: Path, pictures: list[bytes], name: str, pattern: str, called: bool
) -> None:
    source = built(tmp_path / "d", folder(tmp_path, name, pictures, pattern))["sources"]["faces"]
    assert (source["title"] == "Synthetic Faces High Quality (SFHQ)") is called
    assert (source["license"] == "MIT") is called
    assert ("own" in source) is not called
    assert ("sfhq" in everything_said(tmp_path / "d").casefold()) is (called or name == "sfhq")


def test_a_few_other_pictures_among_those_of_sfhq(tmp_path: Path) -> None:
    names = [tmp_path / f"SFHQ_pt2_{number:08d}.jpg" for number in range(19)]
    assert is_sfhq(tmp_path, [*names, tmp_path / "me.jpg"])
    assert not is_sfhq(tmp_path, [*names, tmp_path / "me.jpg", tmp_path / "you.jpg"])


def test_a_description_adds_to_what_is_recognised(tmp_path: Path, pictures: list[bytes]) -> None:
    faces = folder(tmp_path, "f", pictures, "SFHQ_pt1_{:08d}.jpg")
    (faces / "source.yaml").write_text("authors: D. Beniaguev\n")
    source = built(tmp_path / "d", faces, faces_title="SFHQ, part 1")["sources"]["faces"]
    assert (source["title"], source["authors"], source["license"]) == ("SFHQ, part 1", "D. Beniaguev", "MIT")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("licence: MIT\n", r"(?s)source\.yaml: unknown setting 'licence'.*Did you mean 'license'"),
        ("title: ''\n", r"source\.yaml: title"),
        ("license: 4.0\n", r"source\.yaml: license: should be a valid string"),
        ("url: javascript:alert(1)\n", r"source\.yaml: url"),
        ("- a\n", r"source\.yaml: is not a mapping"),
        ("title: *a\n", r"source\.yaml, line 1"),
    ],
)
def test_a_wrong_description(tmp_path: Path, pictures: list[bytes], text: str, says: str) -> None:
    faces = folder(tmp_path, "f", pictures)
    (faces / "source.yaml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        built(tmp_path / "d", faces)


@pytest.mark.parametrize(
    "given", [{"faces_title": "X"}, {"health_license": "MIT"}, {"faces": "none", "faces_license": "MIT"}]
)
def test_what_is_said_of_nothing(given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="is about a file or folder, and none is given"):
        make_config(given)
