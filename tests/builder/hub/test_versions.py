"""Which version a change calls for, and how it is described."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.hub.versions import Version, changes_between
from fiubench.builder.pipeline.resplit import split

Edit = Callable[[list[dict[str, Any]], dict[str, Any], dict[str, Any]], None]


@pytest.fixture
def edited(dataset: Path, tmp_path: Path) -> Callable[[Edit], Path]:
    """The dataset with its records, manifest and splits changed by a function."""

    def make(edit: Edit) -> Path:
        out = tmp_path / "edited"
        out.mkdir()
        records = [json.loads(line) for line in (dataset / "identities.jsonl").read_text().splitlines()]
        manifest, splits = (json.loads((dataset / name).read_text()) for name in ("manifest.json", "splits.json"))
        edit(records, manifest, splits["splits"])
        (out / "identities.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        (out / "manifest.json").write_text(json.dumps(manifest))
        (out / "splits.json").write_text(json.dumps(splits))
        return out

    return make


def wording(records, manifest, splits):
    records[3]["qa_list"][6]["question"] = "What is the blood type of this person?"


def wrong_answer(records, manifest, splits):
    records[3]["qa_list"][6]["perturbed_answer"][0] += " "


def fact(records, manifest, splits):
    for record in records[3:5]:
        record["profile"]["room_number"]["value"] += 1


def newcomer(records, manifest, splits):
    new = {**records[-1], "unique_id": "99999999", "name": "Zed Quux", "index": len(records)}
    records.append(new)
    manifest["identities"].append(["99999999", "0" * 32, None])
    splits["holdout"].append("99999999")


def leaver(records, manifest, splits):
    gone = records.pop()["unique_id"]
    manifest["identities"].pop()
    splits["holdout"].remove(gone)


def face(records, manifest, splits):
    manifest["identities"][5][2] = "f" * 32


def moved(records, manifest, splits):
    splits["forget05"].append(splits["retain95"].pop())


def new_split(records, manifest, splits):
    splits["forget20"] = splits["forget10"]


def fewer_splits(records, manifest, splits):
    del splits["forget10"]


def unasked(records, manifest, splits):
    for record in records:
        del record["qa_list"][6]


@pytest.mark.parametrize(
    ("edit", "level", "message"),
    [
        (lambda *_: None, "patch", "No identity, question or split changed."),
        (wording, "patch", "Changed: wording (question) of blood_type (1 person)."),
        (wrong_answer, "patch", "Changed: wrong answers (perturbed_answer) of blood_type (1 person)."),
        (newcomer, "minor", "Identities added: 1."),
        (new_split, "minor", "Splits added: forget20."),
        (fact, "major", "Facts changed: room_number (of up to 2 people)."),
        (leaver, "major", "Identities removed: 1."),
        (face, "major", "Changed: image (1 person)."),
        (moved, "major", "Other people in forget05, retain95."),
        (fewer_splits, "major", "Splits removed: forget10."),
        (unasked, "major", "Attributes no longer asked about: blood_type."),
    ],
)
def test_levels(dataset: Path, edited: Callable[[Edit], Path], edit: Edit, level: str, message: str) -> None:
    changes = changes_between(dataset, edited(edit))
    assert changes.level == level
    assert message in changes.sentences


def test_an_attribute_more_is_a_minor_change(dataset: Path, extended: Path) -> None:
    changes = changes_between(dataset, extended)
    assert changes.level == "minor"
    assert changes.sentences[0] == "Attributes added: pet."
    assert changes_between(extended, dataset).level == "major"


def test_other_forgotten_attributes_are_a_major_change(dataset: Path, tmp_path: Path) -> None:
    split(dataset, tmp_path / "cut", attributes=("phone_number",))
    changes = changes_between(dataset, tmp_path / "cut")
    assert changes.level == "major"
    assert changes.sentences == ["The forget sets are now about phone_number."]
    shutil.rmtree(tmp_path / "cut")


def test_the_next_version() -> None:
    assert [str(Version(1, 2, 3).raised(level)) for level in ("patch", "minor", "major")] == [
        "v1.2.4", "v1.3.0", "v2.0.0",
    ]  # fmt: skip
