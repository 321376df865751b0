"""Tables of unknown origin, in any format: the wanted columns as text, every oddity reported or counted."""

import re
import string
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.raw_sources.reading.csvtext import CsvText, NotUtf8, no_rows
from fiubench.raw_sources.reading.packed import Opened, opened, opened_as_cp1252
from fiubench.raw_sources.table import EMPTY_ROW, Report
from fiubench.support.errors import SourceError, did_you_mean
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
#: A reason for which rows are dropped, which rows pass, and texts of which the first that fails is shown.
Check = tuple[str, pa.Array | Mask] | tuple[str, pa.Array | Mask, pa.ChunkedArray]

RAGGED = "wrong number of fields"
_BLANK = {"", "-", "?", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "(null)", "unknown"}


def read_columns(
    path: Path,
    wanted: Mapping[str, tuple[str, ...]],
    report: Report,
    *,
    repeated: Collection[str] = (),
    renamed: Mapping[str, str] | None = None,
) -> pa.Table:
    """The wanted columns of a file as text, in batches, so that the other columns are never held.

    The file is a CSV in UTF-8, UTF-16 or cp1252 with fields separated by commas, semicolons, tabs or bars, plain or in
    a gzip or zip archive; a spreadsheet (.xlsx), a Parquet file, or JSON lines. Its content says which.

    Args:
        wanted: our name of a column -> header spellings that stand for it, the usual one first (case, spaces,
            underscores and outer punctuation do not matter).
        report: rows are counted in ``read``; those with another number of fields than the header in ``dropped``; a
            note says how the file was read, where it is not plain CSV.
        repeated: columns of few distinct values, which are kept as dictionaries.
        renamed: usual header -> what the file calls it (see ``Context.columns``).

    Raises:
        SourceError: no such file, no table, text in no known encoding, missing columns, a quotation mark that is never
            closed, no rows.
    """
    with opened(path) as found:
        places = _match(path, found.names, wanted, renamed or {})
        dictionaries = [places[name] for name in repeated]
        table, ragged, words = _read(found, list(places.values()), dictionaries)
    report.read += table.num_rows + ragged
    if ragged:
        report.drop(RAGGED, ragged)
    if words:
        report.notes.append(f"Read as {', '.join(words)}.")
    if not table.num_rows and ragged:
        what = f"none of {ragged} rows has as many fields as the header"
        raise SourceError(what, where=path, hint="Give a file with records.")
    if not table.num_rows:
        raise no_rows(path)
    return table.rename_columns(list(places))


def read_header(path: Path) -> list[str]:
    """The names of the columns of a file in any format that :func:`read_columns` reads.

    Raises:
        SourceError: it is no table.
    """
    with opened(path) as found:
        return found.names


def loose(name: str) -> str:
    """A header as it is compared: without case, spaces, underscores and outer punctuation."""
    plain = re.sub(r"[\s_]+", "", name.casefold())
    return plain.strip(string.punctuation) or plain


def is_blank(text: str) -> bool:
    """Whether a cell holds nothing, or what stands for nothing."""
    return text.strip().casefold() in _BLANK


def not_empty(raw: pa.Table) -> Check:
    """The check that any cell of a row holds something: spreadsheets save empty rows below the records."""
    empty = np.ones(raw.num_rows, dtype=np.bool_)
    for column in raw.columns:
        if empty.any():  # mostly the first column settles it
            empty &= _mask(pc.equal(column, ""))
    return EMPTY_ROW, ~empty


def filled(header: str, raw: pa.ChunkedArray, values: pa.Array) -> Iterator[Check]:
    """The checks that a cell holds something, and something that was read.

    Args:
        header: the column's usual name, which the reasons start with.
        raw: its cells as text.
        values: what was read of each; null where that failed.
    """
    read = _mask(pc.is_valid(values))
    filled_or_read = read.copy()  # what was read needs no second look: there may be millions
    filled_or_read[~read] = map_distinct(raw.filter(~read), lambda text: not is_blank(text), pa.bool_())
    yield f"{header}: blank", filled_or_read
    yield f"{header}: unreadable", read, raw


def distinct(column: pa.ChunkedArray) -> Iterator[tuple[str, int]]:
    """Each distinct text of a column, with the number of its rows."""
    cells = column.combine_chunks()
    cells = cells if pa.types.is_dictionary(cells.type) else pc.dictionary_encode(cells)
    counts = np.bincount(np.asarray(cells.indices), minlength=len(cells.dictionary)).tolist()
    return ((text, rows) for text, rows in zip(cells.dictionary.to_pylist(), counts, strict=True) if rows)


def map_distinct(
    column: pa.ChunkedArray, function: Callable[[str], Any], kind: pa.DataType | None = None, *, encoded: bool = False
) -> pa.Array:
    """Apply a function to each distinct value of a column once.

    Args:
        column: text, or a dictionary of texts.
        function: ``None`` becomes null.
        kind: type of the result; text by default.
        encoded: whether the result stays a dictionary (no value twice), which is small for millions of rows.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(array)
    values = pa.array([function(value) for value in array.dictionary.to_pylist()], type=kind or pa.string())
    if not encoded:
        return values.take(array.indices)
    distinct = pc.dictionary_encode(values)
    return pa.DictionaryArray.from_arrays(distinct.indices.take(array.indices), distinct.dictionary)


def passing(checks: Iterable[Check], rows: int, report: Report) -> Mask:
    """Which rows pass every check (null does not); others are counted as dropped under the first that they fail."""
    good = np.ones(rows, dtype=np.bool_)
    for reason, passes, *shown in checks:
        mask = _mask(passes)
        failing = good & ~mask
        if failed := int(failing.sum()):
            report.drop(reason, failed, shown[0][int(np.argmax(failing))].as_py() if shown else "")
        good &= mask
    return good


def count_repaired(marks: Mapping[str, pa.Array | Mask], good: Mask, report: Report) -> None:
    """Count the kept rows that were repaired: reason -> which rows were changed."""
    for reason, changed in marks.items():
        if count := int((_mask(changed) & good).sum()):
            report.repaired[reason] += count


def _mask(rows: pa.Array | Mask) -> Mask:
    return np.asarray(rows if isinstance(rows, np.ndarray) else pc.fill_null(rows, False), dtype=np.bool_)


def first_of_each(keys: pa.Array) -> Mask:
    """Whether each row is the first with its key."""
    codes = np.asarray(pc.dictionary_encode(keys).indices)
    mask = np.zeros(len(codes), dtype=np.bool_)
    mask[np.unique(codes, return_index=True)[1]] = True
    return mask


def _read(found: Opened, places: list[int], repeated: list[int]) -> tuple[pa.Table, int, list[str]]:
    """The columns, how many rows had another number of fields, and how the file is packed and encoded."""
    try:
        return *found.read(places, repeated), found.words
    except NotUtf8:
        assert isinstance(found, CsvText)
    with opened_as_cp1252(found) as other:
        return *other.read(places, repeated), other.words


def _match(
    path: Path, header: list[str], wanted: Mapping[str, tuple[str, ...]], renamed: Mapping[str, str]
) -> dict[str, int]:
    """Our name of each wanted column -> its place in the file."""
    exact, near = ({key(name): i for i, name in reversed(list(enumerate(header)))} for key in (str.casefold, loose))

    def place_of(name: str) -> int | None:
        return exact.get(name.casefold(), near.get(loose(name)))

    given = _given(wanted, renamed)
    found: dict[str, int] = {}
    missing = []
    for name, spellings in wanted.items():
        called = (given[name],) if name in given else spellings
        place = next((place for spelling in called if (place := place_of(spelling)) is not None), None)
        if place is None:
            missing.append(called[0])
        else:
            found[name] = place
            if [header.casefold() for header in header].count(header[place].casefold()) > 1:
                what = f"two columns are called {header[place]!r}"
                raise SourceError(what, where=path, hint="Give them different names.")
    if missing:
        names, hint = ", ".join(map(repr, missing)), did_you_mean(missing[0], [n for n in header if n][:60])
        hint += " Columns with names of their own are named with --columns FILE."
        raise SourceError(f"no column {names} in the header", where=path, hint=hint)
    return found


def _given(wanted: Mapping[str, tuple[str, ...]], renamed: Mapping[str, str]) -> dict[str, str]:
    """Our name of a column -> its header, for those that the user names."""
    ours = {loose(spelling): name for name, spellings in wanted.items() for spelling in spellings}
    for usual in renamed:
        if loose(usual) not in ours:
            hint = did_you_mean(usual, [spellings[0] for spellings in wanted.values()])
            raise SourceError(f"no column {usual!r} is read from this source", where="--columns", hint=hint)
    return {ours[loose(usual)]: header for usual, header in renamed.items()}
