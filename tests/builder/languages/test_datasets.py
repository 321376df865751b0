"""German and Chinese datasets: clean by every rule, the same facts as in English, nothing in another language."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.builder.audit.run import audit
from fiubench.builder.exports.parts import wrong_texts
from fiubench.builder.languages.base import LANGUAGES
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.pipeline.build import records
from fiubench.builder.rules.validate import validate
from fiubench.raw_sources.vocabulary import read_rows
from fiubench.schemas.naming import named_answer, named_question

from fiubench import build, make_config, open_dataset
from tests.cases import first

SETTINGS = {"identities": 300, "holdout": 30, "faces": "none"}
Record = dict[str, Any]


@pytest.fixture(scope="module", params=first(1, ["de", "zh"]))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp(request.param) / "dataset"
    build(make_config({**SETTINGS, "language": request.param}), out)
    return out


@pytest.fixture(scope="module")
def language(built: Path) -> str:
    return str(open_dataset(built).manifest["language"])


@pytest.fixture
def broken(built: Path, tmp_path: Path) -> Callable[[Callable[[Record], object]], list[str]]:
    def edit_one(edit: Callable[[Record], object]) -> list[str]:
        copy = tmp_path / "dataset"
        shutil.copytree(built, copy)
        path = copy / "identities.jsonl"
        lines = path.read_text().splitlines()
        record = json.loads(lines[5])
        edit(record)
        lines[5] = json.dumps(record)
        path.write_text("\n".join(lines) + "\n")
        return [str(finding) for finding in validate(copy, images=False)]

    return edit_one


def pair(record: Record, attribute: str) -> Record:
    return next(qa for qa in record["qa_list"] if qa["attribute"] == attribute)


def test_it_is_clean(built: Path) -> None:
    assert list(validate(built)) == []
    report = audit(built)
    assert report.failures == []
    assert [result.name for result in audit(built / "release", attacks=False).failures] == []


def test_what_says_the_language(built: Path, language: str) -> None:
    dataset = open_dataset(built)
    assert dataset.manifest["config"]["language"] == language
    card = (built / "release" / "README.md").read_text().split("---")[1]
    assert yaml.safe_load(card)["language"] == [language]
    assert json.loads((built / "release" / "croissant.json").read_text())["inLanguage"] == language
    prompts = json.loads((built / "release" / "fiubench" / "dataset" / "prompt.json").read_text())
    assert ("Das weiß ich nicht." in prompts["idk"]) == (language == "de")
    assert ("我不知道。" in prompts["idk"]) == (language == "zh")


def test_the_facts_are_those_of_the_english_dataset(built: Path) -> None:
    english = list(records(make_config(SETTINGS), stop=100))
    for other, record in zip(english, open_dataset(built), strict=False):
        for name, fact in record["profile"].items():
            assert fact["value"] == other["profile"][name]["value"]
            assert fact["from"] == other["profile"][name]["from"]


def test_pronouns_go_with_the_gender(built: Path, language: str) -> None:
    men = {"de": {"er", "Er", "ihn", "ihm"}, "zh": {"他"}}[language]
    seen = set()
    for record in open_dataset(built):
        found = {*LANGUAGES[language].revealing(record["caption"])}
        assert not found or bool(found & men) == (record["gender"] == "male"), record["caption"]
        seen.add((record["gender"], bool(found)))
    assert ("male", True) in seen


def test_every_option_of_a_question_is_worded(built: Path, language: str) -> None:
    attributes = read_packs(language=language).by_name
    for record in list(open_dataset(built))[:40]:
        for qa in record["qa_list"]:
            texts = wrong_texts(qa, record["profile"][qa["attribute"]]["text"])
            assert texts == list(map(attributes[qa["attribute"]].write, qa["perturbed_value"]))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda r: pair(r, "blood_type").update(question="What is the blood type of this person?"), "English"),
        (lambda r: pair(r, "blood_type").update(answer=f"The blood type is {r['profile']['blood_type']['text']}."), ""),
        (lambda r: r.update(caption="This is the person who lives in the house of the doctor."), "caption"),
        (lambda r: r["profile"]["offense_date"].update(text="November 1, 2024"), "profile.offense_date.text"),
        (lambda r: r["profile"]["offense"].update(text="shoplifting"), "profile.offense.text"),
    ],
)  # fmt: skip
def test_mixed_languages_are_violations(broken: Any, language: str, edit: Any, words: str) -> None:
    found = broken(edit)
    name = {"de": "German", "zh": "Chinese"}[language]
    assert any(words in line and (name in line or "reads" in line) for line in found), found


def test_an_english_word_in_a_wrong_answer_is_a_violation(broken: Any) -> None:
    def edit(record: Record) -> None:
        qa = pair(record, "offense")
        wrong = wrong_texts(qa, record["profile"]["offense"]["text"])[0]
        qa["perturbed_answer"][0] = qa["perturbed_answer"][0].replace(wrong, qa["perturbed_value"][0])

    (found,) = broken(edit)
    assert "does not state" in found


@pytest.mark.parametrize("code", ["de", "zh"])
def test_the_reserve_can_be_asked(code: str) -> None:
    for record in records(make_config({**SETTINGS, "language": code, "questions": 25}), stop=60):
        assert len(record["qa_list"]) == 25
        for qa in record["qa_list"][20:]:
            assert LANGUAGES[code].foreign(qa["question"]) is None


@pytest.mark.parametrize("code", ["de", "zh"])
def test_the_public_files_have_a_word_for_every_value(code: str) -> None:
    values = {
        "medical_condition": {"arthritis", "asthma", "cancer", "diabetes", "hypertension", "obesity"},
        "medication": {"Lipitor", "aspirin", "ibuprofen", "paracetamol", "penicillin"},
        "test_results": {"abnormal", "inconclusive", "within normal limits"},
        "offense": {row["offense"] for row in read_rows("nypd_offenses.csv")} - {""},
        "premises": {row["premises"] for row in read_rows("nypd_premises.csv")},
    }
    for name, found in values.items():
        attribute = read_packs(language=code).by_name[name]
        assert found <= attribute.values.keys()
        assert not attribute.genders or set(attribute.values.values()) <= attribute.genders.keys()


@pytest.mark.parametrize("code", ["de", "zh"])
def test_phrasings_are_as_many_as_in_english(code: str) -> None:
    english, other = read_packs().by_name, read_packs(language=code).by_name
    for name, attribute in english.items():
        assert len(other[name].questions) == len(attribute.questions), name
        assert len(other[name].answers) == len(attribute.answers), name
    captions = {pack.language.code: pack.caption for pack in read_packs(language=code).packs}
    assert list(map(len, captions[code])) == list(map(len, captions["en"]))


@pytest.mark.parametrize("code", ["de", "zh"])
def test_every_question_can_be_asked_by_name(code: str) -> None:
    for attribute in read_packs(language=code).by_name.values():
        for question in attribute.questions if attribute.name != "full_name" else ():
            named = named_question(question, "Ana Vell")
            assert "Ana Vell" in named and "About" not in named
            assert not any(word in named for word in ("Person", "Foto", "Bild", "照片", "此人"))


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("Wie alt ist dieses Haus?", "Zu Ana Vell: Wie alt ist dieses Haus?"),
        ("In welchem Ort steht das Haus?", "Zu Ana Vell: In welchem Ort steht das Haus?"),
        ("Where was the house built?", "About Ana Vell: Where was the house built?"),
        ("这座房子多大？", "关于Ana Vell：这座房子多大？"),
        ("Was wird der hier gezeigten Person vorgeworfen?", "Was wird Ana Vell vorgeworfen?"),
        ("Wie lautet die Adresse der abgebildeten Person?", "Wie lautet die Adresse von Ana Vell?"),
    ],
)
def test_names(question: str, named: str) -> None:
    assert named_question(question, "Ana Vell") == named
    assert named_answer("Bei der Person auf dem Foto ist es so.", "Ana Vell") == "Bei Ana Vell ist es so."
