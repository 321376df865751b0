"""Probability of the true answer, whatever the model would say by itself."""

import numpy as np
from fiubench.unlearning.metrics import likelihood
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE

NOT_SCORED = "answers were not scored"


@metric("probability", title="probability", short="prob.", columns=(), why_null=NOT_SCORED, bounds=SHARE)
def probability(question: Question) -> float | None:
    """How likely the true answer is, by itself or among right and wrong ones.

    p(a), or p / (p + p(w1) + p(w2) + p(w3))
    """
    by_set = question.definition.probability
    choice = by_set.forget if question.row["role"] == "forget" else by_set.retain
    loss = question.answer_loss if choice.base == "answer" else question.paraphrased_loss
    if loss is None:
        return None
    if choice.against is None:
        return float(np.exp(-loss))
    return None if question.wrong_losses is None else likelihood.share_of_truth(loss, question.wrong_losses)


@metric(
    "answer_probability",
    title="probability of the answer",
    sets=(),
    printed=(),
    columns=(),
    controls=True,
    why_null=NOT_SCORED,
    bounds=SHARE,
)
def answer_probability(question: Question) -> float | None:
    """How likely the true answer is, whatever the set: what controls are compared by.

    p(a)
    """
    return None if question.answer_loss is None else float(np.exp(-question.answer_loss))
