"""Each schema is itself valid, and the fast validator judges like the reference implementation."""

import json
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml
from fiubench.builder.audit.attributes import AttributeRow
from fiubench.builder.audit.registry import Histogram, Result, Table
from fiubench.builder.audit.report import Report
from fiubench.builder.config import Config, make_config
from fiubench.builder.exports import FORMATS
from fiubench.builder.pipeline.build import records
from fiubench.support.draws import integers

from fiubench import schemas

ROOT = Path(__file__).resolve().parents[2]
SHA = "ab" * 32


@cache
def _record():
    pack = ROOT / "examples" / "travel_and_work.yaml"
    return next(records(make_config({"faces": "none", "identities": 100, "attributes": [str(pack)]}), stop=1))


def record():
    return deepcopy(_record())


def full_record():
    identity = record()
    keys = ("question", "answer", "paraphrased_question", "paraphrased_answer", "perturbed_answer", "keywords")
    return {
        **{key: identity[key] for key in ("unique_id", "image_path", "name", "gender", "caption")},
        "raw_data": {"anything": [1, None]},
        "qa_list": [{key: qa[key] for key in keys} for qa in identity["qa_list"]],
    }


def manifest():
    source = {
        "title": "t", "file": "f.csv", "sha256": SHA, "license": "l", "read": 1, "kept": 1,
        "repaired": {}, "dropped": {}, "notes": [],
    }  # fmt: skip
    return {
        "format": 1, "fingerprint": SHA, "release": {"README.md": SHA},
        "fiubench_version": "0.1.0", "config": Config().as_dict(),
        "sources": {"health": source}, "packs": [{"pack": "p", "file": "f.yaml", "sha256": SHA, "content": {}}],
        "tables": [{"table": "clubs", "file": "clubs.yaml", "sha256": SHA, "content": {}}],
        "attributes": ["doctor"], "vocabularies": {"names": {"sha256": SHA}}, "libraries": {"numpy": "2"},
        "counts": {"identities": 1}, "digests": {"identities": SHA, "splits": SHA},
        "identities": [["00000001", SHA[:32], None]],
        "resplit": {"seed": 1, "holdout": 4, "attributes": ["doctor"], "hard_negatives": "looks"},
        "published": {"version": "v1.0.0", "changelog": [{"version": "v1.0.0", "changes": ["First."]}]},
    }  # fmt: skip


def audit():
    measures = [Result("doubled_words", 1, 20, examples=[("row 1", "the the")]), Result("bits", None)]
    target = {
        "name": "x", "kind": "qa", "identities": 1, "qa_pairs": 20, "images": 0, "as_of": "2025-01-01",
        "learned": "nine", "applied": "one",
    }  # fmt: skip
    row = AttributeRow("a", "own", "text", 1, 1, 1, 0.0, "v", 1.0, 0.5, 0.5, None, None, 1, [("v", 1)])
    histogram = Histogram("Length", "characters", [0.0, 1.0], {"all": [3]})
    table = Table("Guesses", "Of four.", ["attribute", "right"], [["a", 0.25], ["b", None]])
    report = Report(target, measures, [row], {"length": histogram}, {"all": {"x": 1}}, {"guesses": table})
    return json.loads(json.dumps(report.as_dict()))


def submission():
    split, number = {"name": "forget05", "digest": SHA}, {"value": 0.5, "se": None, "n": 1, "identities": 1}
    run = {
        "kind": "unlearn", "method": "ga", "seed": 0, "digest": SHA, "trained_on": split, "base_fingerprint": "x",
        "final": True, "variant": "ga-hot",
    }  # fmt: skip
    facts = {
        "metric_version": 1, "dataset": {"digest": SHA, "source": "o/n"}, "run": run,
        "refusals": ["x"],
        "splits": {"forget": split, "retain": split, "holdout": split}, "complement": split,
        "model": {"fingerprint": "x", "origin": "x"},
    }  # fmt: skip
    made = {
        "kind": "unlearn", "method": "ga", "modality": {}, "seed": 0, "split": SHA, "retain": SHA, "validation": ["1"],
        "base": "x", "settings": {},
    }  # fmt: skip
    return {
        "submission": 1, "label": "ga-hot", "definition": {}, "fiubench": "0.1.0", "digest": SHA,
        "logs": [{"part": "run", "rows": 1, "digest": SHA, "facts": facts, "made": made}],
        "metrics": {
            "runs": [{"ks.p": {**number, "interval": [0.1, 0.9]}}],
            "over_seeds": {"ks.p": {"mean": 0.5, "interval": None, "runs": 1}},
        },
    }  # fmt: skip


def exported(name, ending=""):
    pictured = {**record(), "image_path": "images/00000001.jpg"}
    return lambda: [row for end, row in FORMATS[name]().rows(pictured, 0) if end == ending][-1]


WORDED = ("id", "question", "question_2", "question_3", "question_4", "answer", "answer_2")
DOCUMENTS = {
    "audit": audit,
    "attribute_pack": lambda: yaml.safe_load((ROOT / "examples" / "travel_and_work.yaml").read_text()),
    "candidates": lambda: {
        "model": "m", "server_models": ["m-1"], "base_url": "http://localhost/v1", "prompt_sha256": SHA,
        "sampling": {"temperature": 0.5}, "tokens": {"prompt": 3}, "packs": ["talk"],
        "candidates": [{"attribute": "doctor", "kind": "question", "text": "?", "problems": ["p"], "verdict": None}],
    },
    "phrasings_answer": lambda: {"attribute": "doctor", "questions": ["a", "b"], "answers": ["c"]},
    "table": lambda: yaml.safe_load((ROOT / "examples" / "table" / "clubs.yaml").read_text()),
    "verdicts_answer": lambda: {"items": [{"id": "1", "fact": "kept", "wording": "odd"}]},
    "wordings": lambda: {
        "index": 0, "fallback": {"doctor": "why"},
        "items": {"age": {"questions": ["How old is it?"] * 4, "answers": ["It is {a value}.", "It reads {value}."]}},
    },
    "wordings_answer": lambda: {"items": [dict.fromkeys(WORDED, "x")]},
    "export_chat": exported("chat"),
    "export_clear": exported("clear", "_perturbed"),
    "export_cloze": exported("cloze"),
    "export_llava": exported("llava"),
    "export_mcq": exported("mcq"),
    "export_mllmu": exported("mllmu"),
    "export_text_only": exported("text-only"),
    "export_tofu": exported("tofu", "_perturbed"),
    "export_umu": exported("umu"),
    "full_record": full_record,
    "identity": record,
    "manifest": manifest,
    "splits": lambda: {
        "scheme": "nested", "seed": 1, "ratios": [5], "stratified_by": ["gender"], "attributes": ["doctor"],
        "hard_negatives": {"measure": "looks", "pairs": {"forget05": [["00000001", "00000002", 0.5]]}},
        "splits": {"forget05": ["00000001"], "retain95": ["00000002", "00000003"], "holdout": ["00000004"]},
    },
    "release": lambda: {
        "title": "People of nowhere", "contact": "ada@example.org", "license": "CC-BY-4.0", "version": "v1.0.0",
        "authors": [{"name": "Ada Moss", "affiliation": "Nowhere", "orcid": "0000-0002-1825-0097"}],
        "license_link": "https://example.org/license", "date": "2026-01-31", "funding": "Nobody.", "maintenance": "Us.",
    },
    "request": lambda: {"who": ["00000001", "00000002"], "attributes": ["doctor", "phone_number"]},
    "stream": lambda: {
        "requests": [{"00000001": ["doctor"]}, {"00000002": ["doctor", "phone_number"]}], "content": SHA,
        "base": {"target": "../full", "local": True, "fingerprint": SHA}, "method": "kl", "seed": 0, "settings": {},
        "modality": ["name", None],
    },
    "attack": lambda: {
        "attack": "prefill", "options": {}, "plugins": {}, "dataset": SHA,
        "forget": {"name": "forget05", "digest": SHA}, "asked": "picture", "definition": "corrected", "seed": 0,
        "fiubench": "0.1.0", "reference": None,
        "attacked": {
            "key": SHA, "model": SHA, "measure": "exact match over chance", "note": "", "interval": [0.1, 0.9],
            **{
                name: {"value": 0.5, "se": None, "n": 1, "identities": 1, "why": None}
                for name in ("level", "score", "gain")
            },
            "rows": [
                {
                    "unique_id": "1", "attribute": "a", "role": "forget", "level": 0.0, "score": 0.5,
                    "plain": "", "said": ["x"],
                },
            ],
        },
    },
    "submission": submission,
    "run": lambda: {
        "kind": "unlearn", "status": "finished", "method": "wga",
        "plugins": {"method wga": {"plugin": "wga.py", "version": "", "sha256": SHA}},
        "preset": "tiny", "seed": 0, "digest": SHA,
        "data": {
            "source": "../dataset", "local": True, "digest": SHA, "content": SHA, "limit": [40, "forget01", ["doctor"]],
        },
        "modality": {"taught": "picture", "forgotten": "name"}, "variant": "wga-hot",
        "split": {"name": "forget01", "digest": SHA, "retain": "retain99", "validation": None},
        "base": {"target": "../full", "local": True, "fingerprint": SHA, "origin": SHA},
        "settings": {"epochs": 1.0}, "versions": {"torch": "2"}, "final": "checkpoints/checkpoint-9", "stopped": None,
        "checkpoints": [{"path": "checkpoints/checkpoint-9", "step": 9, "epoch": 1.0, "losses": {"loss": None}}],
    },
}  # fmt: skip
OTHERS = [
    None,
    True,
    0,
    7,
    -1,
    1.5,
    "",
    "x",
    "text of a sentence?",
    "2022-02-30",
    "2022-04-05",
    [],
    ["x"],
    ["x"] * 2,
    {},
    {"x": 1},
]


@pytest.fixture(scope="module", params=sorted(DOCUMENTS))
def case(request):
    return request.param, DOCUMENTS[request.param]()


def places(document):
    """Every path in a document, the document itself first."""
    found = [()]
    for path in found:
        value = document
        for step in path:
            value = value[step]
        children = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        found.extend((*path, child) for child in children)
    return found


def mutant(document, path, kind):
    """A copy with the value at ``path`` replaced, removed, doubled or given an extra key."""
    copy = deepcopy(document)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    value = holder[path[-1]]
    if kind < len(OTHERS):
        holder[path[-1]] = deepcopy(OTHERS[kind])
    elif isinstance(value, list) and value and kind % 2:
        value.append(deepcopy(value[0]))
    elif isinstance(value, dict) and kind % 2:
        value["surplus"] = 1
    else:
        del holder[path[-1]]
    return copy


def mutants(document, count):
    paths = places(document)[1:]
    which = integers(3, "fiubench.schemas.place", range(count), len(paths)).tolist()
    kinds = integers(3, "fiubench.schemas.kind", range(count), len(OTHERS) + 8).tolist()
    return [mutant(document, paths[place], kind) for place, kind in zip(which, kinds, strict=True)]


def reference(name):
    return jsonschema.Draft202012Validator(
        schemas.load(name), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def test_there_is_a_document_for_every_schema():
    assert schemas.names() == sorted(DOCUMENTS)


@pytest.mark.parametrize("name", schemas.names())
def test_each_schema_is_valid(name):
    schema = schemas.load(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:fiubench:schema:{name}"
    assert schema["title"] and schema["description"]


def test_a_right_document_is_right(case):
    name, document = case
    assert schemas.is_valid(name)(document)
    assert list(schemas.violations(name, document)) == []
    assert reference(name).is_valid(document)


def test_verdicts_and_places_are_those_of_the_reference(case):
    name, document = case
    slow = reference(name)
    broken = 0
    for changed in mutants(document, 150):
        expected = sorted((list(map(str, e.absolute_path)), e.validator) for e in slow.iter_errors(changed))
        told = list(schemas.violations(name, changed))
        assert sorted((list(map(str, v.location)), v.keyword) for v in told) == expected
        assert schemas.is_valid(name)(changed) == (not expected)
        assert all(v.path == schemas.readable_path(v.location) and v.message for v in told)
        broken += bool(expected)
    assert broken > 30


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ((), "(top level)"),
        (("name",), "name"),
        (("qa_list", 3, "keywords", 0), "qa_list[3].keywords[0]"),
        ((0, "name"), "[0].name"),
    ],
)
def test_readable_paths(location, path):
    assert schemas.readable_path(location) == path


def test_long_messages_are_cut():
    (violation,) = schemas.violations("splits", {**DOCUMENTS["splits"](), "seed": "x" * 5000})
    assert len(violation.message) < 260 and violation.message.endswith(" ...")
    assert violation.keyword == "type"


def test_an_identity_of_images():
    identity = record()
    for path, fine in [("images/00000001.jpg", True), ("images/a-b_c.png", True), ("../x.jpg", False),
                       ("images/../x.jpg", False), ("/images/x.jpg", False), ("images/x.gif", False)]:  # fmt: skip
        assert schemas.is_valid("identity")({**identity, "image_path": path}) is fine


@pytest.mark.parametrize(
    ("kind", "value", "fine"),
    [
        ("date", "2022-04-05", True), ("date", "2022-02-30", False), ("date", 5, False),
        ("money", 5, True), ("money", 5.25, True), ("money", "5", False), ("money", True, False),
        ("integer", 5, True), ("integer", 5.5, False), ("integer", "5", False),
        ("text", "x", True), ("text", "", False), ("text", 5, False), ("colour", "x", False),
        ("address", {"street": "1 A St", "city": "B", "state": "NY", "zip": "10001"}, True),
        ("address", {"street": "1 A St", "city": "B", "state": "ny", "zip": "10001"}, False),
        ("address", {"street": "1 A St", "city": "B", "state": "NY", "zip": "1001"}, False),
        ("address", {"street": "1 A St", "city": "B", "state": "NY"}, False),
        ("address", "1 A St", False),
    ],
)  # fmt: skip
def test_a_fact_has_the_form_of_its_type(kind, value, fine):
    identity = record()
    identity["profile"]["doctor"].update(type=kind, value=value)
    assert schemas.is_valid("identity")(identity) is fine
    assert reference("identity").is_valid(identity) is fine


def test_the_reference_validator_serves_where_the_fast_one_is_missing():
    code = (
        "import sys; sys.modules['jsonschema_rs'] = None\n"
        "from fiubench import schemas\n"
        "from fiubench.support.chat.conversation import schema_problems\n"
        "assert not schemas.is_valid('splits')({}) and list(schemas.violations('splits', {}))\n"
        "print(*schema_problems({'properties': {'a': {'type': 'string'}}}, {'a': 1}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("a: 1 is not of type")


@pytest.mark.parametrize("key", ["0", "7", "007"])
def test_a_key_of_digits_is_no_place_in_a_list(key: str) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}
    (found,) = schemas.violations(schema, {key: ["a", 1]})
    assert found.location == (key, 1)
    assert found.path == f"{key}[1]"
