"""The version of a release in its Parquet files, so that a stale cache is noticed.

Every file says it under the key ``dataset_version`` of its metadata; the identities have a column of that name, too. A
build does not know it. So it leaves room of a fixed width, which is filled in when the release is published: the files
of questions, with their pictures, are copied and not written again.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.release.columns import (
    VERSION_WIDTH,
    Column,
    hugging_face_metadata,
    schema,
    version_metadata,
)
from fiubench.builder.release.parquet import parquet_options
from fiubench.schemas.hub import VERSION
from fiubench.support.errors import DatasetError
from fiubench.support.files import copy

_END = 8  # bytes at the end of a Parquet file: the length of its metadata, and a mark
# key and value in Thrift's compact protocol: behind the key the head of the value's field and its length, 0x18 each
_ROOM = re.compile(rb"(?<=" + VERSION.encode() + rb"\x18\x18)[ -~]{24}", re.DOTALL)


def version_of(path: Path) -> str:
    """The version that a Parquet file is of; empty before it is published, or where it says none."""
    metadata = pq.read_metadata(path).metadata or {}
    return bytes(metadata.get(VERSION.encode(), b"")).decode().strip()


def stamp(source: Path, target: Path, version: str, columns: Sequence[Column]) -> None:
    """Copy a Parquet file of a release and give it a version.

    Args:
        columns: those of the identities, if the file is one of theirs.

    Raises:
        DatasetError: it leaves no room for one: another program wrote it, or an older fiubench.
    """
    if VERSION in pq.read_schema(source).names:
        _write_again(source, target, version, columns)
        return
    copy(source, target)
    with target.open("r+b") as file:
        file.seek(-_END, os.SEEK_END)
        length = int.from_bytes(file.read(_END)[:4], "little")
        start = file.seek(-_END - length, os.SEEK_END)
        rooms = list(_ROOM.finditer(file.read(length)))
        if len(rooms) != 1:
            raise DatasetError("has no room for a version", where=source, hint="Build the dataset again.")
        file.seek(start + rooms[0].start())
        file.write(version.ljust(VERSION_WIDTH).encode())


def _write_again(source: Path, target: Path, version: str, columns: Sequence[Column]) -> None:
    """Write a table of identities with another version in every row, row group by row group."""
    with pq.ParquetFile(source) as file, pq.ParquetWriter(target, schema(columns), **parquet_options(columns)) as out:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number)
            stamped = pa.array([version] * len(rows), pa.string())
            rows = rows.set_column(rows.column_names.index(VERSION), VERSION, stamped)
            arrays = [rows[column.name].combine_chunks() for column in columns]
            out.write_table(pa.table(arrays, schema=schema(columns)), row_group_size=max(1, len(rows)))
        out.add_key_value_metadata(hugging_face_metadata(columns) | version_metadata(version))
