"""Datasets in the shapes of others: a file, a folder of files or a name on the Hub, read as people by an adapter.

Nothing that a file says is run: rows are JSON or Parquet, one at a time. A path in them is looked up below the file's
folder alone.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from itertools import chain, count, groupby
from pathlib import Path
from typing import Any, NamedTuple

from fiubench.builder.dataset.adapter import (
    Adapter,
    Fault,
    Row,
    known_shapes,
    misshapen,
    recognised,
    split_of,
    title_of,
)
from fiubench.builder.dataset.parquet_rows import HINT, StoredPictures, column_names, parquet_rows
from fiubench.schemas.documents import RELEASE_RECORDS, SPLITS, image_root, read_object, read_records
from fiubench.schemas.hub import config_names, stream_rows
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT
from fiubench.support.errors import DatasetError
from fiubench.support.reading import is_file, read_small
from fiubench.support.yaml_file import parse_yaml

Tell = Callable[[str, Fault], object]  # called with where a row is, and what is wrong with it

_SUFFIXES = (".parquet", ".json", ".jsonl", ".ndjson")
#: JSON files that lie beside rows and hold none.
_BESIDE = {
    SPLITS,
    "split.json",
    "prompt.json",
    "manifest.json",
    "croissant.json",
    "dataset_info.json",
    "wordings.jsonl",
}
_CARD = "README.md"
_MOST_FILES, _MOST_ENTRIES = 1_000, 1_000_000  # of a folder, the latter with its pictures
_MOST_ROWS = 1_000_000  # that are put together in memory
_STUMBLED = (AttributeError, IndexError, KeyError, TypeError, ValueError)  # what a row of another shape leads to
_VARIANTS = ("name", "attribute", "paraphrased_question", "paraphrased_answer", "perturbed_answer", "keywords")


class Found(NamedTuple):
    """A person: where their first row is, the record that the adapter made, and the file that its paths start at."""

    where: str
    record: dict[str, Any]
    file: Path | None


@dataclass(frozen=True)
class Table:
    """One file, or one configuration on the Hub: its name, splits, columns, and its rows with some or all columns."""

    name: str
    splits: frozenset[str]
    columns: tuple[str, ...]
    read: Callable[[Sequence[str] | None], Iterator[Row]]
    file: Path | None = None


@dataclass
class Others:
    """A dataset in another's shape.

    Attributes:
        name: of the file or folder, or on the Hub.
        tables: those of the adapter's shape, the one with the most columns first.
        left_out: names of tables of other shapes.
        root: the folder in which lists of splits may lie.
    """

    name: str
    adapter: Adapter
    tables: list[Table]
    left_out: list[str] = field(default_factory=list)
    root: Path | None = None
    _counted: dict[str, int] = field(default_factory=dict)

    @cached_property
    def splits(self) -> dict[str, frozenset[str]]:
        """Membership of forget sets and the holdout: from a list beside the rows, else from the tables' names."""
        if self._list is not None:
            return _listed(self._list)
        found: dict[str, set[str]] = defaultdict(set)
        for table in self.tables if self._named else ():
            for split in sorted(_aside(table)):
                found[split].update(key for _, _, key in self._keyed(table, None, self.adapter.keys))
        return {split: frozenset(ids) for split, ids in found.items()}

    @property
    def _named(self) -> bool:
        """Whether the tables' names tell some people from the others."""
        return any(map(_aside, self.tables)) and not all(map(_aside, self.tables))

    @cached_property
    def _list(self) -> Path | None:
        """A file that lists the splits."""
        folders = dict.fromkeys((self.root, *(table.file.parent for table in self.tables if table.file)))
        places = (folder / name for folder in folders if folder for name in ("split.json", SPLITS))
        return next((place for place in places if place.is_file()), None)

    def people(self, tell: Tell | None = None) -> Iterator[Found]:
        """Everyone, once.

        Args:
            tell: is told each fault of a row, which is then left out; without it such a row is an error.

        Raises:
            DatasetError: a file can't be read, or there is nobody; or a row has another shape.
        """
        self._counted = dict.fromkeys(("rows", "faulty", "people", "pairs", "pictures", *_VARIANTS), 0)
        apart = not self.adapter.whole and len(self.tables) > 1
        for found in self._together(tell) if apart else self._streamed(tell):
            self._count(found.record)
            yield found
        if not self._counted["rows"]:
            raise DatasetError("there is nobody in it", where=self.name)

    @property
    def size(self) -> str:
        """How many people and questions were read."""
        people, pairs = self._counted["people"], self._counted["pairs"]
        who = f"{people:,} {'person' if people == 1 else 'people'}, " if self.adapter.ids else ""
        faulty = f", {self._counted['faulty']:,} rows left out for their faults" if self._counted["faulty"] else ""
        return f"{who}{pairs:,} question{'' if pairs == 1 else 's'}{faulty}"

    @property
    def lacks(self) -> list[str]:
        """What nobody had, once everyone was read."""
        names = {"pictures": "pictures", **{name: name.replace("_", " ").removesuffix("s") + "s" for name in _VARIANTS}}
        names["perturbed_answer"] = "wrong answers"
        lacking = [name for key, name in names.items() if self._counted["people"] and not self._counted[key]]
        if self._list is None and not self._named:
            lacking.append("splits")
        return [*([] if self.adapter.ids else ["ids (each row stands for somebody)"]), *lacking]

    @property
    def title(self) -> str:
        """What the shape is, in words."""
        return f"{title_of(type(self.adapter))} ({self.adapter.name})"

    def _count(self, record: Mapping[str, Any]) -> None:
        pairs = record["qa_list"]
        self._counted["people"] += 1
        self._counted["pairs"] += len(pairs)
        self._counted["pictures"] += bool(record.get("image") or record.get("image_path"))
        self._counted["name"] += bool(record.get("name"))
        for key in _VARIANTS[1:]:
            self._counted[key] += any(isinstance(pair, Mapping) and bool(pair.get(key)) for pair in pairs)

    def _keyed(
        self, table: Table, tell: Tell | None, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[str, Row, str]]:
        """Rows with where they are and whose, those with faults left out."""
        label = f"{table.name}, row" if len(self.tables) > 1 else "row"
        for number, row in enumerate(table.read(columns), 1):
            where = f"{label} {number}"
            if columns is None:
                self._counted["rows"] += 1
            if tell is not None and (faults := self._faults(row)):
                for fault in faults:
                    tell(where, fault)
                self._counted["faulty"] += tell is not _silent
                continue
            try:
                key = self.adapter.key(row)
            except _STUMBLED as error:
                raise misshapen(self._place(table), f"{where}: {_stumbled(error)}") from error
            if not isinstance(key, str | int) or key == "":
                what = "is missing" if key is None else f"is {key!r:.60}, not text"
                raise misshapen(self._place(table), f"{where}: {self.adapter.keys[0]!r} {what}")
            yield where, row, str(key)

    def _streamed(self, tell: Tell | None) -> Iterator[Found]:
        """People whose rows follow each other, and who are the same in every table that has them."""
        earlier: set[int] = set()
        for table in self.tables:
            here: set[int] = set()
            numbers = count()

            def person(item: tuple[str, Row, str], numbers: Iterator[int] = numbers) -> tuple[str, int]:
                return item[2], next(numbers) if self.adapter.whole else 0

            for (key, _), group in groupby(self._keyed(table, tell), key=person):
                if hash(key) in earlier:
                    continue
                rows = list(group)
                if hash(key) in here and not self.adapter.whole:
                    fault = Fault(self.adapter.keys[0], f"{key!r} comes back", "the rows of a person follow each other")
                    if tell is None:
                        raise misshapen(self._place(table), f"{rows[0][0]} is of {key!r} again: sort the rows by it")
                    tell(rows[0][0], fault)
                    continue
                here.add(hash(key))
                yield self._found(table, key, rows[0][0], [row for _, row, _ in rows])
            earlier |= here

    def _together(self, tell: Tell | None) -> Iterator[Found]:
        """People whose rows lie in several tables, which may repeat each other: put together but for the pictures."""
        known: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        first: dict[str, tuple[Table, str]] = {}
        items = ((each, item) for each in self.tables for item in self._keyed(each, tell))
        for number, (table, (where, row, key)) in enumerate(items):
            if number >= _MOST_ROWS:
                hint = "Name one of the files."
                raise DatasetError(f"more than {_MOST_ROWS:,} rows in several files", where=self.name, hint=hint)
            said = {name: value for name, value in row.items() if value is not None and name != "image"}
            known[key].setdefault(str(self.adapter.part(row)), {}).update(said)
            first.setdefault(key, (table, where))
        for table in self.tables:
            pictured = self._keyed(table, tell and _silent) if "image" in table.columns else iter(())
            for where, row, key in pictured:
                if row.get("image") is not None and key in known:
                    rows = known.pop(key)
                    rows[str(self.adapter.part(row))]["image"] = row["image"]
                    yield self._found(table, key, where, [*rows.values()])
        for key, rows in known.items():
            table, where = first[key]
            yield self._found(table, key, where, [*rows.values()])

    def _faults(self, row: Row) -> list[Fault]:
        try:
            return list(self.adapter.faults(row))
        except _STUMBLED as error:
            return [Fault("(row)", _stumbled(error), "rows of one shape")]

    def _found(self, table: Table, key: str, where: str, rows: Sequence[Row]) -> Found:
        try:
            record = {**self.adapter.record(rows), "unique_id": key, "by_name": self.adapter.by_name}
        except _STUMBLED as error:
            raise misshapen(self._place(table), f"{where} ({key}): {_stumbled(error)}") from error
        return Found(f"{where} ({key})", record | self._stored(record, table.file), table.file)

    def _stored(self, record: dict[str, Any], file: Path | None) -> dict[str, Any]:
        """The picture of a release on the Hub, which lies in its tables of people instead of where records name it."""
        name = record.get("image_path")
        if not isinstance(name, str) or file is None or is_file(image_root(file, name) / name):
            return {}
        image = self._pictures.of(record["unique_id"])
        return {} if image is None else {"image": image}

    @cached_property
    def _pictures(self) -> StoredPictures:
        return StoredPictures(sorted((self.root / "people").glob("*.parquet")) if self.root is not None else ())

    def _place(self, table: Table) -> object:
        return table.file or self.name


def is_release(folder: Path) -> bool:
    """Whether a folder holds the records of a release."""
    return any((folder / inner).is_file() for inner in RELEASE_RECORDS)


def open_others(target: str | Path, name: str | None = None) -> Others:
    """A file or folder in a shape that an adapter knows.

    Args:
        target: a JSON, JSON lines or Parquet file, or a folder of them; of a release, the records are read.
        name: how it is called in reports.

    Raises:
        DatasetError: nothing that could be read, or in no known shape.
    """
    path = Path(target)
    name = name or path.resolve().name
    if not path.is_dir():
        return _known(name, [_table(path, path.name, frozenset())], path, path.parent)
    records = next((path / inner for inner in RELEASE_RECORDS if (path / inner).is_file()), None)
    root = path if records is None or (path / SPLITS).is_file() else path.parent
    folder = path if records is None else records.parent
    configs = _configs(folder)
    tables = []
    for file in data_files(folder):
        inner = file.relative_to(folder)
        named = [name for name, patterns in configs.items() if any(fnmatchcase(inner.as_posix(), p) for p in patterns)]
        parts = named or [*inner.parts[:-1], inner.stem]
        splits = frozenset(split for part in parts if (split := split_of(part)))
        tables.append(_table(file, str(inner), splits))
    return _known(name, tables, path, root)


def hub_others(source: str) -> Others:
    """The same on the Hub, through ``datasets``: everyone's configuration, forget sets, and those with variants."""
    configs = config_names(source)
    chosen = [
        config for config in configs if config.startswith(FULL) or config.endswith("_perturbed") or split_of(config)
    ]
    tables = []
    for config in chosen if any(config.startswith(FULL) for config in chosen) else configs:
        read = partial(stream_rows, source, config)
        columns = tuple(next(iter(read()), {}))
        split = split_of(config)
        tables.append(Table(config, frozenset((split,) if split else ()), columns, read))
    return _known(source, tables, source)


def data_files(folder: Path) -> list[Path]:
    """The files of a folder that may hold rows, in order.

    Raises:
        DatasetError: there are too many to be a dataset.
    """
    files = []
    for number, file in enumerate(folder.rglob("*")):
        inner = file.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in inner)
        if file.suffix.lower() in _SUFFIXES and file.name not in _BESIDE and not hidden and file.is_file():
            files.append(file)
        if len(files) > _MOST_FILES or number > _MOST_ENTRIES:
            raise DatasetError("too many files for one dataset", where=folder, hint=HINT)
    return sorted(files)


def _known(name: str, tables: list[Table], where: object, root: Path | None = None) -> Others:
    shapes: dict[type[Adapter], list[Table]] = defaultdict(list)
    for table in tables:
        if adapter := recognised(table.columns):
            shapes[adapter].append(table)
    if not shapes:
        found = ", ".join(map(repr, tables[0].columns[:12])) if tables else ""
        what = f"its columns are of no shape that is known: {found}" if tables else "no dataset is in this folder"
        raise DatasetError(what, where=where, hint=f"Known by their columns: {known_shapes()}." if tables else HINT)
    chosen = max(shapes, key=lambda adapter: len(shapes[adapter]))
    left_out = [table.name for table in tables if table not in shapes[chosen]]
    ordered = sorted(shapes[chosen], key=lambda table: (-len(table.columns), not table.name.startswith(FULL)))
    return Others(name, chosen(), ordered, left_out, root)


def _table(file: Path, name: str, splits: frozenset[str]) -> Table:
    if file.suffix.lower() == ".parquet":
        return Table(name, splits, column_names(file), partial(parquet_rows, file), file)
    first = next(read_records(file))
    return Table(name, splits, tuple(first), lambda columns: read_records(file), file)


def _configs(folder: Path) -> dict[str, list[str]]:
    """What a card says of its files: configuration -> their patterns."""
    card = folder / _CARD
    if not card.is_file():
        return {}
    text = read_small(card, DatasetError).decode("utf-8", "replace")
    front = re.match(r"---\r?\n(.*?)\r?\n---\s*$", text, re.DOTALL | re.MULTILINE)
    document = parse_yaml(front[1], card, DatasetError) if front else None
    configs = document.get("configs") if isinstance(document, dict) else None
    found = {}
    for entry in configs if isinstance(configs, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("config_name"), str):
            found[entry["config_name"]] = [*_patterns(entry.get("data_files"))]
    return found


def _patterns(files: Any) -> Iterable[str]:
    """The paths in a card's ``data_files``: a path, a list of them, or of objects with a path or a list of them."""
    if isinstance(files, str):
        return [files.removeprefix("./")]
    if isinstance(files, Mapping):
        return _patterns(files.get("path"))
    return chain.from_iterable(map(_patterns, files)) if isinstance(files, list) else []


def _listed(file: Path) -> dict[str, frozenset[str]]:
    """Membership as the original lists it, or as we do."""
    document = read_object(file)
    listed = document.get("splits", document)
    pairs = listed.items() if isinstance(listed, dict) else ()
    return {split: frozenset(map(str, ids)) for split, ids in pairs if isinstance(ids, list)}


def _stumbled(error: Exception) -> str:
    return f"has no {error}" if isinstance(error, KeyError) else str(error)


def _aside(table: Table) -> list[str]:
    """The forget sets and the holdout that a table is of."""
    return [split for split in table.splits if split.startswith((FORGET, HOLDOUT))]


def _silent(where: str, fault: Fault) -> None:
    """Nobody is told twice."""
