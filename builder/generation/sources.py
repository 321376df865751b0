"""Opening the sources that a config names."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.builder.config import EMBEDDED, NO_FACES, Config
from fiubench.raw_sources.embedded_addresses import EmbeddedAddresses
from fiubench.raw_sources.embedded_careers import EmbeddedCareers
from fiubench.raw_sources.embedded_crimes import EmbeddedCrimes
from fiubench.raw_sources.embedded_health import EmbeddedHealth
from fiubench.raw_sources.registry import SOURCES
from fiubench.raw_sources.table import Origin, Report, Table
from fiubench.support.canonical import digest_of
from fiubench.support.progress import Progress

if TYPE_CHECKING:
    from fiubench.raw_sources.faces import FaceTable


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
        """What a manifest tells of each source: file, digest, counts, licence and citation."""
        return {name: _describe(origin, report) for name, (origin, report) in self.reports().items()}


def open_sources(config: Config, *, workers: int = 1, progress: Progress | None = None) -> Sources:
    """Open every source of a config.

    Raises:
        SourceError: a file or folder that can't be read as what it is meant to be.
    """

    seed, as_of = config.seed, config.today
    tables: dict[str, Table] = {
        "health": EmbeddedHealth(seed, as_of) if config.health == EMBEDDED else _read_health(config),
        "crimes": EmbeddedCrimes(seed, as_of) if config.crimes == EMBEDDED else _read_crimes(config),
        "addresses": EmbeddedAddresses(seed) if config.addresses == EMBEDDED else _read_addresses(config),
        "careers": EmbeddedCareers(seed, as_of),
    }
    faces = None
    if config.faces not in (EMBEDDED, NO_FACES):
        from fiubench.raw_sources.faces import read_faces  # noqa: PLC0415

        step = (lambda done, total: progress("Checking faces", done, total)) if progress else None
        faces = read_faces(Path(config.faces), workers=workers, progress=step)
    return Sources(tables, faces, drawn=config.faces == EMBEDDED)


# The adapters are imported where they are used: a default build needs none of them.


def _read_health(config: Config) -> Table:
    from fiubench.raw_sources.health import read_health  # noqa: PLC0415

    return read_health(Path(config.health), config.today)


def _read_crimes(config: Config) -> Table:
    from fiubench.raw_sources.crimes import read_crimes  # noqa: PLC0415

    return read_crimes(Path(config.crimes), config.today)


def _read_addresses(config: Config) -> Table:
    from fiubench.raw_sources.addresses import read_addresses  # noqa: PLC0415

    return read_addresses(Path(config.addresses))


def _describe(origin: Origin, report: Report) -> dict[str, Any]:
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
        "notes": report.notes,
    }
