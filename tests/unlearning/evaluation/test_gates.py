"""Unlearning is scored only where the score means something."""

import pytest
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.evaluation.gates import GateError
from fiubench.unlearning.evaluation.results import Result, result
from fiubench.unlearning.metrics.definition import load_definitions

from tests.unlearning import sample_logs

DEFINITION = load_definitions()["corrected"]
UNLEARNED = sample_logs.told(sample_logs.refusing(), sample_logs.facts(method="po"))
BEFORE = sample_logs.told(sample_logs.perfect(), sample_logs.full_facts())
REFERENCE = sample_logs.told(sample_logs.reference(), sample_logs.reference_facts())


def scored(
    before: QuestionLog | None = BEFORE, reference: QuestionLog | None = REFERENCE, *, force: bool = False
) -> Result:
    return result(UNLEARNED, DEFINITION, reference=reference, before=before, force=force)


def test_with_all_that_is_needed_nothing_is_marked() -> None:
    found = scored()
    assert not found.marks
    assert found.scores.value("forget_quality") is not None


def changed(log: QuestionLog, **other: object) -> QuestionLog:
    return sample_logs.told(log, {**log.metadata, **other})


CASES = {
    "no reference": ({"reference": None}, "no retain reference", "no reference"),
    "no log before": ({"before": None}, "has not been evaluated", "memorisation unchecked"),
    "not memorised": (
        {"before": sample_logs.told(sample_logs.ignorant(), sample_logs.full_facts())},
        "did not memorise: exact match on the forget set is 0.00, below 0.8",
        "not memorised",
    ),
    "another model before": (
        {"before": changed(BEFORE, model={"fingerprint": "x", "origin": "base"})},
        "another model than unlearning started from",
        "other model before",
    ),
    "reference of another split": (
        {"reference": changed(REFERENCE, run=sample_logs.facts("finetune", trained_on="retain90")["run"])},
        "trained on retain90, not on retain95",
        "reference of another split",
    ),
    "a full model as reference": ({"reference": BEFORE}, "trained on full", "reference of another split"),
    "reference of another dataset": (
        {"reference": changed(REFERENCE, dataset={"digest": "other"})},
        "is of another dataset",
        "other dataset",
    ),
    "reference asked other people": (
        {"reference": changed(REFERENCE, splits={})},
        "asked other questions",
        "other splits",
    ),
    "reference from another base": (
        {"reference": changed(REFERENCE, model={"origin": "phi", "fingerprint": "r"})},
        "another base model",
        "other base model",
    ),
    "reference of another version": (
        {"reference": changed(REFERENCE, metric_version=0)},
        "another version of the metrics",
        "other metric version",
    ),
    "an unknown model as reference": (
        {"reference": changed(REFERENCE, run=None)},
        "trained on something unknown",
        "reference of another split",
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_what_does_not_hold_is_an_error_or_a_mark(case: str) -> None:
    given, message, mark = CASES[case]
    with pytest.raises(GateError) as error:
        scored(**given)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert "--force" in str(error.value)
    assert mark in scored(**given, force=True).marks  # type: ignore[arg-type]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(GateError) as error:
        scored(before=None, reference=None)
    assert "has not been evaluated" in str(error.value) and "no retain reference" in str(error.value)


def test_models_that_were_not_unlearned_need_no_conditions() -> None:
    assert not result(BEFORE, DEFINITION).marks
    assert not result(changed(BEFORE, run=None), DEFINITION).marks
