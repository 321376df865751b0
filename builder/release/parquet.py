"""Parquet files with embedded images: one row per question, and one row per identity.

The twenty rows of a person repeat one image. It is handed to the writer once, as a dictionary, so that it
costs the CPU, the memory and the disk space of one copy; readers see plain columns. The settings are those
that Hugging Face recommends for its hub: page index and content-defined chunking, so that a new version is
uploaded as a difference; row groups small enough to stream; no compression and no statistics on images.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.dataset.cells import Cells
from fiubench.builder.release.arrays import binaries, lists, repeated, texts
from fiubench.builder.release.columns import (
    IMAGE,
    TEXT,
    TEXTS,
    Column,
    hugging_face_metadata,
    identity_columns,
    question_columns,
    schema,
)

DATA = "data"
_QUESTION_ROWS = 500  # rows in a row group
_IDENTITY_ROWS = 100
_DICTIONARY_LIMIT = 1 << 30  # bytes; beyond it Parquet would write every repeated image again
_FILE_PEOPLE = 2_500  # people a file; more in a very large dataset: the hub likes fewer than 100 files a commit
_QUESTION_FILES, _IDENTITY_FILES = 60, 15


class Person(NamedTuple):
    """One identity on its way into the files."""

    record: Mapping[str, Any]
    image: bytes | None
    splits: Sequence[str]


@dataclass(frozen=True)
class _Table:
    """One of the two tables: its columns and how people become rows.

    ``values`` gives the values of every column (for a repeated one those of the people) and, where a person
    has several rows, the number of each row's person. ``group`` says from the first of its people how many a
    row group has.
    """

    columns: list[Column]
    values: Callable[[Sequence[Person]], tuple[dict[str, list[Any]], Any]]
    group: Callable[[Person], int]


class _Files:
    """A table in numbered files ``stem-00000.parquet``, ... People are collected to whole row groups."""

    def __init__(self, folder: Path, stem: str, table: _Table, people_per_file: int) -> None:
        self.paths: list[str] = []
        self._folder, self._stem, self._table, self._people_per_file = folder, stem, table, people_per_file
        self._schema = schema(table.columns)
        self._pending: list[Person] = []
        self._group = 1
        self._in_file = 0
        self._writer: Any = None

    def add(self, person: Person) -> None:
        """Take one more person; writes whenever a row group is full."""
        if not self._pending:
            self._group = self._table.group(person)
        self._pending.append(person)
        self._in_file += 1
        if self._in_file >= self._people_per_file:
            self.close()
        elif len(self._pending) >= self._group:
            self._write()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._write()
        if self._writer is None:
            return
        # The Arrow schema, with its dictionary types, is not stored; what `datasets` reads is added by hand.
        self._writer.add_key_value_metadata(hugging_face_metadata(self._table.columns))
        self.abandon()
        with (self._folder / self.paths[-1]).open("rb") as file:
            os.fsync(file.fileno())

    def abandon(self) -> None:
        """Let go of the open file."""
        if self._writer is not None:
            self._writer.close()
        self._writer, self._in_file = None, 0

    def _write(self) -> None:
        if not self._pending:
            return
        if self._writer is None:
            self.paths.append(f"{DATA}/{self._stem}-{len(self.paths):05}.parquet")
            options = _options(self._table.columns)
            self._writer = pq.ParquetWriter(self._folder / self.paths[-1], self._schema, **options)
        values, owner = self._table.values(self._pending)
        arrays = [
            _images(column, self._pending, owner)
            if column.kind == IMAGE
            else _array(column, values[column.name], owner)
            for column in self._table.columns
        ]
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._pending = []


def _question_table(columns: list[Column]) -> _Table:
    own = [column.name for column in columns if not column.repeated and column.name not in ("value", "value_type")]

    def values(people: Sequence[Person]) -> tuple[dict[str, list[Any]], Any]:
        records = [person.record for person in people]
        pairs = [pair for record in records for pair in record["qa_list"]]
        facts = [record["profile"][pair["attribute"]] for record in records for pair in record["qa_list"]]
        rows: dict[str, list[Any]] = {name: [pair[name] for pair in pairs] for name in own}
        rows["value"] = [fact["text"] for fact in facts]
        rows["value_type"] = [pair["value"]["type"] for pair in pairs]
        for name in ("unique_id", "name", "gender"):
            rows[name] = [record[name] for record in records]
        counts = [len(record["qa_list"]) for record in records]
        return rows, np.repeat(np.arange(len(people)), counts)

    return _Table(columns, values, lambda person: max(1, _QUESTION_ROWS // max(1, len(person.record["qa_list"]))))


def _identity_table(columns: list[Column]) -> _Table:
    def values(people: Sequence[Person]) -> tuple[dict[str, list[Any]], Any]:
        records = [person.record for person in people]
        rows: dict[str, list[Any]] = {
            name: [record[name] for record in records] for name in ("unique_id", "name", "gender", "caption")
        }
        rows["splits"] = [person.splits for person in people]
        rows["profile"] = [orjson.dumps(record["profile"]).decode() for record in records]
        for column in columns:
            if column.name not in rows and column.kind == TEXT:
                rows[column.name] = [record["profile"][column.name]["text"] for record in records]
        return rows, None

    return _Table(columns, values, lambda _: _IDENTITY_ROWS)


class ParquetFiles:
    """Every Parquet file of a release, written while the identities stream by.

    Args:
        folder: folder of the release; files go to ``data/`` in it.
        cells: who is in which splits.
        attributes: names of the attributes, a column each in the table of identities.
        has_images: whether identities have faces.
    """

    def __init__(self, folder: Path, cells: Cells, attributes: Sequence[str], *, has_images: bool) -> None:
        self.question_columns = question_columns(has_images)
        self.identity_columns = identity_columns(has_images, attributes)
        (folder / DATA).mkdir()
        self._folder, self._cells = folder, cells
        self._people_per_file = max(_FILE_PEOPLE, -(-cells.listed // _QUESTION_FILES))
        self._question_table = _question_table(self.question_columns)
        self._questions: dict[int, _Files] = {}
        people_per_file = max(_FILE_PEOPLE, -(-cells.listed // _IDENTITY_FILES))
        self._identities = _Files(folder, "identities", _identity_table(self.identity_columns), people_per_file)

    def add(
        self, record: Mapping[str, Any], image: bytes | None, pieces: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> None:
        """Add one identity with its JPEG bytes, its questions to the cells of its pieces."""
        splits = list(dict.fromkeys(name for cell, _ in pieces for name in self._cells.splits[cell]))
        for cell, piece in pieces:
            if cell not in self._questions:
                stem = self._cells.labels[cell]
                self._questions[cell] = _Files(self._folder, stem, self._question_table, self._people_per_file)
            self._questions[cell].add(Person(piece, image, splits))
        self._identities.add(Person(record, image, splits))

    def close(self) -> None:
        """Write what is left and close all files."""
        for files in (*self._questions.values(), self._identities):
            files.close()

    def abandon(self) -> None:
        """Close all files without care for what is in them."""
        for files in (*self._questions.values(), self._identities):
            files.abandon()

    def configs(self) -> dict[str, list[str]]:
        """Configuration -> its files, relative to the release. A split that nobody is in has none."""
        configs = {
            name: [path for cell in cells if cell in self._questions for path in self._questions[cell].paths]
            for name, cells in self._cells.configs.items()
        }
        configs["identities"] = self._identities.paths
        return {name: paths for name, paths in configs.items() if paths}


def _array(column: Column, values: Sequence[Any], owner: Any) -> Any:
    if column.repeated:
        return repeated(values, owner, texts)
    return lists(values) if column.kind == TEXTS else texts(values)


def _images(column: Column, people: Sequence[Person], owner: Any) -> Any:
    images = [person.image or b"" for person in people]
    names = [PurePosixPath(person.record["image_path"]).name for person in people]
    if column.repeated:
        parts = [repeated(images, owner, binaries), repeated(names, owner, texts)]
    else:
        parts = [binaries(images), texts(names)]
    return pa.StructArray.from_arrays(parts, ["bytes", "path"])


def _options(columns: Sequence[Column]) -> dict[str, Any]:
    texts = [column for column in columns if column.kind != IMAGE]
    compression = {leaf: "ZSTD" for column in columns for leaf in column.leaves}
    compression.update({leaf: "NONE" for column in columns if column.kind == IMAGE for leaf in column.leaves})
    return {
        "compression": compression,
        "use_dictionary": [leaf for column in columns if column.repeated or column.few for leaf in column.leaves],
        "dictionary_pagesize_limit": _DICTIONARY_LIMIT,
        "write_statistics": [column.name for column in texts if column.kind == TEXT],
        "write_page_index": True,
        "use_content_defined_chunking": True,
        "store_schema": False,
    }
