"""Gibberish: is the answer language at all? A destroyed model scores as one that has forgotten."""

from collections.abc import Mapping

from fiubench.unlearning.metrics import language
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE, Estimate

LEAST, FEWEST = 0.1, 2  # from this share of gibberish on, and so many answers, a model is warned of


@metric("gibberish", title="gibberish", columns=("forget", "retain"), controls=True, bounds=SHARE)
def gibberish(question: Question) -> float:
    """How often the generated answer is no language.

    g is empty or a loop, by the rule below
    """
    row = question.row
    texts = (row["question"], row["answer"], row["paraphrased_answer"], *(row["perturbed_answers"] or ()))
    return float(language.is_gibberish(row["generated"], texts))


def warnings(metrics: Mapping[str, Estimate]) -> list[str]:
    """What is to be warned of: sets of questions whose answers are, a tenth of them and two or more, no language.

    Args:
        metrics: key of a metric -> its value.
    """
    rates = {role: metrics[f"{role}.gibberish"] for role in ("forget", "retain")}
    return [
        f"gibberish: {rate.value:.0%} of the answers about the {role} set are no language"
        for role, rate in rates.items()
        if rate.value is not None and rate.value >= LEAST and round(rate.value * rate.n) >= FEWEST
    ]
