"""Columns of amounts, with the decimal sign that most of the values show: 1,234.50 or 1.234,50."""

import re
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.raw_sources.reading.csvfile import map_distinct

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


def amounts(raw: pa.ChunkedArray) -> pa.Array:
    """A column of amounts as floats; null where a cell is none in the form of the others.

    What fits both signs ("1,234") follows the others of its column, and is a number of thousands without others.
    """
    cells = raw.combine_chunks()
    cells = cells if pa.types.is_dictionary(cells.type) else pc.dictionary_encode(cells)
    counts = np.bincount(np.asarray(cells.indices), minlength=len(cells.dictionary)).tolist()
    only = {".": 0, ",": 0}
    for text, rows in zip(cells.dictionary.to_pylist(), counts, strict=True):
        for decimal, other in (".,", ",."):
            if amount(text, decimal) is not None and amount(text, other) is None:
                only[decimal] += rows
    decimal = "," if only[","] > only["."] else "."
    return map_distinct(cells, partial(amount, decimal=decimal), pa.float64())
