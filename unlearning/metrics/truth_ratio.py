"""Truth ratio (TOFU: Maini et al., 2024): how much likelier is the truth than falsehood in the same words?"""

from fiubench.unlearning.metrics import likelihood
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE


def unfolded(question: Question) -> float | None:
    """r = exp(mean L(w) - L(a')), as the KS test takes it: above 1 the model prefers the truth."""
    if question.paraphrased_loss is None or question.wrong_losses is None:
        return None
    return likelihood.truth_ratio(question.paraphrased_loss, question.wrong_losses)


@metric("truth_ratio", title="truth ratio", columns=(), why_null="wrong answers were not scored", bounds=SHARE)
def truth_ratio(question: Question) -> float | None:
    """1 where truth and falsehood are equally likely (forget set), or the model is sure of the truth (elsewhere).

    with r = exp(mean L(w) - L(a')): min(r, 1/r) on the forget set, max(0, 1 - 1/r) elsewhere
    """
    r = unfolded(question)
    if r is None:
        return None
    forget = question.row["role"] == "forget"
    return likelihood.truth_ratio_of_forgetting(r) if forget else likelihood.truth_ratio_of_retaining(r)
