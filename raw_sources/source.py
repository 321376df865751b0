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
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from fiubench.support.errors import SourceError
from fiubench.support.progress import Progress
from fiubench.support.registry import Registry

if TYPE_CHECKING:
    from fiubench.raw_sources.table import FaceTable, Table

EMBEDDED = "embedded"
_SAMPLE = 5


@dataclass(frozen=True)
class Kaggle:
    """Where Kaggle has it: dataset handle, the version that is fetched where none is named, and the file inside."""

    handle: str
    version: int
    files: str


@dataclass(frozen=True)
class Context:
    """What reading or generating a source may depend on, and how it is done."""

    as_of: date  # nothing happens after this day
    seed: int = 0  # of the build; only generators use it
    workers: int = 1  # processes that may be used
    progress: Progress | None = None
    # source -> {usual header of a column: what the user's file calls it}
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    date_order: str | None = None  # "mdy", "dmy" or "ymd": for columns of dates that could be read in several orders

    def renamed(self, source: str) -> Mapping[str, str]:
        """What the user's file of a source calls its columns."""
        return self.columns.get(source, {})


class Source:
    """A source of facts or of faces: what is known of it, and how it is read or generated."""

    name: ClassVar[str]  # of the flag that gives its file, and the first half of ``from: health.medication``
    # for the manifest and the dataset card, as is the docstring of its class
    title: ClassVar[str]
    license: ClassVar[str]
    url: ClassVar[str] = ""
    citation: ClassVar[str] = ""
    embedded: ClassVar[str] = ""  # what its generator makes; empty without one
    expects: ClassVar[str] = ""  # what its file must look like; empty where there is no file to give
    columns: ClassVar[Mapping[str, str]] = {}  # column of the normalised table -> its value type
    # names of columns, in lower case, by which a file of it is recognised
    marks: ClassVar[frozenset[str]] = frozenset()
    # column -> the column of the same row that it goes with: wrong values of it have the same, or, of two dates, lie as
    # far from it as in other rows
    drawn_with: ClassVar[Mapping[str, str]] = {}
    kaggle: ClassVar[Kaggle | None] = None  # where Kaggle has it
    always: ClassVar[bool] = False  # whether every build opens it; others are opened when a file is given
    place: ClassVar[int] = 100  # in lists and tables; built-in sources come first

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
