"""Columns of amounts, with the decimal sign that most of the values show: 1,234.50 or 1.234,50."""

import re
from functools import partial
from pathlib import Path

import pyarrow as pa
from fiubench.raw_sources.reading.csvfile import distinct, map_distinct
from fiubench.raw_sources.reading.dates import STRAY
from fiubench.raw_sources.table import Report
from fiubench.support.errors import SourceError

_MOST = 1e9
_CURRENCY = re.compile(r"[$€£\s\u00a0\u202f]")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_GROUPED = {sign: re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:\{sign}\d{{3}})+(?![\d{sign}])[^{sign}]*") for sign in ",."}


def amount(text: str, decimal: str = ".") -> float | None:
    """A number, also with a currency sign or thousands marked; ``None`` for anything else.

    >>> amount("$37,490.98"), amount("37.490,98"), amount("37.490,98", ",")
    (37490.98, None, 37490.98)
    """
    thousands = "," if decimal == "." else "."
    plain = _CURRENCY.sub("", text)
    if thousands in plain:
        if not _GROUPED[thousands].fullmatch(plain):
            return None
        plain = plain.replace(thousands, "")
    plain = plain.replace(decimal, ".")
    return float(plain) if _NUMBER.fullmatch(plain) and abs(float(plain)) < _MOST else None


def amounts(raw: pa.ChunkedArray, header: str, where: Path, report: Report) -> pa.Array:
    """A column of amounts as floats; null where a cell is none in the form of the others.

    What fits both signs ("1,234") follows the others of its column. Where there are no others, it is a number of
    thousands, and a note says so.

    Raises:
        SourceError: of the others some have a decimal point and some a comma, so that both could be meant.
    """
    only, both = {".": 0, ",": 0}, ""
    for text, rows in distinct(raw):
        point, comma = amount(text), amount(text, ",")
        if point is not None and comma is not None and point != comma:
            both = both or text
        elif (point is None) != (comma is None):
            only["." if comma is None else ","] += rows
    if both and min(only.values()) > STRAY * sum(only.values()):
        what = f"{header}: some amounts have a decimal point and some a decimal comma, so {both!r} can be either"
        raise SourceError(what, where=where, hint="Write all of them with a point.")
    decimal = "," if only[","] > only["."] else "."
    if both and not any(only.values()):
        decimal = "," if "." in both else "."
        report.notes.append(f"{header}: {both!r} is read as {amount(both, decimal)}.")
    return map_distinct(raw, partial(amount, decimal=decimal), pa.float64())
