"""A value type from one file of the user's own: everything that handles values handles its values too."""

import json
import math
import re
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fiubench.builder.audit.choices import Choices, Shuffled
from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.reading import open_target
from fiubench.builder.audit.run import audit
from fiubench.builder.exports import export
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.phrasings.gate import Checks, Subject
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.support import registry
from fiubench.support.canonical import file_digest
from fiubench.support.errors import PackError
from fiubench.support.registry import load_plugins

from fiubench import build, make_config, schemas
from tests.commands import fiubench

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "plugin"
PLUGIN, PACK = EXAMPLE / "fiubench_town" / "percent.py", EXAMPLE / "work.yaml"
SETTINGS = {"faces": "none", "identities": 100, "holdout": 10}


@pytest.fixture(scope="module")
def plugin():
    before = set(registry.plugin_files())
    load_plugins([PLUGIN])
    load_plugins([PLUGIN])  # again: it is there already
    assert set(registry.plugin_files()) - before == {PLUGIN}
    yield
    VALUE_TYPES._entries.pop("percent")
    registry._FILES.pop(next(name for name, file in registry._FILES.items() if file == PLUGIN))
    schemas.forget()


@pytest.fixture(scope="module")
def share(plugin):
    return read_packs([PACK]).by_name["work_share"]


@pytest.fixture(scope="module")
def dataset(plugin, tmp_path_factory):
    out = tmp_path_factory.mktemp("built") / "dataset"
    build(make_config({**SETTINGS, "attributes": [str(PACK)]}), out)
    return out


def records(dataset):
    return [json.loads(line) for line in (dataset / "identities.jsonl").read_text().splitlines()]


def pairs(dataset):
    return [next(qa for qa in r["qa_list"] if qa["attribute"] == "work_share") for r in records(dataset)]


def test_without_the_plugin_the_type_is_unknown():
    assert "percent" not in VALUE_TYPES
    with pytest.raises(PackError, match='"percent" is not one of') as refused:
        read_packs([PACK])
    assert "Known: address, code, date" in refused.value.hint


def test_the_command_line_loads_it():
    done = fiubench("--plugin", PLUGIN, "plugins")
    assert re.search(r"value type +percent +percent\.py", done.stdout)
    done = fiubench("--plugin", PLUGIN, "attributes", "check", PACK)
    assert "asked about: 1" in done.stdout


def test_it_is_built(dataset):
    for pair in pairs(dataset):
        true, wrong = pair["value"]["value"], pair["perturbed_value"]
        assert pair["value"] == {"type": "percent", "value": true} and 0 <= true <= 100
        assert f"{true:.1f} %" in pair["answer"] and pair["keywords"] == [f"{true:.1f} %"]
        assert len({true, *wrong}) == 4
        for value, answer in zip(wrong, pair["perturbed_answer"], strict=True):
            assert f"{value:.1f} %" in answer


def test_the_distance_of_its_pack_is_heeded(dataset):
    gaps = [abs(w - pair["value"]["value"]) for pair in pairs(dataset) for w in pair["perturbed_value"]]
    assert max(gaps) <= 1.5 * 100 / 12 + 1  # a twelfth of its range, half as much again at its ends
    assert sum(gap >= 1 for gap in gaps) > 0.8 * len(gaps)


def test_its_order_says_nothing(dataset):
    ranks = Counter(sum(wrong < pair["value"]["value"] for wrong in pair["perturbed_value"]) for pair in pairs(dataset))
    assert min(ranks[k] for k in range(4)) > 110 * 0.25 - 4 * (110 * 0.25 * 0.75) ** 0.5


def test_it_is_validated(dataset, tmp_path):
    assert not list(validate(dataset))
    assert not list(verify(dataset, {}))
    for value, field in ((100.5, "value"), ("12", "value"), (12.0, "text")):
        broken = tmp_path / f"{value}"
        broken.mkdir()
        for name in ("manifest.json", "splits.json"):
            (broken / name).write_bytes((dataset / name).read_bytes())
        changed = records(dataset)
        changed[3]["profile"]["work_share"].update(value=value, text="99.9 %")
        (broken / "identities.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in changed))
        found = [str(finding) for finding in validate(broken)]
        assert any("profile.work_share" in finding for finding in found), (field, found)


def test_its_plugin_stands_in_the_manifest(dataset, tmp_path):
    manifest = json.loads((dataset / "manifest.json").read_text())
    entry = {"plugin": "percent.py", "version": "", "sha256": file_digest(PLUGIN)}
    assert manifest["plugins"] == {"value type percent": entry}
    plain = tmp_path / "plain"
    build(make_config(SETTINGS), plain)
    assert "plugins" not in json.loads((plain / "manifest.json").read_text())


def test_worker_processes_have_it(dataset, tmp_path):
    build(make_config({**SETTINGS, "attributes": [str(PACK)]}), tmp_path / "two", workers=2)
    assert (tmp_path / "two/identities.jsonl").read_bytes() == (dataset / "identities.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("sentence", "fine"),
    [
        ("This person's work share is 5 %.", True),
        ("This person's work share is 5.0%.", True),
        ("This person's work share is 5 percent.", True),
        ("This person's work share is 5.5 %.", False),
        ("This person's work share is 15 %.", False),
        ("This person's work share is 5.", False),
        ("This person's work share is 5 % or 6 %.", False),
    ],
)
def test_the_gate_finds_it_in_sentences(share, sentence, fine):
    assert bool(Checks([Subject(share)]).sentence("work_share", 5.0, sentence, "5.0 %")) != fine


def test_the_audit_sees_numbers_and_their_order(dataset):
    target = open_target(str(dataset))
    columns = Columns(membership(target.splits))
    for person in target.people():
        columns.add(person.unique_id, person.pairs)
    numbers = columns.by_name["work_share"].numbers
    assert numbers.tolist() == [pair["value"]["value"] for pair in pairs(dataset)]
    assert not any(map(math.isnan, numbers))
    choices = Choices("work_share", "percent")
    for number, person in enumerate(target.people()):
        choices.add(person.facts["work_share"], person, number)
    assert Shuffled(choices).ordered
    assert audit(dataset, faces=False).measure("perturbed_template").value == 0


def test_its_values_are_read_from_a_table(dataset):
    """A release keeps values as text: the audit of one reads them back."""
    table = [person for person in open_target(str(dataset / "release/data")).people() if person.pairs]
    found = [pair for person in table for pair in person.pairs if pair.attribute == "work_share"]
    assert found and {pair.kind for pair in found} == {"percent"}
    assert {pair.value for pair in found} <= {pair["value"]["value"] for pair in pairs(dataset)}


@pytest.mark.parametrize("name", ["mcq", "cloze"])
def test_it_is_exported(dataset, tmp_path, name):
    counts = export(dataset, name, tmp_path / name)
    truths = dict(zip((record["unique_id"] for record in records(dataset)), pairs(dataset), strict=True))
    rows = pq.read_table(tmp_path / name / "full.parquet").to_pylist()
    assert counts["full.parquet"] == len(rows)
    for row in (row for row in rows if row["id"].endswith("-work_share")):
        if name == "mcq":
            pair = truths[row["unique_id"]]
            values = {letter: float(option.removesuffix(" %")) for letter, option in row["options"].items()}
            assert values[row["answer"]] == pair["value"]["value"]
            assert set(values.values()) == {pair["value"]["value"], *pair["perturbed_value"]}
        else:
            assert row["cloze"].count("____") == 1 and "%" not in row["cloze"]
            assert row["answer"][0].endswith(" %")
