"""Reading CSV files of unknown origin: the wanted columns as text, every oddity reported or counted."""

import csv
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
from fiubench.raw_sources.table import Report
from fiubench.support.errors import SourceError, did_you_mean
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_HEAD = 1 << 16
_BLOCK = 8 << 20
_EARLIEST = date(1940, 1, 1)  # nobody alive was an adult before
_LONGEST_RECORD = 20  # lines; a record that spans more has swallowed its neighbours
RAGGED = "wrong number of fields"

_SAVE_AS_UTF8 = "Save the file as UTF-8."
_DOWNLOAD_AGAIN = "Mend the file, or download it again."
#: First bytes of what people give instead of a CSV file.
_MAGIC = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet)",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (.xls)",
    b"SQLite": "an SQLite database",
    b"{": "JSON",
    b"[": "JSON",
}
_HTML = (b"<!doctype", b"<html", b"<?xml")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
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
        wanted: our name of a column -> header spellings that stand for it (case and outer spaces do not matter).
        report: rows are counted in ``read``; those with another number of fields than the header in ``dropped``.
        repeated: columns of few distinct values, which are kept as dictionaries.

    Raises:
        SourceError: no such file, not a CSV file, not UTF-8, another delimiter, missing columns, a quotation mark that
            is never closed, no rows.
    """
    header = _header(path)
    found = _match(path, header.names, wanted)
    table, ragged = _parse(path, header, found, repeated)
    _check_bytes(path, expected_lines=header.lines + table.num_rows + ragged)
    report.read += table.num_rows + ragged
    if ragged:
        report.dropped[RAGGED] += ragged
    if not table.num_rows:
        what = f"none of {ragged} rows has as many fields as the header" if ragged else "there is a header and no row"
        raise SourceError(what, where=path, hint="Give a file with records.")
    return table


def read_header(path: Path) -> list[str]:
    """The names in the header line.

    Raises:
        SourceError: what stands there is no CSV header.
    """
    return _header(path).names


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


def passing(checks: Iterable[tuple[str, pa.Array | Mask]], rows: int, report: Report) -> Mask:
    """Which rows pass every check (null does not); others are counted as dropped under the first that they fail."""
    good = np.ones(rows, dtype=np.bool_)
    for reason, passes in checks:
        mask = _mask(passes)
        if failed := int((good & ~mask).sum()):
            report.dropped[reason] += failed
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


def iso_date(text: str, as_of: date | None = None) -> str | None:
    """A date in ISO 8601 or as M/D/YYYY, with or without a time, as YYYY-MM-DD; ``None`` for anything else.

    Args:
        as_of: where it is given, years of two digits are read too, as the ones nearest to it.
    """
    if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", text.strip()):
        year, month, day = map(int, match.groups())
    elif match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?: .*)?", text.strip()):
        month, day, year = map(int, match.groups())
        if len(match[3]) == 2:
            if as_of is None:
                return None
            year += 100 * round((as_of.year - year) / 100)
    else:
        return None
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return found.isoformat() if found >= _EARLIEST else None


class _Header(NamedTuple):
    names: list[str]
    lines: int  # physical lines up to and including the header


def _header(path: Path) -> _Header:
    head = _head(path)
    _refuse_other_formats(path, head)
    lines = head.removeprefix(_BOM).splitlines()
    number = next(i for i, line in enumerate(lines) if line.strip())
    try:
        names = next(csv.reader([lines[number].decode()], strict=True))
    except UnicodeDecodeError as error:
        what = f"not UTF-8 text (line {number + 1}, byte {error.start + 1})"
        raise SourceError(what, where=path, hint=_SAVE_AS_UTF8) from error
    except csv.Error as error:
        what = "a quotation mark is opened in the header and never closed"
        raise SourceError(what, where=path, hint=_DOWNLOAD_AGAIN) from error
    return _Header([name.strip() for name in names], number + 1)


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError("a folder, not a CSV file", where=path, hint="Name the file inside it.")
        if path.exists() and not path.is_file():  # it is read more than once
            raise SourceError("a pipe or a device, not a file", where=path, hint="Save what it gives as a file first.")
        with path.open("rb") as file:
            return file.read(_HEAD)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # the last: a NUL in the name
        raise SourceError("no such file", where=path, hint="Check the path, or use 'embedded'.") from error
    except OSError as error:
        hint = "Check the file's permissions."
        raise SourceError(f"cannot be read: {error.strerror}", where=path, hint=hint) from error


def _refuse_other_formats(path: Path, head: bytes) -> None:
    zeros = head[:64].count(0)
    if head.startswith(_UTF16) or (zeros > 8 and zeros in (head[:64:2].count(0), head[1:64:2].count(0))):
        raise SourceError("UTF-16 text", where=path, hint=_SAVE_AS_UTF8)
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            hint = "Unpack or export it and name the CSV file itself."
            raise SourceError(f"{what}, not a CSV file", where=path, hint=hint)
    if head.lstrip()[:16].lower().startswith(_HTML):
        hint = "Download the data itself; a log-in may be needed."
        raise SourceError("a web page, not a CSV file", where=path, hint=hint)
    if b"\0" in head:
        raise _binary(path, head.index(0))
    if not head.removeprefix(_BOM).strip():
        raise SourceError("the file is empty", where=path, hint="Download it again.")


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
            hint = f"Save it with commas (now it reads {header[0][:60]!r})."
            raise SourceError(f"the fields are separated by {word}, not commas", where=path, hint=hint)
    names, hint = ", ".join(map(repr, missing)), did_you_mean(missing[0], [n for n in header if n][:60])
    raise SourceError(f"no column {names} in the header", where=path, hint=hint)


def _parse(path: Path, header: _Header, found: dict[str, int], repeated: Collection[str]) -> tuple[pa.Table, int]:
    """The wanted columns under our names, and how many rows had another number of fields."""
    names = [f"c{i}" for i in range(len(header.names))]
    text: dict[str, pa.DataType] = {names[i]: pa.string() for i in found.values()}
    text |= {names[found[name]]: pa.dictionary(pa.int32(), pa.string()) for name in repeated}
    ragged = 0

    def count_ragged(_: Any) -> str:
        nonlocal ragged
        ragged += 1
        return "skip"

    try:
        # An open file, for pyarrow unpacks what it is given by name as the name ends.
        with pa.OSFile(str(path)) as file:
            reader = pv.open_csv(
                file,
                read_options=pv.ReadOptions(column_names=names, skip_rows=header.lines, block_size=_BLOCK),
                parse_options=pv.ParseOptions(newlines_in_values=True, invalid_row_handler=count_ragged),
                convert_options=pv.ConvertOptions(
                    include_columns=[names[i] for i in sorted(found.values())],
                    column_types=text,
                    strings_can_be_null=False,
                ),
            )
            table = pa.Table.from_batches(list(reader), schema=reader.schema)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error
    return table.select([names[place] for place in found.values()]).rename_columns(list(found)), ragged


def _unreadable(path: Path, error: Exception) -> SourceError:
    text = str(error)
    if "UTF8" in text.upper().replace("-", ""):
        return SourceError(f"not UTF-8 text{_first_bad_byte(path)}", where=path, hint=_SAVE_AS_UTF8)
    if "Could not skip" in text or "Empty CSV" in text:
        return SourceError("there is a header and no row", where=path, hint="Give a file with records.")
    _check_quotes(path)
    if "straddl" in text:
        what = f"a record is longer than {_BLOCK >> 20} MB"
        return SourceError(what, where=path, hint="Check that this is the right file.")
    return SourceError(f"not a readable CSV file: {text}", where=path, hint=_DOWNLOAD_AGAIN)


def _first_bad_byte(path: Path) -> str:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f" (line {number}, byte {error.start + 1})"
    return ""


def _check_bytes(path: Path, *, expected_lines: int) -> None:
    """Look at what the parser passes over: NUL bytes, and quotation marks that swallow the rows after them.

    Raises:
        SourceError: there is one.
    """
    lines = returns = quotes = position = 0
    end = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if b"\0" in block:
                raise _binary(path, position + block.index(0))
            lines += block.count(b"\n")
            returns += block.count(b"\r")
            quotes += block.count(b'"')
            position += len(block)
            end = block[-1:]
    lines = (lines or returns) + (end not in b"\r\n")
    # Finding the mark that is astray takes a slow second reading: only where marks are odd or values have line breaks.
    if quotes % 2 or (quotes and lines > expected_lines):
        _check_quotes(path)


def _check_quotes(path: Path) -> None:
    with ExitStack() as stack:
        usual_limit = csv.field_size_limit(path.stat().st_size + 1)  # a long value is no fault
        stack.callback(csv.field_size_limit, usual_limit)
        file = stack.enter_context(path.open(encoding="utf-8-sig", errors="replace", newline=""))
        reader = csv.reader(file, strict=True)
        while True:
            start, fault = reader.line_num + 1, ""
            try:
                next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fault = str(error)
            span = reader.line_num - start
            if "unexpected end" in fault or (fault and span) or span > _LONGEST_RECORD:
                what = f"a quotation mark opened in line {start} is not closed where its value ends"
                raise SourceError(what, where=path, hint=_DOWNLOAD_AGAIN)


def _binary(path: Path, position: int) -> SourceError:
    what = f"binary data (a NUL at byte {position + 1}), not a CSV file"
    return SourceError(what, where=path, hint="Download it again, or export it as CSV.")
