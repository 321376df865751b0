"""A value type: shares of a hundred, to a tenth.

fiubench --plugin percent.py build --attributes work.yaml --out dataset
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from fiubench.builder.values.base import Altering, Stated, ValueType, register
from fiubench.builder.values.numbers import STEP_WORDS, same_digits, steps

_STATED = re.compile(r"(?<![\w.,-])(\d{1,3}(?:\.\d+)?)\s?(?:%|percent\b)")


@register
class Percent(ValueType):
    """Shares of a hundred."""

    name = "percent"
    help = "percentages"
    json_type = {"type": "number", "minimum": 0, "maximum": 100}
    perturb_keys = ("points",)

    def write(self, value: Any) -> str:
        """As an answer states it: 12.5 %."""
        return f"{value:.1f} %"

    def parse(self, text: str) -> float | None:
        """The other way round; ``None`` where the text is no share."""
        match = _STATED.fullmatch(text)
        return float(match[1]) if match else None

    def find_in(self, text: str) -> Iterator[Stated]:
        """Every share in a sentence, whether written "5 %", "5.0%" or "5 percent"."""
        return (Stated(match.span(), float(match[1])) for match in _STATED.finditer(text))

    def perturb(self, values: Sequence[Any], altering: Altering) -> list[list[Any]]:
        """Shares some points away, with as many digits."""
        tenths = np.array([round(value * 10) for value in values], dtype=np.int64)
        low, high = same_digits(tenths)
        near, far = altering.distance or (1, 20)
        gap, reach = np.full_like(tenths, near * 10), np.full_like(tenths, far * 10)
        made = tenths[:, None] + steps(altering.words(STEP_WORDS), tenths - low, high - tenths, gap, reach)
        return [[value / 10 for value in row] for row in made.tolist()]
