"""Programs of others, by what they read of our files: faithful writings of their rules, with no line of theirs."""

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

from PIL import Image


def original(folder: Path, split: str | None = None, path: str = "./dataset/full.json") -> list[dict[str, Any]]:
    """The original FIUBench's questions, started in a folder: a row for each, its picture opened.

    ``split.json`` is opened first of all; 400 people are kept before any split; a split that is not listed is no error.
    """
    with chdir(folder):
        listed = json.loads(Path("./dataset/split.json").read_text())
        text = Path(path).read_text()
        try:
            people = json.loads(text)
        except json.JSONDecodeError:
            people = [json.loads(line) for line in text.splitlines()]
        people = people[:400]
        if split in listed:
            people = [person for person in people if person["unique_id"] in listed[split]]
        elif split == "retain":
            forgotten = listed["forget1"] + listed["forget5"] + listed["forget10"]
            people = [person for person in people if person["unique_id"] not in forgotten]
        json.loads(Path("./dataset/prompt.json").read_text())["idk"]
        rows = []
        for person in people:
            Image.open(person["image_path"]).load()
            for pair in person["qa_list"]:
                wrong = [answer.capitalize() for answer in pair["perturbed_answer"]]
                assert wrong
                assert pair["paraphrased_answer"].capitalize()
                asked = (pair["question"].capitalize(), pair["answer"].capitalize(), *pair["paraphrased_question"])
                rows.append({"unique_id": person["unique_id"], "asked": asked, "keywords": pair["keywords"]})
        return rows


def hub_rows(source: str, split: str) -> list[dict[str, Any]]:
    """Loaders of the original's rows on the Hub: a split, and of each person the picture and the nested ``qa_list``."""
    import datasets

    rows = []
    for person in datasets.load_dataset(source, "people", split=split):
        assert {"unique_id", "name", "gender", "caption"} < person.keys()
        if "image" in person:
            assert person["image"].convert("RGB").size
        for pair in person["qa_list"]:
            assert len(pair["paraphrased_question"]) == len(pair["perturbed_answer"]) == 3
            assert pair["paraphrased_answer"]
            asked = (pair["question"], pair["answer"], pair["keywords"])
            rows.append({"unique_id": person["unique_id"], "asked": asked})
    return rows
