"""From trained models to scores: what a model that memorised, a reference and an unlearned model must look like."""

from pathlib import Path
from typing import Any

import pytest
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.results import Result
from fiubench.unlearning.evaluation.settings import ALL, EvaluationSettings
from fiubench.unlearning.evaluation.workflow import ask, score_all
from fiubench.unlearning.metrics.aggregate import Scores
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.reporting.report import write_report
from fiubench.unlearning.training.settings import Preset, read_preset
from fiubench.unlearning.training.train import unlearn

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("companion")]
CORRECTED = load_definitions()["corrected"]


def evaluated(run: Run, **settings: Any) -> list[Result]:
    fixed = {"forget": "forget10", "batch_size": 64, "device": "cpu", "dtype": "float32"}
    chosen = EvaluationSettings.parse({**fixed, **settings})
    return [score_all(log, chosen)[0] for log in ask(str(run.directory), chosen)]


@pytest.fixture(scope="module")
def scores(full: Run, retain: Run) -> dict[str, Scores]:
    reference = evaluated(retain)[0]
    conditions = {"reference": str(retain.directory), "memorised": 0.5}
    return {
        "full": evaluated(full, controls=("blank", "other_face", "flip"), **conditions)[0].scores,
        "retain": reference.scores,
    }


def value(scores: Scores, name: str) -> float:
    found = scores.value(name)
    assert found is not None, (name, scores.metrics[name].why)
    return found


def test_the_full_model_answers_and_the_reference_is_at_chance(scores: dict[str, Scores]) -> None:
    full, reference = scores["full"], scores["retain"]
    assert value(full, "forget.exact_match") > 0.6
    assert value(full, "forget.exact_match_gain") > 0.4
    assert value(reference, "forget.exact_match") < 0.4
    assert value(reference, "retain.exact_match") > 0.6
    assert value(full, "holdout.exact_match") < 0.4
    assert value(full, "forget.probability") > value(reference, "forget.probability")


def test_membership_inference_finds_those_that_were_trained_on(scores: dict[str, Scores]) -> None:
    assert value(scores["full"], "forget.min_k") > 0.9
    assert value(scores["full"], "forget.min_k") > value(scores["retain"], "forget.min_k")
    assert value(scores["full"], "ks.distance") > 0.3


def test_answers_hang_on_the_face(scores: dict[str, Scores]) -> None:
    own = value(scores["full"], "forget.exact_match") + value(scores["full"], "retain.exact_match")
    for control in ("blank", "other_face"):
        shown = [value(scores["full"], f"control.{control}.{role}.exact_match") for role in ("forget", "retain")]
        assert sum(shown) < own - 0.4


def test_an_unlearned_model_beside_the_model_before(
    full: Run, retain: Run, preset_file: Path, scores: dict[str, Scores], tmp_path: Path
) -> None:
    from fiubench.unlearning.reporting.compare import compare

    preset: Preset = read_preset(str(preset_file))
    run = unlearn(str(full.directory), tmp_path / "ga", "ga", "forget10", preset)
    reference = str(retain.directory)
    points = evaluated(run, reference=reference, memorised=0.5, checkpoint=ALL)
    last = points[-1].scores
    assert not points[-1].marks
    assert value(last, "forget.probability") < value(scores["full"], "forget.probability")
    assert value(last, "forget.exact_match") < value(scores["full"], "forget.exact_match")
    found = compare([str(run.directory)], CORRECTED, reference=reference, memorised=0.5)
    assert [entry.label for entry in found.entries] == ["before unlearning", "retain reference", "ga"]
    assert len(found.entries[2].curves[0]) == len(list(run.checkpoints()))
    page = write_report(found, tmp_path / "report")[0].read_text()
    assert page.count("data:image/jpeg") >= 1 and "Not comparable" not in page
