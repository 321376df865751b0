"""Distance from the retain reference: does the model behave on the forget set as one that never saw it?"""

import math
from collections.abc import Callable

from fiubench.unlearning.metrics import likelihood
from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.statistics import SHARE, Estimate, missing
from fiubench.unlearning.metrics.truth_ratio import unfolded


def _test(scored: Scored, of: Callable[[likelihood.KS], float]) -> Estimate:
    if scored.reference is None:
        return missing("no retain reference")
    sets = [one.sets["forget"] for one in (scored, scored.reference)]
    samples = [[r for question in asked if (r := unfolded(question)) is not None] for asked in sets]
    if not all(samples):
        return missing("wrong answers were not scored")
    people = len({question.identity for question in sets[0]})
    return Estimate(of(likelihood.ks(*samples)), None, len(samples[0]), people)


@log_metric("ks.p", title="KS p", column=False, bounds=SHARE)
def p(scored: Scored) -> Estimate:
    """High where the model behaves as if it had never seen the forget set.

    p-value of the two-sample Kolmogorov-Smirnov test on r, forget set, against the retain reference (`scipy`)
    """
    return _test(scored, lambda test: test.p)


@log_metric("ks.distance", title="KS distance D", short="KS D", bounds=SHARE)
def distance(scored: Scored) -> Estimate:
    """Distance of the truth ratios on the forget set from those of the retain reference.

    statistic D of the same test
    """
    return _test(scored, lambda test: test.distance)


@log_metric("ks.log10_p", title="KS log10 p", bounds=(-math.inf, 0.0))
def log10_p(scored: Scored) -> Estimate:
    """The p-value's exponent, for values too small to compare.

    base-10 logarithm of p
    """
    return _test(scored, lambda test: test.log10_p)


@log_metric("ks.ln_p", title="KS ln p", printed=False, column=False, bounds=(-math.inf, 0.0))
def ln_p(scored: Scored) -> Estimate:
    """The p-value as the paper's table shows it.

    natural logarithm of p
    """
    return _test(scored, lambda test: test.ln_p)
