"""Distinct-2 (Li et al., 2016): how many different pairs of words does an answer have?"""

from fiubench.unlearning.metrics import language
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE


@metric("distinct_2", title="distinct-2", short="dist.-2", bounds=SHARE)
def distinct_2(question: Question) -> float:
    """How varied the generated answer is: near 1 in language, near 0 in loops.

    different pairs of neighbouring words of g / all pairs ("TheThe" is two words); 1 with one word, 0 with none
    """
    return language.distinct_pairs(question.row["generated"])
