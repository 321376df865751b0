"""Whether two groups differ by more than chance."""

import math

import numpy as np
from numpy.typing import NDArray

_LEAST = 5.0  # people expected in a cell of either group; rarer categories are taken together
_FAR = 10.0  # from where on the tail of erfc is its series
_MOST = 300.0  # a p-value below 10 ** -300 is reported as that


def minus_log10_p(codes: NDArray[np.int64], in_first: NDArray[np.bool_]) -> float:
    """-log10 of the p-value of Pearson's chi-squared test that both groups take the categories alike.

    Args:
        codes: category of each person, as a number from 0.
        in_first: whether the person is in the first group.

    Returns:
        0.0 where there is only one group or category.
    """
    first = np.bincount(codes[in_first], minlength=int(codes.max(initial=0)) + 1).astype(float)
    both = np.bincount(codes, minlength=first.size).astype(float)
    share = first.sum() / max(both.sum(), 1.0)
    if not 0 < share < 1:
        return 0.0
    rare = both * min(share, 1 - share) < _LEAST
    first = np.append(first[~rare], first[rare].sum())
    both = np.append(both[~rare], both[rare].sum())
    first, both = first[both > 0], both[both > 0]
    if both.size < 2:
        return 0.0
    expected = both * share
    statistic = float(((first - expected) ** 2 / expected + (first - expected) ** 2 / (both - expected)).sum())
    return _tail(float(statistic), int(both.size) - 1)


def _tail(statistic: float, freedom: int) -> float:
    """-log10 of the upper tail, in closed form for whole degrees of freedom (Abramowitz and Stegun 26.4.4, 26.4.5)."""
    half = statistic / 2
    if half <= 0:
        return 0.0
    # every term has the factor exp(-half), which is kept aside, lest a small p be none
    odd = freedom % 2
    terms = [math.log(_scaled_erfc(math.sqrt(half)))] if odd else []
    for i in range(freedom // 2):
        power = i + 0.5 * odd
        terms.append(power * math.log(half) - math.lgamma(power + 1))
    largest = max(terms)
    log_p = largest + math.log(sum(math.exp(term - largest) for term in terms)) - half
    return min(max(-log_p / math.log(10), 0.0), _MOST)


def _scaled_erfc(z: float) -> float:
    """exp(z * z) * erfc(z)."""
    if z < _FAR:
        return math.exp(z * z) * math.erfc(z)
    square = 1 / (2 * z * z)
    return (1 - square + 3 * square**2 - 15 * square**3) / (z * math.sqrt(math.pi))
