"""Checking a pack as a whole: nothing passes there and stops a publication later."""

from pathlib import Path

import pytest
from fiubench.builder.audit import audit
from fiubench.builder.config import make_config
from fiubench.builder.generation.known import values_of_column
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.pipeline.build import build
from fiubench.builder.pipeline.checking import check_packs
from fiubench.builder.rules.validate import validate
from fiubench.support.errors import FiubenchError, PackError

import fiubench

ROOT = Path(__file__).resolve().parents[3]
TOWN = ROOT / "examples" / "town" / "town.yaml"
FAMILY = ROOT / "examples" / "family" / "family.yaml"
SETTINGS = {"faces": "none", "identities": 60, "holdout": 0, "ratios": [50]}


def told(pack, **settings):
    return dict(check_packs(make_config({**SETTINGS, "attributes": [str(pack)], **settings})))


def test_what_is_said_of_each_attribute():
    said = told(TOWN)
    assert said["weight"].endswith("values among 60 people; not asked about")
    assert said["car_number"] == "everyone has another value; wrong answers: drawn alike, for nobody"
    for name, words in {
        "favourite_sport": "other values of the list for the same age_on(date_of_birth, as_of) < 45",
        "height": "other values of the range",
        "allergies": "lists of the same length",
        "blood_pressure": "other parts within their ranges",
        "body_mass_index": "computed from other draws of weight",
    }.items():
        assert words in said[name]


@pytest.mark.slow
def test_a_dataset_with_everything_is_valid_and_tells_nothing(tmp_path):
    """400 people: wrong answers at chance by every attack, and no fault of the text."""
    build(make_config({"faces": "none", "attributes": [str(TOWN)]}), tmp_path / "town")
    assert not list(validate(tmp_path / "town"))
    report = audit(tmp_path / "town", faces=False)
    assert [result for result in report.failures if result.name != "reading_grade"] == []
    rows = {row[0]: row for row in report.tables["guesses"].rows}
    own = {"district", "car", "car_number", "favourite_sport", "height", "body_mass_index", "allergies"}
    assert own | {"blood_pressure", "bank_account"} <= rows.keys()
    assert all(rows[name][-1] == "pass" for name in own)


def test_a_pack_is_looked_at_whatever_its_name(attribute, write_pack):
    entry = attribute(type="enum", choose=["oak", "elm", "ash", "fir"])
    entry["questions"] = ["What is is the thing?", *entry["questions"][1:]]
    with pytest.raises(PackError, match="'is is' twice in a row"):
        told(write_pack(entry, name="built-in-things"))


def test_a_code_that_people_share_stops_a_publication(attribute, write_pack):
    pack = write_pack(
        attribute("a", asked=False, type="integer", generate={"integer": {"min": 1, "max": 7}}),
        attribute("shared", type="code", compute="text(a) + '/' + text(a + 50)"),
    )
    with pytest.raises(PackError, match="Identifiers shared by several people") as error:
        told(pack)
    assert "mine.yaml: shared (line " in error.value.where


def test_a_fault_of_one_persons_record_is_told_with_its_line(attribute, write_pack):
    entry = attribute(type="enum", choose=["record", "tape", "disc", "file"])
    entry["answers"] = ["The thing on record is {value}.", "It is {value}."]
    with pytest.raises(FiubenchError) as error:
        told(write_pack(entry))
    assert "mine.yaml: thing (line " in error.value.where and "identity " in error.value.where


def test_words_of_a_pack_are_known_to_the_audit_of_its_dataset(attribute, write_pack, tmp_path):
    entry = attribute(type="enum", choose=["oak", "elm", "ash", "fir"])
    entry["questions"] = [question.replace("thing", "padel tree") for question in entry["questions"]]
    entry["questions"][0] = "Which padel tree is this person's favourite of all colours?"
    with pytest.raises(PackError, match="'padel'") as error:
        told(write_pack(entry))
    assert "below `words`" in error.value.hint
    for words, count in ((["Padel"], 0), (["other"], 60)):
        pack, out = write_pack(entry, words=words), tmp_path / words[0]
        build(make_config({**SETTINGS, "attributes": [str(pack)]}), out)
        for target in (out, out / "release"):
            report = fiubench.audit(target, faces=False, attacks=False)
            found = next(result for result in report.measures if result.name == "misspellings")
            assert (found.value or 0) == count if target == out or count == 0 else found.value


# --- values that a fact never has


def test_values_of_a_column(tmp_path):
    assert values_of_column("person.gender") == ["female", "male"]
    drugs = values_of_column("health.medication")
    assert "aspirin" in drugs and drugs == sorted(drugs) and len(drugs) > 50
    assert "chess" in values_of_column("clubs.activity", tables=[ROOT / "examples" / "table" / "clubs.yaml"])


@pytest.mark.parametrize(
    ("name", "what", "hint"),
    [
        ("helth.medication", "no source 'helth'", "Did you mean 'health'?"),
        ("health.medicaton", "no column 'medicaton'", "Did you mean 'medication'?"),
        ("health.doctor", "no list of words", "preview"),
        ("health", "no column ''", ""),
    ],
)
def test_columns_that_are_no_list(name, what, hint):
    with pytest.raises(PackError, match=what) as error:
        values_of_column(name)
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("constraint", "hint"),
    [
        ("medication != 'asprin'", "Did you mean 'aspirin'?"),
        ("medication not in ('aspirin', 'asprin')", "Did you mean 'aspirin'?"),
        ("'penicilin' != medication", "'ampicillin'"),
        ("medication not in ('asprin')", "Did you mean 'aspirin'?"),
        ("gender != 'woman' and thing != 'x'", "Known: female, male."),
        ("thing != 'oack'", "Did you mean 'oak'?"),
        ("'latx' not in things", "Did you mean 'latex'?"),
    ],
)
def test_a_value_that_a_fact_never_has(attribute, write_pack, constraint, hint):
    of = {"of": ["latex", "nuts", "eggs", "wool"], "count": 2}
    things = attribute("things", asked=False, type="list", generate={"list": of})
    pack = write_pack(attribute(type="enum", choose=["oak", "elm", "ash", "fir"], constraints=[constraint]), things)
    with pytest.raises(PackError, match="is never") as error:
        told(pack)
    assert hint in error.value.hint and "mine.yaml: thing: constraints (line " in error.value.where


@pytest.mark.parametrize(
    "constraint",
    ["medication != 'aspirin'", "full_name != 'Nobody There'", "'a' in thing or True",
     "text(month(date_of_birth)) != '13'", "lower(gender) != 'FEMALE'", "date_of_birth != '2001-01-01'"],
)  # fmt: skip
def test_values_that_it_may_have_or_that_are_no_list(attribute, write_pack, constraint):
    told(write_pack(attribute(type="enum", choose=["oak", "elm", "ash", "fir"], constraints=[constraint])))


@pytest.mark.slow
def test_people_who_are_tied_are_valid_and_tell_nothing(tmp_path):
    """1,500 people with a family: enough questions about each relation for every attack."""
    settings = {"faces": "none", "identities": 1_500, "holdout": 0, "attributes": [str(FAMILY)]}
    made = build(make_config(settings), tmp_path / "family").directory
    assert not list(validate(made))
    report = audit(made, faces=False)
    assert not report.failures
    attacked = {row[0]: row[1] for row in report.tables["guesses"].rows}
    asked = {a.name: a for a in read_packs([FAMILY]).asked()}
    assert attacked.keys() == asked.keys()
    assert all(attacked[name] > 80 for name, attribute in asked.items() if attribute.tied)
    (mean,) = [each.value for each in report.measures if each.name == "truth_told_on_average"]
    assert abs(mean - 0.25) < 0.015


def test_what_is_said_of_who_is_tied():
    said = told(FAMILY, identities=200)
    assert "three other people of the dataset" in said["spouse"]
    assert "of 200 people have it" in said["spouse"]
