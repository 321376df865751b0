"""Tables that are no CSV: spreadsheets, Parquet files and JSON lines, each column as text."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.raw_sources.reading.csvtext import DOWNLOAD_AGAIN, no_rows
from fiubench.support.errors import SourceError
from fiubench.support.extras import install
from fiubench.support.reading import open_regular

#: The name of a file that a data frame was written to, and what a manifest says of it.
FRAME = "DataFrame"
_PLAIN = "Write the column as text, numbers or dates."
_MISSING = ("nan", "NaT", "<NA>")  # of pandas
_MOST_ROWS = 50_000_000  # a Parquet file of some kB may claim any number


@dataclass(frozen=True)
class Cells:
    """A table of which any column can be had as text; an empty cell is an empty text."""

    given: Path
    names: list[str]
    column: Callable[[int], pa.ChunkedArray]
    words: list[str] = field(default_factory=list)

    def read(self, places: list[int], repeated: Iterable[int]) -> tuple[pa.Table, int]:
        """The columns at these places as text, and 0: no row has another number of fields.

        Args:
            repeated: places of columns of few distinct values, which are kept as dictionaries.

        Raises:
            SourceError: a column is not text and can't be written as such, or holds NULs.
        """
        columns = []
        for place in places:
            column = self.column(place)
            if pc.any(pc.match_substring(column, "\0")).as_py():
                what = f"column {self.names[place]!r} holds binary data (a NUL)"
                raise SourceError(what, where=self.given, hint=_PLAIN)
            columns.append(pc.dictionary_encode(column) if place in repeated else column)
        return pa.table(columns, names=[f"c{place}" for place in places]), 0


_WHOLE = 1e15  # below, a floating-point number has all digits of a whole one


def as_text(column: pa.ChunkedArray, where: Path, name: str) -> pa.ChunkedArray:
    """A column of any type as text: dates and times in ISO 8601, of times with a zone the local ones.

    Raises:
        SourceError: lists, objects or bytes that are no text.
    """
    kind = column.type
    try:
        if pa.types.is_dictionary(kind):
            return as_text(column.cast(kind.value_type), where, name)
        if pa.types.is_timestamp(kind) and kind.tz:
            column = pc.local_timestamp(column)
        if pa.types.is_floating(kind):  # Arrow would write 12345678901 as 1.2345678901e+10
            whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), _WHOLE))
            numbers = pc.if_else(whole, column, pa.scalar(None, kind)).cast(pa.int64()).cast(pa.string())
            return pc.fill_null(pc.coalesce(numbers, column.cast(pa.string())), "")
        return pc.fill_null(column.cast(pa.string()), "")
    except pa.ArrowException as error:
        raise SourceError(f"column {name!r} holds {kind}, not plain values", where=where, hint=_PLAIN) from error


def text_of(value: Any) -> str:
    """One cell as text: nothing as "", 57.0 as "57", a day without a time of day as a date.

    Raises:
        TypeError: a list or an object.
    """
    if not isinstance(value, str) and hasattr(value, "__len__"):  # lists, objects, arrays, bytes
        raise TypeError(f"holds {value!r:.60}, not a plain value")
    if isinstance(value, datetime) and str(value) not in _MISSING:
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    text = "" if value is None else str(value)
    return "" if text in _MISSING else text


def parquet(given: Path, path: Path, words: list[str]) -> Cells:
    """A Parquet file; columns are read one at a time, when they are wanted.

    Raises:
        SourceError: it is damaged, or claims more rows than can be.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:  # the last: names that are not UTF-8
        raise _damaged("Parquet file", given, error) from error
    if rows > _MOST_ROWS:
        raise SourceError(f"a Parquet file that claims {rows} rows", where=given, hint="Give fewer, or another file.")
    if not rows:
        raise no_rows(given)

    def column(place: int) -> pa.ChunkedArray:
        try:
            with pq.ParquetFile(path) as file:
                read = file.read(columns=[names[place]], use_threads=False)
            read.validate(full=True)
            if read.num_rows != rows:
                raise ValueError(f"column {names[place]!r} has {read.num_rows} rows, not {rows}")
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged("Parquet file", given, error) from error
        return as_text(read.column(names[place]), given, names[place])

    return Cells(given, [name.strip() for name in names], column, [*words, "Parquet"])


def json_lines(given: Path, path: Path, words: list[str]) -> Cells:
    """One object a line; its columns are the keys of all of them.

    Raises:
        SourceError: a line is no object.
    """
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    with open_regular(path) as file:
        for number, line in enumerate(file, 1):
            text = line.removeprefix(b"\xef\xbb\xbf").strip()
            if not text:
                continue
            try:
                row = orjson.loads(text)
            except ValueError as error:
                what, hint = f"line {number} is not a JSON object: {error}", "Write one object a line (JSON lines)."
                raise SourceError(what, where=given, hint=hint) from error
            if not isinstance(row, dict):
                hint = "Write one object a line (JSON lines)."
                raise SourceError(f"line {number} is not a JSON object", where=given, hint=hint)
            rows.append(row)
            numbers.append(number)
    names = list(dict.fromkeys(name for row in rows for name in row))
    words = words if path.name == FRAME else [*words, "JSON lines"]
    return _of_rows(given, names, words, lambda i: (row.get(names[i]) for row in rows), numbers)


def spreadsheet(given: Path, path: Path, words: list[str]) -> Cells:
    """The one sheet of a workbook with something in it; empty rows are passed over.

    Raises:
        SourceError: openpyxl is not installed, the file is damaged, or several sheets hold something.
    """
    try:
        import openpyxl  # noqa: PLC0415
    except ImportError as error:
        hint = f"Save it as CSV, or {install('xlsx')}"
        raise SourceError("a spreadsheet, which takes openpyxl to read", where=given, hint=hint) from error
    try:
        sheets = {}
        with open_regular(path) as file:  # by its name openpyxl refuses what has another suffix
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            for sheet in book.worksheets:
                sheet.reset_dimensions()  # what a file claims of its size is often wrong
                numbered = enumerate(sheet.iter_rows(values_only=True), 1)
                if rows := [(number, row) for number, row in numbered if any(map(text_of, row))]:
                    sheets[sheet.title] = rows
    except Exception as error:  # of as many kinds as there are ways to damage a workbook
        raise _damaged("spreadsheet", given, error) from error
    if not sheets:
        raise SourceError("a spreadsheet without a filled cell", where=given, hint="Give a file with records.")
    if len(sheets) > 1:
        what = f"a spreadsheet with {len(sheets)} filled sheets: {', '.join(map(repr, sheets))}"
        raise SourceError(what, where=given, hint="Save the sheet with the records as a file of its own.")
    ((title, ((_, header), *rows)),) = sheets.items()
    if not rows:
        raise no_rows(given)
    names = [text_of(name).strip() for name in header]
    cells = [row for _, row in rows]
    return _of_rows(
        given,
        names,
        [*words, f"a spreadsheet, sheet {title!r}"],
        lambda i: (row[i] if i < len(row) else None for row in cells),
        [number for number, _ in rows],
    )


def _of_rows(
    given: Path, names: list[str], words: list[str], values: Callable[[int], Iterator[Any]], numbers: list[int]
) -> Cells:
    def column(place: int) -> pa.ChunkedArray:
        texts = []
        for number, value in zip(numbers, values(place), strict=True):
            try:
                texts.append(text_of(value))
            except TypeError as error:
                what = f"column {names[place]!r}, line {number} {error}"
                raise SourceError(what, where=given, hint=_PLAIN) from error
        return pa.chunked_array([pa.array(texts, pa.string())])

    return Cells(given, names, column, words)


def _damaged(what: str, given: Path, error: Exception) -> SourceError:
    return SourceError(f"a damaged {what}: {error}", where=given, hint=DOWNLOAD_AGAIN)
