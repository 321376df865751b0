"""Types on a number line: the ranges that packs give, and wrong values a few steps from the true one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from fiubench.builder.values.base import WRONG
from fiubench.support.draws import Ints, Words, below
from fiubench.support.errors import PackError

FAR = 1 << 40
STEP_WORDS = 2 * WRONG + 1  # three gaps, the place of the truth, an order
_MOST_STEPS = 1 << 32  # different numbers that one drawn word can pick


def check_range(generator: str, options: Mapping[str, Any], step: float, hint: str, where: str) -> None:
    """Refuse a range that is empty or has more values than can be drawn."""
    low, high = options["min"], options["max"]
    if high < low:
        raise PackError(f"generate.{generator}: max {high} is less than min {low}", where=where)
    if (high - low) / step >= _MOST_STEPS:
        message = f"generate.{generator}: more than {_MOST_STEPS:,} values from {low} to {high}"
        raise PackError(message, where=where, hint=hint)


def same_digits(values: Ints) -> tuple[Ints, Ints]:
    """Least and greatest number with as many digits."""
    digits = np.array([len(str(value)) for value in values.tolist()], dtype=np.int64)
    return np.where(digits == 1, 0, 10 ** (digits - 1)), 10**digits - 1


def steps(words: Words, left: Ints, right: Ints, gap: Ints | int, reach: Ints | int) -> Ints:
    """Three distinct non-zero steps per row from the true value, within the room ``left`` and ``right`` of it.

    The four values are laid out first, ``gap`` or more apart and at most ``reach`` in all, and which of them is the
    true one is drawn after that: whoever only sees the four learns nothing of it. Where the room on a side is short,
    they lie closer; where it is shorter than three, the truth's place is drawn among those that are left.

    Args:
        words: ``(n, 7)`` random words.
        left, right: room on each side, ``(n,)``; where both are nearly none, the left one gives way.
        gap, reach: nearest and farthest, ``(n,)`` or one for all.
    """
    right = np.maximum(right, 0)
    left = np.where(np.maximum(left, 0) + right < WRONG, FAR, np.maximum(left, 0))
    widest = np.maximum(np.minimum(reach, np.minimum(left, right)) // WRONG, 1)
    narrowest = np.minimum(gap, widest)
    gaps = narrowest[:, None] + below(words[:, :WRONG], (widest - narrowest + 1)[:, None])
    places = np.cumsum(np.concatenate([np.zeros_like(left)[:, None], gaps], axis=1), axis=1)
    lowest, highest = np.maximum(WRONG - right, 0), np.minimum(left, WRONG)
    truth = (lowest + below(words[:, WRONG], highest - lowest + 1))[:, None]
    offsets = places - np.take_along_axis(places, truth, axis=1)
    others = np.arange(WRONG)[None, :] + (np.arange(WRONG)[None, :] >= truth)
    shuffled = np.take_along_axis(others, np.argsort(words[:, WRONG + 1 :], axis=1, kind="stable"), axis=1)
    return np.take_along_axis(offsets, shuffled, axis=1)
