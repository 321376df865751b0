"""Choosing some faces of many: k-means, as the FIUBench paper does, or greedy k-center, which spreads more.

k-center (Gonzalez 1985) takes the face that is farthest from all taken so far; its first 400 of 1,000 are its 400.
k-means takes the face nearest to each of as many cluster centres, so all of them move with the number.

Features are whole numbers of bounded length (see features.py): every product and distance below is exact in 32 bits.
"""

import numpy as np
from fiubench.raw_sources.table import FaceTable
from fiubench.support.draws import Ints, draw, integers, permute
from fiubench.support.errors import SourceError
from numpy.typing import NDArray

_ROUNDS = 25
_CHUNK = 8192  # faces compared with all centres at once
_CENTRES = 64  # centres compared with all faces at once

Matrix = NDArray[np.float32]


def select(table: FaceTable, how: str, count: int, seed: int) -> Ints:
    """Positions of the chosen faces, in the order in which they are to be used.

    Args:
        how: ``k-means``, ``k-center``, or ``all`` for a keyed order of all faces, cut to ``count``.

    Raises:
        SourceError: there are fewer faces.
    """
    have = len(table.faces)
    if count > have:
        what = f"{have} usable faces, {count} are to be chosen"
        hint = "Give more faces, or build fewer identities."
        raise SourceError(what, where=f"--faces {table.origin.file}", hint=hint)
    if how == "all":
        return permute(seed, "faces.row", np.arange(count), have)
    return {"k-center": k_center, "k-means": k_means}[how](table.features, count, seed)


def k_center(features: Matrix, count: int, seed: int) -> Ints:
    """Greedy farthest-first picks among feature vectors ``(n, d)``; the first one is drawn."""
    squares = _squares(features)
    picks = np.empty(count, dtype=np.int64)
    picks[0] = int(integers(seed, "faces.k-center", [0], len(features))[0])
    nearest = np.full(len(features), np.inf, dtype=np.float32)
    for i in range(1, count):
        np.minimum(nearest, _from_one(features, squares, picks[i - 1]), out=nearest)
        nearest[picks[:i]] = -1  # below all others, even where all that is left equals something taken
        picks[i] = int(np.argmax(nearest))
    return picks


def k_means(features: Matrix, count: int, seed: int) -> Ints:
    """The face nearest to each of ``count`` centres, each face once (k-means++ seeds, Lloyd's rounds)."""
    centres = features[_spread(features, count, seed)]
    for _ in range(_ROUNDS):
        moved = _means(features, _assign(features, centres), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return _nearest_to_each(features, centres)


def _spread(features: Matrix, count: int, seed: int) -> Ints:
    """k-means++: each next seed is drawn in proportion to its squared distance from those before."""
    squares = _squares(features)
    uniform = draw(seed, "faces.k-means", np.arange(count))[:, 0] / 2.0**32
    picks = np.empty(count, dtype=np.int64)
    picks[0] = int(uniform[0] * len(features))
    nearest = np.full(len(features), np.inf, dtype=np.float32)
    for i in range(1, count):
        np.minimum(nearest, _from_one(features, squares, picks[i - 1]), out=nearest)
        edges = np.cumsum(nearest, dtype=np.float64)
        if edges[-1] <= 0:  # all that is left equals something taken
            rest = np.setdiff1d(np.arange(len(features)), picks[:i])
            picks[i:] = rest[: count - i]
            break
        picks[i] = int(np.searchsorted(edges, uniform[i] * edges[-1], side="right"))
    return picks


def _assign(features: Matrix, centres: Matrix) -> Ints:
    """Which centre is nearest to each face, the first of equals."""
    squares = _squares(centres)
    parts = (features[i : i + _CHUNK] for i in range(0, len(features), _CHUNK))
    return np.concatenate([np.argmin(squares - 2 * (part @ centres.T), axis=1) for part in parts])


def _means(features: Matrix, cluster: Ints, centres: Matrix) -> Matrix:
    """The mean of each cluster in whole numbers; the centre of an empty one stays where it is."""
    order = np.argsort(cluster, kind="stable")
    filled, starts = np.unique(cluster[order], return_index=True)
    moved = centres.copy()
    for centre, members in zip(filled, np.split(order, starts[1:]), strict=True):  # one by one: all would be a copy
        moved[centre] = np.rint(features[members].mean(axis=0, dtype=np.float64))
    return moved


def _nearest_to_each(features: Matrix, centres: Matrix) -> Ints:
    """The nearest face to each centre in turn that no earlier centre has taken."""
    squares = _squares(features)
    picks = np.empty(len(centres), dtype=np.int64)
    for start in range(0, len(centres), _CENTRES):
        away = squares - 2 * (centres[start : start + _CENTRES] @ features.T)
        for i, row in enumerate(away, start):
            row[picks[:i]] = np.inf
            picks[i] = int(np.argmin(row))
    return picks


def _squares(vectors: Matrix) -> Matrix:
    return np.asarray(np.einsum("nd,nd->n", vectors, vectors))


def _from_one(features: Matrix, squares: Matrix, one: int) -> Matrix:
    """Squared distances of all faces from one of them."""
    return np.asarray(squares + squares[one] - 2 * (features @ features[one]))
