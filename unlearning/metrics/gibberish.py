"""Gibberish: is the answer language at all? A destroyed model scores as one that has forgotten."""

from collections.abc import Callable

from fiubench.unlearning.metrics import language
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE

LEAST = 0.1  # from this share of gibberish on, a model is warned of


@metric("gibberish", title="gibberish", columns=("forget", "retain"), controls=True, bounds=SHARE)
def gibberish(question: Question) -> float:
    """How often the generated answer is no language.

    g is empty or a loop, by the rule below
    """
    row = question.row
    texts = (row["question"], row["answer"], row["paraphrased_answer"], *(row["perturbed_answers"] or ()))
    return float(language.is_gibberish(row["generated"], texts))


def warnings(value: Callable[[str], float | None]) -> list[str]:
    """What is to be warned of: sets of questions whose answers are, a tenth of them or more, no language.

    Args:
        value: key of a metric -> its value.
    """
    rates = {role: value(f"{role}.gibberish") for role in ("forget", "retain")}
    return [
        f"gibberish: {rate:.0%} of the answers about the {role} set are no language"
        for role, rate in rates.items()
        if rate is not None and rate >= LEAST
    ]
