"""Choosing some faces of many: k-means, as the FIUBench paper does, or greedy k-center, which spreads more.

k-center (Gonzalez 1985) takes the face that is farthest from all taken so far; its first 400 of 1,000 are its 400.
k-means takes the face nearest to each of as many cluster centres, so all of them move with the number.
"""

import numpy as np
from numpy.typing import NDArray

from raw_sources.faces import FaceTable
from support.draws import Ints, draw, integers
from support.errors import SourceError

_ROUNDS = 25
_CHUNK = 8192

Matrix = NDArray[np.float32]


def select(table: FaceTable, how: str, count: int, seed: int) -> Ints:
    """Positions of the chosen faces, in the order in which they are to be used.

    Args:
        table: the faces.
        how: ``k-means`` or ``k-center``.
        count: how many.
        seed: of the build.

    Raises:
        SourceError: there are fewer faces.
    """
    have = len(table.faces)
    if count > have:
        raise SourceError(f"{have} usable faces, {count} are to be chosen", where=f"--faces {table.origin.file}")
    return k_center(table.features, count, seed) if how == "k-center" else k_means(table.features, count, seed)


def k_center(features: Matrix, count: int, seed: int) -> Ints:
    """Greedy farthest-first picks among feature vectors ``(n, d)``."""
    picks = np.empty(count, dtype=np.int64)
    picks[0] = int(integers(seed, "faces.k-center", [0], len(features))[0])
    nearest = np.full(len(features), np.inf, dtype=np.float32)
    for i in range(1, count):
        nearest = np.minimum(nearest, _distances(features, features[picks[i - 1]][None, :])[:, 0])
        nearest[picks[:i]] = -1
        picks[i] = int(np.argmax(nearest))
    return picks


def k_means(features: Matrix, count: int, seed: int) -> Ints:
    """The face nearest to each of ``count`` centres, each face once (k-means++ seeds, Lloyd's rounds)."""
    centres = features[_spread(features, count, seed)].copy()
    for _ in range(_ROUNDS):
        cluster = _assign(features, centres)
        sizes = np.bincount(cluster, minlength=count)
        sums = np.zeros_like(centres, dtype=np.float64)
        np.add.at(sums, cluster, features)
        filled = sizes > 0
        moved = centres.copy()
        moved[filled] = np.rint(sums[filled] / sizes[filled, None])  # whole numbers: see features.py
        if np.array_equal(moved, centres):
            break
        centres = moved
    taken = np.zeros(len(features), dtype=bool)
    picks = np.empty(count, dtype=np.int64)
    for i in range(count):
        away = _distances(features, centres[i][None, :])[:, 0]
        away[taken] = np.inf
        picks[i] = int(np.argmin(away))
        taken[picks[i]] = True
    return picks


def _spread(features: Matrix, count: int, seed: int) -> Ints:
    """k-means++: each next seed is drawn in proportion to its squared distance from those before."""
    uniform = draw(seed, "faces.k-means", np.arange(count))[:, 0] / 2.0**32
    picks = np.empty(count, dtype=np.int64)
    picks[0] = int(uniform[0] * len(features))
    nearest = np.full(len(features), np.inf)
    for i in range(1, count):
        nearest = np.minimum(nearest, _distances(features, features[picks[i - 1]][None, :])[:, 0].astype(np.float64))
        nearest[picks[:i]] = 0
        edges = np.cumsum(nearest)
        if edges[-1] <= 0:  # all that is left equals something taken
            rest = np.setdiff1d(np.arange(len(features)), picks[:i])
            picks[i:] = rest[: count - i]
            break
        picks[i] = min(int(np.searchsorted(edges, uniform[i] * edges[-1], side="right")), len(features) - 1)
    return picks


def _assign(features: Matrix, centres: Matrix) -> Ints:
    parts = [np.argmin(_distances(features[i : i + _CHUNK], centres), axis=1) for i in range(0, len(features), _CHUNK)]
    return np.concatenate(parts).astype(np.int64)


def _distances(a: Matrix, b: Matrix) -> Matrix:
    """Squared distances ``(len(a), len(b))``."""
    squares = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0), dtype=np.float32)
