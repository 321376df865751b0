"""The ranges that packs give for types on a number line."""

from collections.abc import Mapping
from typing import Any

from fiubench.support.errors import PackError

_MOST_STEPS = 1 << 32  # different numbers that one drawn word can pick


def check_range(generator: str, options: Mapping[str, Any], step: float, hint: str, where: object) -> None:
    """Refuse a range that is empty or has more values than can be drawn."""
    low, high = options["min"], options["max"]
    if high < low:
        raise PackError(f"generate.{generator}: max {high} is less than min {low}", where=where, hint="Exchange them.")
    if (high - low) / step >= _MOST_STEPS:
        message = f"generate.{generator}: more than {_MOST_STEPS:,} values from {low} to {high}"
        raise PackError(message, where=where, hint=hint)
