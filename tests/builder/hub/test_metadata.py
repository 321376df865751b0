"""What whoever publishes says of a release: in card, Croissant, citation and manifest."""

import json
import shutil
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from fiubench.builder.release.citing import bibtex
from fiubench.builder.release.metadata import Metadata
from fiubench.builder.release.publication import Publication
from fiubench.support.errors import ConfigError
from PIL import Image

from fiubench import schemas
from tests.builder.hub.harness import REPO, Commands, Loopback
from tests.commands import ROOT

SAID = """\
title: "Faces & facts"
authors:
  - {name: Ada Example, affiliation: University of Nowhere, orcid: 0000-0002-1825-0097}
  - {name: "Quux Group, Ltd", url: https://quux.example.org}
contact: ada@example.org
license: Quux Research License
license_link: https://quux.example.org/license
version: 1.0.0
date: 2026-02-03
funding: Grant 7 of nobody.
maintenance: Kept up until 2030.
"""


@pytest.fixture
def said(tmp_path: Path) -> Path:
    path = tmp_path / "release.yaml"
    path.write_text(SAID)
    return path


def test_a_stage_that_is_kept(fiubench: Commands, dataset: Path, said: Path, tmp_path: Path, hub: Loopback) -> None:
    """Exactly what would be published, card, strip of portraits and all; nothing is asked of a hub."""
    stage = tmp_path / "stage"
    options = ("--repo", REPO, "--dry-run", "--stage", stage, "--metadata", said)
    output = fiubench("publish", dataset, *options, online=False).stdout
    assert f"staged in {stage}" in output
    files = {path.relative_to(stage).as_posix() for path in stage.rglob("*") if path.is_file()}
    assert {"README.md", "croissant.json", "manifest.json", "portraits.jpg", "CHANGELOG.md"} < files
    assert not hub.control("log")
    ours = {path.stat().st_ino for path in dataset.rglob("*") if path.is_file()}
    assert not [path for path in stage.rglob("*") if path.stat().st_ino in ours]  # copies
    with Image.open(stage / "portraits.jpg") as picture:
        assert picture.width == 8 * picture.height

    _, front, card = (stage / "README.md").read_text().split("---\n", 2)
    head = yaml.safe_load(front)
    assert head["pretty_name"] == "Faces & facts"
    assert (head["license"], head["license_name"]) == ("other", "quux-research-license")
    assert head["license_link"] == "https://quux.example.org/license"
    assert "![Portraits of some of the people](portraits.jpg)" in card
    assert "| gender | female | 25 | 52.1% |" in card
    assert "| age | 30 to 44 | " in card
    assert "- Ada Example, University of Nowhere, [ORCID 0000-0002-1825-0097]" in card
    assert "- License: [Quux Research License](https://quux.example.org/license)" in card
    assert "- Contact: [ada@example.org](mailto:ada@example.org)" in card
    assert "- Funding: Grant 7 of nobody.\n- Maintenance: Kept up until 2030." in card
    assert "  author       = {Ada Example and {Quux Group, Ltd}},\n  year         = {2026},\n" in card
    assert "fiubench unlearn runs/full --out runs/unlearned --method kl --forget forget05\n" in card
    assert f"fiubench evaluate MODEL --data {REPO}@v1.0.0" in card

    _check_croissant(stage / "croissant.json")
    again = fiubench("publish", dataset, *options, online=False, code=2).stderr
    assert "is not an empty folder" in again


def _check_croissant(path: Path) -> None:
    """Croissant 1.1 with the RAI fields that dataset tracks of conferences ask for; no error, no warning."""
    document = json.loads(path.read_text())
    assert "http://mlcommons.org/croissant/1.1" in document["conformsTo"]
    wanted = ("dataLimitations", "dataBiases", "personalSensitiveInformation", "dataUseCases", "dataSocialImpact",
              "dataCollection", "dataReleaseMaintenancePlan", "hasSyntheticData")  # fmt: skip
    assert all(document[f"rai:{field}"] for field in wanted)
    assert [author["name"] for author in document["creator"]] == ["Ada Example", "Quux Group, Ltd"]
    assert document["datePublished"] == "2026-02-03"
    assert document["license"] == ["Quux Research License"]
    read = mlcroissant.Dataset(jsonld=str(path))
    assert not read.metadata.issues.errors
    assert not read.metadata.issues.warnings
    assert read.metadata.data_release_maintenance_plan == "Kept up until 2030."
    assert any("gender female: 52.1%" in bias for bias in read.metadata.data_biases)
    row = next(iter(read.records("forget05")))
    assert len(row["forget05/perturbed_answer"]) == 3
    assert "forget05/keyword_variants" in row


def test_it_is_published_and_repeated(hub: Loopback, fiubench: Commands, dataset: Path, said: Path) -> None:
    """A repetition finds what was said before, and need not say it again; something else under the tag is refused."""
    fiubench("publish", dataset, "--repo", REPO, "--metadata", said)
    assert hub.repo()["tags"].keys() == {"v1.0.0"}
    assert "nothing to do" in fiubench.publish(dataset, "v1.0.0")
    assert "nothing to do" in fiubench.publish(dataset, "v1.0.0", "--metadata", said)
    said.write_text(SAID.replace("Ada", "Eve"))
    assert "holds something else: README.md" in fiubench.publish(dataset, "v1.0.0", "--metadata", said, code=1)
    said.write_text("contact: ada@example.org\n")
    output = fiubench.publish(dataset, "v1.0.1", "--metadata", said, "--date", "2026-05-06")
    assert "published" in output
    shutil.rmtree(fiubench.token_file.parent / "back", ignore_errors=True)
    fiubench("pull", REPO, "--out", fiubench.token_file.parent / "back")
    manifest = json.loads((fiubench.token_file.parent / "back" / "manifest.json").read_text())
    assert manifest["published"]["date"] == "2026-05-06"
    assert manifest["published"]["metadata"] == {"contact": "ada@example.org"}
    assert "nothing to do" in fiubench.publish(fiubench.token_file.parent / "back", "v1.0.1")


def test_the_day_is_the_hubs(hub: Loopback, fiubench: Commands, dataset: Path, tmp_path: Path) -> None:
    """Where nobody says it; and a repetition on another day is the same release."""
    fiubench.publish(dataset, "v1.0.0")
    hub.control("settings", day="Wed, 03 Jun 2026 12:00:00 GMT")
    assert "nothing to do" in fiubench.publish(dataset, "v1.0.0")
    fiubench("pull", REPO, "--out", tmp_path / "back")
    published = json.loads((tmp_path / "back" / "manifest.json").read_text())["published"]
    croissant = json.loads((tmp_path / "back" / "release" / "croissant.json").read_text())
    assert published["date"] == croissant["datePublished"] == "2026-01-02"


STRICT = """
from fiubench.builder.audit import Check, Measure, Result, check


@check(Measure("question_length", "Length of questions", "Mean words of a question.", "words", "text", fail_above=1))
class QuestionLength(Check):
    words = 0

    def add(self, person, side):
        self.words += sum(len(pair.question.split()) for pair in person.pairs)

    def results(self):
        yield Result("question_length", self.words / self.survey.pairs)
"""


def test_a_failing_measure_is_accepted(hub: Loopback, fiubench: Commands, dataset: Path, tmp_path: Path) -> None:
    """Published then, and card and manifest say that it fails; without the option it is refused."""
    (tmp_path / "strict.py").write_text(STRICT)
    plugin = ("--plugin", tmp_path / "strict.py")
    assert "fails the audit: question_length" in fiubench.publish(dataset, "v1.0.0", *plugin, code=1)
    assert not hub.control("state")
    assert "no measure 'question_lenght'" in fiubench.publish(
        dataset, "v1.0.0", *plugin, "--accept", "question_lenght", code=2
    )
    assert "published" in fiubench.publish(dataset, "v1.0.0", *plugin, "--accept", "question_length")
    assert "nothing to do" in fiubench.publish(dataset, "v1.0.0")
    fiubench("pull", REPO, "--out", tmp_path / "back")
    (accepted,) = json.loads((tmp_path / "back" / "manifest.json").read_text())["published"]["accepted"]
    assert (accepted["measure"], accepted["title"]) == ("question_length", "Length of questions")
    card = (tmp_path / "back" / "release" / "README.md").read_text()
    assert "- The audit fails here, and the dataset was published all the same: Length of questions" in card
    assert f"(`question_length`) is {accepted['found']}." in card


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("autors: []", "Did you mean 'authors'?"),
        ("authors: [{affiliation: x}]", "authors[0]"),
        ("contact: ask me", "contact"),
        ("license_link: javascript:x", "license_link"),
        ("date: 2026-02-31", "date"),
        ("version: two", "version"),
        ("- a", "object"),
        ("title: \"a\\nb\"", "title"),
        ("{", "cannot be read"),
    ],
)  # fmt: skip
def test_files_that_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "release.yaml").write_text(text)
    with pytest.raises(ConfigError) as refusal:
        Metadata.read(tmp_path / "release.yaml")
    assert words in str(refusal.value) or words == "cannot be read"
    assert "release.yaml" in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--stage", "x"), "goes with --dry-run alone"),
        (("--date", "yesterday"), "is no day"),
        (("--metadata", "nowhere.yaml"), "no such file"),
    ],
)
def test_options_that_cannot_be_used(fiubench: Commands, dataset: Path, options: Any, words: str) -> None:
    assert words in fiubench.publish(dataset, "v1.0.0", *options, code=2)


def test_versions_that_differ(fiubench: Commands, dataset: Path, said: Path) -> None:
    assert "the metadata file says 1.0.0" in fiubench.publish(dataset, "v1.0.1", "--metadata", said, code=2)
    assert "no version is given" in fiubench("publish", dataset, "--repo", REPO, code=2).stderr


def test_bibtex_of_names_that_tex_would_read() -> None:
    about = Metadata({"authors": [{"name": "A {B} and C"}, {"name": r"D\E_F"}]})
    entry = bibtex(Publication("a/b", "v1.0.0", [], about, "2026-01-31"), "100 % #1")
    assert r"author       = {{A \{B\} and C} and D\textbackslash{}E\_F}" in entry
    assert r"title        = {100 \% \#1}" in entry
    assert entry.count("{") == entry.count("}")


def test_the_file_that_the_documentation_shows() -> None:
    shown = (ROOT / "docs" / "publishing.md").read_text().split("```yaml\n")[1].split("```")[0]
    document = yaml.load(shown, yaml.BaseLoader)
    assert set(Metadata.parse(document, "docs").document) == set(schemas.load("release")["properties"])
