"""CSV text of unknown origin: its header and fields, read by pyarrow, with a look at what pyarrow passes over."""

import codecs
import csv
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pv
from fiubench.support.errors import SourceError
from fiubench.support.reading import open_regular

HEAD = 1 << 16
DOWNLOAD_AGAIN = "Mend the file, or download it again."
SAVE_AS_UTF8 = "Save the file as UTF-8."
_BLOCK = 8 << 20
_LONGEST_RECORD = 20  # lines; a record that spans more has swallowed its neighbours
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SEP_LINE = re.compile(r"sep=([\t!#-/:-@\[-`{-~])\s*", re.IGNORECASE)  # how spreadsheets say the delimiter
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|$)")


class NotUtf8(Exception):
    """Bytes that are not UTF-8; read as such, they mean something else."""


@dataclass(frozen=True)
class CsvText:
    """A CSV file of UTF-8 text.

    ``lines`` counts the physical lines up to and including the header.
    """

    given: Path  # what the user gave; messages name it
    path: Path  # the plain file itself
    names: list[str]
    lines: int
    delimiter: str
    words: list[str] = field(default_factory=list)  # how it was found to be packed and encoded

    @classmethod
    def of(cls, given: Path, path: Path, head: bytes, words: list[str]) -> "CsvText":
        """Find the header and the delimiter in the first bytes of a file.

        Raises:
            NotUtf8: the head is not UTF-8.
            SourceError: what stands there is no header.
        """
        try:
            text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=len(head) < HEAD)
        except UnicodeDecodeError as error:
            raise NotUtf8 from error
        lines = _LINE.findall(text)
        number = next((i for i, line in enumerate(lines) if line.strip()), 0)
        if said := _SEP_LINE.fullmatch(lines[number]):
            number = next((i for i in range(number + 1, len(lines)) if lines[i].strip()), number)
        delimiter = said[1] if said else _delimiter(lines[number:])
        reader = csv.reader(lines[number:][:_LONGEST_RECORD], delimiter=delimiter, strict=True)
        try:
            names = next(reader)
        except csv.Error as error:
            what = "a quotation mark is opened in the header and never closed"
            raise SourceError(what, where=given, hint=DOWNLOAD_AGAIN) from error
        if delimiter != ",":
            words = [*(words or ["CSV"]), f"fields separated by {_DELIMITERS.get(delimiter, repr(delimiter))}"]
        return cls(given, path, [name.strip() for name in names], number + reader.line_num, delimiter, words)

    def read(self, places: list[int], repeated: Collection[int]) -> tuple[pa.Table, int]:
        """The columns at these places as text, and how many rows had another number of fields than the header.

        Args:
            repeated: places of columns of few distinct values, which are kept as dictionaries.

        Raises:
            NotUtf8: text in these columns is not UTF-8.
            SourceError: it is not CSV, holds NUL bytes, or a quotation mark that is never closed.
        """
        table, ragged = self._parse(places, repeated, len(self.names))
        # Every row may end in as many delimiters more or less than the header: empty columns of a spreadsheet.
        if not table.num_rows and len(ragged) == 1 and (width := min(ragged)) > 0:
            table, ragged = self._parse(places, repeated, width)
        rows = table.num_rows + ragged.total()
        self._check_bytes(expected_lines=self.lines + rows)
        return table, ragged.total()

    def _parse(self, places: list[int], repeated: Collection[int], width: int) -> tuple[pa.Table, Counter[int]]:
        """The columns, and how many rows had another width that differs in empty fields alone; 0 is any other width."""
        names = [f"c{i}" for i in range(width)]
        dictionary = pa.dictionary(pa.int32(), pa.string())
        types = {names[i]: dictionary if i in repeated else pa.string() for i in places}
        ragged: Counter[int] = Counter()

        def count_ragged(row: Any) -> str:
            more = row.actual_columns - len(self.names)
            padded = more > 0 and row.text is not None and row.text.rstrip("\r\n").endswith(self.delimiter * more)
            lacks_nothing = more < 0 and not any(self.names[row.actual_columns :])
            ragged[row.actual_columns if padded or lacks_nothing else 0] += 1
            return "skip"

        try:
            # An open file, for pyarrow unpacks what it is given by name as the name ends.
            with pa.OSFile(str(self.path)) as file, _rows_of_other_text():
                reader = pv.open_csv(
                    file,
                    read_options=pv.ReadOptions(column_names=names, skip_rows=self.lines, block_size=_BLOCK),
                    parse_options=pv.ParseOptions(
                        delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=count_ragged
                    ),
                    convert_options=pv.ConvertOptions(
                        include_columns=[names[i] for i in sorted(set(places))],
                        column_types=types,
                        strings_can_be_null=False,
                    ),
                )
                table = pa.Table.from_batches(list(reader), schema=reader.schema)
        except (pa.ArrowException, OSError) as error:
            raise self._unreadable(error) from error
        return table.select([names[place] for place in places]), ragged

    def _unreadable(self, error: Exception) -> Exception:
        text = str(error)
        # Rows of another width are errors only where pyarrow could not hand them over, for they are not UTF-8.
        if "UTF8" in text.upper().replace("-", "") or "columns, got" in text:
            return NotUtf8()
        if "Could not skip" in text or "Empty CSV" in text:
            return no_rows(self.given)
        self._check_quotes()
        if "straddl" in text:
            what = f"a record is longer than {_BLOCK >> 20} MB"
            return SourceError(what, where=self.given, hint="Check that this is the right file.")
        return SourceError(f"not a readable CSV file: {text}", where=self.given, hint=DOWNLOAD_AGAIN)

    def _check_bytes(self, *, expected_lines: int) -> None:
        """Look at what the parser passes over: NUL bytes, and quotation marks that swallow the rows after them.

        Raises:
            SourceError: there is one.
        """
        lines = returns = quotes = position = 0
        end = b""
        with open_regular(self.path) as file:
            while block := file.read(1 << 20):
                if b"\0" in block:
                    raise binary(self.given, position + block.index(0))
                lines += block.count(b"\n")
                returns += block.count(b"\r")
                quotes += block.count(b'"')
                position += len(block)
                end = block[-1:]
        lines = (lines or returns) + (end not in b"\r\n")
        # Finding the mark that is astray takes a slow second reading: only where marks are odd or values have line
        # breaks.
        if quotes % 2 or (quotes and lines > expected_lines):
            self._check_quotes()

    def _check_quotes(self) -> None:
        with ExitStack() as stack:
            usual_limit = csv.field_size_limit(self.path.stat().st_size + 1)  # a long value is no fault
            stack.callback(csv.field_size_limit, usual_limit)
            file = stack.enter_context(self.path.open(encoding="utf-8-sig", errors="replace", newline=""))
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
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
                    raise SourceError(what, where=self.given, hint=DOWNLOAD_AGAIN)


@contextmanager
def _rows_of_other_text() -> Iterator[None]:
    """Keep Python from printing that pyarrow could not decode a row of another width; pyarrow raises an error too."""
    usual = sys.unraisablehook
    sys.unraisablehook = lambda info: None if isinstance(info.exc_value, UnicodeDecodeError) else usual(info)
    try:
        yield
    finally:
        sys.unraisablehook = usual


def no_rows(given: Path) -> SourceError:
    """A table that has nothing but a header."""
    return SourceError("there is a header and no row", where=given, hint="Give a file with records.")


def binary(given: Path, position: int) -> SourceError:
    """A file in which a NUL stands at a byte (counted from 0)."""
    what = f"binary data (a NUL at byte {position + 1}), not a table"
    return SourceError(what, where=given, hint="Download it again, or export it anew.")


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the header into several fields and most rows into as many; else a comma."""

    def fit(delimiter: str) -> tuple[float, int]:
        rows = csv.reader(lines, delimiter=delimiter)
        try:
            width = len(next(csv.reader(lines, delimiter=delimiter, strict=True)))
            widths = [len(row) for row in rows if row][:-1]  # the head may end in the middle of a row
        except csv.Error:
            return 0, 0
        return (0, 0) if width < 2 else (sum(w == width for w in widths) / max(1, len(widths)), width)

    return max(_DELIMITERS, key=fit)
