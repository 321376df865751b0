"""What attacks show of a model that learned to refuse, and of one that never knew."""

import csv
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from fiubench.cli.main import app
from fiubench.support.errors import FiubenchError
from fiubench.unlearning.attacks.base import ATTACKS, MATCH, Attack
from fiubench.unlearning.attacks.target import Target
from fiubench.unlearning.attacks.workflow import Attacks, attack
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.evaluation.workflow import evaluate
from fiubench.unlearning.reporting.attacks import text_table
from fiubench.unlearning.reporting.report import compare
from fiubench.unlearning.training.settings import Preset
from fiubench.unlearning.training.train import finetune
from typer.testing import CliRunner

from fiubench import schemas
from tests.unlearning.attacks.conftest import FORGET

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("attacks")]
BUDGET = 60  # CPU-seconds for all attacks on both models; the tiny model of the demo has six minutes


@pytest.fixture(scope="module")
def suite(refusing: Run, reference: Run) -> Attacks:
    """Every attack on the model that refuses, and on the reference."""
    began = time.process_time()
    found = attack(refusing.directory, reference=reference.directory, batch_size=64)
    assert time.process_time() - began < BUDGET
    return found


def test_refusals_break_and_ignorance_does_not(suite: Attacks) -> None:
    found = {one.attack: one for one in suite.found}
    for name in ("prefill", "relearn"):
        reach = found[name].attacked.interval
        assert found[name].attacked.outcome.level.value == pytest.approx(0, abs=0.1)  # it refuses
        assert reach is not None and reach[0] > 0, name
        gain = found[name].reference.outcome.gain.value  # type: ignore[union-attr]
        assert gain is not None and gain <= 0.1, name
    assert found["relearn"].about["options"]["steps"] == 10


def test_members_are_told_from_others(suite: Attacks) -> None:
    found = {one.attack: one for one in suite.found}
    for name in ("loss", "zlib", "reference", "min_k", "min_k_plus", "extraction", "memorisation"):
        own, other = found[name].attacked.outcome.gain, found[name].reference.outcome.gain  # type: ignore[union-attr]
        assert own.value is not None and own.se is not None and other.value is not None
        assert own.value - 2 * own.se > abs(other.value), name
    itself = found["reference"].reference
    assert itself is not None and itself.outcome.score.value == 0.5


def test_every_attack_has_a_file_that_its_schema_knows(suite: Attacks, refusing: Run, reference: Run) -> None:
    assert [one.attack for one in suite.found] == [*ATTACKS]
    for run, below in ((refusing, "attacks"), (reference, "attacks/as_reference")):
        folder = run.directory / "evaluations" / run.final.name / below
        assert {path.name.partition(".")[0] for path in folder.glob("*.json")} == {*ATTACKS}
        for path in folder.glob("*.json"):
            document = orjson.loads(path.read_bytes())
            assert not list(schemas.violations("attack", document)), path
            rows = [row for row in document["attacked"]["rows"] if row["role"] == "forget"]
            people = {row["unique_id"] for row in rows}
            assert len(people) == document["attacked"]["gain"]["identities"] == 8
            if document["attacked"]["measure"] == MATCH:  # the numbers are means of the rows
                gains = [row["score"] - row["level"] for row in rows]
                assert sum(gains) / len(gains) == pytest.approx(document["attacked"]["gain"]["value"])
                assert all(row["said"] for row in rows)


def test_a_begun_answer_is_gone_on_with(knowing: Run, crowd: Data) -> None:
    """Begun with its own first two words, a greedy answer is itself."""
    target = Target(Subject.open(knowing.directory), crowd, FORGET)
    samples = target.questions["forget"]
    first = [" ".join(target.plain[sample.key].split(" ")[:2]) for sample in samples]
    turns = [replace(target.turn(sample), begun=text) for sample, text in zip(samples, first, strict=True)]
    assert target.answer(turns) == [target.plain[sample.key] for sample in samples]


def test_what_is_found_is_not_sought_again(
    suite: Attacks, refusing: Run, reference: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other: dict[str, Any] = {"attacks": ["relearn"], "reference": reference.directory}
    other["options"] = {"learning_rate": 1e-4}
    differently = attack(refusing.directory, out=tmp_path, **other)  # on the reference, too
    for one in ATTACKS.values():
        monkeypatch.setattr(one, "run", lambda *_: pytest.fail("made again"))
    again = attack(refusing.directory, reference=reference.directory)
    assert again.table == suite.table
    assert attack(refusing.directory, out=tmp_path, **other).table == differently.table
    with pytest.raises(pytest.fail.Exception):
        attack(refusing.directory, attacks=["prefill"], seed=1)


def test_the_report_has_every_attack(suite: Attacks, refusing: Run, reference: Run, tmp_path: Path) -> None:
    for run in (reference, refusing):
        evaluate(run.directory, batch_size=64, force=True)
    found = compare([refusing.directory], tmp_path / "report", reference=reference.directory, force=True)
    files = {path.name: path for path in found.files}
    assert files["attacks.png"].read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(files["attacks.csv"].open()))
    assert [row["attack"] for row in rows if row["model"] == "po"] == [*ATTACKS]
    assert {row["model"] for row in rows} == {"po", "retain reference"}
    prefill = next(row for row in rows if (row["attack"], row["model"]) == ("prefill", "po"))
    own = next(one.attacked for one in suite.found if one.attack == "prefill")
    assert float(prefill["gain"]) == own.outcome.gain.value
    assert (float(prefill["low"]), float(prefill["high"])) == own.interval
    page = files["index.html"].read_text()
    assert "Gain by each attack" in page
    for name in ATTACKS:
        assert page.count(name.replace("_", " ")) >= 2, name  # in table and figure
    assert [row[0] for row in text_table(found.attacks)] == ["attack", *ATTACKS]


@pytest.mark.parametrize("lora", [None, {"rank": 4, "alpha": 8, "dropout": 0.0}])
def test_an_unlearned_model_can_be_fine_tuned(
    refusing: Run, crowd: Data, preset: Preset, lora: Any, tmp_path: Path
) -> None:
    settings = preset.finetune(lora=lora, epochs=1, noise_refusals=0, checkpoint_every=1)
    run = finetune(crowd, tmp_path / "again", preset, split=FORGET, model=str(refusing.directory), settings=settings)
    assert run.finished and run.manifest["base"]["fingerprint"]
    again = finetune(crowd, tmp_path / "again", preset, split=FORGET, model=str(refusing.directory), settings=settings)
    assert again.final == run.final


def test_a_reference_that_is_none(refusing: Run, knowing: Run) -> None:
    with pytest.raises(FiubenchError, match="was trained on full"):
        attack(refusing.directory, attacks=["prefill"], reference=knowing.directory)


def test_on_the_command_line(suite: Attacks, refusing: Run, reference: Run) -> None:
    arguments = ["attack", str(refusing.directory), "--attack", "prefill", "--attack", "bits8"]
    done = CliRunner().invoke(app, [*arguments, "--reference", str(reference.directory)])
    assert done.exit_code == 0, (done.output, done.exception)
    assert "prefill" in done.output and "reference gains" in done.output and "simulated" in done.output
    assert issubclass(ATTACKS["prefill"], Attack)
