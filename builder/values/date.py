"""Days of the calendar."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from fiubench.builder.languages.english import MONTHS
from fiubench.builder.values import dates
from fiubench.builder.values.base import Drawing, Given, Stated, ValueType, register
from fiubench.raw_sources.drawn import Drawn, Range
from fiubench.support.draws import Ints, integers
from fiubench.support.errors import PackError

_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|" \
         r"oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"  # fmt: skip
_DAY, _YEAR = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?", r"(?P<year>[12]\d{3})"
_STATED = tuple(
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"(?<![\w.-]){_YEAR}-(?P<month>[01]\d)-(?P<day>[0-3]\d)(?![\w-])",
        rf"(?<![\w./-])(?P<month>[01]?\d)/(?P<day>[0-3]?\d)/{_YEAR}(?![\w/])",
        rf"\b{_MONTH}\s+(?:the\s+)?{_DAY},?\s+{_YEAR}\b",
        rf"(?<![\w.])(?:the\s+)?{_DAY}\s+(?:day\s+)?(?:of\s+)?{_MONTH},?\s+{_YEAR}\b",
    )
)
_SHORT = [name[:3].lower() for name in MONTHS]
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HINT = "A date is written 2022-04-05."
_BOUND = {"$ref": "#/$defs/expression"}


@register
class Date(ValueType):
    """Birthdays and days of admission."""

    name = "date"
    help = "calendar dates"
    json_type = {"type": "string", "format": "date"}
    hint = _HINT
    generator = "date"
    generator_options = {
        "type": "object",
        "required": ["from", "to"],
        "additionalProperties": False,
        "properties": {"from": _BOUND, "to": _BOUND},
    }
    expressions = ("from", "to")
    ordered = True
    form = re.compile(r"[A-Z]?[a-z]+ \d{1,2}, \d{4}|\d{4}-\d\d-\d\d", re.IGNORECASE)
    dated = True
    translated = True

    def write(self, value: Any) -> str:
        return self.language.date(value)

    def parse(self, text: str) -> str | None:
        return self.language.read_date(text)

    def find_in(self, text: str) -> Iterator[Stated]:
        for pattern in _STATED:
            for match in pattern.finditer(text):
                month = match["month"].lower()
                number = int(month) if month.isdigit() else 1 + _SHORT.index(month[:3])
                if value := _iso(int(match["year"]), number, int(match["day"])):
                    yield Stated(match.span(), value)  # what is left of no such day is a stray number

    def keyword_parts(self, value: Any) -> dict[str, str]:
        return self.language.date_parts(value)

    def spellings(self, keyword: str) -> Sequence[str]:
        iso = self.language.read_date(keyword)
        return self.language.date_spellings(iso) if iso else ()

    def number(self, value: Any) -> float:
        digits = value.replace("-", "") if isinstance(value, str) else ""
        return float(digits) if digits.isdigit() else np.nan

    def parts(self, value: Any) -> dict[str, str]:
        return {"year": value[:4], "month": value[:7]}

    def generate(self, drawing: Drawing) -> list[Any]:
        first, last = map(_bound_days, drawing.given)
        if (bad := np.flatnonzero(last < first)).size:
            i = int(bad[0])
            raise PackError(
                f"generate.date: from {dates.to_iso(int(first[i]))} to {dates.to_iso(int(last[i]))} is no range "
                f"(identity {int(drawing.index[i])})",
                where=drawing.where,
                hint="Mend `from` or `to`.",
            )
        return dates.to_isos(first + integers(drawing.seed, drawing.purpose, drawing.index, last - first + 1))

    def drawn(self, values: Sequence[Any], drawing: Drawing) -> Drawn:
        first, last = map(_bound_days, drawing.given)
        return Range(
            dates.to_days(list(values)) - first, last - first + 1, lambda who, at: dates.to_isos(first[who] + at)
        )


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # February 30
        return None


def _bound_days(given: Given) -> Ints:
    """What an expression gives as day numbers."""
    message = f"what {given.source!r} gives is no date"
    for value in given.values:  # numpy would read "today", "2024" and 19800 too
        if not isinstance(value, str) or not _ISO.fullmatch(value):
            raise PackError(f"{message}: {value!r}", where=given.where, hint=_HINT)
    try:
        return dates.to_days(given.values)
    except ValueError as error:
        raise PackError(f"{message}: {error}", where=given.where) from error
