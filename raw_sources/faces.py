"""Folders of face images, SFHQ's above all: found, checked, freed of duplicates, with age and gender where known.

An optional ``faces.csv`` in the folder (columns ``file``, and if known ``gender`` and ``age``) is an allow-list: only
the files it names are used. ``file`` is a file name, a path below the folder, or an SFHQ number.

Source of SFHQ: Beniaguev 2022, https://github.com/SelfishGene/SFHQ-dataset (MIT)
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from raw_sources.features import read_features, shape_of
from raw_sources.images import BadImage, probe
from raw_sources.likeness import near_duplicates, phash
from raw_sources.table import Origin, Report, base_name
from support.canonical import digest, file_digest
from support.errors import SourceError, did_you_mean

YOUNGEST = 20
LIST = "faces.csv"
_EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
_NO_FACES = {"segmentations", "landmarks", "pretrained_features"}  # SFHQ ships these beside images/
_SFHQ = re.compile(r"SFHQ_pt(\d+)_(\d{8})")
_NUMBER = re.compile(r"\d{8}")
_GENDERS = {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}
_CHUNK = 32
_LARGEST_FILE = 200_000_000  # bytes: more than the largest picture that is let in takes uncompressed

AGES_UNKNOWN = "The ages of {count} faces are unknown, so none of these was left out for its age."
SHOWS_CHILDREN = " SFHQ shows children too: give a faces.csv with ages, or with the files you have looked at."


@dataclass(frozen=True)
class Face:
    """One usable face image."""

    file: Path
    unique_id: str
    gender: str | None
    age: int | None
    width: int
    height: int
    format: str
    plain: bool  # its bytes may be used as they are


@dataclass(frozen=True)
class FaceTable:
    """The usable faces of a folder, in the order of their paths."""

    origin: Origin
    report: Report
    faces: tuple[Face, ...]
    folder: Path = field(compare=False)
    shapes: NDArray[np.float32] = field(repr=False, compare=False)  # (n, 108): what each face looks like

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """One feature vector per face: SFHQ's CLIP features where all have them, else our descriptor."""
        return read_features(self.folder, [face.file for face in self.faces], self.shapes)


@dataclass(frozen=True)
class _Listed:
    gender: str | None
    age: int | None


_UNKNOWN = _Listed(None, None)


def read_faces(folder: Path, *, workers: int = 1, progress: Callable[[int, int], None] | None = None) -> FaceTable:
    """Find and check the faces of a folder; every file is read and decoded once.

    Args:
        folder: images, nested as they may be.
        workers: processes that decode.
        progress: called with (files done, files in all).

    Raises:
        SourceError: no folder, no images, a wrong ``faces.csv``, or nothing usable.
    """
    files = _image_files(folder)
    report = Report(read=len(files))
    listed = _read_list(folder / LIST)
    if listed is not None:
        files = _only_listed(folder, files, listed, report)
    good: list[_Checked] = []
    for done, result in enumerate(_check_all(files, workers), 1):
        if isinstance(result, _Checked):
            good.append(result)
        else:
            report.dropped[result] += 1
        if progress:
            progress(done, len(files))
    kept = _old_enough(folder, _without_repeats(good, report), listed, report)
    if not kept:
        reasons = ", ".join(f"{count} {why}" for why, count in report.dropped.most_common(4))
        raise SourceError(
            f"none of {report.read} images can be used: {reasons}", where=folder, hint="Look at the files named so."
        )
    if converted := sum(not c.plain for c in kept):
        report.repaired["not plain RGB: converted"] = converted
    return FaceTable(
        Origin("faces", base_name(folder), _digest(folder, good)),
        report,
        tuple(_faces(folder, kept, listed)),
        folder,
        np.stack([c.shape for c in kept]),
    )


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
    """What the faces are: every picture that opens, and what faces.csv tells of them."""
    lines = [(c.path.relative_to(folder).as_posix(), c.sha256) for c in good]
    if (folder / LIST).is_file():
        lines.append((LIST, file_digest(folder / LIST)))
    return digest("".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines)).encode(errors="surrogateescape"))


def _image_files(folder: Path) -> list[Path]:
    if folder.is_file():
        raise SourceError(
            "is a file, not a folder",
            where=folder,
            hint="Give the unpacked folder that holds the images.",
        )
    if not folder.is_dir():
        raise SourceError("no such folder", where=folder, hint="Check the path, or use 'embedded' or 'none'.")
    found = sorted(_walk(folder), key=lambda path: path.relative_to(folder).parts)
    if not found:
        raise SourceError(
            "no images in this folder", where=folder, hint="JPEG or PNG files are expected, in it or below it."
        )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Image files below a folder. Links out of it and hidden names are passed over."""
    inside = folder.resolve()

    def stop(error: OSError) -> NoReturn:
        raise SourceError(f"can't be read: {error.strerror}", where=error.filename, hint="Mend the permissions.")

    for directory, folders, names in os.walk(folder, onerror=stop):
        folders[:] = [name for name in folders if name not in _NO_FACES and not name.startswith(".")]
        for name in names:
            path = Path(directory) / name
            if name.startswith(".") or path.suffix.lower() not in _EXTENSIONS:
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(inside):
                continue
            if path.is_file():
                yield path


def _check_all(files: Sequence[Path], workers: int) -> Iterable["_Checked | str"]:
    if workers <= 1 or len(files) < 4 * _CHUNK:
        yield from map(_check, files)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_check, files, chunksize=_CHUNK)


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
    own, mirrored = phash(seen.preview)
    return _Checked(
        path,
        digest(data),
        seen.width,
        seen.height,
        seen.format,
        seen.plain,
        own,
        mirrored,
        shape_of(seen.preview),
    )


def _faces(folder: Path, kept: Sequence[_Checked], listed: Mapping[str, _Listed] | None) -> Iterator[Face]:
    for c, unique_id in zip(kept, _unique_ids(kept), strict=True):
        known = _look_up(folder, c.path, listed)
        yield Face(c.path, unique_id, known.gender, known.age, c.width, c.height, c.format, c.plain)


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


def _without_repeats(good: Sequence[_Checked], report: Report) -> list[_Checked]:
    repeats = near_duplicates([c.hash for c in good], [c.mirrored for c in good])
    for i, first in repeats.items():
        same = good[i].sha256 == good[first].sha256
        report.dropped["exact duplicate" if same else "near duplicate (phash)"] += 1
    return [c for i, c in enumerate(good) if i not in repeats]


def _old_enough(
    folder: Path, good: Sequence[_Checked], listed: Mapping[str, _Listed] | None, report: Report
) -> list[_Checked]:
    ages = [_look_up(folder, c.path, listed).age for c in good]
    kept = [c for c, age in zip(good, ages, strict=True) if age is None or age >= YOUNGEST]
    if len(kept) < len(good):
        report.dropped[f"under {YOUNGEST}"] += len(good) - len(kept)
    if unknown := ages.count(None):
        note = AGES_UNKNOWN.format(count=unknown)
        report.notes.append(note if listed is not None else note + SHOWS_CHILDREN)
    return kept


def _read_list(path: Path) -> dict[str, _Listed] | None:
    """``faces.csv``: file -> what it says; ``None`` where there is none."""
    if not path.is_file():
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            f"can't be read: {error}", where=path, hint="A UTF-8 CSV file with a column `file` is expected."
        ) from error
    header = [name.strip().casefold() for name in rows[0]] if rows else []
    if "file" not in header:
        raise SourceError("no column 'file'", where=path, hint=did_you_mean("file", header or ["(empty file)"]))
    listed: dict[str, _Listed] = {}
    for number, cells in enumerate(rows[1:], 2):
        if not any(cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        if not row["file"] or len(cells) != len(header):
            raise SourceError(
                f"row {number} has {len(cells)} fields, not {len(header)}" if row["file"] else f"row {number}: no file",
                where=path,
                hint="Every row names a file and has as many fields as the header.",
            )
        if row["file"] in listed:
            raise SourceError(f"row {number}: {row['file']!r} for a second time", where=path, hint="Name it once.")
        listed[row["file"]] = _Listed(
            _gender(row.get("gender", ""), path, number), _age(row.get("age", ""), path, number)
        )
    return listed


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


def _names(folder: Path, path: Path) -> list[str]:
    """Every way in which ``faces.csv`` may name a file."""
    _, number = _sfhq(path.stem)
    return [path.relative_to(folder).as_posix(), path.name, path.stem, *([number] if number else [])]


def _look_up(folder: Path, path: Path, listed: Mapping[str, _Listed] | None) -> _Listed:
    """What ``faces.csv`` says of a file; nothing where there is none."""
    return next((listed[name] for name in _names(folder, path) if name in listed), _UNKNOWN) if listed else _UNKNOWN


def _only_listed(folder: Path, files: list[Path], listed: Mapping[str, _Listed], report: Report) -> list[Path]:
    names = {path: _names(folder, path) for path in files}
    kept = [path for path in files if any(name in listed for name in names[path])]
    if len(kept) < len(files):
        report.dropped[f"not in {LIST}"] = len(files) - len(kept)
    present = {name for path in kept for name in names[path]}
    if absent := [name for name in listed if name not in present]:
        report.read += len(absent)
        report.dropped[f"listed in {LIST} but not there"] = len(absent)
        report.notes.append(f"{LIST} names files that are not there, the first is {absent[0]!r}.")
    return kept
