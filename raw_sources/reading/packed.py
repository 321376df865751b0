"""What people give as a table, opened by its content: archives unpacked, other encodings turned into UTF-8."""

import codecs
import errno
import gzip
import lzma
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NoReturn

from fiubench.raw_sources.reading.cells import Cells, json_lines, parquet, spreadsheet
from fiubench.raw_sources.reading.csvtext import DOWNLOAD_AGAIN, HEAD, SAVE_AS_UTF8, CsvText, NotUtf8, binary
from fiubench.support.errors import SourceError
from fiubench.support.files import scratch_folder
from fiubench.support.reading import open_regular

Opened = CsvText | Cells
_LARGEST = 8 << 30  # bytes that an archive may unpack to; NYPD's file has 3 GB
_SMALL, _MOST_PACKED = 64 << 20, 200  # beyond the first, bytes to one packed byte: tables reach 20
_DEEPEST = 3  # archives in archives
_UNPACK = "Unpack it and name the table itself."
_ZIP, _GZIP, _PARQUET = b"PK\x03\x04", b"\x1f\x8b", b"PAR1"
#: First bytes of what people give that is no table, what it is, and what to do.
_MAGIC = {
    b"BZh": ("a bzip2 archive", _UNPACK),
    b"\xfd7zXZ": ("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("a Zstandard archive", _UNPACK),
    b"7z\xbc\xaf": ("a 7z archive", _UNPACK),
    b"PK\x05\x06": ("an empty zip archive", _UNPACK),
    b"%PDF": ("a PDF document", "Export the table as CSV."),
    b"\xd0\xcf\x11\xe0": ("an old or encrypted spreadsheet", "Save it as .xlsx without a password, or as CSV."),
    b"SQLite": ("an SQLite database", "Export the table as CSV."),
    b"[": ("a JSON array", "Write one object a line: `frame.to_json(FILE, orient='records', lines=True)`."),
    codecs.BOM_UTF32_LE: ("UTF-32 text", SAVE_AS_UTF8),
    codecs.BOM_UTF32_BE: ("UTF-32 text", SAVE_AS_UTF8),
}
_HTML = (b"<!doctype", b"<html", b"<?xml")
_BOM = b"\xef\xbb\xbf"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
#: What Python's readers of archives raise for damaged ones.
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, OSError, ValueError),
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EROFS)
_TABLES = (".csv", ".tsv", ".tab", ".xlsx", ".parquet", ".jsonl", ".ndjson", ".json", ".gz", ".zip")
# Letters and signs of Western Europe in UTF-8; the same bytes as cp1252 would be "Ã©" or "â€™", which nobody writes.
_IN_UTF8 = re.compile(rb"[\xc2\xc3][\x80-\xbf]|\xe2\x80[\x80-\xbf]")


@contextmanager
def opened(given: Path) -> Iterator[Opened]:
    """A table file of any format: what it is, is seen by its content, never by its name.

    What is packed or in another encoding becomes a temporary file, which is gone when the block ends.

    Raises:
        SourceError: there is no such file, it is no table, or an archive that is encrypted, damaged, hostile or holds
            several tables.
    """
    with ExitStack() as stack:
        yield _Opener(given, stack).open(given, [])


@contextmanager
def opened_as_cp1252(given: CsvText) -> Iterator[CsvText]:
    """The same where text below the head turned out not to be UTF-8."""
    with ExitStack() as stack:
        yield _Opener(given.given, stack).as_cp1252(given.path, [w for w in given.words if "separated" not in w])


class _Opener:
    """Opens one file; ``stack`` keeps the temporary ones."""

    def __init__(self, given: Path, stack: ExitStack) -> None:
        self.given = given
        self.stack = stack

    def open(self, path: Path, words: list[str], depth: int = 0) -> Opened:
        """What is in a file, which may be one that was unpacked from the given one."""
        head = _head(path)
        if head.startswith((_ZIP, _GZIP)):
            if depth == _DEEPEST:
                self.refuse(f"an archive in {_DEEPEST} archives", _UNPACK)
            unpack = self.open_zip if head.startswith(_ZIP) else self.open_gzip
            return unpack(path, words, depth + 1)
        if head.startswith(_PARQUET):
            return parquet(self.given, path, words)
        if "UTF-16" not in words and (encoding := _utf16(head)):
            return self.open(self.transcoded(path, encoding), [*words, "UTF-16"], depth)
        if head.removeprefix(_BOM).lstrip().startswith(b"{"):
            return json_lines(self.given, path, words)
        self.refuse_other_formats(head)
        try:
            return CsvText.of(self.given, path, head, words)
        except NotUtf8:
            return self.as_cp1252(path, words)

    def refuse(self, what: str, hint: str, cause: Exception | None = None) -> NoReturn:
        """Say what is wrong with the given file."""
        raise SourceError(what, where=self.given, hint=hint) from cause

    def refuse_other_formats(self, head: bytes) -> None:
        """What is no table."""
        for magic, (what, hint) in _MAGIC.items():
            if head.startswith(magic):
                self.refuse(f"{what}, not a table", hint)
        if head.lstrip()[:16].lower().startswith(_HTML):
            self.refuse("a web page, not a table", "Download the data itself; a log-in may be needed.")
        if b"\0" in head:
            raise binary(self.given, head.index(0))
        if not head.removeprefix(_BOM).strip():
            self.refuse("the file is empty", "Download it again.")

    def open_zip(self, path: Path, words: list[str], depth: int) -> Opened:
        """A spreadsheet, or the one table of an archive."""
        try:
            with zipfile.ZipFile(path) as archive:
                if "[Content_Types].xml" in archive.namelist():
                    self.check_size(sum(m.file_size for m in archive.infolist()), path.stat().st_size)
                    return spreadsheet(self.given, path, words)
                member = self.only_table(archive)
                if member.flag_bits & 1:
                    self.refuse("the archive is encrypted", "Unpack it with its password and name the table itself.")
                inner = self.temporary()
                with archive.open(member) as packed:
                    self.pour(packed, inner, path.stat().st_size)
        except _DAMAGED as error:
            self.refuse(f"a damaged zip archive, or one of an unknown kind: {error}", DOWNLOAD_AGAIN, error)
        return self.open(inner, [*words, f"{_base(member)!r} of a zip archive"], depth)

    def only_table(self, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
        """The one file that is a table; names are only looked at where there are several."""
        files = [m for m in archive.infolist() if not m.is_dir() and not _is_litter(m)]
        tables = files if len(files) == 1 else [m for m in files if m.filename.lower().endswith(_TABLES)]
        if len(tables) != 1:
            names = ", ".join(repr(_base(member)) for member in files[:8]) + (", .." if len(files) > 8 else "")
            what = f"the archive holds {len(tables)} tables, not one: {names}" if files else "an empty zip archive"
            self.refuse(what, _UNPACK)
        return tables[0]

    def open_gzip(self, path: Path, words: list[str], depth: int) -> Opened:
        """What a gzip archive holds."""
        inner = self.temporary()
        try:
            with gzip.open(path) as packed:
                self.pour(packed, inner, path.stat().st_size)
        except _DAMAGED as error:
            self.refuse(f"a damaged gzip archive, cut off or altered: {error}", DOWNLOAD_AGAIN, error)
        return self.open(inner, [*words, "a gzip archive"], depth)

    def pour(self, packed: gzip.GzipFile | IO[bytes], inner: Path, packed_size: int) -> None:
        """Unpack to a file, whatever sizes the archive claims."""
        size = 0
        with self.filling(inner) as file:
            while block := packed.read(1 << 20):
                size += len(block)
                self.check_size(size, packed_size)
                file.write(block)

    def check_size(self, size: int, packed_size: int) -> None:
        """Refuse what grows beyond every table."""
        if size > min(_LARGEST, max(_SMALL, _MOST_PACKED * packed_size)):
            what = f"unpacks to {size >> 20} MB or more from {max(1, packed_size >> 10)} kB: no table does"
            self.refuse(what, "If you trust it, unpack it and name the table itself.")

    def as_cp1252(self, path: Path, words: list[str]) -> CsvText:
        """A file that is not UTF-8, read as what spreadsheets of Western Europe and America write."""
        inner = self.transcoded(path, "cp1252")
        return CsvText.of(self.given, inner, _head(inner), [*words, "cp1252"])

    def transcoded(self, path: Path, encoding: str) -> Path:
        """The text in UTF-8. Line breaks stay, so that line numbers are those of the given file."""
        inner = self.temporary()
        with open_regular(path) as source, self.filling(inner) as target:
            if encoding == "cp1252":
                for number, line in enumerate(source, 1):
                    target.write(line if line.isascii() else self.from_cp1252(line, number))
                return inner
            decoder = codecs.getincrementaldecoder(encoding)()
            try:
                while block := source.read(1 << 20):
                    target.write(decoder.decode(block).encode())
                decoder.decode(b"", final=True)
            except UnicodeError as error:
                self.refuse(f"damaged UTF-16 text: {error}", SAVE_AS_UTF8, error)
        return inner

    def from_cp1252(self, line: bytes, number: int) -> bytes:
        """A line in UTF-8; one that is UTF-8 already says that the file is not cp1252."""
        if _IN_UTF8.search(line):
            what = f"text in two encodings: line {number} holds UTF-8, and others do not"
            self.refuse(what, SAVE_AS_UTF8)
        try:
            return line.decode("cp1252").encode()
        except UnicodeDecodeError as error:
            what = f"neither UTF-8 nor cp1252 text (line {number}, byte {error.start + 1})"
            self.refuse(what, SAVE_AS_UTF8, error)

    @contextmanager
    def filling(self, inner: Path) -> Iterator[IO[bytes]]:
        """A temporary file to write to."""
        try:
            with inner.open("wb") as file:
                yield file
        except OSError as error:
            if error.errno not in _NO_ROOM:  # of the archive, then
                raise
            what = f"can't be unpacked in {tempfile.gettempdir()}: {error.strerror}"
            self.refuse(what, "Set TMPDIR to a folder with room, or unpack the file yourself.", error)

    def temporary(self) -> Path:
        """A name for a file that is removed in the end."""
        return self.stack.enter_context(scratch_folder()) / "table"


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SourceError("a folder, not a file", where=path, hint="Name the file inside it.")
        if path.exists() and not path.is_file():  # it is read more than once
            raise SourceError("a pipe or a device, not a file", where=path, hint="Save what it gives as a file first.")
        with open_regular(path) as file:
            return file.read(HEAD)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # the last: a NUL in the name
        raise SourceError("no such file", where=path, hint="Check the path, or use 'embedded'.") from error
    except OSError as error:
        hint = "Check the file's permissions."
        raise SourceError(f"cannot be read: {error.strerror}", where=path, hint=hint) from error


def _utf16(head: bytes) -> str | None:
    """The encoding, by its mark or by the zeros of plain letters."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return None
    if head[:2] in _UTF16:
        return _UTF16[head[:2]]
    zeros = head[:64].count(0)
    if zeros <= 8:
        return None
    places = {zeros: None} | {head[1:64:2].count(0): "utf-16-le", head[:64:2].count(0): "utf-16-be"}
    return places.get(zeros)


def _base(member: zipfile.ZipInfo) -> str:
    """The last part of a member's name: never more than that is used of it, and only to say it."""
    return re.split(r"[/\\]", member.filename)[-1]


def _is_litter(member: zipfile.ZipInfo) -> bool:
    """What systems put beside the files of an archive."""
    return member.filename.startswith("__MACOSX/") or _base(member).startswith(".")
