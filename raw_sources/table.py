"""The one shape in which every source hands over its rows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
from fiubench.raw_sources.drawn import Anew, Drawn, nobody
from fiubench.support.canonical import file_digest
from fiubench.support.draws import Ints
from fiubench.support.errors import SourceError
from numpy.typing import NDArray

#: One column for a block of identities: values in the JSON form of their fact type. A date is "2022-04-05", money a
#: number of dollars, an integer a number, an address an object, everything else a string.
Values = list[Any]

#: Share of a file's rows of which the loss is noted. Of the known files, the addresses lose most: 22 %.
MUCH = 0.3
EMPTY_ROW = "empty row"
_LONGEST_EXAMPLE = 60


def with_example(reason: str, examples: Mapping[str, str]) -> str:
    """A reason for dropped rows as people read it: "Age: unreadable, such as 'abc'"."""
    return f"{reason}, such as {examples[reason]!r}" if reason in examples else reason


@dataclass
class Report:
    """What reading a source did: rows read, and how many were repaired or dropped for which reason.

    One row may count under several repairs, but under one drop at most: ``kept == read - sum(dropped)``. ``examples``
    holds for a reason a cell that was not usable, shortened.
    """

    read: int = 0
    repaired: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)

    def drop(self, reason: str, count: int = 1, example: str = "") -> None:
        """Count rows as dropped; of the examples of a reason the first is kept."""
        self.dropped[reason] += count
        if text := " ".join(example.split()):
            self.examples.setdefault(reason, text if len(text) <= _LONGEST_EXAMPLE else f"{text[:_LONGEST_EXAMPLE]}..")

    @property
    def kept(self) -> int:
        """Rows that are left."""
        return self.read - self.dropped.total()


@dataclass(frozen=True)
class Origin:
    """Where a table came from, in a form that may be published: a file's base name, never its path."""

    source: str
    file: str
    sha256: str


class People(NamedTuple):
    """What is known of the people that rows are drawn for (arrays or lists of one length)."""

    gender: list[str]
    birth: Ints  # days since 1970-01-01


class Table(Protocol):
    """A source ready to draw from."""

    @property
    def origin(self) -> Origin:
        """Name, file and digest."""

    @property
    def report(self) -> Report:
        """What reading it did."""

    @property
    def rows(self) -> int | None:
        """How many rows there are; ``None`` for a generator, which has one for every index."""

    @property
    def types(self) -> Mapping[str, str]:
        """Fact type of each column."""

    def take(self, rows: Ints, people: People) -> dict[str, Values]:
        """The columns of the given rows; a generator fits them to the people, a file has what it has."""


@runtime_checkable
class Generator(Table, Protocol):
    """A generator that can say what it draws from."""

    def drawn(self, column: str, rows: Ints, people: People) -> Drawn:
        """What a column of the given rows was drawn from, given the people and the rest of each row."""


def drawn_again(table: Table, column: str, rows: Ints, people: People) -> Anew:
    """The column of other rows of a generator, for the same people: for one that can't say what it draws from."""
    return Anew(lambda turn: table.take(nobody(rows, turn), people)[column], own=False)


@dataclass(frozen=True)
class FileTable:
    """A table read from a file: Arrow columns, every value already normalised.

    ``records`` holds each row's number in the file, counted from 1 below the header over the rows that have as many
    fields as the header; ``None`` where nothing was dropped.
    """

    origin: Origin
    report: Report
    types: Mapping[str, str]
    data: pa.Table
    records: Ints | None = None

    @classmethod
    def of_file(
        cls, source: str, types: Mapping[str, str], path: Path, report: Report, data: pa.Table, records: Ints
    ) -> Self:
        """The table of a file that was read as a source; of ``data``, the columns of ``types`` are kept.

        Raises:
            SourceError: every row was dropped.
        """
        most = report.dropped.most_common(4)
        reasons = ", ".join(f"{count} {with_example(reason, report.examples)}" for reason, count in most)
        if not data.num_rows:
            what = f"no row of {report.read} can be used: {reasons}"
            raise SourceError(what, where=path, hint="Check that this is the right file.")
        rows = report.read - report.dropped[EMPTY_ROW]
        if rows - report.kept > MUCH * rows:
            report.notes.append(f"{rows - report.kept} of {rows} rows were dropped: {reasons}.")
        origin = Origin(source, base_name(path), file_digest(path))
        columns = [name for name in types if name in data.column_names]
        return cls(origin, report, types, data.select(columns), records)

    @property
    def rows(self) -> int:
        """Rows kept."""
        return int(self.data.num_rows)

    def take(self, rows: Ints, people: People) -> dict[str, Values]:
        """The columns of the given rows."""
        part = self.data.take(pa.array(rows))
        return {name: part.column(name).to_pylist() for name in part.column_names}

    def beside(self, column: str, rows: Ints, others: Ints, people: People) -> Values:
        """A column of other rows, as it could stand in the given ones."""
        del rows
        return self.take(others, people)[column]

    def first_rows(self, count: int) -> dict[str, Values]:
        """The columns of the first rows."""
        return self.take(np.arange(min(count, self.rows)), People([], np.empty(0, dtype=np.int64)))

    def record_numbers(self, rows: Ints) -> Ints:
        """The numbers in the file of the given rows."""
        return rows + 1 if self.records is None else self.records[rows]

    def array(self, column: str) -> np.ndarray[Any, Any]:
        """A whole column as numpy."""
        return np.asarray(self.data.column(column).to_numpy(zero_copy_only=False))


def base_name(path: Path) -> str:
    """A path's last part: all of a path that may leave the machine."""
    return path.name or path.resolve().name


@dataclass(frozen=True)
class Face:
    """One usable face image."""

    file: Path
    unique_id: str
    gender: str | None
    age: int | None
    width: int
    height: int
    format: str
    plain: bool  # its bytes may be used as they are
    under_20: float | None = None  # probability of being younger than 20, where it rests on an estimate alone
    others: tuple["Face", ...] = ()  # more pictures of the same person


@dataclass(frozen=True)
class FaceTable:
    """The usable faces of a folder, in the order of their paths."""

    origin: Origin
    report: Report
    faces: tuple[Face, ...]
    folder: Path = field(compare=False)
    shapes: NDArray[np.float32] = field(repr=False, compare=False)  # (n, 108): what each face looks like

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """One feature vector per face: SFHQ's CLIP features where all have them, else our descriptor."""
        from fiubench.raw_sources.reading.features import read_features  # noqa: PLC0415

        return read_features(self.folder, [face.file for face in self.faces], self.shapes)
