"""Columns of dates, in the order of day, month and year that all values of the column show.

``01/02/2024`` alone may be a day in January or in February. So the order is decided by the column: an order is ruled
out where more than a stray few of its rows (``STRAY``) can't be read in it but can in another. Where several orders are
left that differ in some value, or none is, the column is refused: it is never guessed.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pyarrow as pa
from fiubench.raw_sources.reading.csvfile import distinct, map_distinct
from fiubench.raw_sources.source import Context
from fiubench.raw_sources.table import Report
from fiubench.support.errors import SourceError

Order = Literal["mdy", "dmy", "ymd"]
#: Share of the rows that tell two orders apart which may be slips: one row in 200. They are dropped as unreadable.
STRAY = 0.005
#: Distinct values that it takes to rule an order out for dates after ``as_of``: fewer may be so by chance.
ENOUGH = 40
_CALLED = {"mdy": "month first", "dmy": "day first", "ymd": "year first", "ydm": "the day before the month"}
_YDM = "ydm"  # nobody means it; recognised to be refused
_EARLIEST = date(1940, 1, 1)
_AHEAD = 20  # years after ``as_of`` that a year of two digits may mean: 68 is 1968
_SPREADSHEET = date(1899, 12, 30)  # day 0 of spreadsheets, for days after February 1900
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_TIME = r"(?:[T ,]\s*\d{1,2}(?::\d{2}){1,2}(?:[.,]\d+)?\s*(?:[ap]\.?m\.?)?\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}", re.IGNORECASE)
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}", re.IGNORECASE)
_DAY_WORD = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)?[-/. ]*([a-z]{{3,9}})\.?[-/., ]*(\d{{4}}|\d{{2}}){_TIME}", re.I)
_WORD_DAY = re.compile(rf"([a-z]{{3,9}})\.?[-/. ]*(\d{{1,2}})(?:st|nd|rd|th)?[-/., ]+(\d{{4}}|\d{{2}}){_TIME}", re.I)
_SERIAL = re.compile(r"(\d{5})(?:\.\d*)?")

Readings = Mapping[str, date]


def readings(text: str, as_of: date, earliest: date = _EARLIEST) -> Readings:
    """The date that a cell is in each order; the same in all of them where its form leaves no choice.

    >>> {order: str(day) for order, day in readings("5/4/24", date(2025, 1, 1)).items()}
    {'mdy': '2024-05-04', 'dmy': '2024-04-05'}

    Args:
        as_of: years of two digits end at most 20 years after it.
        earliest: what is before is no date.
    """
    text = text.strip()
    found = {order: _day(*parts, as_of) for order, parts in _parts(text)}
    return {order: day for order, day in found.items() if day is not None and day >= earliest}


def _parts(text: str) -> Iterator[tuple[str, tuple[str, int, int]]]:
    """Order -> year as it is written, month, day; a form without a choice is yielded for every order."""
    only: tuple[str, int, int] | None = None
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = match[1], int(match[3]), int(match[4])
        if month > 12:
            yield _YDM, (year, day, month)
        only = year, month, day
    elif match := _YEAR_LAST.fullmatch(text):
        first, second, last = match[1], match[3], match[4]
        yield "mdy", (last, int(first), int(second))
        yield "dmy", (last, int(second), int(first))
        if len(first) == len(last) == 2:
            yield "ymd", (first, int(second), int(last))
    elif (match := _DAY_WORD.fullmatch(text)) and (named := _month(match[2])):
        only = match[3], named, int(match[1])
    elif (match := _WORD_DAY.fullmatch(text)) and (named := _month(match[1])):
        only = match[3], named, int(match[2])
    elif match := _SERIAL.fullmatch(text):
        serial = _SPREADSHEET + timedelta(days=int(match[1]))
        only = str(serial.year), serial.month, serial.day
    if only is not None:
        yield from ((order, only) for order in get_args(Order))


def _month(word: str) -> int | None:
    """The number of an English month, in full or cut to three letters; September also to four."""
    word = word.lower()
    return next(
        (i for i, name in enumerate(_MONTHS, 1) if word in (name, name[:3]) or word == name[:4] == "sept"), None
    )


def _day(year: str, month: int, day: int, as_of: date) -> date | None:
    number = int(year)
    if len(year) == 2:
        number += 100 * ((as_of.year + _AHEAD - number) // 100)
    try:
        return date(number, month, day)
    except ValueError:
        return None


class _Value(NamedTuple):
    """A distinct cell, the number of rows that have it, and the dates that it can be."""

    text: str
    rows: int
    can_be: Readings

    @property
    def has_choice(self) -> bool:
        return len(self.can_be) < 3 or len(set(self.can_be.values())) > 1


def iso_dates(
    raw: pa.ChunkedArray,
    header: str,
    where: Path,
    context: Context,
    report: Report,
    *,
    earliest: date = _EARLIEST,
    encoded: bool = False,
) -> pa.Array:
    """A column of dates as YYYY-MM-DD; null where a cell is no date, or not in the order of the others.

    Args:
        raw: the cells as text.
        header: the column's name, for messages.
        context: its ``as_of``, and its ``date_order`` for a column that fits several.
        report: a note says where the month is not taken to be first.
        earliest: what is before is no date: nobody alive was an adult before 1940.
        encoded: whether the result is a dictionary (see :func:`map_distinct`).

    Raises:
        SourceError: the values fit several orders that differ, or no one order.
    """
    values = [_Value(text, rows, readings(text, context.as_of, earliest)) for text, rows in distinct(raw)]
    values = [value for value in values if value.can_be]
    column = _Column(header, where, values)
    order = column.order(context)
    if order != "mdy" and any(value.has_choice for value in values):
        report.notes.append(f"{header}: dates are read with the {_CALLED[order]}.")
    days = {value.text: day.isoformat() for value in values if (day := value.can_be.get(order))}
    return map_distinct(raw, days.get, encoded=encoded)


class _Column(NamedTuple):
    header: str
    where: Path
    values: list[_Value]

    def order(self, context: Context) -> str:
        """The one order in which the values of the column are read."""
        self._refuse_swapped()
        left = self._possible(context.as_of)
        for a, b in combinations(tuple(left), 2):
            only_a, only_b, differ = self._compared(a, b)
            stray = STRAY * (only_a + only_b + differ)
            if min(only_a, only_b) > stray:
                raise self._mixed(a, b)
            if only_a > stray or not (only_b or differ):
                left = [order for order in left if order != b]
            elif only_b > stray:
                left = [order for order in left if order != a]
        if len(left) > 1 and context.date_order not in left:
            raise self._ambiguous(left)
        return left[0] if len(left) == 1 else str(context.date_order)

    def _possible(self, as_of: date) -> list[str]:
        """The orders to choose from. The year comes first only where almost all values of two-digit years allow it.

        As days of the month and years of this century look alike, an order is left out then that puts dates after
        ``as_of`` where another does not, if there are enough values to tell.
        """
        orders = get_args(Order)
        chosen = [value for value in self.values if value.has_choice]
        rows = sum(value.rows for value in chosen)
        if not rows or sum(v.rows for v in chosen if "ymd" in v.can_be) < (1 - STRAY) * rows:
            return ["mdy", "dmy"]
        timely = [order for order in orders if self._rows(chosen, order, as_of) <= STRAY * rows]
        return timely if timely and len(chosen) >= ENOUGH else list(orders)

    def _rows(self, values: list[_Value], order: str, as_of: date) -> int:
        """Rows that can't be read in an order, or as a date after ``as_of``."""
        return sum(v.rows for v in values if order not in v.can_be or v.can_be[order] > as_of)

    def _compared(self, a: str, b: str) -> tuple[int, int, int]:
        """Rows that only the one order can read, only the other, and both but otherwise."""
        only_a = sum(v.rows for v in self.values if a in v.can_be and b not in v.can_be)
        only_b = sum(v.rows for v in self.values if b in v.can_be and a not in v.can_be)
        both = (v for v in self.values if a in v.can_be and b in v.can_be)
        return only_a, only_b, sum(v.rows for v in both if v.can_be[a] != v.can_be[b])

    def _example(self, a: str, b: str) -> str:
        return next(v.text for v in self.values if a in v.can_be and b not in v.can_be)

    def _mixed(self, a: str, b: str) -> SourceError:
        only_a, only_b, _ = self._compared(a, b)
        what = (
            f"{self.header}: dates of two kinds: {only_a} rows can only be read with the {_CALLED[a]}, such as "
            f"{self._example(a, b)!r}, and {only_b} only with the {_CALLED[b]}, such as {self._example(b, a)!r}"
        )
        return SourceError(what, where=self.where, hint="Write all of them as YYYY-MM-DD, from the original file.")

    def _ambiguous(self, left: list[str]) -> SourceError:
        sample = max(self.values, key=lambda v: len({v.can_be[order] for order in left if order in v.can_be}))
        can_be = " or ".join(f"{sample.can_be[order]} ({_CALLED[order]})" for order in left if order in sample.can_be)
        what = f"{self.header}: {sample.text!r} can be {can_be}, and no value of the column tells which"
        options = " or ".join(f"--date-order {order}" for order in left)
        return SourceError(what, where=self.where, hint=f"Say it with {options} (the setting date_order).")

    def _refuse_swapped(self) -> None:
        """Refuse what a spreadsheet leaves that took day and month for month and day where it could.

        Those cells became dates, all of the first twelve days of a month; the others stayed text.

        Raises:
            SourceError: the column is of this kind, or has months above 12 after the year.
        """
        rows = sum(value.rows for value in self.values)
        dates = [v for v in self.values if not v.has_choice]
        texts = [v for v in self.values if v.has_choice and _YDM not in v.can_be]
        hint = "Write all dates as YYYY-MM-DD, from the original file."
        if sum(v.rows for v in self.values if _YDM in v.can_be) > STRAY * rows:
            sample = next(v.text for v in self.values if _YDM in v.can_be)
            what = f"{self.header}: dates such as {sample!r} have {_CALLED[_YDM]}"
            raise SourceError(what, where=self.where, hint=hint)
        late = sum(v.rows for v in dates if v.can_be["mdy"].day > 12) + sum(v.rows for v in texts if len(v.can_be) > 1)
        if min(sum(v.rows for v in dates), sum(v.rows for v in texts)) > STRAY * rows >= late:
            what = (
                f"{self.header}: day and month may be swapped in some rows: where the cells are dates, such as "
                f"{dates[0].text!r}, no day is above 12, and where they are text, such as {texts[0].text!r}, all are"
            )
            raise SourceError(what, where=self.where, hint=hint)
