"""Probability of the true answer, whatever the model would say by itself."""

import numpy as np
from fiubench.unlearning.metrics import likelihood
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question

NOT_SCORED = "answers were not scored"


@metric("probability", title="probability", short="prob.", columns=(), why_null=NOT_SCORED)
def probability(question: Question) -> float | None:
    """How likely the true answer is, or how likely among right and wrong.

    p(a), or p / (p + p(w1) + p(w2) + p(w3))
    """
    choice = question.definition.probability["forget" if question.row["role"] == "forget" else "retain"]
    loss = question.answer_loss if choice.base == "answer" else question.paraphrased_loss
    if loss is None:
        return None
    if choice.against is None:
        return float(np.exp(-loss))
    return None if question.wrong_losses is None else likelihood.share_of_truth(loss, question.wrong_losses)


@metric("answer_probability", title="probability", sets=(), printed=(), columns=(), controls=True, why_null=NOT_SCORED)
def answer_probability(question: Question) -> float | None:
    """How likely the true answer is, whatever the set: what controls are compared by.

    p(a)
    """
    return None if question.answer_loss is None else float(np.exp(-question.answer_loss))
