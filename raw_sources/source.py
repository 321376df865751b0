"""What a source is, and the registry of all of them. A source is one file of ``raw_sources/sources/``, or a plug-in.

>>> @register                                                                # doctest: +SKIP
... class Employers(Source):
...     name, title, license = "employers", "Employers of our town", "CC-BY-4.0"
...     expects = "A CSV file with the column `employer`."
...     columns = {"employer": "text"}
...     def read(self, path, context): return FileTable.of_file(self.name, self.columns, path, ...)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fiubench.support.errors import SourceError
from fiubench.support.progress import Progress
from fiubench.support.registry import Registry

if TYPE_CHECKING:
    from fiubench.raw_sources.table import FaceTable, FileTable, Table

EMBEDDED = "embedded"
#: The largest probability of being younger than 20 with which a face is used, where nobody says otherwise.
MOST_UNDER_20 = 0.02
_SAMPLE = 5


@dataclass(frozen=True)
class Kaggle:
    """Where Kaggle has it: dataset handle, the version that is fetched where none is named, and the file inside."""

    handle: str
    version: int
    files: str


@dataclass(frozen=True)
class Context:
    """What reading or generating a source may depend on, and how it is done.

    Attributes:
        as_of: nothing happens after this day.
        seed: of the build; only generators use it.
        workers: processes that may be used.
        progress: told of what is read; ``None``: nobody.
        most_under_20: the largest probability of being younger than 20 with which a face is used.
        follow_links: whether links are followed that lead out of a folder.
        columns: source -> {usual header of a column: what the user's file calls it}.
        date_order: "mdy", "dmy" or "ymd": of columns of dates that could be read in several orders.
    """

    as_of: date
    seed: int = 0
    workers: int = 1
    progress: Progress | None = None
    most_under_20: float = MOST_UNDER_20
    follow_links: bool = False
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    date_order: str | None = None

    def renamed(self, source: str) -> Mapping[str, str]:
        """What the user's file of a source calls its columns."""
        return self.columns.get(source, {})


class Source:
    """A source of facts or of faces: what is known of it, and how it is read or generated.

    Attributes:
        name: of the flag that gives its file, and the first half of ``from: health.medication``.
        title, license, authors, url, citation: for the manifest and the dataset card, as is the docstring of its class.
        embedded: what its generator makes; empty without one.
        expects: what its file must look like; empty where there is no file to give.
        columns: column of the normalised table -> its value type.
        marks: names of columns, in lower case, by which a file of it is recognised.
        header: names of all columns, in lower case, that the file has after which the source is named; empty: any file
            is it.
        drawn_with: column -> the column of the same row that it goes with: wrong values of it have the same, or, of two
            dates, lie as far from it as in other rows.
        kaggle: where Kaggle has it.
        always: whether every build opens it; others are opened when a file is given.
        place: in lists and tables; built-in sources come first.
    """

    name: str
    title: str
    license: str
    authors: str = ""
    url: str = ""
    citation: str = ""
    embedded: str = ""
    expects: str = ""
    columns: Mapping[str, str] = {}
    marks: frozenset[str] = frozenset()
    header: frozenset[str] = frozenset()
    drawn_with: Mapping[str, str] = {}
    kaggle: Kaggle | None = None
    always: bool = False
    place: int = 100

    @property
    def description(self) -> str:
        """What it holds: the docstring of its class."""
        return " ".join((self.__doc__ or "").split())

    def read(self, path: Path, context: Context) -> "Table | FaceTable":
        """The normalised table of a file or folder.

        Raises:
            SourceError: it can't be read as this source, or nothing in it can be used.
        """
        raise SourceError(f"source {self.name!r} is generated, not read from a file")

    def generate(self, context: Context) -> "Table":
        """The embedded generator.

        Raises:
            SourceError: there is none.
        """
        raise SourceError(f"source {self.name!r} needs a file", where=f"--{self.name}", hint=self.expects)

    def restored(self, table: "FileTable") -> "FileTable":
        """A table that :meth:`read` has made, from its columns alone: those of another kind than ``FileTable``."""
        return table

    def is_original(self, path: Path, table: Any) -> bool:
        """Whether a file that was read is the one that the source is named after, and not another of its form.

        Title, licence and citation are the source's only then. It is told by the whole of its header.
        """
        del table
        from fiubench.raw_sources.reading.csvfile import read_header  # noqa: PLC0415  (pyarrow)

        return not self.header or self.header <= {name.casefold() for name in read_header(path)}

    def sample(self, table: Any) -> list[dict[str, str]]:
        """The first rows of a table that was read, as text."""
        rows = table.first_rows(_SAMPLE)
        columns = [column for column in self.columns if column in rows]
        return [{column: _text(rows[column][i]) for column in columns} for i in range(len(rows[columns[0]]))]


SOURCES: Registry[Source] = Registry("source", "sources", "fiubench.raw_sources.sources", key=lambda s: s.place)
_S = TypeVar("_S", bound=type[Source])


def register(source: _S) -> _S:
    """Decorator that registers a source.

    Raises:
        ConfigError: the name is taken.
    """
    SOURCES.add(source.name, source())
    return source


def in_order(by_source: Mapping[str, Any]) -> dict[str, Any]:
    """The same entries in the order of the registry, for a manifest sorts its keys; unknown sources come last."""
    known = {name: by_source[name] for name in SOURCES if name in by_source}
    return {**known, **{name: entry for name, entry in by_source.items() if name not in known}}


def _text(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
