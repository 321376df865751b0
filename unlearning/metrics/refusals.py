"""Refusals: how often does the model decline to answer?"""

from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE


@metric("refused", title="refusals", short="refused", columns=("forget", "retain"), bounds=SHARE)
def refused(question: Question) -> float:
    """How often the model declines to answer.

    g is one of the sentences of `unlearning/data/refusals.yaml`
    """
    return float(question.is_refusal(question.row["generated"]))
