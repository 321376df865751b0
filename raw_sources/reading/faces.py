"""Folders of face images, SFHQ's above all: found, checked, freed of duplicates, with age and gender where known.

An optional ``faces.csv`` in the folder (columns ``file``, and if known ``gender`` and ``age``) is an allow-list: only
the files it names are used. ``file`` is a path below the folder, a file name or an SFHQ number that only one file has.

Source of SFHQ: Beniaguev 2022, https://github.com/SelfishGene/SFHQ-dataset (MIT)
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
from fiubench.raw_sources.reading.features import lack_of_features, shape_of
from fiubench.raw_sources.reading.images import BadImage, probe
from fiubench.raw_sources.reading.likeness import near_duplicates, phash
from fiubench.raw_sources.table import Face, FaceTable, Origin, Report, base_name, with_example
from fiubench.support.canonical import digest, file_digest
from fiubench.support.errors import SourceError, did_you_mean
from fiubench.support.progress import Progress
from numpy.typing import NDArray

YOUNGEST = 20
LIST = "faces.csv"
_EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
_NO_FACES = {"segmentations", "landmarks", "pretrained_features"}  # SFHQ ships these beside images/
_SFHQ = re.compile(r"SFHQ_pt([0-9]+)_([0-9]{8})(?![0-9])")
_NUMBER = re.compile(r"[0-9]{8}")
_GENDERS = {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}
_CHUNK = 32
_LARGEST_FILE = 200_000_000  # bytes: more than the largest picture that is let in takes uncompressed


class _Known(NamedTuple):
    """What ``faces.csv`` says of a file."""

    gender: str | None = None
    age: int | None = None


_Row = tuple[int, str, _Known]  # of faces.csv: its number, the name it gives, what it says


def read_faces(folder: Path, *, workers: int = 1, progress: Progress | None = None) -> FaceTable:
    """Find and check the faces of a folder; every file is read and decoded once.

    Raises:
        SourceError: no folder, no images, a wrong ``faces.csv``, or nothing usable.
    """
    files, links_out = _image_files(folder)
    report = Report(read=len(files))
    if links_out:
        report.notes.append(f"Links that lead out of the folder were passed over: {links_out}.")
    known: dict[Path, _Known] = {}
    if (rows := _read_list(folder / LIST)) is not None:
        known = _match(folder, files, rows, report)
        files = [path for path in files if path in known]
    good: list[_Checked] = []
    for done, (path, result) in enumerate(zip(files, _check_all(files, workers), strict=True), 1):
        if isinstance(result, _Checked):
            good.append(result)
        else:
            report.drop(result, example=path.name)
        if progress:
            progress("Checking faces", done, len(files))
    kept = _suitable(good, known, report)
    if not kept:
        most = report.dropped.most_common(4)
        reasons = ", ".join(f"{count} {with_example(why, report.examples)}" for why, count in most)
        what = f"none of {report.read} images can be used: {reasons}"
        raise SourceError(what, where=folder, hint=f"Give other images, or mend the {LIST} beside them.")
    if converted := sum(not c.plain for c in kept):
        report.repaired["not plain RGB: converted"] = converted
    report.notes.extend(_notes(folder, kept, known, listed=rows is not None))
    origin = Origin("faces", base_name(folder), _digest(folder, good))
    return FaceTable(origin, report, tuple(_faces(kept, known)), folder, np.stack([c.shape for c in kept]))


@dataclass(frozen=True)
class _Checked:
    """A file that is a usable picture."""

    path: Path
    sha256: str
    width: int
    height: int
    format: str
    plain: bool
    hash: int
    mirrored: int
    shape: NDArray[np.float32]


def _digest(folder: Path, good: Sequence[_Checked]) -> str:
    """What the faces are: every picture that opens, and what faces.csv says of them."""
    lines = [(c.path.relative_to(folder).as_posix(), c.sha256) for c in good]
    if (folder / LIST).is_file():
        lines.append((LIST, file_digest(folder / LIST)))
    return digest("".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines)).encode(errors="surrogateescape"))


def _image_files(folder: Path) -> tuple[list[Path], int]:
    """The images of a folder in a stable order, and how many links out of it were passed over."""
    try:
        if folder.is_file():
            hint = "Give the unpacked folder that holds the images."
            raise SourceError("is a file, not a folder", where=folder, hint=hint)
        if not folder.is_dir():
            raise SourceError("no such folder", where=folder, hint="Check the path, or use 'embedded' or 'none'.")
        found, links_out = _walk(folder)
    except OSError as error:
        where = error.filename or folder
        raise SourceError(f"can't be read: {error.strerror}", where=where, hint="Mend the permissions.") from error
    if not found:
        hint = "JPEG or PNG files are expected, in it or below it; links that lead out of it are not followed."
        raise SourceError("no images in this folder", where=folder, hint=hint)
    return sorted(found, key=lambda path: path.relative_to(folder).parts), links_out


def _walk(folder: Path) -> tuple[list[Path], int]:
    """Image files below a folder, and the number of links out of it. Hidden names are passed over."""
    inside = folder.resolve()
    found: list[Path] = []
    links_out = 0

    def stop(error: OSError) -> NoReturn:
        raise error

    for directory, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if name not in _NO_FACES and not name.startswith(".")]
        images = [n for n in names if not n.startswith(".") and Path(n).suffix.lower() in _EXTENSIONS]
        for name in (*folders, *images):
            path = Path(directory, name)
            # realpath, for Path.resolve() raises where a link leads to itself
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
                links_out += 1
            elif path.is_file():
                found.append(path)
    return found, links_out


def _check_all(files: Sequence[Path], workers: int) -> Iterable["_Checked | str"]:
    if workers <= 1 or len(files) < 4 * _CHUNK:
        yield from map(_check, files)
        return
    try:
        with ProcessPoolExecutor(workers) as pool:
            yield from pool.map(_check, files, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        hint = "Often the system ran out of memory: try fewer --workers."
        raise SourceError("a process that checks faces was killed", hint=hint) from error


def _check(path: Path) -> "_Checked | str":
    """What a file holds, or in a few words why it can't be used."""
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return f"more than {_LARGEST_FILE // 1_000_000} MB"
        data = path.read_bytes()
        seen = probe(data)
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except BadImage as error:
        return str(error)
    looks = *phash(seen.preview), shape_of(seen.preview)
    return _Checked(path, digest(data), seen.width, seen.height, seen.format, seen.plain, *looks)


def _faces(kept: Sequence[_Checked], known: Mapping[Path, _Known]) -> Iterator[Face]:
    for c, unique_id in zip(kept, _unique_ids(kept), strict=True):
        gender, age = known.get(c.path, _Known())
        yield Face(c.path, unique_id, gender, age, c.width, c.height, c.format, c.plain)


def _unique_ids(kept: Sequence[_Checked]) -> list[str]:
    """SFHQ's number; with its part where two share it (they are two people); the start of the digest for others."""
    named = [_sfhq(c.path.stem) for c in kept]
    numbers = Counter(number for _, number in named)
    ids = [number if number and numbers[number] == 1 else f"pt{part}-{number}" for part, number in named]
    used = Counter(ids)
    return [
        own if number and used[own] == 1 else f"f{c.sha256[:12]}"
        for own, (_, number), c in zip(ids, named, kept, strict=True)
    ]


def _sfhq(stem: str) -> tuple[str, str | None]:
    if match := _SFHQ.search(stem):
        return match[1], match[2]
    return ("0", stem) if _NUMBER.fullmatch(stem) else ("0", None)


def _suitable(good: Sequence[_Checked], known: Mapping[Path, _Known], report: Report) -> list[_Checked]:
    """Each face once, and none that is too young as far as is known of it or of a repeat of it."""
    repeats = near_duplicates([c.hash for c in good], [c.mirrored for c in good])
    for i, first in repeats.items():
        same = good[i].sha256 == good[first].sha256
        report.drop("exact duplicate" if same else "near duplicate (phash)", example=good[i].path.name)
    ages = [known.get(c.path, _Known()).age for c in good]
    young = {repeats.get(i, i) for i, age in enumerate(ages) if age is not None and age < YOUNGEST}
    if young:
        report.drop(f"under {YOUNGEST}", len(young), good[min(young)].path.name)
    return [c for i, c in enumerate(good) if i not in repeats and i not in young]


def _notes(folder: Path, kept: Sequence[_Checked], known: Mapping[Path, _Known], listed: bool) -> Iterator[str]:
    """Sentences on what is not known of the faces."""
    if unknown := sum(known.get(c.path, _Known()).age is None for c in kept):
        note = f"The age is unknown for {unknown} of {len(kept)} faces, so none of these was left out for its age."
        advice = " SFHQ shows children too: give a faces.csv with ages, or with the files you have looked at."
        yield note if listed else note + advice
    if lack := lack_of_features(folder, [c.path for c in kept]):
        yield lack


def _read_list(path: Path) -> list[_Row] | None:
    """The rows of ``faces.csv``; ``None`` where there is none."""
    if not os.path.lexists(path):  # one that can't be opened is no reason to take every file
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        hint = "A UTF-8 CSV file with a column `file` is expected."
        raise SourceError(f"can't be read: {reason}", where=path, hint=hint) from error
    header = [name.strip().casefold() for name in lines[0]] if lines else []
    if "file" not in header:
        raise SourceError("no column 'file'", where=path, hint=did_you_mean("file", header or ["(empty file)"]))
    return [_row(path, number, header, cells) for number, cells in enumerate(lines[1:], 2) if any(cells)]


def _row(path: Path, number: int, header: Sequence[str], cells: Sequence[str]) -> _Row:
    hint = "Every row names a file and has as many fields as the header."
    if len(cells) != len(header):
        raise SourceError(f"row {number} has {len(cells)} fields, not {len(header)}", where=path, hint=hint)
    row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
    if not row["file"]:
        raise SourceError(f"row {number}: no file", where=path, hint=hint)
    name = row["file"].replace("\\", "/").removeprefix("./")
    gender, age = _gender(row.get("gender", ""), path, number), _age(row.get("age", ""), path, number)
    return number, name, _Known(gender, age)


def _gender(text: str, path: Path, number: int) -> str | None:
    if text and text.casefold() not in _GENDERS:
        raise SourceError(f"row {number}: gender {text!r}", where=path, hint="Write female or male, or leave it empty.")
    return _GENDERS.get(text.casefold())


def _age(text: str, path: Path, number: int) -> int | None:
    if not text:
        return None
    try:
        age = int(float(text))  # nobody is 20 before the day
    except (ValueError, OverflowError):
        age = -1
    if not 0 <= age <= 120:
        raise SourceError(f"row {number}: age {text!r}", where=path, hint="Write whole years, or leave it empty.")
    return age


def _match(folder: Path, files: Sequence[Path], rows: Sequence[_Row], report: Report) -> dict[Path, _Known]:
    """What ``faces.csv`` says of each file it lists.

    Raises:
        SourceError: a row that may mean several files (SFHQ's parts share their numbers), or two for one file.
    """
    called = _by_name(folder, files)
    known: dict[Path, _Known] = {}
    absent: list[str] = []
    listed: set[Path | str] = set()
    for number, name, says in rows:
        found = next((names[name] for names in called if name in names), [])
        if len(found) > 1:
            first, second = (path.relative_to(folder).as_posix() for path in found[:2])
            what = f"row {number}: {name!r} may be {first} or {second}"
            raise SourceError(what, where=folder / LIST, hint="Write the path below the folder.")
        meant = found[0] if found else name
        if meant in listed:
            raise SourceError(f"row {number}: {name!r} for a second time", where=folder / LIST, hint="Name it once.")
        listed.add(meant)
        if found:
            known[found[0]] = says
        else:
            absent.append(name)
    if len(known) < len(files):
        report.drop(f"not in {LIST}", len(files) - len(known), next(path.name for path in files if path not in known))
    if absent:
        report.read += len(absent)
        report.drop(f"listed in {LIST} but not there", len(absent), absent[0])
    return known


def _by_name(folder: Path, files: Sequence[Path]) -> list[dict[str, list[Path]]]:
    """The files by each name that ``faces.csv`` may give them, the most exact first: path, name, stem, number."""
    called: list[dict[str, list[Path]]] = [{}, {}, {}, {}]
    for path in files:
        names = path.relative_to(folder).as_posix(), path.name, path.stem, _sfhq(path.stem)[1]
        for by_name, name in zip(called, names, strict=True):
            if name:
                by_name.setdefault(name, []).append(path)
    return called
