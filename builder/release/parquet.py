"""Parquet files with embedded images: one row per question, and one row per identity.

The twenty rows of a person repeat one image. It is handed to the writer once, as a dictionary, so that it
costs the CPU, the memory and the disk space of one copy; readers see plain columns. The settings are those
that Hugging Face recommends for its hub: page index and content-defined chunking, so that a new version is
uploaded as a difference; row groups small enough to stream; no compression and no statistics on images.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.dataset.cells import IDENTITIES, PEOPLE, PICTURES, Cells
from fiubench.builder.dataset.rows import identity_values, picture_values, question_values
from fiubench.builder.release.arrays import binaries, lists, repeated, texts
from fiubench.builder.release.columns import (
    IMAGE,
    LISTS,
    NUMBER,
    PAIRS,
    PICTURE_COLUMNS,
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
from fiubench.support.files import make_folder

DATA, PEOPLE_DATA = "data", "people"  # folders of questions and of people: whoever reads one finds one table
_QUESTION_ROWS = 500  # rows in a row group
_IDENTITY_ROWS = 100
_DICTIONARY_LIMIT = 1 << 30  # bytes; beyond it Parquet would write every repeated image again
BENCHMARK = f"{PEOPLE_DATA}/benchmark"
HELD_OUT = f"{PEOPLE_DATA}/{HOLDOUT}"
EVERY_PICTURE = f"{PICTURES}/all"
Arrays = Callable[[list[Any]], list[Any]]


class _File:
    """A file of Parquet. People are collected to whole row groups.

    Args:
        arrays: makes the columns of a row group from its rows, whatever these are.
    """

    def __init__(self, path: Path, columns: Sequence[Column], rows_per_group: int, arrays: Arrays) -> None:
        self._path, self._columns, self._rows_per_group, self._arrays = path, columns, rows_per_group, arrays
        self._schema = schema(columns)
        self._pending: list[Any] = []
        self._group = 1
        self._in_group = 0
        self._writer: Any = None

    def add(self, rows: Sequence[Any]) -> None:
        """Take the rows of one more person; writes whenever a row group is full, which the first of its people says."""
        if not self._in_group:
            self._group = max(1, self._rows_per_group // max(1, len(rows)))
        self._pending += rows
        self._in_group += 1
        if self._in_group >= self._group:
            self._write()

    def close(self) -> None:
        """Write what is left and close the file."""
        self._write()
        # The Arrow schema, with its dictionary types, is not stored; what `datasets` reads is added by hand.
        self._writer.add_key_value_metadata(hugging_face_metadata(self._columns) | version_metadata(""))
        self.abandon()
        with self._path.open("rb") as file:
            os.fsync(file.fileno())

    def abandon(self) -> None:
        """Let go of the open file."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None

    def _write(self) -> None:
        if not self._in_group:
            return
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, self._schema, **parquet_options(self._columns))
        table = pa.Table.from_arrays(self._arrays(self._pending), schema=self._schema)
        self._writer.write_table(table, row_group_size=max(1, len(self._pending)))
        self._pending, self._in_group = [], 0


class ParquetFiles:
    """The tables of some people: a file of questions for each cell, and of people in the holdout and outside it.

    Files are called as they are in a release, but for their numbers.
    """

    def __init__(
        self,
        folder: Path,
        cells: Cells,
        attributes: Sequence[str],
        *,
        has_images: bool,
        are_tied: bool = False,
        several: bool = False,
    ) -> None:
        for name in (DATA, PEOPLE_DATA):
            make_folder(folder / name)
        self._folder, self._cells, self._attributes = folder, cells, attributes
        self._questions = question_columns(has_images, are_tied)
        self._identities = identity_columns(has_images, attributes, several)
        self._files: dict[str, _File] = {}

    def add(self, record: Mapping[str, Any], images: Sequence[bytes]) -> None:
        """Add one identity with the bytes of its pictures, its questions to the cells that they are in."""
        self.add_pictures(record, images)
        image = next(iter(images), None)
        face = {} if image is None else {"image": (image, PurePosixPath(record["image_path"]).name)}
        for cell, piece in self._cells.pieces(record):
            rows = [question_values(record, pair) | face for pair in piece["qa_list"]]
            self._file(f"{DATA}/{self._cells.labels[cell]}").add(rows)
        splits = self._cells.splits_of(record)
        self._file(people_of(splits)).add([identity_values(record, splits, self._attributes) | face])

    def add_pictures(self, record: Mapping[str, Any], images: Sequence[bytes]) -> None:
        """Add the pictures of an identity that has several."""
        if rows := picture_values(record):
            make_folder(self._folder / PICTURES)
            names = (PurePosixPath(row["path"]).name for row in rows)
            stored = zip(rows, images, names, strict=True)
            self._file(EVERY_PICTURE).add([{**row, "image": (image, name)} for row, image, name in stored])

    def _columns(self, stem: str) -> Sequence[Column]:
        if stem == EVERY_PICTURE:
            return PICTURE_COLUMNS
        return self._questions if stem.startswith(DATA) else self._identities

    def _file(self, stem: str, arrays: Arrays | None = None) -> _File:
        if stem not in self._files:
            columns = self._columns(stem)
            rows = _QUESTION_ROWS if columns is self._questions else _IDENTITY_ROWS
            made = arrays or (lambda rows: [array(column, [row[column.name] for row in rows]) for column in columns])
            self._files[stem] = _File(self._folder / f"{stem}.parquet", columns, rows, made)
        return self._files[stem]

    def close(self) -> list[str]:
        """Write what is left and close all files; their names, relative to the folder."""
        for file in self._files.values():
            file.close()
        return [f"{stem}.parquet" for stem in sorted(self._files)]

    def abandon(self) -> None:
        """Close all files without care for what is in them."""
        for file in self._files.values():
            file.abandon()


class Shards:
    """The Parquet files of a release, numbered as they come, and which of them make up a configuration."""

    def __init__(self) -> None:
        self._paths: dict[str, list[str]] = {}  # stem -> files

    def name(self, file: str) -> str:
        """What the next file of a table is called in the release."""
        stem = file.removesuffix(".parquet")
        paths = self._paths.setdefault(stem, [])
        paths.append(f"{stem}-{len(paths):05}.parquet")
        return paths[-1]

    def configs(self, cells: Cells) -> dict[str, list[str]]:
        """Configuration -> its files, relative to the release. A split that nobody is in has none."""
        configs = {
            name: [path for cell in numbers for path in self._paths.get(f"{DATA}/{cells.labels[cell]}", ())]
            for name, numbers in cells.configs.items()
        }
        people = self._paths.get(BENCHMARK, [])
        configs |= {IDENTITIES: [*people, *self._paths.get(HELD_OUT, [])], PEOPLE: people}
        configs[PICTURES] = self._paths.get(EVERY_PICTURE, [])
        return {name: paths for name, paths in configs.items() if paths}


def people_of(splits: Sequence[str]) -> str:
    """The table that a person of these splits is in."""
    return HELD_OUT if HOLDOUT in splits else BENCHMARK


def array(column: Column, values: Sequence[Any]) -> Any:
    """A column of Arrow."""
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
    if column.kind == NUMBER:
        return pa.array(values, column.type)
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
