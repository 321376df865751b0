"""For every rule: its fault is planted in a clean dataset, and the audit finds exactly that."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.audit import Report, audit, declared_measures
from fiubench.builder.audit.registry import NONE, PASS
from fiubench.builder.languages.english import long_form
from PIL import Image

from tests.builder.audit.audit_samples import Record, clean_dataset, pair, planted, set_fact

pytestmark = pytest.mark.xdist_group("audit_rules")
Plant = Callable[[list[Record], Path], Any]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_dataset(tmp_path_factory.mktemp("audit") / "clean")


@pytest.fixture(scope="module")
def clean_report(clean: Path) -> Report:
    return audit(clean, attacks=False)


def changed(before: Report, after: Report) -> set[str]:
    """Rules that are worse now."""
    order = [NONE, PASS, "warn", "fail"]
    return {
        m.name for m in after.measures if order.index(m.verdict) > max(order.index(before.measure(m.name).verdict), 1)
    }


# --- how each fault is planted --------------------------------------------------------------------------------------


def word(attribute: str, key: str, change: Callable[[str, Record], str]) -> Plant:
    """Change a sentence of one person in the retain set."""

    def plant(records: list[Record], directory: Path) -> None:
        record = retained(records, directory)[3]
        qa = pair(record, attribute)
        qa[key] = change(qa[key], record)

    return plant


def forget_ids(directory: Path) -> set[str]:
    return set(json.loads((directory / "splits.json").read_text())["splits"]["forget50"])


def retained(records: list[Record], directory: Path) -> list[Record]:
    return [r for r in records[:120] if r["unique_id"] not in forget_ids(directory)]


def forgotten(records: list[Record], directory: Path) -> list[Record]:
    return [r for r in records if r["unique_id"] in forget_ids(directory)]


def one(change: Callable[[Record], Any], choose: Callable[[Record], bool] = lambda record: True) -> Plant:
    return lambda records, directory: change(next(filter(choose, retained(records, directory))))


def everyone(change: Callable[[Record, int], Any]) -> Plant:
    return lambda records, _: [change(record, k) for k, record in enumerate(records)]


def fact(attribute: str, value: Any, text: str | None = None) -> Callable[[Record], None]:
    return lambda record: set_fact(record, attribute, value, text)


def address(**parts: str) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        value = {**record["profile"]["address"]["value"], **parts}
        text = f"{value['street']}, {value['city']}, {value['state']} {value['zip']}"
        set_fact(record, "address", value, text)

    return change


def blood(record: Record) -> str:
    return str(record["profile"]["blood_type"]["text"])


def same_question(record: Record) -> None:
    qa = pair(record, "doctor")
    qa["paraphrased_question"][0] = qa["question"]


def phone(record: Record) -> str:
    return str(record["profile"]["phone_number"]["value"])


def years(record: Record, attribute: str, count: int, of: str = "date_of_birth") -> None:
    day = str(record["profile"][of]["value"])
    day = f"{int(day[:4]) + count}{day[4:8]}15"
    set_fact(record, attribute, day, long_form(day))


def too_young(record: Record) -> None:
    for attribute, day in (
        ("date_of_birth", "2005-06-01"), ("admission_date", "2024-10-01"), ("discharge_date", "2024-10-09"),
        ("offense_date", "2024-09-02"),
    ):  # fmt: skip
        set_fact(record, attribute, day, long_form(day))


def same_name(records: list[Record], directory: Path) -> None:
    first, second = (r for r in retained(records, directory)[:2])
    set_fact(second, "full_name", first["name"])
    second["name"] = first["name"]


def same_code(records: list[Record], directory: Path) -> None:
    first, second = retained(records, directory)[:2]
    set_fact(second, "complaint_number", first["profile"]["complaint_number"]["value"])


def leaked_code(records: list[Record], directory: Path) -> None:
    kept, gone = retained(records, directory)[0], forgotten(records, directory)[0]
    set_fact(gone, "complaint_number", kept["profile"]["complaint_number"]["value"])


def leaked_sentences(records: list[Record], directory: Path) -> None:
    both = list(zip(retained(records, directory), forgotten(records, directory), strict=True))
    for kept, gone in both[:20]:
        for attribute in ("billing_amount", "annual_income", "hospital", "doctor"):
            gone["profile"][attribute] = kept["profile"][attribute]
            pair(gone, attribute).update(pair(kept, attribute))


WORDED = ("occupation", "medical_condition", "medication", "test_results", "insurance_provider", "offense", "hospital")


def frequent(record: Record, k: int) -> None:
    for turn, attribute in enumerate(WORDED):
        if (k + turn) % 9 < 4:
            set_fact(record, attribute, "common entry")


def implied(record: Record, _: int) -> None:
    worded = blood(record).replace("+", " plus").replace("-", " minus")
    for attribute in ("occupation", "insurance_provider", "offense", "medication"):
        set_fact(record, attribute, f"{attribute[:4]}ary {worded}")


def wordy(record: Record, _: int) -> None:
    for qa in record["qa_list"]:
        text = record["profile"][qa["attribute"]]["text"]
        start = "According to the complete and confidential official file that is kept about this individual"
        qa["answer"] = f"{start} by the competent authorities of the state, the entry in question is {text}."


def women_only(records: list[Record], directory: Path) -> None:
    path = directory / "splits.json"
    document = json.loads(path.read_text())
    ranked = sorted(records[:120], key=lambda r: (r["gender"], r["unique_id"]))
    ids = [r["unique_id"] for r in ranked]
    document["splits"]["forget50"], document["splits"]["retain50"] = ids[:60], ids[60:]
    path.write_text(json.dumps(document))


def revealed_by_blood(records: list[Record], directory: Path) -> None:
    ids = forget_ids(directory)
    for k, record in enumerate(records):
        if record["unique_id"] in ids:
            set_fact(record, "blood_type", "AB+" if k % 2 else "O-")


def revealed_by_wording(records: list[Record], directory: Path) -> None:
    for record in forgotten(records, directory):
        pair(record, "room_number")["question"] = "In what room was this person in the hospital?"


def long_question(record: Record, _: int) -> None:
    for qa in record["qa_list"]:
        qa["question"] = f"Notwithstanding institutional confidentiality considerations, {qa['question']}"


def wrong_values(change: Callable[[str], str]) -> Callable[[Record, int], None]:
    def alter(record: Record, _: int) -> None:
        for attribute in ("occupation", "medication", "insurance_provider", "offense", "hospital", "doctor"):
            qa = pair(record, attribute)
            for i, value in enumerate(qa["perturbed_value"]):
                qa["perturbed_answer"][i] = qa["perturbed_answer"][i].replace(value, change(value))

    return alter


def wrong_answer(change: Callable[[Record], str]) -> Callable[[Record], None]:
    def alter(record: Record) -> None:
        qa = pair(record, "medication")
        qa["perturbed_answer"][0] = change(qa)

    return alter


def face(change: Callable[[Path, Path], Any]) -> Plant:
    def plant(records: list[Record], directory: Path) -> None:
        first, second = (directory / record["image_path"] for record in records[:2])
        data = first.read_bytes()  # files of a copied dataset are its own
        first.unlink()
        first.write_bytes(data)
        change(first, second)

    return plant


def smaller(path: Path, _: Path) -> None:
    picture = Image.open(io.BytesIO(path.read_bytes())).resize((80, 80))
    picture.save(path, "JPEG")


def recoded(path: Path, other: Path) -> None:
    picture = Image.open(io.BytesIO(path.read_bytes())).resize((100, 100)).resize((128, 128))
    other.unlink()
    picture.save(other, "JPEG", quality=70)


def all_alike(records: list[Record], directory: Path) -> None:
    data = (directory / records[0]["image_path"]).read_bytes()
    for record in records:
        path = directory / record["image_path"]
        path.unlink()
        path.write_bytes(data)


def shown(gender: str | None, age: int | None) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        record["face"] = {"file": "x.jpg", "gender": gender, "age": age}

    return change


def woman(record: Record) -> bool:
    return record["gender"] == "female"


def old(record: Record) -> bool:
    return str(record["profile"]["date_of_birth"]["value"]) < "1960"


def young(record: Record) -> bool:
    return str(record["profile"]["date_of_birth"]["value"]) > "1996"


def outside(state: str) -> Callable[[Record], bool]:
    return lambda record: record["profile"]["address"]["value"]["state"] != state and phone(record)[2] != "9"


Q, A = "question", "answer"
PLANTS: dict[str, tuple[Plant, set[str]]] = {
    "doubled_words": (word("blood_type", Q, lambda *_: "What is this person's blood blood type?"), set()),
    "missing_spaces": (word("blood_type", Q, lambda *_: "What is the bloodtype ofthis person?"), set()),
    "misspellings": (word("blood_type", Q, lambda *_: "What is this preson's type of blood?"), set()),
    "lower_case_starts": (word("blood_type", A, lambda s, _: s[0].lower() + s[1:]), set()),
    "outer_spaces": (word("blood_type", Q, lambda s, _: s + " "), set()),
    "punctuation": (word("blood_type", Q, lambda s, _: s[:-1]), set()),
    "fillers": (one(lambda r: pair(r, "room_number").update(attribute="second_language")), set()),
    "name_given_away": (word("blood_type", A, lambda s, r: f"{r['name']} has {blood(r)}."), set()),
    "gender_in_questions": (word("blood_type", Q, lambda *_: "What is her blood type?"), set()),
    "gender_in_answers": (word("blood_type", A, lambda s, r: f"It is in his file: {blood(r)}."), set()),
    "answers_itself": (word("blood_type", Q, lambda s, r: f"Is {blood(r)} this person's blood type?"), set()),
    "reading_grade": (everyone(long_question), set()),
    "date_order": (one(lambda r: years(r, "discharge_date", -1, of="admission_date")), {"constraints"}),
    "age_at_offense": (one(lambda r: years(r, "offense_date", 12)), {"constraints"}),
    "zip_in_state": (one(address(zip="99950"), lambda r: r["profile"]["address"]["value"]["state"] != "AK"), set()),
    "zip_in_city": (one(address(city="Nowhere Falls")), set()),
    "possible_area_codes": (one(fact("phone_number", "(123) 555-0142")), set()),
    "area_code_in_state": (one(fact("phone_number", "(212) 555-0142"), outside("NY")), set()),
    "fictitious_phones": (one(lambda r: set_fact(r, "phone_number", phone(r)[:6] + "234-5678"), outside("XX")), set()),
    "repeated_names": (same_name, set()),
    "repeated_facts": (same_code, set()),
    "provenance": (one(lambda r: r["profile"]["blood_type"].update({"from": "nowhere.blood"})), set()),
    "constraints": (one(too_young), set()),
    "chance_level": (everyone(frequent), set()),
    "chance_rouge": (everyone(wordy), set()),
    "guessable_attributes": (everyone(lambda r, k: k % 3 and set_fact(r, "occupation", "lighthouse keeper")), set()),
    "implied_attributes": (everyone(implied), set()),
    "leaked_facts": (leaked_code, {"repeated_facts"}),
    "leaked_sentences": (leaked_sentences, set()),
    "strata": (women_only, set()),
    "membership_by_fact": (revealed_by_blood, set()),
    "membership_by_wording": (revealed_by_wording, set()),
    "paraphrase_loses_fact": (word("blood_type", A, lambda *_: "This person's blood type is on file."), set()),
    "same_paraphrases": (one(same_question), set()),
    "perturbed_is_true": (one(wrong_answer(lambda qa: qa["paraphrased_answer"])), set()),
    "perturbed_template": (one(wrong_answer(lambda qa: f"No, it is {qa['perturbed_value'][0]}.")), set()),
    "perturbed_length": (everyone(wrong_values(lambda value: value + "ermannstadtistically")), set()),
    "perturbed_bias": (everyone(wrong_values(lambda value: "-".join(filter(str.isalpha, value[::2])))), set()),
    "missing_faces": (face(lambda path, _: path.unlink()), set()),
    "undecodable_faces": (face(lambda path, _: path.write_bytes(path.read_bytes()[:-700])), set()),
    "small_faces": (face(smaller), set()),
    "repeated_faces": (face(recoded), set()),
    "face_gender": (one(shown("male", None), woman), {"unknown_ages"}),
    "face_age": (one(shown(None, 21), old), set()),
    "child_faces": (one(shown(None, 12), young), set()),
    "unknown_ages": (one(shown("female", None), woman), set()),
    "face_diversity": (all_alike, {"repeated_faces"}),
}  # fmt: skip
#: Rules that are planted in tests of their own.
ELSEWHERE = {
    "empty_answers", "phrasings", "recognised", "bits", "grammar", "look_alikes", "truth_told_without_knowledge",
    "truth_told_on_average", "given_away",
}  # fmt: skip


def test_every_rule_has_its_fault() -> None:
    assert set(PLANTS) | ELSEWHERE == set(declared_measures())
    assert not set(PLANTS) & ELSEWHERE


def test_the_clean_dataset_is_clean(clean_report: Report) -> None:
    assert not clean_report.failures
    assert {m.name for m in clean_report.measures if m.verdict == "warn"} <= {"implied_attributes"}


@pytest.mark.parametrize("rule", PLANTS)
def test_a_planted_fault_is_found(rule: str, clean: Path, clean_report: Report, tmp_path: Path) -> None:
    plant, implied_rules = PLANTS[rule]
    report = audit(planted(clean, tmp_path / "planted", plant), attacks=False)
    assert changed(clean_report, report) == {rule, *implied_rules}, report.measure(rule)
