"""The Parquet files of new splits, of those that there are: rows move between files, and none is made again.

A row of a question says nothing of splits, so a file whose cell has the same questions as before is copied, and others
take their rows from the files of the same people. Of a person's row the list of splits alone is made.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.dataset.cells import Cells
from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.release.arrays import integers
from fiubench.builder.release.columns import IMAGE, Column
from fiubench.builder.release.parquet import DATA, PEOPLE_DATA, ParquetFiles, Shards, array, people_of
from fiubench.schemas.documents import RELEASE, read_bytes
from fiubench.support.canonical import file_digest
from fiubench.support.errors import DatasetError
from fiubench.support.files import copy
from fiubench.support.version import __version__

_SPLITS = "splits"
Key = tuple[int, str]  # number of a person in the part, and the attribute of a question; "" of the person's own row


class OlderTables:
    """The tables of a dataset's release, part by part."""

    def __init__(self, dataset: Dataset) -> None:
        self.directory, self.digests = dataset.directory, dataset.manifest["release"]
        self.cells, self.shards = dataset.cells, Shards()

    @classmethod
    def of(cls, dataset: Dataset) -> "OlderTables | None":
        """Those of a dataset; ``None`` where another version made its release, or it has the stamps of the Hub."""
        manifest = dataset.manifest
        as_now = any(name.startswith(f"{PEOPLE_DATA}/") for name in manifest["release"])  # and not of an older layout
        usable = as_now and manifest["fiubench_version"] == __version__ and "published" not in manifest
        return cls(dataset) if usable else None

    def tables(self, folder: Path, cells: Cells, attributes: Sequence[str], **kinds: bool) -> "MovedRows":
        """What writes the tables of the next part into a folder; as :class:`ParquetFiles` from there."""
        return MovedRows(self, folder, cells, attributes, **kinds)


class MovedRows(ParquetFiles):
    """The tables of some people; everyone of a part is added, and rows are written in the end.

    Attributes:
        copied: SHA-256 of the files that were copied, by name.
    """

    def __init__(
        self, older: OlderTables, folder: Path, cells: Cells, attributes: Sequence[str], **kinds: bool
    ) -> None:
        super().__init__(folder, cells, attributes, **kinds)
        self._older = older
        self._were: dict[str, list[Key]] = defaultdict(list)  # stem -> rows of its file
        self._now: dict[str, list[list[Key]]] = defaultdict(list)  # stem -> rows of each of its people
        self._splits: list[tuple[list[str], list[str]]] = []  # of each person, before and now
        self._images: list[str] = []
        self.copied: dict[str, str] = {}

    def add(self, record: Mapping[str, Any], images: Sequence[bytes]) -> None:
        """Add one identity, whose rows but for those of several pictures are in the older files."""
        self.add_pictures(record, images)
        number, person = len(self._splits), [(len(self._splits), "")]
        older, cells = self._older.cells, self._cells
        for cell, piece in older.pieces(record):
            self._were[f"{DATA}/{older.labels[cell]}"] += ((number, pair["attribute"]) for pair in piece["qa_list"])
        for cell, piece in cells.pieces(record):
            rows = [(number, pair["attribute"]) for pair in piece["qa_list"]]
            self._now[f"{DATA}/{cells.labels[cell]}"].append(rows)
        splits = older.splits_of(record), cells.splits_of(record)
        self._were[people_of(splits[0])] += person
        self._now[people_of(splits[1])].append(person)
        self._splits.append(splits)
        self._images.append(record["image_path"])

    def close(self) -> list[str]:
        """Copy and write all files; their names, relative to the folder.

        Raises:
            DatasetError: an older file is not as its manifest says.
        """
        paths = {stem: self._older.shards.name(f"{stem}.parquet") for stem in sorted(self._were)}
        for stem, people in self._now.items():
            rows = [key for person in people for key in person]
            if (same := next((old for old, keys in self._were.items() if keys == rows), None)) and self._is_kept(rows):
                self._copy(paths[same], f"{stem}.parquet")
            else:
                self._write_rows(stem, people, paths)
        names = sorted([*super().close(), *self.copied])
        self._files = {}  # which hold the rows, and know whose they are
        return names

    def _is_kept(self, rows: Sequence[Key]) -> bool:
        """Whether rows are as they were: those of people say in which splits they are."""
        return all(attribute or self._splits[number][0] == self._splits[number][1] for number, attribute in rows)

    def _copy(self, path: str, name: str) -> None:
        copy(self._source(path), self._folder / name)
        self.copied[name] = file_digest(self._folder / name)
        if self.copied[name] != self._older.digests[path]:
            raise DatasetError("was changed while it was read", where=self._source(path))

    def _source(self, path: str) -> Path:
        if path not in self._older.digests:
            hint = "`fiubench verify` lists what is wrong."
            raise DatasetError(f"is no file of the release that it was cut from: {path}", where=RELEASE, hint=hint)
        return self._older.directory / RELEASE / path

    def _write_rows(self, stem: str, people: Sequence[list[Key]], paths: Mapping[str, str]) -> None:
        """A file of rows of older ones."""
        columns, wanted = self._columns(stem), {key for person in people for key in person}
        kept = [column.name for column in columns if column.kind != IMAGE and column.name != _SPLITS]
        places: dict[Key, int] = {}
        read = []
        for old, path in paths.items():
            if not wanted.isdisjoint(keys := self._were[old]):
                places |= {key: len(places) + place for place, key in enumerate(keys)}
                with pq.ParquetFile(self._source(path)) as file:
                    read.append(file.read(kept, use_threads=False))
        order = np.array([places[key] for person in people for key in person], dtype=np.int32)
        table = pa.concat_tables(read).take(integers(order)).combine_chunks()
        start = 0

        def arrays(rows: list[Key]) -> list[Any]:
            nonlocal start
            group, start = table.slice(start, len(rows)), start + len(rows)
            return [self._array(column, group, rows) for column in columns]

        file = self._file(stem, arrays)
        for person in people:
            file.add(person)

    def _array(self, column: Column, group: Any, rows: Sequence[Key]) -> Any:
        if column.kind == IMAGE:
            names = {number: self._images[number] for number, _ in rows}
            faces = {
                number: (read_bytes(self._older.directory / name), PurePosixPath(name).name)
                for number, name in names.items()
            }
            return array(column, [faces[number] for number, _ in rows])
        if column.name == _SPLITS:
            return array(column, [self._splits[number][1] for number, _ in rows])
        return group[column.name].combine_chunks().cast(column.type)
