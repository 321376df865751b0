"""``faces.csv``: what is known of the pictures of a folder, by hand, by an estimator, or by both.

Only the files it lists are used. ``file`` is a path below the folder, a file name or an SFHQ number that only one file
has; every other column may be missing or empty:

=================== ====================================================================================================
gender, age         of the face; whole years
under_20            probability that the face is of somebody younger than 20, as the estimator has it
gender_confidence   probability of the gender, as the estimator has it
faces               how many faces the estimator found
sharpness,          quality of the picture (see ``labelling/estimator.py``)
detection, frontal
estimator           name and version of what estimated the columns above
decision            of a human who looked: ``keep`` or ``exclude``
sha256              of the picture that the row is about
person              whom the picture shows, in any words: rows with the same are pictures of one person
=================== ====================================================================================================
"""

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from fiubench.raw_sources.reading.folder import LABELS, sfhq_number
from fiubench.support.errors import SourceError, did_you_mean
from fiubench.support.files import write_atomic
from fiubench.support.reading import read_small

YOUNGEST = 20  # years
#: An estimated age is taken for that of an adult from this many years beyond on: teenagers are often estimated at 20 to
#: 22, so of an estimator's age alone nobody can be sure.
MARGIN = 3
KEEP, EXCLUDE = "keep", "exclude"
BY_HAND = 1.0  # confidence of a gender that a human gave
_LARGEST = 1 << 28  # bytes: a few million faces
_GENDERS = {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}


@dataclass(frozen=True)
class Label:
    """One row of ``faces.csv``."""

    file: str
    gender: str | None = None
    age: int | None = None
    under_20: float | None = None
    gender_confidence: float | None = None
    faces: int | None = None
    sharpness: float | None = None
    detection: float | None = None
    frontal: str = ""
    estimator: str = ""
    decision: str = ""
    sha256: str = ""
    person: str = ""

    def refusal(self, most_under_20: float) -> str | None:
        """Why a face with this label is left out; ``None`` where it is not.

        Args:
            most_under_20: the largest probability of being younger than 20 with which a face is used.
        """
        if self.decision == EXCLUDE:
            return "excluded by hand"
        if self.age is not None and self.age < YOUNGEST:
            return f"under {YOUNGEST}"
        if self.decision == KEEP:
            return None
        if self.estimator and self.faces == 0:
            return "no face found"
        young = self.under_20 is not None and self.under_20 > most_under_20
        if young or (self.under_20 is not None and self.age is not None and self.age < YOUNGEST + MARGIN):
            return f"may be under {YOUNGEST}, by the estimator"
        return None


NOTHING = Label("")
COLUMNS = [column.name for column in fields(Label)]


def read_labels(path: Path) -> list[tuple[int, Label]] | None:
    """The rows of a ``faces.csv``, each with its line number; ``None`` where there is none.

    Raises:
        SourceError: it can't be read, has no column ``file``, or a cell of it means nothing.
    """
    if not os.path.lexists(path):  # one that can't be opened is no reason to take every file
        return None
    hint = "A UTF-8 CSV file with a column `file` is expected."
    content = read_small(path, SourceError, most=_LARGEST, hint=hint)
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"can't be read: {error}", where=path, hint=hint) from error
    header = [name.strip().casefold() for name in lines[0]] if lines else []
    if "file" not in header:
        raise SourceError("no column 'file'", where=path, hint=did_you_mean("file", header or ["(empty file)"]))
    return [(number, _label(path, number, header, cells)) for number, cells in enumerate(lines[1:], 2) if any(cells)]


def check_columns(path: Path) -> None:
    """Refuse a ``faces.csv`` with columns that :func:`write_labels` would lose.

    Raises:
        SourceError: it has one.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    if lost := [name for name in header if name.strip() and name.strip().casefold() not in COLUMNS]:
        hint = f"Keep it elsewhere; the columns are {', '.join(COLUMNS)}."
        raise SourceError(f"the column {lost[0]!r} would be lost when the file is written again", where=path, hint=hint)


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write a ``faces.csv`` in one step; the column ``person`` only where somebody has filled it in."""
    rows, text = list(labels), io.StringIO(newline="")
    columns = COLUMNS if any(label.person for label in rows) else [name for name in COLUMNS if name != "person"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(getattr(label, name)) for name in columns] for label in rows)
    write_atomic(path, text.getvalue().encode(errors="surrogateescape"))


def match_labels(
    folder: Path, files: Sequence[Path], rows: Sequence[tuple[int, Label]]
) -> tuple[dict[Path, Label], list[str]]:
    """What ``faces.csv`` says of each file it lists, and the names it lists that no file has.

    Raises:
        SourceError: a row that may mean several files (SFHQ's parts share their numbers), or two for one file.
    """
    called: list[dict[str, list[Path]]] = [{}, {}, {}, {}]  # the most exact first: path, name, stem, number
    for path in files:
        names = path.relative_to(folder).as_posix(), path.name, path.stem, sfhq_number(path.stem)[1]
        for by_name, name in zip(called, names, strict=True):
            if name:
                by_name.setdefault(name, []).append(path)
    known: dict[Path, Label] = {}
    absent: list[str] = []
    listed: set[Path | str] = set()
    for number, label in rows:
        name = label.file
        found = next((names[name] for names in called if name in names), [])
        if len(found) > 1:
            first, second = (path.relative_to(folder).as_posix() for path in found[:2])
            what = f"row {number}: {name!r} may be {first} or {second}"
            raise SourceError(what, where=folder / LABELS, hint="Write the path below the folder.")
        meant = found[0] if found else name
        if meant in listed:
            raise SourceError(f"row {number}: {name!r} for a second time", where=folder / LABELS, hint="Name it once.")
        listed.add(meant)
        if found:
            known[found[0]] = label
        else:
            absent.append(name)
    return known, absent


def _label(path: Path, number: int, header: Sequence[str], cells: Sequence[str]) -> Label:
    hint = "Every row names a file and has as many fields as the header."
    if len(cells) != len(header):
        raise SourceError(f"row {number} has {len(cells)} fields, not {len(header)}", where=path, hint=hint)
    row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    if not row["file"]:
        raise SourceError(f"row {number}: no file", where=path, hint=hint)
    values: dict[str, Any] = {"file": row["file"].replace("\\", "/").removeprefix("./")}
    for name, (read, hint) in _READ.items():
        if text := row.get(name, ""):
            values[name] = read(text)
            if values[name] is None:
                raise SourceError(f"row {number}: {name} {text!r}", where=path, hint=hint)
    return Label(**values)


def _age(text: str) -> int | None:
    try:
        age = int(float(text))  # nobody is 20 before the day
    except (ValueError, OverflowError):
        return None
    return age if 0 <= age <= 120 else None


def _share(text: str) -> float | None:
    number = _number(text)
    return number if number is not None and number <= 1 else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None


_SHARE_HINT = "Write a number from 0 to 1, or leave it empty."
#: Column -> how a cell that is not empty is read (``None``: not at all), and what to write instead.
_READ: dict[str, tuple[Callable[[str], Any], str]] = {
    "gender": (lambda text: _GENDERS.get(text.casefold()), "Write female or male, or leave it empty."),
    "age": (_age, "Write whole years, or leave it empty."),
    "under_20": (_share, _SHARE_HINT),
    "gender_confidence": (_share, _SHARE_HINT),
    "faces": (_count, "Write how many faces there are, or leave it empty."),
    "sharpness": (_number, "Write a number, or leave it empty."),
    "detection": (_number, "Write a number, or leave it empty."),
    "frontal": (str, ""),
    "estimator": (str, ""),
    "decision": (lambda text: text if text in (KEEP, EXCLUDE) else None, "Write keep or exclude, or leave it empty."),
    "sha256": (str, ""),
    "person": (str, ""),
}


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
