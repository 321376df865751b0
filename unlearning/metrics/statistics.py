"""Uncertainty: errors clustered by identity, means and intervals over seeds, paired tests between models.

The 20 questions of one person are not independent: a model that lost a face loses all of them. So every standard error
here sums over identities, not over questions.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95

Bounds = tuple[float, float]
UNBOUNDED: Bounds = (-math.inf, math.inf)
SHARE: Bounds = (0.0, 1.0)  # of what can't be below 0 or above 1
_LEAST_SPREAD = 1e-12  # share * (1 - share) of a share that is not 0 or 1 but for rounding


@dataclass(frozen=True)
class Estimate:
    """A metric's value with its uncertainty."""

    value: float | None  # null where there is none; never 0 instead
    # standard error clustered by identity; null with fewer than two identities or where none is defined
    se: float | None = None
    n: int = 0  # questions behind it
    identities: int = 0  # clusters behind it
    why: str | None = None  # why there is no value; or beside one, what it was made without


def missing(why: str) -> Estimate:
    """A metric that is not there, and why."""
    return Estimate(None, why=why)


def clustered_mean(values: Sequence[float], clusters: Sequence[str]) -> Estimate:
    """Mean of ``values`` with a standard error clustered by ``clusters``, both of length n.

    SE = sqrt(G / (G - 1) * sum_g (sum_{i in g} (x_i - mean))^2) / n over G clusters (Liang and Zeger, 1986).
    """
    x = np.asarray(values, dtype=np.float64)
    if not len(x):
        return missing("no question")
    groups, index = np.unique(np.asarray(clusters), return_inverse=True)
    mean, count = float(x.mean()), len(groups)
    if count < 2:
        return Estimate(mean, None, len(x), count)
    sums = np.bincount(index, weights=x - mean)
    return Estimate(mean, float(np.sqrt(count / (count - 1) * (sums**2).sum()) / len(x)), len(x), count)


@dataclass(frozen=True)
class OverSeeds:
    """Mean over runs that differ in the seed alone, and a t interval for it (null with one run)."""

    mean: float | None
    low: float | None
    high: float | None
    runs: int


def over_seeds(
    values: Sequence[float | None], started_from: Sequence[str] = (), bounds: Bounds = UNBOUNDED
) -> OverSeeds:
    """Mean and 95 % interval (Student's t over seeds). A run without the metric makes the whole null.

    Runs that started from one model are not independent: with several such models the seeds of stage 1 count, and the
    interval is over the means of their runs.

    Args:
        started_from: the model that each run started from; empty where that is one.
        bounds: what the interval stays between, as for :func:`interval`.
    """
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return OverSeeds(None, None, None, len(values))
    groups: dict[str, list[float]] = {}
    for value, name in zip(known, started_from or map(str, range(len(known))), strict=True):
        groups.setdefault(name, []).append(value)
    # from one model: the seeds of unlearning alone can vary
    means = [float(np.mean(group)) for group in groups.values()] if len(groups) > 1 else known
    mean = float(np.mean(means))
    if len(means) == 1:
        return OverSeeds(mean, None, None, 1)
    se = float(np.std(means, ddof=1)) / math.sqrt(len(means))
    low, high = _within(mean, se, len(means) - 1, bounds)
    return OverSeeds(mean, low, high, len(known))


@dataclass(frozen=True)
class PairedTest:
    """The same questions put to two models: mean of a - b, its clustered error, and a two-sided t test.

    ``p`` is null with fewer than two identities; it is 1 where no question differs. Where everybody differs by exactly
    as much, t is infinite, and p is that of the sign-flip test, 2 / 2**identities: no few people can show more.
    """

    difference: float
    se: float | None
    p: float | None
    identities: int

    @property
    def detectable(self) -> float | None:
        """The smallest difference that four of five such tests would find; null where the test has no error."""
        return detectable(self.se, self.identities) if self.se else None


def paired_test(a: Mapping[tuple[str, str], float], b: Mapping[tuple[str, str], float]) -> PairedTest | None:
    """Compare two models' scores by question, keyed by (identity, attribute); null where they share none.

    The test has G - 1 degrees of freedom for G identities.
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        return None
    estimate = clustered_mean([a[key] - b[key] for key in shared], [identity for identity, _ in shared])
    assert estimate.value is not None
    if estimate.se is None:
        return PairedTest(estimate.value, None, None, estimate.identities)
    if estimate.se == 0:
        p = 1.0 if estimate.value == 0 else 2.0 ** (1 - estimate.identities)
        return PairedTest(estimate.value, 0.0, p, estimate.identities)
    from scipy.stats import t

    p = 2 * float(t.sf(abs(estimate.value) / estimate.se, estimate.identities - 1))
    return PairedTest(estimate.value, estimate.se, p, estimate.identities)


def chance_to_find(effect: float, standard_error: float, people: int) -> float:
    """Share of experiments whose two-sided test (5 %) finds a difference."""
    from scipy.stats import ncf

    if standard_error == 0:
        return 1.0
    # t squared is an F; its noncentral distribution has no tail that scipy can't compute
    return float(ncf.sf(_t_quantile(people - 1) ** 2, 1, people - 1, (effect / standard_error) ** 2))


def detectable(standard_error: float, people: int, share: float = 0.8) -> float:
    """The smallest difference that a share of experiments finds."""
    from scipy.optimize import brentq

    if standard_error == 0:
        return 0.0
    highest = 1.0
    while chance_to_find(highest, 1.0, people) < share:
        highest *= 2
    return standard_error * float(brentq(lambda effect: chance_to_find(effect, 1.0, people) - share, 0.0, highest))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for being many (Holm, 1979); nulls stay null and count for nothing."""
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    running = 0.0
    for rank, (p, i) in enumerate(known):
        running = max(running, min(1.0, p * (len(known) - rank)))
        adjusted[i] = running
    return adjusted


def interval(estimate: Estimate, bounds: Bounds = UNBOUNDED) -> tuple[float, float] | None:
    """95 % interval of an estimate, with as many degrees of freedom as there are identities less one.

    Between two bounds: Wilson's, with the number of independent questions that the clustered error amounts to (Dean and
    Pagano, 2015). Where everybody is at a bound that number is that of the identities: 0 of two people is not 0 for
    sure. Else Student's t, cut off at a bound, beyond which there is no value.
    """
    if estimate.value is None or estimate.se is None:
        return None
    return _within(estimate.value, estimate.se, estimate.identities - 1, bounds, at_bound=estimate.identities)


def _within(
    value: float, se: float, degrees: int, bounds: Bounds, *, at_bound: float = math.inf
) -> tuple[float, float]:
    """The interval of a value with a standard error.

    Args:
        at_bound: how many independent observations a value at one of two bounds stands for. Of infinitely many the
            interval is a point.
    """
    t = _t_quantile(degrees)
    # a value beyond a bound shows that there is none, as for an accuracy relative to a worse model's
    low = bounds[0] if value >= bounds[0] else -math.inf
    high = bounds[1] if value <= bounds[1] else math.inf
    if math.isinf(low) or math.isinf(high):
        return max(low, value - t * se), min(high, value + t * se)
    share, error = (value - low) / (high - low), se / (high - low)
    spread = share * (1 - share)
    excess = t**2 * error**2 / spread if spread > _LEAST_SPREAD else t**2 / at_bound
    first, last = _wilson(share, excess)
    # against the last bits of rounding
    return min(value, low + (high - low) * first), max(value, low + (high - low) * last)


def _wilson(share: float, excess: float) -> tuple[float, float]:
    """Wilson's score interval (1927) for a share of n observations, ``excess`` being t**2 / n."""
    half = math.sqrt(share * (1 - share) * excess + excess**2 / 4)
    ends = ((share + excess / 2 + sign * half) / (1 + excess) for sign in (-1, 1))
    return max(0.0, next(ends)), min(1.0, next(ends))


def _t_quantile(degrees: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, degrees))
