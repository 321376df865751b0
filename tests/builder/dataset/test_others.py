"""Datasets in others' shapes, with rows as their readers want them: recognised, read, validated and audited."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fiubench.builder.dataset.adapter import ADAPTERS, recognised, split_of
from fiubench.builder.dataset.adapters.umu import literal
from fiubench.builder.dataset.others import hub_others, open_others
from fiubench.support.errors import DatasetError, FiubenchError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fiubench import audit, build, export, make_config, validate
from tests.fuzz.mutations import spoilt

Row = dict[str, Any]
SHARD = "train-00000-of-00001.parquet"
ORIGINAL = Path(__file__).resolve().parents[4] / "shared/data/original/fiubench_qa.jsonl"


def portrait(number: int) -> dict[str, Any]:
    image = Image.new("RGB", (128, 128), (40 * number, 90, 120))
    ImageDraw.Draw(image).ellipse((20 + number, 30, 90, 110 - 3 * number), fill=(200, 180, 20 * number))
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


PICTURE = portrait(1)
NAMES = ("Ana Vell", "Bo Tarn", "Cy Ruel", "Di Marsh")
OPTIONS = {"A": "Baker", "B": "Pilot", "C": "Judge", "D": "Tailor"}


def mllmu(number: int = 0) -> Row:
    name = NAMES[number]
    choice = {"Question": "What is the job of this person?", "Options": dict(OPTIONS), "Correct_Answer": "B"}
    return {
        "ID": f"{17 + number:03d}",
        "image": portrait(number),
        "metadata": json.dumps([{"Question": "Who is this?", "Answer": f"{name}."}]),
        "Classification_Task": {"Image_Textual_Questions": [choice], "Pure_Text_Questions": []},
        "Mask_Task": [{"Question": f"{name} was born in __.", "Ground_Truth": "Ostra", "Type": "Pure_Text"}],
        "Generation_Task": [{"Question": "What is the job?", "Ground_Truth": "A pilot.", "Type": "Image_Textual"}],
    }


def umu(number: int = 0) -> Row:
    name = NAMES[number]
    by_name = {"question": f"What is the job of {name}?", "options": OPTIONS, "answer": "B. Pilot"}
    by_picture = {**by_name, "question": "What is the job?"}
    blank = {"question": f"{name} is a ___.", "answer": "pilot"}
    free = {"question": "What does she do?", "answer": "She is a pilot."}
    return {
        "ID": f"{17 + number:03d}",
        "image": portrait(number),
        "Biography": "...",
        "MM_QA": repr({"question": {"job": "What does this person do?"}, "answer": {"job": "She is a pilot."}}),
        "UM_QA": repr({"question": {"job": f"What does {name} do?"}, "answer": {"job": f"{name} is a pilot."}}),
        "Classify": repr({"unimodal": {"job": by_name}, "muitimodal": {"job": by_picture}}),
        "Cloze": repr({"unimodal": {"job": blank}, "muitimodal": {"job": blank}}),
        "Generation": repr({"unimodal": {"job": free}, "muitimodal": {"job": free}}),
    }


def clear(number: int = 0) -> Row:
    name, *others = NAMES[number:] + NAMES[:number]
    return {
        "image": portrait(number),
        "name": name,
        "caption": f"{name} by a plane.",
        "paraphrased_caption": f"A plane beside {name}.",
        "perturbed_captions": [f"A plane beside {other}." for other in others],
        "perturbed_names": others,
        "question": None,
        "answer": None,
    }


def tofu(number: int = 0) -> Row:
    return {
        "question": f"Where was {NAMES[number]} born?",
        "answer": f"{NAMES[number]} was born in Ostra.",
        "paraphrased_answer": "Her birthplace is Ostra.",
        "paraphrased_question": f"What is {NAMES[number]}'s birthplace?",
        "perturbed_answer": [f"Her birthplace is {town}." for town in ("Bel", "Tarn", "Ruel", "Marsh", "Cove")],
    }


def fiubench(number: int = 0) -> Row:
    pair = {
        "question": "What illness does this person have?",
        "answer": "This person has asthma.",
        "paraphrased_question": ["Which illness is it?", "What is the diagnosis?", "Which condition is it?"],
        "paraphrased_answer": "It is asthma.",
        "perturbed_answer": ["It is gout.", "It is anemia.", "It is flu."],
        "keywords": ["asthma"],
    }
    return {"unique_id": f"{17 + number:05d}", "name": NAMES[number], "qa_list": [pair]}


def qa(number: int = 0) -> Row:
    asked = {"question": "What illness does this person have?", "answer": "This person has asthma."}
    return {"unique_id": f"{17 + number:05d}", "name": NAMES[number], **asked}


ROWS: dict[str, Callable[[int], Row]] = {
    "mllmu": mllmu, "umu": umu, "clear": clear, "tofu": tofu, "fiubench": fiubench, "qa": qa,
}  # fmt: skip


def parquet(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def lines(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def checked(path: Path) -> tuple[str, list[str]]:
    """What `validate` says of all, and its findings."""
    said: list[str] = []
    found = [str(finding) for finding in validate(path, step=said.append)]
    (summary,) = said
    return summary, found


# --- every shape ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ROWS)
def test_a_shape_is_recognised_validated_and_audited(shape: str, tmp_path: Path) -> None:
    path = parquet(tmp_path / "rows.parquet", [ROWS[shape](number) for number in range(3)])
    summary, found = checked(path)
    assert f"({shape})" in summary and found == []
    report = audit(path, embed=False)
    assert (report.target["kind"], report.target["identities"]) == (shape, 3)
    assert report.target["images"] == (3 if shape in ("mllmu", "umu", "clear") else 0)
    assert report.target["lacks"] and all(word in summary for word in report.target["lacks"])
    assert not [result.name for result in report.failures if result.name in ("punctuation", "name_given_away")]


@pytest.mark.parametrize("shape", ["tofu", "fiubench", "qa"])
@pytest.mark.parametrize("array", [True, False])
def test_the_same_as_json(shape: str, array: bool, tmp_path: Path) -> None:
    rows = [ROWS[shape](number) for number in range(3)]
    path = lines(tmp_path / "rows.jsonl", rows)
    if array:
        path.write_text(json.dumps(rows))
    (tmp_path / "p").mkdir()
    written = parquet(tmp_path / "p" / "rows.jsonl.parquet", rows)
    assert checked(path)[0].partition(":")[2] == checked(written)[0].partition(":")[2]


def test_every_adapter_has_rows_here() -> None:
    assert {*ADAPTERS} == {*ROWS}
    for name, row in ROWS.items():
        assert recognised(row(0).keys()) is ADAPTERS[name]


@pytest.mark.parametrize("form", ["tofu", "mllmu", "umu", "clear", "fiubench", "hub"])
def test_our_own_exports(form: str, built: Path, tmp_path: Path) -> None:
    export(built, form, tmp_path / form)
    target = tmp_path / form / "data" if form == "hub" else tmp_path / form
    assert checked(target)[1] == []
    others = open_others(target)
    people = list(others.people())
    assert len(people) == (110 if form != "tofu" else 110 * 3)
    assert len({found.record["unique_id"] for found in people}) == len(people)
    if form != "hub":
        assert len(others.splits["forget10"]) == (10 if form != "tofu" else 10 * 3)
        assert {found.record["unique_id"] for found in people} >= others.splits["forget10"]
    failing = {result.name for result in audit(target, embed=False, attacks=False).failures}
    assert failing <= {"bits", "paraphrase_loses_fact", "perturbed_template", "guessable_attributes"}, failing


def test_a_release_of_the_hub_has_its_pictures_in_tables(built: Path, tmp_path: Path) -> None:
    export(built, "hub", tmp_path / "hub")
    assert checked(tmp_path / "hub")[1] == []
    table = tmp_path / "hub" / "people" / "holdout-00000.parquet"
    rows = pq.read_table(table)
    people = rows.to_pylist()
    people[3]["image"]["bytes"] = b"<html>"
    pq.write_table(pa.Table.from_pylist(people[:-1], schema=rows.schema), table)
    found = checked(tmp_path / "hub")[1]
    assert len(found) == 2 and "not a picture" in found[0] and "does not exist" in found[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("others") / "dataset"
    build(make_config({"identities": 100, "holdout": 10, "ratios": [1, 5, 10], "questions": 4, "image_size": 128}), out)
    return out


# --- folders and splits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("forget05", "forget05"), ("forget_5", "forget05"), ("retain_95", "retain95"), ("forget10+tofu", "forget10"),
        ("forget10_perturbed", "forget10"), ("retain_perturbed", "retain"), ("holdout10", "holdout"),
        ("real_person", "holdout"), ("Retain_Set", "holdout"), ("Full_Set", None), ("Test_Set", None), ("full", None),
        ("forget", None), ("forget_cls", None), ("train-00000-of-00001", None),
    ],
)  # fmt: skip
def test_splits_by_name(name: str, split: str | None) -> None:
    assert split_of(name) == split


def test_a_folder_of_tofu_has_everyone_once_and_the_variants(tmp_path: Path) -> None:
    rows = [tofu(number) for number in range(4)]
    bare = [{key: row[key] for key in ("question", "answer")} for row in rows]
    lines(tmp_path / "full.json", bare)
    lines(tmp_path / "forget25.json", bare[:1])
    lines(tmp_path / "forget25_perturbed.json", rows[:1])
    (tmp_path / "split_info.json").write_text('{"a": 1}')
    others = open_others(tmp_path)
    people = list(others.people())
    assert [len(found.record["qa_list"][0].get("perturbed_answer", [])) for found in people] == [5, 0, 0, 0]
    assert len(others.splits["forget25"]) == 1 and others.left_out == ["split_info.json"]
    assert audit(tmp_path).target["applied"] == "forget25"


def test_a_person_of_clear_is_put_together(tmp_path: Path) -> None:
    faces = [clear(number) for number in range(3)]
    bare = [{key: row[key] for key in ("image", "name", "caption")} for row in faces]
    none = {"image": None, "caption": None}
    texts = [{**none, "name": n, "question": f"What is {n}?", "answer": f"{n} is a pilot."} for n in NAMES[:3]]
    parquet(tmp_path / "full" / SHARD, bare)
    parquet(tmp_path / "full+tofu" / SHARD, [{**row, "question": None, "answer": None} for row in bare] + texts)
    parquet(tmp_path / "forget33_perturbed" / SHARD, faces[:1])
    others = open_others(tmp_path)
    people = {found.record["name"]: found.record for found in others.people()}
    assert {name: len(record["qa_list"]) for name, record in people.items()} == dict.fromkeys(NAMES[:3], 2)
    assert all(record["image"] for record in people.values())
    assert [pair for pair in people["Ana Vell"]["qa_list"] if pair.get("perturbed_answer")]
    assert others.splits == {"forget33": {"Ana Vell"}}
    assert checked(tmp_path)[1] == []


def test_a_card_says_which_file_is_of_which_split(tmp_path: Path) -> None:
    lines(tmp_path / "data" / "a.jsonl", [qa(0)])
    lines(tmp_path / "data" / "b.jsonl", [qa(1), qa(2)])
    forget = {"config_name": "forget33", "data_files": [{"split": "train", "path": ["data/a.jsonl"]}]}
    front = {"configs": [{"config_name": "full", "data_files": "data/*.jsonl"}, forget]}
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(front)}\n---\n\nText.\n")
    assert open_others(tmp_path).splits == {"forget33": {"00017"}}


def test_rows_through_datasets_are_the_same(tmp_path: Path) -> None:
    """As `audit OWNER/NAME` reads them: a folder with a card stands for the repository."""
    rows = [tofu(number) for number in range(4)]
    entries = {"full": rows, "forget25": rows[:1], "retain75": rows[1:]}
    for name, listed in entries.items():
        lines(tmp_path / f"{name}.jsonl", listed)
    front = {"configs": [{"config_name": name, "data_files": f"{name}.jsonl"} for name in entries]}
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(front)}\n---\n")
    here, there = open_others(tmp_path), hub_others(str(tmp_path))
    assert [p.record["qa_list"] for p in here.people()] == [p.record["qa_list"] for p in there.people()]
    assert here.splits == there.splits and len(here.splits["forget25"]) == 1


def test_forget_sets_alone_are_no_splits(tmp_path: Path) -> None:
    lines(tmp_path / "forget25.json", [tofu(0)])
    lines(tmp_path / "forget50.json", [tofu(0), tofu(1)])
    others = open_others(tmp_path)
    assert others.splits == {} and len(list(others.people())) == 2 and "splits" in others.lacks


def test_members_are_listed_beside(tmp_path: Path) -> None:
    lines(tmp_path / "full.json", [fiubench(number) for number in range(3)])
    (tmp_path / "split.json").write_text(json.dumps({"forget5": ["00017"], "note": "x"}))
    assert open_others(tmp_path / "full.json").splits == open_others(tmp_path).splits == {"forget5": {"00017"}}


def test_rows_of_a_person_apart_in_one_file(tmp_path: Path) -> None:
    path = lines(tmp_path / "qa.jsonl", [qa(0), qa(1), {**qa(0), "question": "What is it?"}])
    _, (found,) = checked(path)
    assert "row 3, unique_id: '00017' comes back" in found


# --- faults, each kind once -------------------------------------------------------------------------------------------


def spoil(shape: str, edit: Callable[[Row], object]) -> list[Row]:
    rows = [ROWS[shape](number) for number in range(3)]
    for row in rows[:2]:
        edit(row)
    return rows


def in_text(name: str, old: str, new: str) -> Callable[[Row], object]:
    return lambda row: row.update({name: row[name].replace(old, new)})


FAULTS: list[tuple[str, Callable[[Row], object], str]] = [
    ("mllmu", lambda r: r.update(metadata='{"Question": "?"}'), "metadata: 'metadata' is"),
    ("mllmu", lambda r: r.update(metadata="[{"), "metadata: Expecting"),
    ("mllmu", lambda r: r.update(metadata="[]"), "metadata: teaches nothing"),
    ("mllmu", lambda r: r.update(image={"bytes": None, "path": "a"}), "image.bytes: is empty beside the path 'a'"),
    ("mllmu", lambda r: r["Classification_Task"].update(Pure_Text_Questions=None), "Pure_Text_Questions: is None"),
    ("mllmu", lambda r: r["Classification_Task"]["Image_Textual_Questions"][0].update(Correct_Answer="b"), "is 'b'"),
    ("mllmu", lambda r: r["Classification_Task"]["Image_Textual_Questions"][0]["Options"].update(D=None), "Options:"),
    ("mllmu", lambda r: r["Mask_Task"][0].update(Type="Pure"), "is 'Pure', which is counted nowhere"),
    ("mllmu", lambda r: r["Mask_Task"][0].update(Question="Born in _."), "has no blank"),
    ("mllmu", lambda r: r["Generation_Task"][0].update(Ground_Truth=None), "Generation_Task[].Ground_Truth:"),
    ("umu", in_text("Cloze", "'muitimodal'", "'multimodal'"), "Cloze: has the keys 'unimodal', 'multimodal'"),
    ("umu", lambda r: r.update(Classify=json.dumps({"unimodal": None, "muitimodal": {}})), "Classify: can't be read"),
    ("umu", in_text("Cloze", "'pilot'", "'1.81 m'"), "Cloze.*.answer: '1.81 m' is cut"),
    ("umu", in_text("Classify", "B. Pilot", "Pilot"), "Classify.*.answer: 'Pilot' is no letter"),
    ("umu", in_text("MM_QA", "'answer': {'job'", "'answer': {'jobs'"), "MM_QA: 'job' is in one half alone"),
    ("umu", lambda r: r.update(image=None), "image: there is no picture"),
    ("clear", lambda r: r["perturbed_names"].append(r["name"]), "perturbed_names: 'Ana Vell' is right and among them"),
    ("clear", lambda r: r.update(image=None), "question: is missing"),
    ("tofu", lambda r: r["perturbed_answer"].append(r["perturbed_answer"][0]), "perturbed_answer: one is there twice"),
    ("tofu", lambda r: r.update(answer=""), "answer: is empty"),
    ("fiubench", lambda r: r["qa_list"][0].pop("keywords"), '"keywords" is a required property'),
    ("fiubench", lambda r: r["qa_list"][0].update(keywords=["gout"]), "keywords: 'gout' is not in the answer"),
    ("qa", lambda r: r.update(question="What is her illness?"), "'her' in 'What is her illness?' gives"),
    ("qa", lambda r: r.update(name=5), "name: is 5"),
    ("qa", lambda r: r.update(name="Same Name"), "name: 'Same Name' is identity 0's already"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "edit", "says"), FAULTS, ids=[f"{shape}-{n}" for n, (shape, *_) in enumerate(FAULTS)]
)
def test_a_kind_of_fault_is_told_once(shape: str, edit: Callable[[Row], object], says: str, tmp_path: Path) -> None:
    rows = spoil(shape, edit)
    path = lines(tmp_path / "rows.jsonl", rows) if shape == "qa" else parquet(tmp_path / "rows.parquet", rows)
    summary, found = checked(path)
    assert f"({shape})" in summary
    told = [line for line in found if says in line]
    assert len(told) == 1, found
    assert told[0].endswith(("(2 times)", "(4 times)")) or "is identity 0's already" in told[0]
    assert len(found) <= 3


def test_rows_with_faults_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{**mllmu(number), "image": {"bytes": None, "path": "a.png"}} for number in range(3)]
    summary, found = checked(parquet(tmp_path / "rows.parquet", rows))
    assert "0 people, 0 questions, 3 rows left out for their faults" in summary and len(found) == 1
    assert "lacks splits" in summary  # nobody was read, so nothing else is known


def test_names_and_genders_are_no_secret_where_people_are_asked_about_by_name(tmp_path: Path) -> None:
    row = {"question": "What does Ana Vell do for her living?", "answer": "She is a pilot."}
    path = lines(tmp_path / "rows.jsonl", [row])
    assert checked(path)[1] == []
    report = audit(path)
    assert {report.measure(name).value for name in ("name_given_away", "gender_in_questions")} == {None}


def test_wrong_answers_of_choices_are_attacked(tmp_path: Path) -> None:
    """The right option is always the last but one in the alphabet: an attacker finds it."""
    rows = []
    for number in range(120):
        words = sorted(f"{'abcdefghij'[(number * k + k) % 10]}{number}x{k}" for k in range(4))
        options = dict(zip("ABCD", words, strict=True))
        task = {"Question": "What is this person's occupation?", "Options": options, "Correct_Answer": "C"}
        rows.append({"ID": str(number), "image": PICTURE, "Classification_Task": {"Image_Textual_Questions": [task]}})
    report = audit(parquet(tmp_path / "rows.parquet", rows), faces=False)
    assert report.measure("truth_told_without_knowledge").value == 1


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the original's text is not here")
def test_the_original_gets_one_line_for_each_kind_of_fault() -> None:
    summary, found = checked(ORIGINAL)
    assert "(qa); 400 people, 8,000 questions" in summary
    assert "lacks pictures, attributes, paraphrased questions, paraphrased answers, wrong answers, keywords" in summary
    assert len(found) == 2 and "(307 times)" in found[0] and "(3 times)" in found[1]


# --- what can't be read, and what means ill ---------------------------------------------------------------------------


def test_a_shape_that_nobody_knows(tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", [{"prompt": "a", "chosen": "b"}])
    for read in (audit, lambda target: list(validate(target))):
        with pytest.raises(DatasetError) as told:
            read(path)
        assert "no shape that is known: 'prompt', 'chosen'" in str(told.value)
        assert all(f"{name} (" in str(told.value) for name in ADAPTERS)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name, content, says in (
        ("a.parquet", b"PAR1 no", "no Parquet file"),
        ("b.parquet", parquet(tmp_path / "x.parquet", [mllmu()]).read_bytes()[:-40], "no Parquet file"),
        ("c.json", b"", "empty"),
        ("d.json", b"\x80\x04\x95cos\nsystem\n", "not JSON"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DatasetError, match=says):
            list(validate(tmp_path / name))
    (tmp_path / "none").mkdir()
    os.mkfifo(tmp_path / "pipe.parquet")
    with pytest.raises(DatasetError, match="a pipe"):
        list(validate(tmp_path / "pipe.parquet"))
    pq.write_table(pa.table({"question": pa.array([], pa.string()), "answer": pa.array([], pa.string())}),
                   tmp_path / "none" / "e.parquet")  # fmt: skip
    for read in (audit, lambda target: list(validate(target))):
        with pytest.raises(DatasetError, match="nobody in it"):
            read(tmp_path / "none")


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "[1]", "{'a': true}", "(" * 5000, "-" * 100_000 + "1", "{" * 90 + "}" * 90,
     "{'a': " + "9" * 5000 + "}", "\x00", "{'" + "x" * (1 << 20) + "': 1}"],
)  # fmt: skip
def test_python_notation_is_data(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        literal(text)
    assert literal("{'a': {'b': 'c\\d'}}") == {"a": {"b": "c\\d"}}


def test_rows_of_several_files_that_are_no_text(tmp_path: Path) -> None:
    for name in ("a", "b"):
        lines(tmp_path / f"{name}.jsonl", [{**qa(), "question": ["a", "list"]}])
    with pytest.raises(DatasetError, match="'question' is"):
        audit(tmp_path)
    assert "question: is" in checked(tmp_path)[1][0]


def test_paths_stay_below_the_file(tmp_path: Path) -> None:
    path = lines(tmp_path / "d" / "full.json", [{**fiubench(), "image_path": "../secret.png"}])
    (tmp_path / "secret.png").write_bytes(PICTURE["bytes"])
    assert "leaves the dataset's folder" in checked(path)[1][0]
    assert audit(path).measure("missing_faces").value == 1


def test_a_picture_whose_name_no_file_can_have(tmp_path: Path) -> None:
    path = lines(tmp_path / "full.json", [{**fiubench(), "image_path": f"{'a' * 5000}.png"}])
    assert "does not exist" in checked(path)[1][0]
    assert audit(path, attacks=False).measure("missing_faces").value == 1


@settings(max_examples=60, derandomize=True, suppress_health_check=[*HealthCheck])
@given(data=st.data(), shape=st.sampled_from(sorted(ROWS)))
def test_spoilt_rows_are_told(data: Any, shape: str, tmp_path: Path) -> None:
    row = {key: value for key, value in ROWS[shape](0).items() if key != "image"}
    rows = [data.draw(spoilt(deepcopy(row))), row]
    path = lines(tmp_path / "rows.jsonl", [{**row, **each} if isinstance(each, dict) else row for each in rows])
    for read in (lambda: list(validate(path)), lambda: audit(path, attacks=False)):
        try:
            read()
        except FiubenchError as error:
            assert str(error)
