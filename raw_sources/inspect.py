"""What a raw file looks like to us: which source it is, rows read, repaired and dropped, and the first rows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.raw_sources.csvfile import read_header
from fiubench.raw_sources.registry import SOURCES, source_info
from fiubench.raw_sources.table import FileTable, Origin, People, Report
from fiubench.support.errors import SourceError

_SAMPLE = 5
#: Columns by which a CSV file is told, in lower case.
_MARKS = {
    "health": {"blood type", "date of admission", "medical condition"},
    "crimes": {"cmplnt_num", "cmplnt_fr_dt", "ofns_desc"},
    "addresses": {"address"},
}
_FILES = ("health", "crimes", "addresses")


@dataclass(frozen=True)
class Inspection:
    """What was found. ``sample`` holds the first rows of the normalised table, column by column."""

    source: str
    origin: Origin
    report: Report
    sample: list[dict[str, str]]


def inspect(
    path: Path, *, source: str | None, as_of: str, progress: Callable[[str, int, int], None] | None = None
) -> Inspection:
    """Read a file or folder as the source that it is, or is said to be.

    Args:
        path: a CSV file or a folder of images.
        source: ``faces``, ``health``, ``crimes`` or ``addresses``; ``None`` to tell from the folder or header.
        as_of: "today", YYYY-MM-DD.
        progress: called with (what, done, total) while faces are checked.

    Raises:
        SourceError: it can't be read as that source, or it is none that is known.
    """
    today = _date(as_of)
    name = source or ("faces" if path.is_dir() else recognise(path))
    if not source_info(name).expects:
        raise SourceError(
            f"source {name!r} is made by fiubench, not read from a file",
            hint="Name " + ", ".join(("faces", *_FILES)) + ".",
        )
    if name == "faces":
        return _faces(path, progress)
    table = _read(name, path, today)
    rows = table.take(np.arange(min(_SAMPLE, table.rows)), People([], np.empty(0, dtype=np.int64)))
    columns = [column for column in SOURCES[name].columns if column in rows]
    sample = [{column: _text(rows[column][i]) for column in columns} for i in range(len(rows[columns[0]]))]
    return Inspection(name, table.origin, table.report, sample)


def recognise(path: Path) -> str:
    """The source that a CSV file is, by its header.

    Raises:
        SourceError: none that is known.
    """
    header = read_header(path)
    known = {name.casefold() for name in header}
    for name, marks in _MARKS.items():
        if marks <= known:
            return name
    expected = "; ".join(f"{name}: {', '.join(sorted(marks))}" for name, marks in _MARKS.items())
    raise SourceError(
        f"the header is of no known source: {', '.join(header)[:200]}",
        where=path,
        hint=f"Say which one with --source. Columns that tell a source: {expected}.",
    )


def _read(name: str, path: Path, today: date) -> FileTable:
    if name == "health":
        from fiubench.raw_sources.health import read_health  # noqa: PLC0415

        return read_health(path, today)
    if name == "crimes":
        from fiubench.raw_sources.crimes import read_crimes  # noqa: PLC0415

        return read_crimes(path, today)
    from fiubench.raw_sources.addresses import read_addresses  # noqa: PLC0415

    return read_addresses(path)


def _faces(path: Path, progress: Callable[[str, int, int], None] | None) -> Inspection:
    from fiubench.raw_sources.faces import read_faces  # noqa: PLC0415

    step = (lambda done, total: progress("Checking faces", done, total)) if progress else None
    table = read_faces(path, progress=step)
    sample = [
        {
            "file": face.file.relative_to(path).as_posix(),
            "unique_id": face.unique_id,
            "size": f"{face.width} x {face.height}",
            "gender": face.gender or "unknown",
            "age": "unknown" if face.age is None else str(face.age),
        }
        for face in table.faces[:_SAMPLE]
    ]
    return Inspection("faces", table.origin, table.report, sample)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SourceError(f"{text!r} is not a date", where="--as-of", hint="Write YYYY-MM-DD.") from None


def _text(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
