"""Parquet files with embedded images: one row per question, and one row per identity.

The twenty rows of a person repeat one image. It is handed to the writer once, as a dictionary, so that it
costs the CPU, the memory and the disk space of one copy; readers see plain columns. The settings are those
that Hugging Face recommends for its hub: page index and content-defined chunking, so that a new version is
uploaded as a difference; row groups small enough to stream; no compression and no statistics on images.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.dataset.cells import IDENTITIES, PEOPLE, Cells
from fiubench.builder.dataset.rows import identity_values, question_values
from fiubench.builder.release.arrays import binaries, lists, repeated, texts
from fiubench.builder.release.columns import (
    IMAGE,
    LISTS,
    PAIRS,
    TEXT,
    TEXTS,
    Column,
    hugging_face_metadata,
    identity_columns,
    pairs,
    question_columns,
    schema,
    version_metadata,
)
from fiubench.schemas.splits import HOLDOUT

DATA, PEOPLE_DATA = "data", "people"  # folders of questions and of people: whoever reads one finds one table
_QUESTION_ROWS = 500  # rows in a row group
_IDENTITY_ROWS = 100
_DICTIONARY_LIMIT = 1 << 30  # bytes; beyond it Parquet would write every repeated image again
_FILE_PEOPLE = 2_500  # people a file; more in a very large dataset: the hub likes fewer than 100 files a commit
_QUESTION_FILES, _IDENTITY_FILES = 60, 15


class _Files:
    """Numbered files ``folder/name-00000.parquet``, ... People are collected to whole row groups."""

    def __init__(
        self, folder: Path, stem: str, columns: Sequence[Column], *, rows_per_group: int, people_per_file: int
    ) -> None:
        self.paths: list[str] = []
        self._folder, self._stem, self._columns = folder, stem, columns
        self._rows_per_group, self._people_per_file = rows_per_group, people_per_file
        self._schema = schema(columns)
        self._pending: list[dict[str, Any]] = []
        self._group = 1
        self._in_group = self._in_file = 0
        self._writer: Any = None

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Take the rows of one more person; writes whenever a row group is full, which the first of its people says."""
        if not self._in_group:
            self._group = max(1, self._rows_per_group // max(1, len(rows)))
        self._pending += rows
        self._in_group += 1
        self._in_file += 1
        if self._in_file >= self._people_per_file:
            self.close()
        elif self._in_group >= self._group:
            self._write()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._write()
        if self._writer is None:
            return
        # The Arrow schema, with its dictionary types, is not stored; what `datasets` reads is added by hand.
        self._writer.add_key_value_metadata(hugging_face_metadata(self._columns) | version_metadata(""))
        self.abandon()
        with (self._folder / self.paths[-1]).open("rb") as file:
            os.fsync(file.fileno())

    def abandon(self) -> None:
        """Let go of the open file."""
        if self._writer is not None:
            self._writer.close()
        self._writer, self._in_file = None, 0

    def _write(self) -> None:
        if not self._in_group:
            return
        if self._writer is None:
            self.paths.append(f"{self._stem}-{len(self.paths):05}.parquet")
            self._writer = pq.ParquetWriter(
                self._folder / self.paths[-1], self._schema, **parquet_options(self._columns)
            )
        arrays = [_array(column, [row[column.name] for row in self._pending]) for column in self._columns]
        self._writer.write_table(
            pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=max(1, len(self._pending))
        )
        self._pending, self._in_group = [], 0


class ParquetFiles:
    """Every Parquet file of a release, written while the identities stream by."""

    def __init__(self, folder: Path, cells: Cells, attributes: Sequence[str], *, has_images: bool) -> None:
        for name in (DATA, PEOPLE_DATA):
            (folder / name).mkdir()
        self._cells, self._attributes = cells, attributes
        columns, size = question_columns(has_images), max(_FILE_PEOPLE, -(-cells.listed // _QUESTION_FILES))
        self._open = partial(_Files, folder, columns=columns, rows_per_group=_QUESTION_ROWS, people_per_file=size)
        self._questions: dict[int, _Files] = {}
        columns, size = identity_columns(has_images, attributes), max(_FILE_PEOPLE, -(-cells.listed // _IDENTITY_FILES))
        people = partial(_Files, folder, columns=columns, rows_per_group=_IDENTITY_ROWS, people_per_file=size)
        self._people, self._holdout = people(f"{PEOPLE_DATA}/benchmark"), people(f"{PEOPLE_DATA}/{HOLDOUT}")

    def add(self, record: Mapping[str, Any], image: bytes | None) -> None:
        """Add one identity with its JPEG bytes, its questions to the cells that they are in."""
        face = {} if image is None else {"image": (image, PurePosixPath(record["image_path"]).name)}
        for cell, piece in self._cells.pieces(record):
            if cell not in self._questions:
                self._questions[cell] = self._open(f"{DATA}/{self._cells.labels[cell]}")
            self._questions[cell].add([question_values(record, pair) | face for pair in piece["qa_list"]])
        splits = self._cells.splits_of(record)
        files = self._holdout if HOLDOUT in splits else self._people
        files.add([identity_values(record, splits, self._attributes) | face])

    def close(self) -> None:
        """Write what is left and close all files."""
        for files in (*self._questions.values(), self._people, self._holdout):
            files.close()

    def abandon(self) -> None:
        """Close all files without care for what is in them."""
        for files in (*self._questions.values(), self._people, self._holdout):
            files.abandon()

    def configs(self) -> dict[str, list[str]]:
        """Configuration -> its files, relative to the release. A split that nobody is in has none."""
        configs = {
            name: [path for cell in cells if cell in self._questions for path in self._questions[cell].paths]
            for name, cells in self._cells.configs.items()
        }
        configs |= {IDENTITIES: [*self._people.paths, *self._holdout.paths], PEOPLE: self._people.paths}
        return {name: paths for name, paths in configs.items() if paths}


def _array(column: Column, values: Sequence[Any]) -> Any:
    if column.kind == IMAGE:
        images, names = zip(*values, strict=True)
        parts = (
            [repeated(images, binaries), repeated(names, texts)]
            if column.repeated
            else [binaries(images), texts(names)]
        )
        return pa.StructArray.from_arrays(parts, ["bytes", "path"])
    if column.repeated:
        return repeated(values, texts)
    if column.kind == PAIRS:
        return pairs(values)
    if column.kind == LISTS:
        return lists(values, lists)
    return lists(values) if column.kind == TEXTS else texts(values)


def parquet_options(columns: Sequence[Column]) -> dict[str, Any]:
    """How a table of these columns is written."""
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
