"""The judge: does a language model find the same facts in the generated answer as in the true one?"""

from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE


@metric("judge", title="judge", short="GPT", columns=("retain",), column_if="known", why_null="no judge", bounds=SHARE)
def judge(question: Question) -> float | None:
    """Whether generated and true answer state the same facts, style aside.

    score by a language model (`--judge URL`)
    """
    score: float | None = question.row["judge"]
    return score
