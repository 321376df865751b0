"""Questions of two hops: about somebody whom the person is tied to, whose facts may have gone with other people."""

from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.exact_match import exact_match
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean, missing


@log_metric(
    "forget.two_hops", title="forget: questions of two hops", short="two hops", printed=False, column_if="known"
)
def forgotten(scored: Scored) -> Estimate:
    """How much is told about those whom the forgotten are tied to, asked by way of the forgotten.

    mean EM over the forget set's questions of two hops
    """
    return _two_hops(scored, "forget")


@log_metric(
    "retain.two_hops", title="retain: questions of two hops", short="two hops", printed=False, column_if="known"
)
def kept(scored: Scored) -> Estimate:
    """How much is told about those whom retained people are tied to, asked by way of the retained.

    mean EM over the retain set's questions of two hops
    """
    return _two_hops(scored, "retain")


def _two_hops(scored: Scored, role: str) -> Estimate:
    asked = [question for question in scored.sets[role] if (question.row.get("hops") or 1) > 1]
    if not asked:
        return missing("no question of two hops")
    return clustered_mean([exact_match(question) for question in asked], [question.identity for question in asked])
