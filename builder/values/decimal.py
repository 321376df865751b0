"""Decimals, with a unit or without: a height of 1.78 m, a body mass index of 23.4."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal as Exact
from functools import partial
from typing import Any

import numpy as np
from fiubench.builder.values.base import Drawing, Stated, ValueType, register
from fiubench.builder.values.numbers import check_range
from fiubench.raw_sources.drawn import Drawn, Range
from fiubench.support.draws import Ints, integers
from fiubench.support.errors import PackError

_NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_STATED = re.compile(rf"(?<![\w.,$-]){_NUMBER}(?!\w|[.,]\d)", re.ASCII)
_UNIT = re.compile(r"(?: ?[^\d\s.,-][^\d]*)?", re.ASCII)
_GLUED = ("%", "°")  # units that begin so follow their number without a space
_MOST_DIGITS = 6
_ANY = {"type": "number", "minimum": -1e9, "maximum": 1e9}
#: JSON Schema of a range of decimals; ``step`` is the distance of two neighbours.
STEPS: Mapping[str, Any] = {
    "type": "object",
    "required": ["min", "max", "step"],
    "additionalProperties": False,
    "properties": {"min": _ANY, "max": _ANY, "step": {"type": "number", "minimum": 10**-_MOST_DIGITS, "maximum": 1e9}},
}


@register
class Decimal(ValueType):
    """Measured values. ``digits: 2`` and ``unit: m`` write 1.8 as "1.80 m"."""

    name = "decimal"
    help = "decimal numbers"
    json_type = {"type": "number"}
    options = {
        "unit": {"type": "string", "minLength": 1, "maxLength": 40, "pattern": r"^[^\d\s.,-][^\d]*$",
                 "description": "Decimals: what is written behind the number."},
        "digits": {"type": "integer", "minimum": 0, "maximum": _MOST_DIGITS,
                   "description": "Decimals: digits behind the point (default: as many as there are)."},
    }  # fmt: skip
    generator = "decimal"
    generator_options = STEPS
    ordered = True
    form = re.compile(rf"{_NUMBER}(?: ?[^\d\s.,-][^\d]*)?")
    translated = True

    def write(self, value: Any) -> str:
        """Without a unit, with as many digits as it has: units and digits are the attribute's."""
        return self.language.number(f"{value:.{_MOST_DIGITS}f}".rstrip("0").rstrip("."))

    def writer(self, options: Mapping[str, Any]) -> Callable[[Any], str]:
        digits, unit = options.get("digits"), options.get("unit", "")
        behind = unit if unit.startswith(_GLUED) or not unit else f" {unit}"
        number = self.write if digits is None else partial(self._fixed, digits)
        return lambda value: f"{number(value)}{behind}"

    def _fixed(self, digits: int, value: Any) -> str:
        return self.language.number(f"{value:.{digits}f}")

    def ways(self, value: Any) -> tuple[str, ...]:
        return self.write(value), *(self._fixed(digits, value) for digits in range(_MOST_DIGITS + 1))

    def writes(self, value: Any, text: str) -> bool:
        number, _ = self._apart(text)
        return number in self.ways(value)

    def _apart(self, text: str) -> tuple[str, str]:
        """The number of a written value, and what stands behind it."""
        match = re.match(_NUMBER, self.language.as_english(text), re.ASCII)
        length = match.end() if match else 0
        return text[:length], text[length:]

    def parse(self, text: str) -> float | None:
        number, behind = self._apart(text)
        plain = self.language.as_english(number).replace(",", "")
        return float(plain) if number and _UNIT.fullmatch(behind) else None

    def find_in(self, text: str) -> Iterator[Stated]:
        for match in _STATED.finditer(text):
            yield Stated(match.span(), float(match[0].replace(",", "")))

    def comparable(self, value: Any) -> float:
        return float(value)

    def spellings(self, keyword: str) -> Sequence[str]:
        """Without the space before the unit."""
        number, behind = self._apart(keyword)
        return (number + behind.strip(),) if behind.startswith(" ") else ()

    def check_options(self, options: Any, where: object) -> None:
        check_range(self.generator, options, options["step"], "Narrow it, or give a larger `step`.", where)

    def check_written(self, generated: Any, options: Mapping[str, Any], where: object) -> None:
        digits, fewest = options.get("digits", 0), digits_of(generated["min"], generated["step"])
        if digits < fewest:
            what = (
                f"values in steps of {generated['step']} from {generated['min']} are not told apart by {digits} digits"
            )
            raise PackError(what, where=where, hint=f"Write `digits: {fewest}`, or widen `step`.")

    def generate(self, drawing: Drawing) -> list[Any]:
        return steps(drawing.options, integers(drawing.seed, drawing.purpose, drawing.index, count(drawing.options)))

    def drawn(self, values: Sequence[Any], drawing: Drawing) -> Drawn:
        low, step = drawing.options["min"], drawing.options["step"]
        place = np.array([round((value - low) / step) for value in values], dtype=np.int64)
        return Range(place, np.full_like(place, count(drawing.options)), lambda who, at: steps(drawing.options, at))


def count(options: Mapping[str, Any]) -> int:
    """How many steps there are in a range."""
    low, high, step = (Exact(str(options[key])) for key in ("min", "max", "step"))
    return int((high - low) // step) + 1


def steps(options: Mapping[str, Any], places: Ints) -> list[Any]:
    """The values at these steps of a range, exact in decimals."""
    low, step = Exact(str(options["min"])), Exact(str(options["step"]))
    return [float(low + step * place) for place in places.tolist()]


def digits_of(*numbers: float) -> int:
    """How many digits behind the point it takes to write any of them."""
    return max(0, *(-int(Exact(str(number)).normalize().as_tuple().exponent) for number in numbers))
