"""ROUGE-L: how close is the generated sentence to the true one?"""

from fiubench.unlearning.metrics import text
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE


@metric("rouge", title="ROUGE-L", short="ROUGE", columns=(), controls=True, bounds=SHARE)
def rouge(question: Question) -> float:
    """How much of the true sentence is in the generated answer, in order.

    longest common subsequence of g and a / length of a, in Porter stems (`rouge_score`)
    """
    # The full stop that ends a sentence is no word, so it does not matter here whether the cut keeps it.
    how = question.definition.rouge
    return text.rouge_l(question.row["answer"], question.generated, how.measure, how.stem)
