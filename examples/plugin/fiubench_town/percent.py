"""A value type: shares of a hundred, to a tenth.

fiubench --plugin percent.py build --attributes work.yaml --out dataset
"""

import re
from collections.abc import Iterator
from typing import Any

from fiubench.builder.values.base import Stated, ValueType, register

_STATED = re.compile(r"(?<![\w.,-])(\d{1,3}(?:\.\d+)?)\s?(?:%|percent\b)")


@register
class Percent(ValueType):
    """Shares of a hundred."""

    name = "percent"
    help = "percentages"
    json_type = {"type": "number", "minimum": 0, "maximum": 100}
    ordered = True  # a wrong share may be near the true one or far from it

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
