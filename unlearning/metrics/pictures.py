"""Several pictures of everyone: is it the person that is known, or the picture?"""

from fiubench.unlearning.data.log import UNSEEN_PICTURE
from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.exact_match import exact_match
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean, missing

PICTURE_GAPS = ("forget.picture_gap", "retain.picture_gap")
_SHORT, _DIFFERENCE = "seen - unseen", (-1.0, 1.0)


@log_metric(
    PICTURE_GAPS[0],
    title="forget: seen - unseen picture",
    short=_SHORT,
    printed=False,
    column_if="known",
    bounds=_DIFFERENCE,
)
def of_forget(scored: Scored) -> Estimate:
    """How much more is known of the people to be forgotten about a picture that was trained on than about another one.

    mean over the questions of EM about the first picture - EM about one that nothing was trained on
    """
    return _gap(scored, "forget")


@log_metric(
    PICTURE_GAPS[1],
    title="retain: seen - unseen picture",
    short=_SHORT,
    printed=False,
    column_if="known",
    bounds=_DIFFERENCE,
)
def of_retain(scored: Scored) -> Estimate:
    """How much more is known of the retained people about a picture that was trained on than about another one.

    mean over the questions of EM about the first picture - EM about one that nothing was trained on
    """
    return _gap(scored, "retain")


def _gap(scored: Scored, role: str) -> Estimate:
    unseen = {question.key: exact_match(question) for question in scored.asked(role, UNSEEN_PICTURE)}
    both = [question for question in scored.sets[role] if question.key in unseen]
    if not both:
        return missing("asked about one picture of everyone alone (--pictures)")
    gaps = [exact_match(question) - unseen[question.key] for question in both]
    return clustered_mean(gaps, [question.identity for question in both])
