"""Four values of which each is equally likely to be the true one.

The values that a truth was drawn from lie on a circle, each an arc as long as its probability. The truth stands at a
point drawn evenly from its arc, the wrong values are those at a quarter, a half and three quarters of the circle from
there (systematic sampling; Madow 1949). A truth drawn by its probability and a point of its arc are an even point of
the circle, so that the four points are one even point turned by quarters: whoever sees the four values, and knows all
about how they are drawn, can't tell which turn was the first. A value that would take more than a quarter gets just a
quarter, so that it is among the four for everybody; it can't be hidden, and a constant guess of it is the best there
is.

In a range of even places the same is done within a cell: the range is cut at places that do not depend on the truth,
and how many cells there are decides how near the wrong values lie.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from fiubench.builder.values.base import WRONG
from fiubench.builder.values.english import holds, normal
from fiubench.support.draws import Ints, Words, below, draw

FOUR = 1 + WRONG
CIRCLE_WORDS, RANGE_WORDS = 3, 6
_TURN = 1 << 32
_ORDERS = np.array([(a, b, 6 - a - b) for a in (1, 2, 3) for b in (1, 2, 3) if a != b])  # of three turns
_MANY = 16  # circles of a group: the same values are not always together


class Group(NamedTuple):
    """What the values of a group are called, and how likely they are. Those of weight 0 only fill up to four."""

    texts: Sequence[str]
    weights: Sequence[float]


class TooFew(ValueError):
    """Fewer than four values that can come together."""


class Circles:
    """Groups of values on circles, each group on several in different orders.

    Args:
        seed, purpose: key of the orders.
        many: circles of each group.
    """

    def __init__(self, seed: int, purpose: str, many: int = _MANY) -> None:
        self._seed, self._purpose, self._many = seed, purpose, many
        self._groups: list[_Laid] = []
        self._joined: _Joined | None = None
        self.loose: set[int] = set()

    def add(self, key: object, group: Group, *, apart: bool = False) -> int:
        """Lay out a group and return its number.

        Values of which one holds another lie beside each other, and so never come together. Where so many hold each
        other that they would take more than a quarter ("member" and the kinds of it), all lie anywhere, unless they
        must lie ``apart``; the group is then among the ``loose`` ones, of which four that can't stand together are to
        be drawn again.

        Raises:
            TooFew: it has fewer than four values that can come together.
        """
        clusters = overlapping(group.texts)
        if not apart and _too_large(clusters, group.weights):
            clusters = [[value] for value in range(len(group.texts))]
            self.loose.add(len(self._groups))
        lengths = _arcs(clusters, group.weights)
        words = draw(self._seed, f"{self._purpose}.circle.{key}", np.arange(self._many * len(clusters)))
        order = np.argsort(words.reshape(self._many, -1), axis=1, kind="stable")
        if len(clusters) == len(group.texts):
            order = np.array(clusters, np.int64)[order, 0]
        else:
            order = np.array(
                [[value for c in shuffle for value in clusters[c]] for shuffle in order.tolist()], np.int64
            )
        where = np.argsort(order, axis=1)  # the inverse
        self._groups.append(_Laid(order, where, lengths[order].cumsum(axis=1), lengths))
        self._joined = None
        return len(self._groups) - 1

    def others(self, group: Ints, truth: Ints, words: Words) -> Ints:
        """Three other values for each.

        Args:
            group: number of a group, ``(n,)``.
            truth: position of the true value in its group, ``(n,)``; -1: it is none of them, and may stand anywhere.
            words: ``(n, 3)`` random words.

        Returns:
            Positions in the group, ``(n, 3)``.
        """
        if not len(group):
            return np.empty((0, WRONG), np.int64)
        if self._joined is None:
            self._joined = _join(self._groups, self._many)
        all_ = self._joined
        circle = group * self._many + below(words[:, 0], self._many)
        known = truth >= 0
        length = np.where(known, all_.length[all_.first_length[group] + truth], _TURN)
        end = all_.end[all_.first[circle] + all_.where[all_.first[circle] + np.maximum(truth, 0)]]
        point = np.where(known, end - circle * _TURN, _TURN) - length + below(words[:, 1], length)
        points = (point[:, None] + _turns(words[:, 2]) * (_TURN // FOUR)) % _TURN
        found = np.searchsorted(all_.end, circle[:, None] * _TURN + points, side="right")
        return np.asarray(all_.order[found])


class _Laid(NamedTuple):
    """A group on its circles, ``(circles, values)``: which value is next, where each is, where its arc ends."""

    order: Ints
    where: Ints
    end: Ints
    length: Ints  # (values,)


class _Joined(NamedTuple):
    """All groups behind each other, so that one search serves a whole block."""

    order: Ints
    where: Ints
    end: Ints  # a whole turn further for each circle
    first: Ints  # of each circle
    length: Ints
    first_length: Ints  # of each group


def _join(groups: Sequence[_Laid], many: int) -> _Joined:
    sizes = np.array([len(group.length) for group in groups])
    of_circle = np.repeat(sizes, many)
    turns = np.repeat(np.arange(len(of_circle)), of_circle) * _TURN
    order, where, end = (np.concatenate([group[k].ravel() for group in groups]) for k in range(3))
    first, length = np.cumsum(of_circle) - of_circle, np.concatenate([group.length for group in groups])
    return _Joined(order, where, end + turns, first, length, np.cumsum(sizes) - sizes)


def _too_large(clusters: Sequence[Sequence[int]], weights: Sequence[float]) -> bool:
    """Whether there are many values, and those that may not come together are too many to lie in a quarter."""
    if len(weights) < 2 * FOUR:
        return False
    most = max((sum(weights[value] for value in cluster) for cluster in clusters if len(cluster) > 1), default=0.0)
    return len(clusters) < FOUR or most > sum(weights) / FOUR


def _arcs(clusters: Sequence[Sequence[int]], weights: Sequence[float]) -> Ints:
    """Length of each value's arc, in all a turn; those of a cluster are at most a quarter together."""
    mass = np.array([sum(weights[value] for value in cluster) for cluster in clusters])
    quarters = np.minimum(FOUR, np.count_nonzero(mass))
    share, capped = np.zeros(len(mass)), np.zeros(len(mass), np.bool_)
    if quarters < FOUR:  # all that there are, and fillers in what is left
        share[mass > 0], fillers = 1 / FOUR, np.count_nonzero(mass == 0)
        if fillers < FOUR - quarters:
            raise TooFew
        share[mass == 0] = (1 - quarters / FOUR) / max(fillers, 1)
    else:
        while True:
            share = np.where(capped, 1 / FOUR, (1 - capped.sum() / FOUR) * mass / max(mass[~capped].sum(), 1e-300))
            if not (over := share > (1 + 1e-12) / FOUR).any():
                break
            capped |= over
    lengths = np.zeros(len(weights), np.int64)
    for cluster, part, of in zip(clusters, share.tolist(), mass.tolist(), strict=True):
        for value in cluster:
            lengths[value] = int(part * _TURN * (weights[value] / of if of else 1 / len(cluster)))
    # what rounding left over goes to a value that is far from a quarter
    lengths[clusters[int(np.argmin(np.where(share > 0, share, 1)))][0]] += _TURN - lengths.sum()
    return lengths


def _turns(words: Words) -> Ints:
    """The three turns in a drawn order, ``(n, 3)``: the order must not say where the truth stands."""
    return np.asarray(_ORDERS[below(words, len(_ORDERS))])


def others_in_range(place: Ints, size: Ints, words: Words, share: float) -> Ints:
    """Three other places for each, in a cell of the range.

    Args:
        place, size: the true place of how many, ``(n,)``; four or more.
        words: ``(n, 6)`` random words.
        share: of the range that the four lie in, about.

    Returns:
        Places, ``(n, 3)``.
    """
    cells = np.maximum(np.minimum(round(1 / share), size // (2 * FOUR)), 1)
    width, shift = size / cells, words[:, 0] / _TURN - 0.5
    cell = np.clip(np.floor(place / width + shift), 0, cells - 1)
    low = np.where(cell > 0, np.ceil((cell - shift) * width), 0).astype(np.int64)
    high = np.where(cell < cells - 1, np.ceil((cell + 1 - shift) * width), size).astype(np.int64)
    room = high - low
    # four marks at about a quarter of the cell from each other; one of them, drawn, is put on the true place
    marks = np.arange(FOUR) * room[:, None] // FOUR + below(words[:, 1 : 1 + FOUR], np.maximum(room // 8, 1)[:, None])
    truth = below(words[:, 5], FOUR)[:, None]
    others = (truth + _turns((words[:, 5] << np.uint64(2)) & np.uint64(_TURN - 1))) % FOUR
    steps = np.take_along_axis(marks, others, axis=1) - np.take_along_axis(marks, truth, axis=1)
    inside = np.clip(place - low, 0, room - 1)[:, None]
    return np.asarray(low[:, None] + (inside + steps) % room[:, None])


def overlapping(texts: Sequence[str]) -> list[list[int]]:
    """Positions of texts, those together of which one holds another ("B+" stands in "AB+", and would pass for it)."""
    folded = list(map(normal, texts))
    everything = "\n".join(folded)
    parent = list(range(len(folded)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, text in enumerate(folded):
        if everything.count(text) > 1:
            for j, other in enumerate(folded):
                if j != i and holds(other, text):
                    parent[root(j)] = root(i)
    clusters: dict[int, list[int]] = {}
    for i in range(len(folded)):
        clusters.setdefault(root(i), []).append(i)
    return list(clusters.values())
