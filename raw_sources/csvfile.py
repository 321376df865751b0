"""Reading CSV files of unknown origin: the wanted columns as text, every oddity told or counted."""

import csv
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from raw_sources.table import Report
from support.errors import SourceError, did_you_mean

_HEAD = 1 << 16
_BLOCK = 8 << 20
RAGGED = "wrong number of fields"

#: First bytes of what people give instead of a CSV file.
_MAGIC = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet)",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite": "an SQLite database",
}
_HTML = (b"<!doctype", b"<html", b"<?xml")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_columns(
    path: Path,
    wanted: Mapping[str, tuple[str, ...]],
    report: Report,
    *,
    repeated: Collection[str] = (),
) -> pa.Table:
    """The wanted columns of a CSV file as text, in batches, so that the other columns are never held.

    Args:
        path: the file.
        wanted: our name of a column -> header spellings that stand for it (case and outer spaces do not matter).
        report: rows are counted in ``read``; those with another number of fields than the header in ``dropped``.
        repeated: columns of few distinct values, which are kept as dictionaries.

    Raises:
        SourceError: no such file, not a CSV file, not UTF-8, another delimiter, missing columns, no rows.
    """
    header = read_header(path)
    found = _match(path, header, wanted)
    columns: list[int] = sorted(found.values())
    names = [f"c{i}" for i in range(len(header))]
    text: dict[str, pa.DataType] = {names[i]: pa.string() for i in columns}
    text |= {names[found[name]]: pa.dictionary(pa.int32(), pa.string()) for name in repeated}
    ragged = 0

    def count_ragged(_: Any) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    try:
        reader = pv.open_csv(
            path,
            read_options=pv.ReadOptions(column_names=names, skip_rows=1, block_size=_BLOCK),
            parse_options=pv.ParseOptions(newlines_in_values=True, invalid_row_handler=count_ragged),
            convert_options=pv.ConvertOptions(
                include_columns=[names[i] for i in columns], column_types=text, strings_can_be_null=False
            ),
        )
        batches = list(reader)
    except pa.ArrowInvalid as error:
        raise _unreadable(path, error) from error
    table = pa.Table.from_batches(batches, schema=reader.schema)
    report.read += table.num_rows + ragged
    if ragged:
        report.dropped[RAGGED] += ragged
    if not table.num_rows:
        what = f"none of {ragged} rows has as many fields as the header" if ragged else "there is a header and no row"
        raise SourceError(what, where=path, hint="Give a file with records.")
    return table.select([names[found[name]] for name in wanted]).rename_columns(list(wanted))


def read_header(path: Path) -> list[str]:
    """The names in the first line.

    Raises:
        SourceError: what stands there is no CSV header.
    """
    head = _head(path)
    if head.startswith(_UTF16):
        raise SourceError("UTF-16 text", where=path, hint="Save the file as UTF-8.")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise SourceError(
                f"{what}, not a CSV file", where=path, hint="Unpack or export it and name the CSV file itself."
            )
    if head.lstrip()[:16].lower().startswith(_HTML):
        raise SourceError(
            "a web page, not a CSV file", where=path, hint="Download the data itself; a log-in may be needed."
        )
    if b"\0" in head:
        raise SourceError(f"binary data (a NUL at byte {head.index(0)}), not a CSV file", where=path)
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise SourceError("the file is empty", where=path, hint="Download it again.")
    line = head.removeprefix(b"\xef\xbb\xbf").splitlines()[0]
    try:
        names = next(csv.reader([line.decode()]))
    except UnicodeDecodeError as error:
        raise SourceError(f"not UTF-8 text (byte {error.start})", where=path, hint="Save the file as UTF-8.") from error
    except csv.Error as error:
        raise SourceError(f"the first line is no CSV header: {error}", where=path) from error
    return [name.strip() for name in names]


def map_distinct(column: pa.ChunkedArray, function: Callable[[str], Any], kind: pa.DataType | None = None) -> pa.Array:
    """Apply a function to each distinct value of a column once. ``None`` becomes null."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(array)
    if isinstance(array, pa.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    values = [function(value) for value in array.dictionary.to_pylist()]
    return pa.array(values, type=kind or pa.string()).take(array.indices)


def keep(table: pa.Table, good: pa.Array | np.ndarray[Any, Any], reason: str, report: Report) -> pa.Table:
    """The rows for which ``good`` is true; the others are counted under ``reason``."""
    mask = pc.fill_null(pa.array(good), False)
    dropped = table.num_rows - int(pc.sum(mask).as_py() or 0)
    if dropped:
        report.dropped[reason] += dropped
    return table.filter(mask)


def repaired(before: pa.Array, after: pa.Array, reason: str, report: Report) -> None:
    """Count the rows in which a column was changed."""
    count = int(pc.sum(pc.fill_null(pc.not_equal(before, after), False)).as_py() or 0)
    if count:
        report.repaired[reason] += count


def need_rows(table: pa.Table, path: Path, report: Report) -> None:
    """Raise if nothing is left.

    Raises:
        SourceError: every row was dropped.
    """
    if not table.num_rows:
        reasons = ", ".join(f"{count} {reason}" for reason, count in report.dropped.most_common(4))
        raise SourceError(
            f"no row of {report.read} can be used: {reasons}", where=path, hint="Check that this is the right file."
        )


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError("a folder, not a CSV file", where=path, hint="Name the file inside it.")
        with path.open("rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError as error:
        raise SourceError("no such file", where=path, hint="Check the path, or use 'embedded'.") from error
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=path) from error


def _match(path: Path, header: list[str], wanted: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    places = {name.casefold(): i for i, name in reversed(list(enumerate(header)))}
    found = {}
    missing = []
    for name, spellings in wanted.items():
        place = next((places[s.casefold()] for s in spellings if s.casefold() in places), None)
        if place is None:
            missing.append(spellings[0])
        else:
            found[name] = place
    if not missing:
        return found
    for delimiter, word in _DELIMITERS.items():
        if header and sum(name.count(delimiter) for name in header) >= max(1, len(wanted) - 1):
            raise SourceError(
                f"the fields are separated by {word}, not commas",
                where=path,
                hint=f"Save it with commas (now it reads {header[0][:60]!r}).",
            )
    names = ", ".join(repr(name) for name in missing)
    raise SourceError(
        f"no column {names} in the header", where=path, hint=did_you_mean(missing[0], [n for n in header if n][:60])
    )


def _unreadable(path: Path, error: pa.ArrowInvalid) -> SourceError:
    text = str(error)
    if "UTF8" in text.upper().replace("-", ""):
        place = _first_bad_byte(path)
        return SourceError(f"not UTF-8 text{place}", where=path, hint="Save the file as UTF-8.")
    if "straddling" in text or "out of sync" in text:
        return SourceError(
            "a quotation mark is opened and never closed", where=path, hint="Mend the file, or download it again."
        )
    return SourceError(f"not a readable CSV file: {text}", where=path, hint="Mend the file, or download it again.")


def _first_bad_byte(path: Path) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f" (line {number}, byte {error.start})"
    return ""
