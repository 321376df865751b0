"""Opening the sources that a config names."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fiubench.builder.config import FACES, NO_FACES, Config
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
        return {name: _described(origin, report) for name, (origin, report) in self.reports().items()}


def open_sources(config: Config, *, workers: int = 1, progress: Progress | None = None) -> Sources:
    """Open every source of a config.

    Raises:
        SourceError: a file or folder that can't be read as what it is meant to be.
    """

    context = Context(config.today, config.seed, workers, progress, config.columns, config.date_order)
    tables: dict[str, Table] = {}
    faces = None
    for name, source in SOURCES.items():
        if name in config.sources and name != FACES and config.source(name) != EMBEDDED:
            tables[name] = cast("Table", source.read(Path(config.source(name)), context))
        elif source.always or (name in config.sources and name != FACES):
            tables[name] = source.generate(context)
    if config.faces not in (EMBEDDED, NO_FACES):  # last: it takes longest
        faces = cast("FaceTable", SOURCES[FACES].read(Path(config.faces), context))
    return Sources(tables, faces, drawn=config.faces == EMBEDDED)


def _described(origin: Origin, report: Report) -> dict[str, Any]:
    info = SOURCES[origin.source]
    own = origin.file == EMBEDDED
    return {
        "title": info.title,
        "file": origin.file,
        "sha256": origin.sha256,
        "license": "Apache-2.0" if own else info.license,
        "citation": "" if own else info.citation,
        "url": "" if own else info.url,
        "description": info.embedded if own else info.description,
        "read": report.read,
        "kept": report.kept,
        "repaired": dict(sorted(report.repaired.items())),
        "dropped": dict(sorted(report.dropped.items())),
        "examples": dict(sorted(report.examples.items())),
        "notes": report.notes,
    }
