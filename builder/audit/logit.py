"""Conditional logit: which of the options of a question is the true one, learned from people seen before.

The probability of an option is the softmax of a linear score over the options (McFadden, "Conditional logit analysis of
qualitative choice behavior", 1974). Both learners work *progressively* (Blum, Kalai and Langford, "Beating the
hold-out", COLT 1999): people come in folds, and the scores of a fold are those of weights fitted to the folds before
it. So where the truth is any of the four with the same probability, each guess is right with probability 1/4 whatever
happened before, and the number of right ones is binomial, exactly. Cross-validation has no such guarantee: its folds
learn from each other, and the variance of its score is larger than that of a binomial.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RIDGE = 3.0  # of standardised features
_FARTHEST = 4.0  # how far one Newton step may move a score
_STEPS = 2  # of Newton's method after each fold; they go on from the weights of the fold before
_SPARSE_STEPS = 12  # of the accelerated gradient method, likewise
_PRIOR = 3.0  # texts that hold nothing against a weight of 0
_STEEPEST = 0.25  # bound of the softmax's curvature per option


def progressive_scores(features: Floats, truth: Ints, folds: Ints) -> Floats:
    """Scores of dense features.

    Args:
        features: shape ``(n, 4, d)``.
        truth: index of each question's true option, ``(n,)``.
        folds: where each fold begins, and ``n``; questions are in the order of their folds.

    Returns:
        Scores of the options, ``(n, 4)``; those of the first fold are 0.
    """
    standard = _standardised(features)
    weights = np.zeros(standard.shape[2])
    scores = np.zeros(standard.shape[:2])
    if not weights.size:
        return scores
    for start, stop in pairwise(folds[1:]):
        for _ in range(_STEPS):
            weights = _newton(standard[:start], truth[:start], weights)
        scores[start:stop] = standard[start:stop] @ weights
    return scores


def _standardised(features: Floats) -> Floats:
    """Differences to the mean of the question, in standard deviations; features that never differ are left out."""
    centred = features - features.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=(0, 1)))
    kept = spread > 1e-9
    standard: Floats = centred[..., kept] / spread[kept]
    return standard


def _newton(features: Floats, truth: Ints, weights: Floats) -> Floats:
    """One step towards the weights that explain the truths best, with a ridge."""
    share = _softmax(features @ weights)
    error = -share
    error[np.arange(len(truth)), truth] += 1
    gradient = np.tensordot(error, features, 2) - _RIDGE * weights
    apart = features - np.einsum("no,nod->nd", share, features)[:, None, :]
    apart = (apart * np.sqrt(share)[..., None]).reshape(-1, weights.size)
    step = np.linalg.solve(apart.T @ apart + _RIDGE * np.eye(weights.size), gradient)
    farthest = float(np.abs(features @ step).max(initial=0.0))
    moved: Floats = weights + step * min(1.0, _FARTHEST / max(farthest, 1e-9))
    return moved


def _softmax(scores: Floats) -> Floats:
    share: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    return share


class Grams:
    """Character n-grams of texts, hashed: sparse rows that add up to 1.

    Args:
        codes: code points of the texts, ``(texts, longest)``, 0 where a text has ended.
    """

    LONGEST = 3
    SIZE = 4096  # hashes

    def __init__(self, codes: NDArray[np.uint32]) -> None:
        edge = np.ones((len(codes), 1), dtype=np.uint64)  # stands for the beginning, as a 0 does for the end
        marked = np.hstack([edge, codes.astype(np.uint64), edge - 1])
        pieces, present = [], []
        gram = np.zeros_like(marked)
        for length in range(1, self.LONGEST + 1):
            # begins at each place; those that begin beyond the end are no n-grams
            shifted = np.zeros_like(marked)
            shifted[:, : marked.shape[1] - length + 1] = marked[:, length - 1 :]
            gram = gram * np.uint64(0x110000) + shifted
            hashed = ((gram + np.uint64(length)) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(52)
            pieces.append(hashed)
            present.append(marked > 0)
        there = np.hstack(present)
        self.columns = np.hstack(pieces)[there].astype(np.int64)
        count = there.sum(axis=1)
        self.starts = np.concatenate([[0], np.cumsum(count)[:-1]])
        self.rows = np.repeat(np.arange(len(codes)), count)
        self.values = np.repeat(1 / count, count)

    def scores(self, weights: Floats) -> Floats:
        """Of each text, given the weights of the n-grams."""
        total: Floats = np.add.reduceat(weights[self.columns], self.starts) * self.values[self.starts]
        return total

    def gradient(self, errors: Floats) -> Floats:
        """Of each n-gram, given what is missing in the score of each text."""
        return np.bincount(self.columns, errors[self.rows] * self.values, minlength=self.SIZE).astype(np.float64)

    def progressive_scores(self, options: Ints, truth: Ints, folds: Ints) -> Floats:
        """As the function of this name, for ``options`` that are numbers of texts, ``(n, 4)``."""
        scores = np.zeros(options.shape)
        weights = before = np.zeros(self.SIZE)
        texts = len(self.starts)
        prior = _PRIOR * texts / max(len(self.columns), 1)
        for start, stop in pairwise(folds[1:]):
            known = options[:start]
            # a bound of the curvature in all directions at once, as each row of n-grams adds up to 1
            used = np.bincount(known.ravel(), minlength=texts).astype(np.float64)
            curve = _STEEPEST * (prior + self.gradient(used))
            for step in range(_SPARSE_STEPS):
                ahead = weights + (weights - before) * step / (step + 3)  # Nesterov's momentum
                error = -_softmax(self.scores(ahead)[known])
                error[np.arange(start), truth[:start]] += 1
                missing = np.bincount(known.ravel(), error.ravel(), minlength=texts).astype(np.float64)
                before, weights = weights, ahead + (self.gradient(missing) - _STEEPEST * prior * ahead) / curve
            scores[start:stop] = self.scores(weights)[options[start:stop]]
        return scores
