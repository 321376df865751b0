"""Reading datasets: a dataset directory, or any file of the shape of ``full.json``. Everything streams."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson
from fiubench.support.errors import DatasetError

from fiubench import schemas

if TYPE_CHECKING:
    import pandas

IDENTITIES, SPLITS, MANIFEST, BUILD_FILE, IMAGES, RELEASE, WORDINGS = (
    "identities.jsonl",
    "splits.json",
    "manifest.json",
    "build.yaml",
    "images",
    "release",
    "wordings.jsonl",
)
RELEASE_WORDINGS = f"{RELEASE}/fiubench/{WORDINGS}"
_LONGEST_RECORD = 64 << 20  # bytes; a longer "line" is no identity
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Dataset:
    """A built dataset directory.

    >>> dataset = open_dataset("dataset")                    # doctest: +SKIP
    >>> for identity in dataset: print(identity["name"])     # doctest: +SKIP
    """

    directory: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What made it, and its digests.

        Raises:
            DatasetError: it is not in the shape of a manifest.
        """
        return _checked(read_object(self.directory / MANIFEST), "manifest", self.directory / MANIFEST)

    @cached_property
    def splits(self) -> dict[str, list[str]]:
        """Split name -> unique ids of its identities.

        Raises:
            DatasetError: it is not in the shape of splits.
        """
        document = _checked(read_object(self.directory / SPLITS), "splits", self.directory / SPLITS)
        splits: dict[str, list[str]] = document["splits"]
        return splits

    @cached_property
    def forget_attributes(self) -> list[str]:
        """The attributes that the forget sets are about; none where it is everything that is known of their people."""
        document = read_object(self.directory / SPLITS)
        return list(document.get("attributes", ()))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Identities in order, one at a time.

        Raises:
            DatasetError: one of them is not in the shape of an identity.
        """
        path = self.directory / IDENTITIES
        for number, record in enumerate(read_records(path), 1):
            if not schemas.is_valid("identity")(record):
                _checked(record, "identity", f"{path}, line {number}")
            yield record

    def identity(self, key: str) -> dict[str, Any]:
        """An identity by unique id, index or full name.

        Raises:
            DatasetError: there is none.
        """
        for record in self:
            if key in (record["unique_id"], str(record["index"])) or key.casefold() == record["name"].casefold():
                return record
        raise DatasetError(
            f"no identity {key!r}", where=self.directory, hint="Give a unique id, an index or a full name."
        )

    def splits_of(self, unique_id: str) -> list[str]:
        """Names of the splits an identity is in."""
        return [name for name, ids in self.splits.items() if unique_id in ids]

    @property
    def wordings(self) -> Path:
        """The words of a model: beside the records, or in the release that a dataset was pulled from."""
        own = self.directory / WORDINGS
        return own if own.exists() else self.directory / RELEASE_WORDINGS

    def image(self, record: dict[str, Any]) -> Path | None:
        """Where an identity's picture lies."""
        return None if record["image_path"] is None else self.directory / record["image_path"]

    def to_pandas(self) -> "pandas.DataFrame":
        """All QA pairs as a table, one row each, with ``unique_id``, ``name`` and ``gender``."""
        try:
            import pandas as pd  # noqa: PLC0415
        except ImportError as error:
            raise DatasetError("pandas is not installed", hint="pip install pandas") from error

        keys = ("unique_id", "name", "gender")
        return pd.DataFrame(
            [{**{k: r[k] for k in keys}, **qa, "value": qa["value"]["value"]} for r in self for qa in r["qa_list"]]
        )


def open_dataset(path: str | Path) -> Dataset:
    """A finished dataset directory.

    Raises:
        DatasetError: it is none, or its build is not finished.
    """
    directory = Path(path)
    if not directory.is_dir():
        raise DatasetError("no such folder", where=directory, hint="`fiubench build --out DIR` makes one.")
    if not (directory / MANIFEST).exists():
        unfinished = (directory / ".build").exists()
        hint = (
            "The build is not finished: run it again with --resume."
            if unfinished
            else "`fiubench build --out DIR` makes one."
        )
        raise DatasetError(f"not a fiubench dataset (no {MANIFEST})", where=directory, hint=hint)
    return Dataset(directory)


def _checked(document: dict[str, Any], schema: str, where: object) -> dict[str, Any]:
    for violation in schemas.violations(schema, document):
        hint = "`fiubench validate` tells everything that is wrong; a build makes it anew."
        raise DatasetError(f"damaged: {violation.path}: {violation.message}", where=where, hint=hint)
    return document


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises:
        DatasetError: missing, not JSON, or something else.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"not JSON: {error}", where=path) from error
    if not isinstance(document, dict):
        raise DatasetError("not a JSON object", where=path)
    return document


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSON lines file or of one JSON array, one at a time.

    Raises:
        DatasetError: not readable, not JSON (the line or record is named), or a record that is no object.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_CHUNK).lstrip(b"\xef\xbb\xbf \t\r\n")
            file.seek(0)
            records = _array(file, path) if start[:1] == b"[" else _lines(file, path)
            number = 0
            for number, record in enumerate(records, 1):
                if not isinstance(record, dict):
                    raise DatasetError(
                        f"record {number} is no object",
                        where=path,
                        hint="One JSON object per identity is expected.",
                    )
                yield record
            if not number:
                raise DatasetError("the file is empty", where=path)
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error


def _lines(file: IO[bytes], path: Path) -> Iterator[Any]:
    number = 0
    while line := file.readline(_LONGEST_RECORD):
        number += 1
        if len(line) == _LONGEST_RECORD:
            raise DatasetError(
                f"line {number} is longer than {_LONGEST_RECORD >> 20} MB",
                where=path,
                hint="One identity a line is expected.",
            )
        if not (line := line.strip(b"\xef\xbb\xbf \t\r\n")):
            continue
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise DatasetError(
                f"line {number} is not JSON: {error}",
                where=path,
                hint="JSON lines or one JSON array are expected.",
            ) from error


def _array(file: IO[bytes], path: Path) -> Iterator[Any]:
    """The elements of one array. The whole is never held: elements are decoded as they come in."""
    decoder = json.JSONDecoder()
    reader = _Text(file, path)
    reader.skip("[")
    number = 0
    while True:
        if reader.peek() == "]":
            return
        if number:
            reader.skip(",")
        number += 1
        yield reader.decode(decoder, number)


class _Text:
    """A growing window on a UTF-8 file."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        import codecs  # noqa: PLC0415

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

    def decode(self, decoder: json.JSONDecoder, number: int) -> Any:
        """The next element."""
        self.peek()
        while True:
            try:
                value, end = decoder.raw_decode(self.text)
                if end < len(self.text) or not self._more():  # a number at the very end may go on
                    self.text = self.text[end:]
                    return value
            except (json.JSONDecodeError, RecursionError) as error:
                if not self._more():
                    raise DatasetError(f"record {number} is not JSON: {error}", where=self.path) from error
