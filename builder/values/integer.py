"""Whole numbers."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from fiubench.builder.values.base import Drawing, Stated, ValueType, register
from fiubench.builder.values.numbers import check_range
from fiubench.raw_sources.drawn import Drawn, Range
from fiubench.support.draws import integers

_STATED = re.compile(r"(?<![\w.,$-])(?P<number>-?(?:\d{1,3}(?:,\d{3})+|\d+))(?![\w-]|[.,]\d)", re.ASCII)
_WHOLE = {"type": "integer", "minimum": -(10**12), "maximum": 10**12}


@register
class Integer(ValueType):
    """Room numbers, years of service."""

    name = "integer"
    help = "whole numbers"
    json_type = {"type": "integer"}
    generator = "integer"
    generator_options = {
        "type": "object",
        "required": ["min", "max"],
        "additionalProperties": False,
        "properties": {"min": _WHOLE, "max": _WHOLE},
    }
    ordered = True
    form = re.compile(r"-?\d+")
    translated = True

    def parse(self, text: str) -> int | None:
        number = self.language.as_english(text)
        return int(number.replace(",", "")) if _STATED.fullmatch(number) else None

    def find_in(self, text: str) -> Iterator[Stated]:
        for match in _STATED.finditer(text):
            yield Stated(match.span(), int(match["number"].replace(",", "")))

    def spellings(self, keyword: str) -> Sequence[str]:
        return (self.language.number(f"{int(keyword):,}"),) if len(keyword.lstrip("-")) > 3 else ()

    def check_options(self, options: Any, where: object) -> None:
        check_range(self.generator, options, 1, "Narrow it.", where)

    def generate(self, drawing: Drawing) -> list[Any]:
        low, high = int(drawing.options["min"]), int(drawing.options["max"])
        made: list[int] = (low + integers(drawing.seed, drawing.purpose, drawing.index, high - low + 1)).tolist()
        return made

    def drawn(self, values: Sequence[Any], drawing: Drawing) -> Drawn:
        low, high = int(drawing.options["min"]), int(drawing.options["max"])
        place = np.array(values, dtype=np.int64) - low
        return Range(place, np.full_like(place, high - low + 1), lambda who, at: (low + at).tolist())
