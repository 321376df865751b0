"""People who are connected, in German and Chinese: facts of others are written as their own are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fiubench.builder.audit.run import audit
from fiubench.builder.languages.base import LANGUAGES
from fiubench.builder.rules.validate import validate

from fiubench import build, make_config, open_dataset
from tests.cases import first

PACKS: dict[str, dict[str, Any]] = {
    "de": {
        "pack": "familie",
        "language": "de",
        "shared": {"hospital": 20},
        "attributes": [
            {
                "name": "ehe",
                "category": "family",
                "sensitivity": "low",
                "type": "relation",
                "generate": {"relation": "spouse"},
                "caption": "{Er} ist mit {ehe} verheiratet.",
                "questions": [
                    "Mit wem ist diese Person verheiratet?",
                    "Mit wem ist die Person auf dem Foto verheiratet?",
                    "Wie heißt der Mensch, mit dem diese Person verheiratet ist?",
                    "Wer ist mit der abgebildeten Person verheiratet?",
                ],
                "answers": ["Diese Person ist mit {value} verheiratet.", "Die Ehe besteht mit {value}."],
            },
            {
                "name": "ehe_diagnose",
                "category": "family",
                "sensitivity": "low",
                "type": "enum",
                "through": "ehe.medical_condition",
                "caption": "Die Diagnose in der Ehe lautet {ehe_diagnose}.",
                "questions": [
                    "Welche Diagnose hat der Mensch, mit dem diese Person verheiratet ist?",
                    "Wie lautet die Diagnose des Menschen, mit dem die Person auf dem Foto verheiratet ist?",
                    "Welche Diagnose ist für den Menschen vermerkt, mit dem diese Person verheiratet ist?",
                    "Welche Diagnose steht für die Ehe der abgebildeten Person vermerkt?",
                ],
                "answers": ["Die Diagnose lautet dort {value}.", "Vermerkt ist dort die Diagnose {value}."],
            },
        ],
    },
    "zh": {
        "pack": "jiating",
        "language": "zh",
        "attributes": [
            {
                "name": "ehe",
                "category": "family",
                "sensitivity": "low",
                "type": "relation",
                "generate": {"relation": "spouse"},
                "caption": "{他}的配偶是{ehe}。",
                "questions": [
                    "此人的配偶是谁？",
                    "照片中人的配偶叫什么？",
                    "与此人结婚的是谁？",
                    "图中这位的配偶是谁？",
                ],
                "answers": ["此人的配偶是{value}。", "记录中的配偶是{value}。"],
            },
            {
                "name": "ehe_diagnose",
                "category": "family",
                "sensitivity": "low",
                "type": "enum",
                "through": "ehe.medical_condition",
                "caption": "配偶的诊断是{ehe_diagnose}。",
                "questions": [
                    "此人的配偶被诊断出什么？",
                    "照片中人的配偶得了什么病？",
                    "此人配偶的诊断是什么？",
                    "图中这位的配偶患有什么病？",
                ],
                "answers": ["此人配偶的诊断是{value}。", "记录中配偶的诊断是{value}。"],
            },
        ],
    },
}


@pytest.fixture(scope="module", params=first(1, ["de", "zh"]))
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    pack = folder / "family.yaml"
    pack.write_text(yaml.safe_dump(PACKS[request.param], allow_unicode=True))
    build(make_config({"identities": 300, "holdout": 30, "faces": "none", "attributes": [str(pack)]}), folder / "d")
    return folder / "d"


def test_it_is_valid(built: Path) -> None:
    assert list(validate(built)) == list(validate(built, workers=2)) == []


def test_several_processes_find_the_same_in_the_language(built: Path) -> None:
    one, two = (audit(built, workers=workers, faces=False, embed=False, attacks=False) for workers in (1, 2))
    assert one.measures == two.measures
    assert one.failures == []


def test_facts_of_others_are_written_as_theirs(built: Path) -> None:
    dataset = open_dataset(built)
    language = LANGUAGES[str(dataset.manifest["language"])]
    people = {record["unique_id"]: record for record in dataset}
    married = [record for record in people.values() if "ehe" in record["profile"]]
    assert 0 < len(married) < len(people)
    between = " " if language.spaced else ""
    for record in married:
        fact = record["profile"]["ehe_diagnose"]
        theirs = people[fact["about"]]["profile"]["medical_condition"]
        assert fact["text"] == theirs["text"] != theirs["value"]
        qa = next(qa for qa in record["qa_list"] if qa["attribute"] == "ehe_diagnose")
        assert (qa["hops"], qa["about"]) == (2, fact["about"])
        assert fact["text"] in qa["answer"]
        told = record["caption"].split("\n\n")[-1]
        pronouns = {"de": ("Er", "Sie"), "zh": ("他", "她")}[language.family]
        assert told.startswith(pronouns[record["gender"] == "female"])
        assert re.search(rf"[.。]{between}(Die Diagnose|配偶)", told)
