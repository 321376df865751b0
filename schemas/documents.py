"""The files of a dataset by name, and how its JSON is read. Everything streams."""

import codecs
import json
import os
from collections.abc import Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

import orjson
from fiubench.support.errors import DatasetError
from fiubench.support.reading import open_file, read_small

from fiubench import schemas

IDENTITIES, SPLITS, MANIFEST, BUILD_FILE = "identities.jsonl", "splits.json", "manifest.json", "build.yaml"
IMAGES, RELEASE, WORDINGS = "images", "release", "wordings.jsonl"
RELEASE_WORDINGS = f"{RELEASE}/fiubench/{WORDINGS}"
#: Where a release has the files that the loaders of the original FIUBench read.
ORIGINAL_LAYOUT = "fiubench/dataset"
#: Files of records in a release, those of the first releases included.
RELEASE_RECORDS = (f"{ORIGINAL_LAYOUT}/full.json", f"{ORIGINAL_LAYOUT}/holdout.json", "fiubench/full.json")
#: A signature of the manifest, which lies beside it.
SIGNATURE = f"{MANIFEST}.minisig"
#: Hex digits that the manifest keeps of each identity's and image's SHA-256: enough to keep any two apart.
SHORT_DIGEST = 32
_LARGEST = 1 << 30  # bytes of a file that is read whole: the manifest of ten million identities
_LONGEST_RECORD = 64 << 20  # bytes; a longer "line" is no identity
_CHUNK = 1 << 16
_BLANK = b"\xef\xbb\xbf \t\r\n"
_DECODER = json.JSONDecoder()


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises:
        DatasetError: missing, not JSON, or something else.
    """
    try:
        document = orjson.loads(read_bytes(path))
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"not JSON: {error}", where=path) from error
    if not isinstance(document, dict):
        raise DatasetError("not a JSON object", where=path)
    return document


class Block(NamedTuple):
    """Lines of a file of records that follow each other: the whole by default.

    Attributes:
        start: where the first of them begins.
        line, record: how many are before.
        lines: how many these are; ``None``: to the end.
    """

    start: int = 0
    line: int = 0
    record: int = 0
    lines: int | None = None


WHOLE = Block()


def blocks_of(path: Path, lines: int) -> list[Block]:
    """A JSON lines file in blocks of so many lines; a JSON array is one.

    Raises:
        DatasetError: not readable.
    """
    try:
        with open_file(path, DatasetError) as file:
            if _begins_array(file):
                return [WHOLE]
            blocks, start, record = list[Block](), 0, 0
            for number, line in enumerate(iter(partial(file.readline, _LONGEST_RECORD), b"")):
                if number % lines == 0:
                    blocks.append(Block(start, number, record, lines))
                start, record = start + len(line), record + bool(line.strip(_BLANK))
            return blocks if record else [WHOLE]
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error


def read_records(path: Path, block: Block = WHOLE) -> Iterator[dict[str, Any]]:
    """The records of a JSON lines file or of one JSON array, one at a time; or of a block of lines.

    Raises:
        DatasetError: not readable, not JSON (the line or record is named), or a record that is no object.
    """
    try:
        with open_file(path, DatasetError) as file:
            records = _array(file, path) if not block.start and _begins_array(file) else _lines(file, path, block)
            number = block.record
            for number, record in enumerate(records, block.record + 1):
                if not isinstance(record, dict):
                    hint = "One JSON object per identity is expected."
                    raise DatasetError(f"record {number} is no object", where=path, hint=hint)
                yield record
            if not number and block.lines is None:
                raise DatasetError("the file is empty", where=path)
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error


def read_identities(path: Path, block: Block = WHOLE) -> Iterator[dict[str, Any]]:
    """The records of ``identities.jsonl``, one at a time; or of a block of lines.

    Raises:
        DatasetError: as for :func:`read_records`, or a record that is not in the shape of an identity.
    """
    valid = schemas.is_valid("identity")
    for number, record in enumerate(read_records(path, block), block.record + 1):
        yield record if valid(record) else checked(record, "identity", f"{path}, line {number}")


def identity_at(path: Path, index: int) -> dict[str, Any] | None:
    """The identity of an index, ``None`` if there is none; a few lines are read, since they are in order.

    Raises:
        DatasetError: not readable, not JSON, or a record that is not in the shape of an identity.
    """
    with open_file(path, DatasetError) as file:
        low, high = 0, file.seek(0, os.SEEK_END)  # where its line begins, and a place beyond
        while low < high:
            middle = (low + high) // 2
            start = file.seek(max(middle - 1, 0))
            if middle:
                start += len(file.readline(_LONGEST_RECORD))
            if start >= high:
                high = middle
                continue
            line = file.readline(_LONGEST_RECORD)
            try:
                found = checked(orjson.loads(line), "identity", f"{path}, byte {start}")
            except orjson.JSONDecodeError as error:
                raise DatasetError(f"byte {start}: not JSON: {error}", where=path) from error
            if found["index"] == index:
                return found
            low, high = (start + len(line), high) if found["index"] < index else (low, middle)
    return None


def checked(document: dict[str, Any], schema: str, where: object) -> dict[str, Any]:
    """The document itself, which follows a schema.

    Raises:
        DatasetError: it does not; its first violation is named.
    """
    for violation in schemas.violations(schema, document):
        hint = "`fiubench validate` reports everything that is wrong; a build makes it anew."
        raise DatasetError(f"damaged: {violation.path}: {violation.message}", where=where, hint=hint)
    return document


def image_root(file: Path, name: str) -> Path:
    """The folder that the ``image_path`` of a record in a file starts at: the file's own, or where loaders are started.

    Records of the original's layout lie in ``dataset/`` and name ``./dataset/images/..``.
    """
    nested = PurePosixPath(name).parts[:1] == (file.parent.name,)
    return file.parent.parent if nested else file.parent


def read_bytes(path: Path) -> bytes:
    """The content of a file of a dataset.

    Raises:
        DatasetError: it can't be read, is no file, or is larger than any file of a dataset.
    """
    return read_small(path, DatasetError, most=_LARGEST)


def _begins_array(file: IO[bytes]) -> bool:
    begin = file.read(_CHUNK).lstrip(_BLANK)
    file.seek(0)
    return begin[:1] == b"["


def _lines(file: IO[bytes], path: Path, block: Block) -> Iterator[Any]:
    file.seek(block.start)
    lines = islice(iter(partial(file.readline, _LONGEST_RECORD), b""), block.lines)
    for number, line in enumerate(lines, block.line + 1):
        if len(line) == _LONGEST_RECORD:
            what = f"line {number} is longer than {_LONGEST_RECORD >> 20} MB"
            raise DatasetError(what, where=path, hint="One identity a line is expected.")
        try:
            if stripped := line.strip(_BLANK):
                yield orjson.loads(stripped)
        except orjson.JSONDecodeError as error:
            hint = "JSON lines or one JSON array are expected."
            raise DatasetError(f"line {number} is not JSON: {error}", where=path, hint=hint) from error


def _array(file: IO[bytes], path: Path) -> Iterator[Any]:
    """The elements of one array. The whole is never held: elements are decoded as they come in."""
    reader = _Text(file, path)
    reader.skip("[")
    for number in count(1):
        if reader.peek() == "]":
            return
        if number > 1:
            reader.skip(",")
        yield reader.decode(number)


class _Text:
    """A growing window on a UTF-8 file."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self.file, self.path, self.text = file, path, ""
        self.utf8 = codecs.getincrementaldecoder("utf-8-sig")()

    def _more(self) -> bool:
        data = self.file.read(max(_CHUNK, len(self.text)))  # doubling: a long element is scanned a few times, not often
        try:
            self.text += self.utf8.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise DatasetError("not UTF-8 text", where=self.path) from error
        if len(self.text) > _LONGEST_RECORD:
            raise DatasetError(f"a record is longer than {_LONGEST_RECORD >> 20} MB", where=self.path)
        return bool(data)

    def peek(self) -> str:
        """The next character that is no white space."""
        while not (text := self.text.lstrip()):
            if not self._more():
                raise DatasetError("the JSON array does not end", where=self.path, hint="The file seems to be cut off.")
        self.text = text
        return text[0]

    def skip(self, expected: str) -> None:
        """Pass over one character."""
        if (found := self.peek()) != expected:
            raise DatasetError(f"not JSON: {expected!r} is expected where {found!r} stands", where=self.path)
        self.text = self.text[1:]

    def decode(self, number: int) -> Any:
        """The next element."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text)
                if end < len(self.text) or not self._more():  # a number at the very end may go on
                    self.text = self.text[end:]
                    return value
            except (json.JSONDecodeError, RecursionError) as error:
                if not self._more():
                    raise DatasetError(f"record {number} is not JSON: {error}", where=self.path) from error
