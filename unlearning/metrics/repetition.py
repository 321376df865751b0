"""Repetition: does the answer go round in a loop?"""

from fiubench.unlearning.metrics import language
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE


@metric("repetition", title="repetition", short="rep.", bounds=SHARE)
def repetition(question: Question) -> float:
    """How much of the generated answer is the same few characters again and again.

    share of the characters of g in loops: 1 to 100 characters that come three times on end, or more
    """
    return language.repetition(question.row["generated"])
