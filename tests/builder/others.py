"""Programs of others, by what they read of our files: faithful writings of their rules, with no line of theirs."""

import ast
import json
from collections.abc import Iterator
from contextlib import chdir
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

SHARD = "train-00000-of-00001.parquet"


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


def picture(image: Any) -> Image.Image:
    """A picture from a struct of bytes and path, whose path nobody opens."""
    return Image.open(BytesIO(image["bytes"])).convert("RGB")


def mllmu_training(file: Path) -> Iterator[tuple[str, str, str]]:
    """MLLMU-Bench's training: ID, question, answer; rows without bytes or JSON are dropped without a word."""
    for row in pd.read_parquet(file).to_dict("records"):
        assert picture(row["image"]).size
        for pair in json.loads(row["metadata"]):
            if pair["Question"] and pair["Answer"]:
                yield row["ID"], pair["Question"], pair["Answer"]


def mllmu_evaluation(folder: Path, ratio: int) -> dict[str, dict[str, int]]:
    """MLLMU-Bench's evaluation: for each of its sets the questions of each task that it counts."""
    sets = {
        "forget": folder / f"forget_{ratio}" / SHARD,
        "retain": folder / f"retain_{100 - ratio}" / SHARD,
        "real": folder / "Retain_Set" / SHARD,
    }
    read = {name: pd.read_parquet(file) for name, file in sets.items()}
    test = pd.concat([pd.read_parquet(file) for file in sorted((folder / "Test_Set").glob("*.parquet"))])
    read["test"] = test[test["ID"].isin(read["forget"]["ID"])]
    everybody = pd.read_parquet(folder / "Full_Set" / SHARD).set_index("ID")
    assert not set(read["real"]["ID"]) & set(everybody.index)
    assert set(read["forget"]["ID"]) | set(read["retain"]["ID"]) == set(everybody.index)
    found: dict[str, dict[str, int]] = {}
    for name, frame in read.items():
        counts = found[name] = {"people": len(frame), "classification": 0, "mask": 0, "generation": 0}
        for row in frame.to_dict("records"):
            assert "images" not in row
            assert picture(row["image"]).size
            for kind in ("Image_Textual_Questions", "Pure_Text_Questions"):
                for task in row["Classification_Task"].get(kind, []):
                    assert set(task["Options"]) == set("ABCD")
                    assert all(task["Options"].values())
                    assert task["Options"][task["Correct_Answer"]]
                    counts["classification"] += 1
            for column, count in (("Mask_Task", "mask"), ("Generation_Task", "generation")):
                for task in row[column]:
                    assert task["Type"] in ("Image_Textual", "Pure_Text")
                    assert task["Question"]
                    assert task["Ground_Truth"]
                    assert column == "Generation_Task" or "__" in task["Question"].replace("____", "")
                    counts[count] += 1
    return found


def umu(file: Path) -> list[dict[str, Any]]:
    """UMU-Bench's people: five columns of Python's notation, keys of the half by name looked up in the other."""
    people = []
    for row in pd.read_parquet(file).to_dict("records"):
        assert picture(row["image"]).size
        columns = ("MM_QA", "UM_QA", "Classify", "Cloze", "Generation")
        person = {"ID": row["ID"], **{name: ast.literal_eval(row[name]) for name in columns}}
        for name in ("MM_QA", "UM_QA"):
            assert person[name]["question"].keys() == person[name]["answer"].keys()
        for name in ("Classify", "Cloze", "Generation"):
            for key, asked in person[name]["unimodal"].items():
                other = person[name]["muitimodal"][key]
                assert other["answer"] == asked["answer"] if name != "Generation" else other["answer"]
                if name == "Classify":
                    letter, text = asked["answer"].split(". ", 1)
                    assert asked["options"][letter] == other["options"][letter] == text
                if name == "Cloze":
                    assert asked["answer"] == asked["answer"].split(".")[0]
                    assert "___" in asked["question"]
        people.append(person)
    return people


def clear(folder: Path, config: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """A configuration of CLEAR: (name, caption) of rows with a picture, (question, answer) of those without."""
    import datasets

    faces, texts = [], []
    for row in datasets.load_dataset(str(folder / config), split="train"):
        if row["image"] is None:
            assert row["question"] and row["answer"]
            texts.append((row["question"], row["answer"]))
            continue
        assert row["name"] and row["caption"]
        if config.endswith("_perturbed"):
            assert "question" not in row
            assert isinstance(row["paraphrased_caption"], str)
            assert {len(row["perturbed_captions"]), len(row["perturbed_names"])} == {3}
            assert row["name"] not in row["perturbed_names"]
        faces.append((row["name"], row["caption"]))
    return faces, texts


def tofu(folder: Path, config: str) -> list[dict[str, Any]]:
    """A configuration of TOFU by its name, split ``train``."""
    import datasets

    rows = list(datasets.load_dataset(str(folder), config, split="train"))
    for row in rows:
        assert isinstance(row["question"], str)
        assert isinstance(row["answer"], str)
        if config.endswith("_perturbed"):
            assert isinstance(row["paraphrased_answer"], str)
            assert len(row["perturbed_answer"]) == 3
    return rows


def llava(folder: Path, name: str) -> list[dict[str, Any]]:
    """LLaVA's conversations: one picture by its path below a folder, one slot for it."""
    rows: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_text())
    for row in rows:
        assert Image.open(folder / row["image"]).size
        assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"]
        assert row["conversations"][0]["value"].count("<image>") == 1
    return rows


def llama_factory(folder: Path, name: str) -> list[dict[str, Any]]:
    """LLaMA-Factory, by its list of data sets: what has other roles, turns or slots than pictures is dropped."""
    entry = json.loads((folder / "dataset_info.json").read_text())[name]
    assert entry["formatting"] == "sharegpt"
    columns, tags, kept = entry["columns"], entry["tags"], []
    for row in json.loads((folder / entry["file_name"]).read_text()):
        turns = row[columns["messages"]]
        roles = [turn[tags["role_tag"]] for turn in turns]
        slots = sum(turn[tags["content_tag"]].count("<image>") for turn in turns)
        pictures = row[columns["images"]]
        assert slots == len(pictures), "it stops there"
        assert all(Image.open(folder / path).size for path in pictures)
        if roles == [tags["user_tag"], tags["assistant_tag"]]:
            kept.append(row)
    return kept


def ms_swift(folder: Path, name: str) -> list[dict[str, Any]]:
    """ms-swift: roles, contents and as many slots as pictures, or the row is deleted."""
    with chdir(folder):
        return [
            row
            for row in json.loads(Path(f"{name}.json").read_text())
            if [turn["role"] for turn in row["messages"]] == ["user", "assistant"]
            and all(turn["content"] for turn in row["messages"])
            and row["messages"][0]["content"].count("<image>") == len(row["images"])
            and all(Path(path).is_file() for path in row["images"])
        ]


def trl(folder: Path, name: str) -> list[dict[str, Any]]:
    """TRL: decoded pictures in a list, and no slot in any text."""
    import datasets

    rows = list(datasets.load_dataset(str(folder), name, split="train"))
    for row in rows:
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert not any("<image>" in message["content"] for message in row["messages"])
        assert all(image.convert("RGB").size for image in row["images"])
    return rows
