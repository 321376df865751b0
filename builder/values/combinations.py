"""Combinations: one element of each of several lists, another combination for every identity."""

from collections.abc import Sequence
from math import prod

import numpy as np
from fiubench.builder.values.base import Drawing
from fiubench.raw_sources.drawn import NOBODY, turn_of
from fiubench.support.draws import Ints, below, permute
from fiubench.support.errors import PackError

_LARGEST_SPACE = 1 << 62


def combinations(drawing: Drawing, sizes: Sequence[int], what: str, hint: str) -> list[Ints]:
    """Positions in lists of these sizes, an array for each list; no two identities get the same.

    Args:
        drawing: for whom, and the key.
        sizes: of the lists.
        what: how many there are, in words, for the message that they are too few.
        hint: what to do then.

    Raises:
        PackError: there are fewer combinations than identities.
    """
    space, index = prod(sizes), drawing.index
    last = int(index.max()) if len(index) else 0
    if last < NOBODY and space <= last:
        message = f"{what}, and {last + 1} identities need one each"
        raise PackError(message, where=drawing.where, hint=hint)
    if space >= _LARGEST_SPACE:  # so many that two alike will not be met
        words = drawing.words(len(sizes))
        return [below(words[:, k], size) for k, size in enumerate(sizes)]
    who, turn = turn_of(index)
    # nobody's are the last ones, three for each identity
    number = permute(drawing.seed, drawing.purpose, np.where(index < NOBODY, index, -1 - 3 * who - turn) % space, space)
    places: list[Ints] = []
    for size in reversed(sizes):
        number, place = np.divmod(number, size)
        places.insert(0, place)
    return places
