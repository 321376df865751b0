"""Tables of the user's own as sources: reading the YAML files that declare them, and the tables by their value types.

A declaration names a file and gives each column a value type. Packs name its columns as those of any other source
(``from: mytable.employer``). Its content is kept in the manifest, so that the finished dataset needs no YAML file.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.raw_sources.names import is_public_figure
from fiubench.raw_sources.places import load_places
from fiubench.raw_sources.reading.csvfile import (
    Check,
    count_repaired,
    first_of_each,
    is_blank,
    map_distinct,
    passing,
    read_columns,
)
from fiubench.raw_sources.reading.dates import iso_dates, readings
from fiubench.raw_sources.source import SOURCES, Context, Source
from fiubench.raw_sources.table import FileTable, Report
from fiubench.support.canonical import digest_of
from fiubench.support.errors import SourceError, did_you_mean
from fiubench.support.yaml_file import load_yaml

from fiubench import schemas

SUFFIXES = (".yaml", ".yml")


class DeclaredTable(Source):
    """A table of the user's own.

    Args:
        document: the declaration; it is checked.
        declared_in: name of its file.
        where: that file, for messages.
        folder: the folder that its ``file`` is seen from.

    Raises:
        SourceError: not valid by the schema, an unknown type or column, the name of another source.
    """

    def __init__(self, document: Any, declared_in: str, where: str, folder: Path) -> None:
        _check(document, where)
        self.declared_in, self.path = declared_in, folder / document["file"]
        self.document = {**document, "file": PurePath(document["file"]).name}
        self.name, self.title, self.license = document["source"], document["title"], document.get("license", "")
        self.citation, self.authors, self.url = (document.get(key, "") for key in ("citation", "authors", "url"))
        entries = {
            name: {"type": entry} if isinstance(entry, str) else entry for name, entry in document["columns"].items()
        }
        self.columns = {name: entry["type"] for name, entry in entries.items()}
        self._headers = {name: (entry.get("header", name),) for name, entry in entries.items()}
        self.drawn_with = document.get("drawn_with", {})
        self._key = document.get("key")
        self.expects = f"A table with the columns {', '.join(header for (header,) in self._headers.values())}."

    @property
    def description(self) -> str:
        """What the declaration says it holds."""
        return str(self.document.get("description", ""))

    @property
    def sha256(self) -> str:
        """Digest of the declaration: comments and layout of its file do not count."""
        return digest_of(self.document)

    def read(self, path: Path, context: Context) -> FileTable:
        """The rows in which every cell is a value of its column's type; the others are dropped and counted.

        Raises:
            SourceError: no such file or column, or no row that can be used.
        """
        report = Report()
        raw = read_columns(path, self._headers, report)
        checks: list[Check] = []
        repairs: dict[str, Any] = {}
        values = {}
        for name, kind_name in self.columns.items():
            kind, text = VALUE_TYPES[kind_name], pc.utf8_trim_whitespace(raw[name])
            if kind.dated:
                dates = iso_dates(text, name, path, context, report, earliest=date.min)
                # a date in another order than the column's is a slip
                rest = map_distinct(text, lambda cell: None if readings(cell, context.as_of, date.min) else cell)
                text = pa.chunked_array([pc.coalesce(dates, rest)])
            if kind.worded and kind.json_type.get("type") == "string":  # a sentence that ends with it has its own
                repairs[f"{name}: final period left out"] = pc.ends_with(text, ".")
                text = pc.utf8_rtrim(text, " .")
            values[name] = _parsed(kind, text)
            written = raw[name] if kind.dated else text
            checks.append((f"{name}: blank", map_distinct(written, _says_something, pa.bool_())))
            checks.append((f"{name}: no {kind.name} that can be used", pc.is_valid(values[name]), raw[name]))
        table = pa.table(values)
        good = passing(checks, table.num_rows, report)
        if self._key is not None:
            write = VALUE_TYPES[self.columns[self._key]].write
            keys = [write(value).casefold() for value in table[self._key].filter(good).to_pylist()]
            first = first_of_each(pa.array(keys, pa.string()))
            good[good] = passing([(f"{self._key}: repeats an earlier row", first)], len(first), report)
        count_repaired(repairs, good, report)
        return FileTable.of_file(self.name, self.columns, path, report, table.filter(good), np.flatnonzero(good) + 1)


def read_table(file: Path) -> DeclaredTable:
    """The table that a YAML file declares.

    Raises:
        SourceError: see :class:`DeclaredTable`; or the file can't be read.
    """
    return DeclaredTable(load_yaml(file, SourceError), file.name, str(file), file.parent)


def read_tables(files: Sequence[Path]) -> dict[str, DeclaredTable]:
    """The tables that YAML files declare, by name.

    Raises:
        SourceError: see :class:`DeclaredTable`; two of one name.
    """
    tables: dict[str, DeclaredTable] = {}
    for file in files:
        table = read_table(file)
        if table.name in tables:
            what = f"two tables are called {table.name!r}"
            raise SourceError(what, where=file, hint="Give one another `source:` name.")
        tables[table.name] = table
    return tables


def tables_of(manifest: Mapping[str, Any], folder: Path = Path()) -> dict[str, DeclaredTable]:
    """The tables that a dataset was made from, as its manifest keeps them; their files are expected in ``folder``."""
    entries = manifest.get("tables", ())
    return {e["table"]: DeclaredTable(e["content"], e["file"], e["file"], folder) for e in entries}


def _check(document: Any, where: str) -> None:
    if not isinstance(document, dict):
        hint = "docs/how-to/source.md shows one, and `fiubench sources check FILE` checks it."
        raise SourceError("is not a mapping with `source`, `file` and `columns`", where=where, hint=hint)
    for violation in schemas.violations("table", document):
        hint = "docs/how-to/source.md describes each key."
        if violation.keyword == "additionalProperties" and not violation.location:
            known = schemas.load("table")["properties"]
            hint = did_you_mean(next(key for key in document if key not in known), known)
        raise SourceError(f"{violation.path}: {violation.message}", where=where, hint=hint)
    if document["source"] in SOURCES:
        what = f"there is a source {document['source']!r} already"
        raise SourceError(what, where=where, hint="Give the table another `source:` name.")
    columns = document["columns"]
    for name, entry in columns.items():
        kind = entry if isinstance(entry, str) else entry["type"]
        if kind not in VALUE_TYPES:
            hint = f"{did_you_mean(kind, VALUE_TYPES)} A type of your own is loaded with --plugin FILE.py."
            raise SourceError(f"columns.{name}: unknown value type {kind!r}", where=where, hint=hint)
    named = [("key", document["key"])] if "key" in document else []
    named += [("drawn_with", name) for pair in document.get("drawn_with", {}).items() for name in pair]
    for key, name in named:
        if name not in columns:
            raise SourceError(f"{key}: no column {name!r} is declared", where=where, hint=did_you_mean(name, columns))


def _says_something(cell: str) -> bool:
    return not is_blank(cell)


def _parsed(kind: ValueType, text: pa.ChunkedArray) -> pa.Array:
    """The values that a column of texts writes, each distinct text read once; null where it writes none."""
    encoded = pc.dictionary_encode(text.combine_chunks())
    places = load_places()

    def value_of(cell: str) -> Any:
        found = kind.parse(" ".join(cell.split())) if cell else None
        if found is None:
            return None
        value = kind.computed([found])[0]
        # a phone number that may be somebody's, a ZIP code that is not of its city
        if not kind.is_valid(value) or any(kind.faults(value, (), places)):
            return None
        return None if kind.name == "name" and is_public_figure(value) else value

    return pa.array([value_of(cell) for cell in encoded.dictionary.to_pylist()]).take(encoded.indices)
