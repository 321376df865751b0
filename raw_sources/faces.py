"""Folders of face images, SFHQ's above all: found, checked, freed of duplicates, with age and gender where known.

An optional ``faces.csv`` in the folder (columns ``file``, and if known ``gender`` and ``age``) is an allow-list: only
the files it names are used. ``file`` is a file name, a path below the folder, or an SFHQ number.

Source of SFHQ: Beniaguev 2022, https://github.com/SelfishGene/SFHQ-dataset (MIT)
"""

import csv
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raw_sources.features import read_features, shape_of
from raw_sources.images import BadImage, probe
from raw_sources.likeness import near_duplicates, phash
from raw_sources.table import Origin, Report, base_name
from support.canonical import digest
from support.errors import SourceError, did_you_mean

YOUNGEST = 20
LIST = "faces.csv"
_EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
_NO_FACES = {"segmentations", "landmarks", "pretrained_features"}  # SFHQ ships these beside images/
_SFHQ = re.compile(r"SFHQ_pt(\d+)_(\d{8})")
_NUMBER = re.compile(r"\d{8}")
_GENDERS = {"female": "female", "f": "female", "woman": "female", "male": "male", "m": "male", "man": "male"}
_CHUNK = 32

AGES_UNKNOWN = (
    "The ages of {count} faces are unknown, so none of these was left out for its age. SFHQ shows children too: "
    "give a faces.csv with ages, or with the files you have looked at."
)


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
    shape: tuple[float, ...]  # descriptor of what it looks like


@dataclass(frozen=True)
class FaceTable:
    """The usable faces of a folder, in the order of their paths."""

    origin: Origin
    report: Report
    faces: tuple[Face, ...]
    folder: Path

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """One feature vector per face: SFHQ's CLIP features where all have them, else our descriptor."""
        return read_features(self.folder, [face.file for face in self.faces], [face.shape for face in self.faces])


@dataclass(frozen=True)
class _Listed:
    gender: str | None
    age: int | None


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
    checked: list[tuple[Path, _Checked | str]] = []
    for path, result in zip(files, _check_all(files, workers), strict=False):
        checked.append((path, result))
        if progress:
            progress(len(checked), len(files))
    good = [(path, c) for path, c in checked if not isinstance(c, str)]
    report.dropped.update(c for _, c in checked if isinstance(c, str))
    faces = _faces(folder, good, listed, report)
    faces = _old_enough(_without_repeats(faces, [c for _, c in good], report), report)
    if not faces:
        reasons = ", ".join(f"{count} {why}" for why, count in report.dropped.most_common(4))
        raise SourceError(
            f"none of {report.read} images can be used: {reasons}", where=folder, hint="Look at the files named so."
        )
    converted = sum(not face.plain for face in faces)
    if converted:
        report.repaired["not plain RGB: converted"] = converted
    names = sorted((str(path.relative_to(folder)), c.sha256) for path, c in good)
    return FaceTable(Origin("faces", base_name(folder), digest(repr(names).encode())), report, tuple(faces), folder)


@dataclass(frozen=True)
class _Checked:
    sha256: str
    width: int
    height: int
    format: str
    plain: bool
    hash: int
    mirrored: int
    shape: tuple[float, ...]


def _image_files(folder: Path) -> list[Path]:
    if folder.is_file():
        raise SourceError(
            "a file, not a folder",
            where=folder,
            hint="Give the folder that holds the images (unpack an archive first).",
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
    for directory, folders, names in os.walk(folder):
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
        data = path.read_bytes()
        seen = probe(data)
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except BadImage as error:
        return str(error)
    own, mirrored = phash(seen.preview)
    return _Checked(
        hashlib.sha256(data).hexdigest(),
        seen.width,
        seen.height,
        seen.format,
        seen.plain,
        own,
        mirrored,
        shape_of(seen.preview),
    )


def _faces(
    folder: Path, good: Sequence[tuple[Path, _Checked]], listed: dict[str, _Listed] | None, report: Report
) -> list[Face]:
    numbers = Counter(_sfhq(path.stem)[1] for path, _ in good)
    faces = []
    for path, c in good:
        part, number = _sfhq(path.stem)
        # the same number in two parts of SFHQ is two people
        name = f"f{c.sha256[:12]}" if number is None else number if numbers[number] == 1 else f"pt{part}-{number}"
        known = _look_up(folder, path, listed) if listed is not None else None
        gender, age = (known.gender, known.age) if known else (None, None)
        faces.append(Face(path, name, gender, age, c.width, c.height, c.format, c.plain, c.shape))
    used = Counter(face.unique_id for face in faces)
    return [
        replace(face, unique_id=f"f{c.sha256[:12]}") if used[face.unique_id] > 1 else face
        for face, (_, c) in zip(faces, good, strict=True)
    ]


def _sfhq(stem: str) -> tuple[str, str | None]:
    if match := _SFHQ.search(stem):
        return match[1], match[2]
    return ("0", stem) if _NUMBER.fullmatch(stem) else ("0", None)


def _without_repeats(faces: list[Face], checked: Sequence[_Checked], report: Report) -> list[Face]:
    repeats = near_duplicates([c.hash for c in checked], [c.mirrored for c in checked])
    for i, first in repeats.items():
        same = checked[i].sha256 == checked[first].sha256
        report.dropped["exact duplicate" if same else "near duplicate (phash)"] += 1
    return [face for i, face in enumerate(faces) if i not in repeats]


def _old_enough(faces: list[Face], report: Report) -> list[Face]:
    kept = [face for face in faces if face.age is None or face.age >= YOUNGEST]
    if len(kept) < len(faces):
        report.dropped[f"under {YOUNGEST}"] += len(faces) - len(kept)
    unknown = sum(face.age is None for face in kept)
    if unknown:
        report.notes.append(AGES_UNKNOWN.format(count=unknown))
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
    listed = {}
    for number, cells in enumerate(rows[1:], 2):
        if not any(cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        if not row["file"] or len(cells) != len(header):
            raise SourceError(f"row {number} has {len(cells)} fields, not {len(header)}", where=path)
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
        age = round(float(text))
    except (ValueError, OverflowError):
        age = -1
    if not 0 <= age <= 120:
        raise SourceError(f"row {number}: age {text!r}", where=path, hint="Write whole years, or leave it empty.")
    return age


def _names(folder: Path, path: Path) -> list[str]:
    """Every way in which ``faces.csv`` may name a file."""
    _, number = _sfhq(path.stem)
    return [path.relative_to(folder).as_posix(), path.name, path.stem, *([number] if number else [])]


def _look_up(folder: Path, path: Path, listed: dict[str, _Listed]) -> _Listed | None:
    return next((listed[name] for name in _names(folder, path) if name in listed), None)


def _only_listed(folder: Path, files: list[Path], listed: dict[str, _Listed], report: Report) -> list[Path]:
    kept = [path for path in files if _look_up(folder, path, listed) is not None]
    if len(kept) < len(files):
        report.dropped[f"not in {LIST}"] = len(files) - len(kept)
    present = {name for path in kept for name in _names(folder, path)}
    if absent := [name for name in listed if name not in present]:
        report.notes.append(f"{LIST} names {len(absent)} files that are not there, first {absent[0]!r}.")
    return kept
