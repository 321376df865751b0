"""Both ways of asking at once: what is known, or gone, by picture as well as by name."""

from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.exact_match import exact_match
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean, missing

_OTHER = "name"  # the control that asks the same questions by name
_WHY = "asked in one way alone (--ask both)"


@log_metric(
    "forget.alignment", title="forget: gone both ways", short="gone both ways", printed=False, column_if="known"
)
def gone(scored: Scored) -> Estimate:
    """How much is answered wrongly by picture and by name as well (UMU-Bench).

    share of the questions for which EM by picture and EM by name are both below 1
    """
    return _share(scored, "forget", known=False)


@log_metric(
    "retain.alignment", title="retain: kept both ways", short="kept both ways", printed=False, column_if="known"
)
def kept(scored: Scored) -> Estimate:
    """How much is answered rightly by picture and by name as well (UMU-Bench).

    share of the questions for which EM by picture and EM by name are both 1
    """
    return _share(scored, "retain", known=True)


@log_metric(
    "retain.other_facts",
    title="retain: other facts of the forgotten",
    short="other facts",
    printed=False,
    column_if="known",
)
def other_facts(scored: Scored) -> Estimate:
    """How much is still known of the people in the forget set that was not to be forgotten.

    mean EM over the retained questions about people in the forget set
    """
    forgotten = {question.identity for question in scored.sets["forget"]}
    asked = [question for question in scored.sets["retain"] if question.identity in forgotten]
    if not asked:
        return missing("whole people are forgotten")
    return clustered_mean([exact_match(question) for question in asked], [question.identity for question in asked])


def _share(scored: Scored, role: str, *, known: bool) -> Estimate:
    """Share of the questions asked both ways that are right both ways, or wrong both ways."""
    other = {question.key: exact_match(question) == 1 for question in scored.asked(role, _OTHER)}
    both = [(question, other[question.key]) for question in scored.sets[role] if question.key in other]
    if not both:
        return missing(_WHY)
    hits = [float((exact_match(question) == 1) == right == known) for question, right in both]
    return clustered_mean(hits, [question.identity for question, _ in both])
