"""The files of an export, one a split: JSON lines, a JSON array, or Parquet."""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.dataset.cells import split_order
from fiubench.builder.exports.base import PICTURE, Format
from fiubench.schemas.documents import read_bytes
from fiubench.schemas.splits import FULL
from fiubench.support.files import make_folder

_GROUP = 500  # rows
_DICTIONARY_LIMIT = 1 << 30  # bytes: the picture of a person is stored once a row group


class _File(Protocol):
    def add(self, row: Any) -> None: ...
    def close(self) -> None: ...


def laid_out(form: Format, row: Mapping[str, Any]) -> Any:
    """A row as its file takes it: JSON, or as it is for a table."""
    return row if form.columns is not None else orjson.dumps(row)


class Files(ExitStack):
    """The open files of an export.

    Args:
        source: the dataset's folder, in which pictures lie.
        folder: the export's.
    """

    def __init__(self, source: Path, folder: Path, form: Format) -> None:
        super().__init__()
        self._source, self._folder, self._form = source, folder, form
        self._open: dict[str, _File] = {}
        self._counts: Counter[str] = Counter()

    def add(self, name: str, row: Any) -> None:
        """Append a row to the file of this name, as :func:`laid_out` gave it."""
        if name not in self._open:
            path = self._folder / self._form.path_of(name)
            make_folder(path.parent)
            if self._form.columns is None:
                self._open[name] = _Json(path, lines=self._form.lines)
            else:
                self._open[name] = _Table(path, self._form.columns, self._source)
            self.callback(self._open[name].close)
        self._open[name].add(row)
        self._counts[name] += 1

    def counts(self) -> dict[str, int]:
        """Rows per file, in the order of splits."""
        return dict(sorted(self._counts.items(), key=lambda item: (item[0] != FULL, split_order(item[0]))))


class _Json:
    """A row a line, or one array."""

    def __init__(self, path: Path, *, lines: bool) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._lines, self._empty = lines, True

    def add(self, row: bytes) -> None:
        before, after = (b"", b"\n") if self._lines else (b"[\n" if self._empty else b",\n", b"")
        self._file.write(before + row + after)
        self._empty = False

    def close(self) -> None:
        if not self._lines:
            self._file.write(b"\n]\n")
        self._file.close()


class _Table:
    """Parquet that ``datasets`` reads with pictures as such."""

    def __init__(self, path: Path, columns: Any, source: Path) -> None:
        self._path, self._columns, self._source = path, columns, source
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def add(self, row: Mapping[str, Any]) -> None:
        if self._writer is None:
            features = {field.name: _feature(field.type) for field in self._columns if field.name in row}
            metadata = {"huggingface": orjson.dumps({"info": {"features": features}}).decode()}
            self._columns = pa.schema([self._columns.field(name) for name in features], metadata=metadata)
            limit = _DICTIONARY_LIMIT
            self._writer = pq.ParquetWriter(
                self._path, self._columns, compression="zstd", dictionary_pagesize_limit=limit, store_schema=False
            )
            self._writer.add_key_value_metadata(metadata)
        self._rows.append({name: self._value(row[name], self._columns.field(name).type) for name in row})
        if len(self._rows) >= _GROUP:
            self._write()

    def close(self) -> None:
        self._write()
        self._writer.close()

    def _write(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._columns))
        self._rows = []

    def _value(self, value: Any, kind: Any) -> Any:
        """The value; a picture's bytes for its path, also in a list."""
        if value is not None and kind == PICTURE:
            path = self._source / value
            return {"bytes": read_bytes(path), "path": path.name}
        if isinstance(value, list) and kind == pa.list_(PICTURE):
            return [self._value(each, PICTURE) for each in value]
        return value


def _feature(kind: Any) -> dict[str, Any]:
    """The feature of ``datasets`` for an Arrow type."""
    if kind == PICTURE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    return {"dtype": str(kind), "_type": "Value"}
