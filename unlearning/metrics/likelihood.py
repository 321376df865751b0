"""Metrics of log-probabilities: loss, probability, truth ratio, Min-K, Min-K++, AUC, KS. Pure functions of arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fiubench.unlearning.metrics.statistics import Estimate
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def mean_loss(logprobs: Sequence[float], *, skip_first: bool = False, end: bool = True) -> float:
    """Mean negative log-likelihood of an answer's tokens, in nats.

    Args:
        logprobs: natural log-probabilities of the tokens, end of sequence last.
        skip_first: leave the first token out of the sum but not out of the count (the released code's loss).
        end: count the end of sequence as a token.
    """
    tokens = counted(logprobs, end=end)
    return float(-tokens[int(skip_first) :].sum() / len(tokens))


def counted(values: Sequence[float], *, end: bool) -> Floats:
    """The tokens that count, as an array."""
    array = np.asarray(values, dtype=np.float64)
    return array if end else array[:-1]


def truth_ratio(paraphrased_loss: float, perturbed_losses: Sequence[float]) -> float:
    """r = exp(mean of the wrong answers' losses - loss of the right one); above 1 the model prefers the truth."""
    return float(np.exp(np.mean(perturbed_losses) - paraphrased_loss))


def truth_ratio_of_forgetting(r: float) -> float:
    """min(r, 1/r): 1 where truth and falsehood are equally likely, 0 where the model is sure of either."""
    return min(r, 1 / r) if r > 0 else 0.0


def truth_ratio_of_retaining(r: float) -> float:
    """max(0, 1 - 1/r): 1 where the model is sure of the truth."""
    return max(0.0, 1 - 1 / r) if r > 0 else 0.0


def share_of_truth(loss: float, perturbed_losses: Sequence[float]) -> float:
    """p / (p + sum of the wrong answers' p), with p = exp(-loss)."""
    losses = np.array([loss, *perturbed_losses])
    odds = np.exp(losses.min() - losses)  # relative to the likeliest, so that not all underflow at once
    return float(odds[0] / odds.sum())


def min_k(logprobs: ArrayLike, share: float) -> float:
    """Mean of the lowest ``share`` of the values, at least one (Min-K% Prob: Shi et al., ICLR 2024).

    Given normalised values (see :func:`normalised`), this is Min-K%++ (Zhang et al., ICLR 2025).
    """
    values = np.sort(np.asarray(logprobs, dtype=np.float64))
    return float(values[: max(1, int(len(values) * share))].mean())


def normalised(logprobs: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Floats:
    """(log p - mu) / sigma per token. A token the model leaves no choice about (sigma 0) counts as 0."""
    difference = np.asarray(logprobs, dtype=np.float64) - np.asarray(mu, dtype=np.float64)
    spread = np.asarray(sigma, dtype=np.float64)
    return np.divide(difference, spread, out=np.zeros_like(difference), where=spread > 0)


_SHARES = ((0.1, 0.3), (0.2, 0.3), (0.3, 0.2), (0.4, 0.1), (0.5, 0.1))


def weighted_min_k(logprobs: ArrayLike) -> float:
    """The released code's membership score: sum over shares of weight x exp(mean of the lowest share of values).

    A share that comes to no token at all is dropped and the weights are not renormalised.
    """
    values = np.sort(np.asarray(logprobs, dtype=np.float64))
    counts = [(int(len(values) * share), weight) for share, weight in _SHARES]
    return float(sum(weight * np.exp(values[:count].mean()) for count, weight in counts if count))


def auc(members: ArrayLike, others: ArrayLike, member_of: Sequence[str], other_of: Sequence[str]) -> Estimate:
    """Area under the ROC curve: how often a member scores above a non-member, ties counted half.

    The standard error is clustered by identity (Obuchowski, 1997).

    Args:
        members: scores of members, shape ``(m,)``; ``others`` likewise, ``(n,)``.
        member_of: the identity behind each score; ``other_of`` likewise. No identity is in both.
    """
    x, y = np.asarray(members, dtype=np.float64), np.asarray(others, dtype=np.float64)
    above = _share_below(x, np.sort(y))  # per member, the share of others below it
    below = 1 - _share_below(y, np.sort(x))  # per other, the share of members above it
    value = float(above.mean())
    variances = [_clustered_variance(above - value, member_of), _clustered_variance(below - value, other_of)]
    se = None if None in variances else float(np.sqrt(sum(v for v in variances if v is not None)))
    return Estimate(value, se, len(x) + len(y), len(set(member_of)))


def _share_below(values: Floats, ordered: Floats) -> Floats:
    low = np.searchsorted(ordered, values, side="left")
    high = np.searchsorted(ordered, values, side="right")
    return np.asarray((low + high) / (2 * len(ordered)), dtype=np.float64)


def _clustered_variance(deviations: Floats, clusters: Sequence[str]) -> float | None:
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.bincount(index, weights=deviations)
    groups = len(sums)
    return None if groups < 2 else float(groups / (groups - 1) * (sums**2).sum() / len(deviations) ** 2)


@dataclass(frozen=True)
class KS:
    """Two-sample Kolmogorov-Smirnov test."""

    distance: float
    p: float

    @property
    def log10_p(self) -> float:
        """log10 p; a p that underflows counts as the smallest positive double."""
        return float(np.log10(max(self.p, np.finfo(np.float64).tiny)))

    @property
    def ln_p(self) -> float:
        """Natural logarithm of p, as the paper's table shows it."""
        return float(np.log(max(self.p, np.finfo(np.float64).tiny)))


def ks(a: ArrayLike, b: ArrayLike) -> KS:
    """Compare two samples (``scipy.stats.ks_2samp``, two-sided)."""
    from scipy.stats import ks_2samp

    test = ks_2samp(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    return KS(float(test.statistic), float(test.pvalue))
