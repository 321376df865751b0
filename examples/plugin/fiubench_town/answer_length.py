"""A metric of one's own: how long a model's answers are, compared with the true ones."""

from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question


@metric("answer_length", title="answer length", short="length", columns=("forget", "retain"), controls=True)
def answer_length(question: Question) -> float:
    """How long the generated answer is, as a share of the true one.

    words of g / words of a
    """
    return len(question.generated.split()) / len(question.row["answer"].split())
