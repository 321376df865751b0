"""A small clean dataset whose faults are planted by hand."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fiubench import build, make_config

Record = dict[str, Any]
SETTINGS = {"identities": 120, "holdout": 12, "ratios": [50], "image_size": 128}


def clean_dataset(directory: Path) -> Path:
    """120 people, half of them to be forgotten, and 12 more."""
    build(make_config(SETTINGS), directory)
    return directory


def planted(clean: Path, to: Path, plant: Callable[[list[Record], Path], Any]) -> Path:
    """A copy of a dataset with a fault: ``plant`` gets its records, and the folder of the copy."""
    shutil.copytree(clean, to, ignore=shutil.ignore_patterns("release"))
    path = to / "identities.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    plant(records, to)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return to


def pair(record: Record, attribute: str) -> Record:
    """The question of a record on an attribute."""
    return next(qa for qa in record["qa_list"] if qa["attribute"] == attribute)


def set_fact(record: Record, attribute: str, value: Any, text: str | None = None) -> None:
    """Give a person another value, in the profile and in every sentence on it."""
    fact, qa = record["profile"][attribute], pair(record, attribute)
    old, new = fact["text"], text or str(value)
    fact["text"], fact["value"], qa["value"]["value"] = new, value, value
    for key in ("answer", "paraphrased_answer"):
        qa[key] = qa[key].replace(old, new)
    # a wrong answer that the new value makes true states the old one instead
    qa["perturbed_answer"] = [wrong.replace(new, old) for wrong in qa["perturbed_answer"]]
    qa["perturbed_value"] = [old if str(wrong) == new else wrong for wrong in qa["perturbed_value"]]
    qa["keywords"] = [keyword.replace(old, new) for keyword in qa["keywords"]]


def as_rows(records: Iterable[Record]) -> list[Record]:
    """Bare questions and answers, as other datasets have them."""
    return [
        {"unique_id": r["unique_id"], "name": r["name"], "question": qa["question"], "answer": qa["answer"]}
        for r in records
        for qa in r["qa_list"]
    ]


def write_lines(path: Path, rows: Iterable[Record]) -> Path:
    """A JSON lines file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
