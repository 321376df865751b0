"""Refusals: how often does the model decline to answer?"""

from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question


@metric("refused", title="refusals", short="refused")
def refused(question: Question) -> float:
    """How often the model declines to answer.

    g is one of the sentences of `unlearning/data/refusals.yaml`
    """
    return float(question.is_refusal(question.row["generated"]))
