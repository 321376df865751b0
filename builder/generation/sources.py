"""Opening the sources that a config names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fiubench.builder.config import FACES, NO_FACES, Config
from fiubench.builder.packs.tables import DeclaredTable
from fiubench.raw_sources.about import About, described, said_of
from fiubench.raw_sources.source import EMBEDDED, SOURCES, Context
from fiubench.raw_sources.table import Origin, Report, Table
from fiubench.support.canonical import digest_of
from fiubench.support.progress import Progress

if TYPE_CHECKING:
    from fiubench.raw_sources.table import FaceTable


@dataclass(frozen=True)
class Sources:
    """The opened sources of a build: one table a source, and the faces where they come from a folder."""

    tables: dict[str, Table]
    faces: "FaceTable | None"
    drawn: bool = False  # faces are portraits that the build draws
    declared: Mapping[str, DeclaredTable] = field(default_factory=dict)  # those that are the user's own
    about: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # whose files and folders are

    def reports(self) -> dict[str, tuple[Origin, Report]]:
        """Origin and report of every source, faces first."""
        opened: list[tuple[Origin, Report]] = [(t.origin, t.report) for t in self.tables.values()]
        if self.drawn:
            opened.insert(0, (Origin("faces", EMBEDDED, digest_of(SOURCES["faces"].embedded)), Report()))
        if self.faces is not None:
            opened.insert(0, (self.faces.origin, self.faces.report))
        return {origin.source: (origin, report) for origin, report in opened}

    def describe(self) -> dict[str, dict[str, Any]]:
        """What a manifest records of each source: file, digest, counts, licence and citation."""
        return {
            name: {**self._whose(name, origin), **_counted(origin, report)}
            for name, (origin, report) in self.reports().items()
        }

    def _whose(self, name: str, origin: Origin) -> dict[str, Any]:
        if name in self.about:
            return dict(self.about[name])
        info = SOURCES[name]
        if origin.file != EMBEDDED:
            return {key: getattr(info, key) for key in About.model_fields}
        made = {"title": f"{name.capitalize()} made by fiubench", "license": "Apache-2.0", "description": info.embedded}
        return {**dict.fromkeys(About.model_fields, ""), **made}


def open_sources(
    config: Config,
    declared: Mapping[str, DeclaredTable] = {},
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Sources:
    """Open every source of a config, and the tables of the user's own.

    Raises:
        SourceError: a file or folder that can't be read as what it is meant to be.
    """

    context = Context(
        config.today,
        config.seed,
        workers,
        progress,
        most_under_20=config.most_under_20,
        follow_links=config.follow_links,
        columns=config.columns,
        date_order=config.date_order,
    )
    given = {name: Path(path) for name, path in config.sources.items() if path not in (EMBEDDED, NO_FACES)}
    said = {name: said_of(path) | _options(config, name) for name, path in given.items()}
    tables: dict[str, Table] = {}
    faces = None
    for name, source in SOURCES.items():
        if name in given and name != FACES:
            tables[name] = cast("Table", source.read(given[name], context))
        elif source.always or (name in config.sources and name != FACES):
            tables[name] = source.generate(context)
    tables |= {name: table.read(table.path, context) for name, table in declared.items()}
    if FACES in given:  # last: it takes longest
        faces = cast("FaceTable", SOURCES[FACES].read(given[FACES], context))
    opened = {**tables, FACES: faces}
    about = {name: described(SOURCES[name], path, opened[name], said[name]) for name, path in given.items()}
    about |= {name: described(table, table.path, tables[name], {}) for name, table in declared.items()}
    return Sources(tables, faces, config.faces == EMBEDDED, declared, about)


def _options(config: Config, name: str) -> dict[str, str]:
    """What options say of a source."""
    said = {"title": config.titles.get(name), "license": config.licenses.get(name)}
    return {key: value for key, value in said.items() if value is not None}


def _counted(origin: Origin, report: Report) -> dict[str, Any]:
    return {
        "file": origin.file,
        "sha256": origin.sha256,
        "read": report.read,
        "kept": report.kept,
        "repaired": dict(sorted(report.repaired.items())),
        "dropped": dict(sorted(report.dropped.items())),
        "examples": dict(sorted(report.examples.items())),
        "notes": report.notes,
    }
