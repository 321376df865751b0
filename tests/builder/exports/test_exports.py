"""Every format as its readers open it, and what must hold of each."""

import json
from collections import Counter
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest
from fiubench.builder.exports import FORMATS, export
from fiubench.builder.exports.base import formats_table
from fiubench.builder.exports.formats.cloze import BLANK, cloze
from fiubench.builder.exports.formats.mcq import choices
from fiubench.builder.pipeline.resplit import split
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.splits import plain
from fiubench.support.errors import ConfigError, DatasetError

from fiubench import build, make_config, open_dataset, schemas

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = {"identities": 60, "holdout": 6, "ratios": [5, 10], "image_size": 64}
PLAIN = ("llava", "chat", "trl", "tofu", "mcq", "text-only", "cloze")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config(SETTINGS), out)
    return out


@pytest.fixture(scope="module")
def exported(built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    counts = {name: export(built, name, folder / name) for name in FORMATS}
    return folder, counts


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_table_in_the_docs_is_the_registry():
    built_in = [row for row in formats_table() if row[0] == "format" or not FORMATS.plugin(row[0].strip("`"))]
    rows = [f"| {' | '.join(row)} |" for row in built_in]
    rows.insert(1, "|---" * 4 + "|")
    assert "\n".join(rows) in (ROOT / "docs" / "export.md").read_text()
    for form in FORMATS.values():
        assert isinstance(form.row_schema, dict) or schemas.load(form.row_schema)


@pytest.mark.parametrize("name", PLAIN)
def test_datasets_loads_it(exported, name):
    folder, counts = exported
    suffix = FORMATS[name].suffix
    for config in ("forget05", "full"):
        rows = datasets.load_dataset(str(folder / name), config, split="train", streaming=True)
        assert len(list(rows)) == counts[name][f"{config}.{suffix}"]


@pytest.mark.parametrize("name", ["tofu", "llava", "mllmu"])
def test_several_processes_write_the_same(exported, built, tmp_path, name, monkeypatch):
    monkeypatch.setattr("fiubench.builder.exports.write._LINES", 16)
    seen = []
    export(built, name, tmp_path / name, workers=2, progress=lambda _, done, total: seen.append((done, total)))
    assert seen == [(16, 66), (32, 66), (48, 66), (64, 66), (66, 66)]
    files = {path.relative_to(exported[0]): path for path in (exported[0] / name).rglob("*") if path.is_file()}
    assert files.keys() == {path.relative_to(tmp_path) for path in (tmp_path / name).rglob("*") if path.is_file()}
    assert all((tmp_path / relative).read_bytes() == path.read_bytes() for relative, path in files.items())


def test_an_error_is_told_whoever_makes_the_rows(built, tmp_path):
    split(built, tmp_path / "numbers", attributes=["phone_number"])
    with pytest.raises(ConfigError, match="a row is a whole person, and only phone_number is to be forgotten"):
        export(tmp_path / "numbers", "clear", tmp_path / "out", workers=2)


@pytest.mark.parametrize("name", PLAIN)
def test_splits_are_those_of_the_dataset(exported, built, name):
    folder, counts = exported
    splits = open_dataset(built).splits
    suffix, asked = FORMATS[name].suffix, 19 if name in ("tofu", "text-only") else 20
    for member, ids in splits.items():
        assert counts[name][f"{plain(member)}.{suffix}"] == asked * len(ids), member
    assert counts[name][f"full.{suffix}"] == asked * 60
    assert (folder / name / "images").exists() == (name in ("llava", "chat"))


def test_llava(exported, built):
    folder, _ = exported
    rows = json.loads((folder / "llava" / "forget05.json").read_text())
    assert len({row["id"] for row in rows}) == len(rows) == 60
    for row in rows:
        assert (folder / "llava" / row["image"]).is_file()
        assert [turn["from"] for turn in row["conversations"]] == ["human", "gpt"]
        assert row["conversations"][0]["value"].count("<image>\n") == 1


def test_tofu_speaks_of_names_and_of_no_picture(exported, built):
    folder, _ = exported
    names = {record["name"] for record in open_dataset(built)}
    plain, perturbed = lines(folder / "tofu" / "full.json"), lines(folder / "tofu" / "full_perturbed.json")
    assert [(row["question"], row["answer"]) for row in plain] == [(r["question"], r["answer"]) for r in perturbed]
    for row in perturbed:
        for question in (row["question"], row["paraphrased_question"]):
            assert any(name in question for name in names)
            assert not question.startswith("About ")
            for word in ("photo", "picture", "image", "this person", "individual", "shown here"):
                assert word not in question
        assert len({row["paraphrased_answer"], *row["perturbed_answer"]}) == 4
    retained = lines(folder / "tofu" / "retain_perturbed.json")
    forgotten = {row["question"] for row in lines(folder / "tofu" / "forget10.json")}
    assert retained
    assert not forgotten & {row["question"] for row in retained}


def test_text_only_has_documents(exported, built):
    folder, _ = exported
    documents = lines(folder / "text-only" / "forget10_documents.jsonl")
    assert {row["unique_id"] for row in documents} == set(open_dataset(built).splits["forget10"])
    for row in documents:
        assert row["name"] in row["text"]


def test_choices(exported, built):
    folder, _ = exported
    records = {record["unique_id"]: record for record in open_dataset(built)}
    letters = Counter()
    for row in pq.read_table(folder / "mcq" / "full.parquet").to_pylist():
        record = records[row["unique_id"]]
        pair = next(pair for pair in record["qa_list"] if pair["attribute"] == row["attribute"])
        assert row["options"][row["answer"]] == record["profile"][row["attribute"]]["text"]
        wrong = [text for letter, text in row["options"].items() if letter != row["answer"]]
        for answer in pair["perturbed_answer"]:
            assert any(text in answer for text in wrong), (wrong, answer)
        assert not any(text in pair["answer"].split() for text in wrong)
        letters[row["answer"]] += 1
    assert min(letters.values()) > 0.8 * 1200 / 4


def test_letters_do_not_depend_on_other_questions(built):
    record = next(iter(open_dataset(built)))
    chosen = dict(zip([p["attribute"] for p in record["qa_list"]], choices(record, 0), strict=True))
    fewer = {**record, "qa_list": record["qa_list"][::3]}
    for pair, choice in zip(fewer["qa_list"], choices(fewer, 0), strict=True):
        assert chosen[pair["attribute"]] == choice


def test_cloze(exported, built):
    folder, _ = exported
    records = {record["unique_id"]: record for record in open_dataset(built)}
    for row in pq.read_table(folder / "cloze" / "full.parquet").to_pylist():
        pair = next(p for p in records[row["unique_id"]]["qa_list"] if p["attribute"] == row["attribute"])
        filled = row["cloze"]
        assert filled.count(BLANK) == len(row["answer"])
        for answer in row["answer"]:
            assert answer not in row["cloze"]
            filled = filled.replace(BLANK, answer, 1)
        for article in ("a", "an"):
            if filled.replace("a(n)", article) in (pair["answer"], pair["paraphrased_answer"]):
                break
        else:
            assert filled in (pair["answer"], pair["paraphrased_answer"])


def test_cloze_by_keywords():
    fact = {"text": "May 3, 2020 at noon"}
    pair = {"attribute": "x", "answer": "On May 3 of 2020.", "paraphrased_answer": "-", "keywords": ["May 3", "2020"]}
    assert cloze({"index": 0, "profile": {"x": fact}}, pair) == ("On ____ of ____.", ["May 3", "2020"])
    with pytest.raises(DatasetError, match="no answer holds the fact"):
        cloze({"index": 0, "profile": {"x": fact}}, {**pair, "answer": "Nothing."})


def test_the_layout_of_the_original(exported, built):
    folder, _ = exported
    people = lines(folder / "fiubench" / "dataset" / "full.json")
    assert len(people) == 60
    assert all((folder / "fiubench" / person["image_path"]).is_file() for person in people)
    assert sorted(path.name for path in (folder / "fiubench").rglob("*") if path.suffix != ".jpg") == [
        "README.md", "dataset", "full.json", "holdout.json", "images", "prompt.json", "split.json",
    ]  # fmt: skip


def test_the_layout_of_the_hub(exported):
    folder, counts = exported
    rows = datasets.load_dataset(str(folder / "hub"), "forget05", split="train", streaming=True)
    assert next(iter(rows))["image"].size == (64, 64)
    assert not (folder / "hub" / "fiubench" / "dataset" / "images").exists()
    assert 'Path("dataset/images", person' in (folder / "hub" / "README.md").read_text()
    assert sum(counts["hub"].values()) == 66 * 20 + 66


def test_forgotten_attributes_are_apart_in_every_format(built, tmp_path):
    split(built, tmp_path / "cut", ratios=(10,), attributes=("phone_number",))
    for name in PLAIN:
        counts = export(tmp_path / "cut", name, tmp_path / name)
        assert counts[f"forget10.{FORMATS[name].suffix}"] == 6
    assert not list((tmp_path / "text-only").glob("*_documents*"))
    rows = pq.read_table(tmp_path / "mcq" / "forget10.parquet").to_pylist()
    assert {row["attribute"] for row in rows} == {"phone_number"}


@pytest.mark.parametrize("name", ["mllmu", "umu", "clear"])
def test_a_row_of_a_whole_person_is_not_cut(built, tmp_path, name):
    split(built, tmp_path / "cut", ratios=(10,), attributes=("phone_number",))
    with pytest.raises(ConfigError, match="only phone_number is to be forgotten"):
        export(tmp_path / "cut", name, tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["mllmu", "umu"])
def test_their_programs_name_whole_percents(built, tmp_path, name):
    split(built, tmp_path / "cut", ratios=(2.5,))
    with pytest.raises(ConfigError, match=r"no name for (forget2p5|retain97p5)"):
        export(tmp_path / "cut", name, tmp_path / name)


@pytest.mark.parametrize("name", ["mcq", "cloze"])
def test_closed_questions_have_their_pictures(exported, built, name):
    folder, _ = exported
    rows = datasets.load_dataset(str(folder / name), "forget05", split="train")
    assert {row["image"].size for row in rows} == {(64, 64)}
    stored = rows.cast_column("image", datasets.Image(decode=False))
    assert all((built / "images" / row["image"]["path"]).read_bytes() == row["image"]["bytes"] for row in stored)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What is this person's blood type?", "What is Ann Lee's blood type?"),
        ("Who is the person shown in this photo?", "Who is Ann Lee?"),
        ("What drug was prescribed to the individual shown here?", "What drug was prescribed to Ann Lee?"),
        ("Could you tell me the income of the person pictured?", "Could you tell me the income of Ann Lee?"),
        ("The man in the picture has which dog?", "Ann Lee has which dog?"),
        ("Does the personal file name a dog?", "About Ann Lee: Does the personal file name a dog?"),
        ("Which dog is on file?", "About Ann Lee: Which dog is on file?"),
    ],
)
def test_names_instead_of_pictures(question, named):
    assert named_question(question, "Ann Lee") == named


def test_an_answer_that_speaks_of_nobody_stays():
    assert named_answer("The dog on record is Rex.", "Ann Lee") == "The dog on record is Rex."
    assert named_answer("This person's dog is Rex.", "Ann Lee") == "Ann Lee's dog is Rex."


def test_every_phrasing_of_the_packs_speaks_of_somebody(people):
    for record in people[:20]:
        for pair in record["qa_list"]:
            for question in (pair["question"], *pair["paraphrased_question"]):
                assert not named_question(question, "Ann Lee").startswith("About"), question


def test_what_is_refused(built, tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'llava'"):
        export(built, "lava", tmp_path / "x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(DatasetError, match="not an empty folder"):
        export(built, "tofu", tmp_path / "full")
    build(make_config(SETTINGS | {"faces": "none"}), tmp_path / "text")
    with pytest.raises(ConfigError, match="has no pictures"):
        export(tmp_path / "text", "llava", tmp_path / "x")
    assert export(tmp_path / "text", "mcq", tmp_path / "mcq")["forget05.parquet"] == 60
    assert not (tmp_path / "x").exists()
