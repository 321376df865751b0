"""What a value was drawn from: all that could have stood in its place for the same person, and how likely.

Wrong answers are made from this. Whoever knows the generator, but not the person, must not be able to tell the true
value from the wrong ones; so a table says of each column what the draw was, given the person and everything else of
the row, and the builder draws the others from the same.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fiubench.support.draws import Ints

#: Rows and indices from here on are nobody's: they serve as a population that is in no dataset.
NOBODY = 200_000_000
_ROOM = 1 << 26
_TURNS = 32  # rows for each identity; so many are drawn to see how likely each value is


Weighted = tuple[Sequence[Any], Sequence[float]]  # values, and how likely each is


@dataclass(frozen=True)
class Options:
    """Each value was drawn from a group of weighted values.

    Attributes:
        group: which group, for each identity, ``(n,)``.
        values: the values of a group and their weights; of one group always the same.
        truth: which of them each identity has; ``None``: the fact's value.
        make: what options are made into, for identities by their place in the block; ``None``: they are the values.
    """

    group: Ints
    values: Callable[[int], Weighted]
    truth: Sequence[Any] | None = None
    make: Callable[[Ints, list[Any]], list[Any]] | None = None


@dataclass(frozen=True)
class Range:
    """Each value stands at a place of a range of which every place was equally likely; places in the order of values.

    Attributes:
        place: where the true value stands, ``(n,)``.
        size: how many places there are, ``(n,)``.
        make: the values at other places, for identities by their place in the block.
    """

    place: Ints
    size: Ints
    make: Callable[[Ints, Ints], list[Any]]


@dataclass(frozen=True)
class Anew:
    """The others are what the same draw gives to nobody.

    Attributes:
        make: one value for each identity of the block; another turn gives other values.
        own: nearly every value is one person's alone. Otherwise many are drawn, to see how likely each is.
    """

    make: Callable[[int], list[Any]]
    own: bool = True


Drawn = Options | Range | Anew


def nobody(index: Ints, turn: Ints | int) -> Ints:
    """Rows that no identity has; those of two identities are different (of two million identities)."""
    return NOBODY + (index * _TURNS + turn) % _ROOM


def turn_of(rows: Ints) -> tuple[Ints, Ints]:
    """The index and the turn that :func:`nobody` made rows of."""
    return np.divmod(rows - NOBODY, _TURNS)


def alike(values: Sequence[Any]) -> Weighted:
    """Values of which each is equally likely."""
    return values, [1.0] * len(values)


def weighted(values: Sequence[Any]) -> Weighted:
    """The different ones of some equally likely values."""
    counted = Counter(values)
    return list(counted), [float(count) for count in counted.values()]
