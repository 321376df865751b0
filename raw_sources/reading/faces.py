"""Folders of face images, SFHQ's above all: found, checked, freed of duplicates, with age and gender where known.

Source of SFHQ: Beniaguev 2022, https://github.com/SelfishGene/SFHQ-dataset (MIT)
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fiubench.raw_sources.reading.features import lack_of_features, shape_of
from fiubench.raw_sources.reading.folder import LABELS, files_of, sfhq_number
from fiubench.raw_sources.reading.images import HEAD, BadImage, no_picture, probe
from fiubench.raw_sources.reading.labels import MARGIN, NOTHING, YOUNGEST, Label, match_labels, read_labels
from fiubench.raw_sources.reading.likeness import near_duplicates, phash
from fiubench.raw_sources.source import MOST_UNDER_20
from fiubench.raw_sources.table import Face, FaceTable, Origin, Report, base_name, with_example
from fiubench.support.canonical import digest, file_digest
from fiubench.support.errors import SourceError
from fiubench.support.processes import worker_pool
from fiubench.support.progress import Progress
from fiubench.support.reading import open_regular
from numpy.typing import NDArray

_CHUNK = 32
_LARGEST_FILE = 200_000_000  # bytes: more than the largest picture that is let in takes uncompressed


def read_faces(
    folder: Path,
    *,
    most_under_20: float = MOST_UNDER_20,
    follow_links: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> FaceTable:
    """Find and check the faces of a folder; every picture is read and decoded once, every other file is counted.

    Args:
        most_under_20: the largest probability of being younger than 20 with which a face is used.
        follow_links: see :func:`~fiubench.raw_sources.reading.folder.files_of`.

    Raises:
        SourceError: no folder, no images, a wrong ``faces.csv``, or nothing usable.
    """
    files, passed_over = files_of(folder, follow_links=follow_links)
    report = Report(read=len(files) + passed_over.total(), dropped=passed_over)
    rows = read_labels(folder / LABELS)
    known = {} if rows is None else _listed(folder, files, rows, report)
    files = files if rows is None else [path for path in files if path in known]
    good: list[_Checked] = []
    for done, (path, result) in enumerate(zip(files, _check_all(files, workers), strict=True), 1):
        if isinstance(result, _Checked):
            good.append(result)
        else:
            report.drop(result, example=path.name)
        if progress:
            progress("Checking faces", done, len(files))
    kept = _suitable(good, known, report, most_under_20)
    if not kept:
        most = report.dropped.most_common(4)
        reasons = ", ".join(f"{count} {with_example(why, report.examples)}" for why, count in most)
        what = f"none of {report.read} files can be used: {reasons}"
        hint = "Give other images" + (f", or mend the {LABELS} beside them." if rows else ".")
        raise SourceError(what, where=folder, hint=hint)
    if converted := sum(not c.plain for c in kept):
        report.repaired["not plain RGB: converted"] = converted
    report.notes.extend(_notes(folder, kept, known, most_under_20))
    origin = Origin("faces", base_name(folder), _digest(folder, good))
    shapes = {c.path: c.shape for c in kept}
    faces = tuple(_grouped(folder, list(_faces(kept, known)), known))
    if len(faces) < len(kept):
        report.notes.append(f"{len(kept)} pictures show {len(faces)} people, by the column person of {LABELS}.")
    return FaceTable(origin, report, faces, folder, np.stack([shapes[face.file] for face in faces]))


def _listed(
    folder: Path, files: Sequence[Path], rows: Sequence[tuple[int, Label]], report: Report
) -> dict[Path, Label]:
    """What ``faces.csv`` says of each file it lists; the others are counted as dropped."""
    known, absent = match_labels(folder, files, rows)
    for path in files:
        if path not in known:
            report.drop(first_look(path) or f"not in {LABELS}", example=path.name)
    if absent:
        report.read += len(absent)
        report.drop(f"listed in {LABELS} but not there", len(absent), absent[0])
    return known


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
    if (folder / LABELS).is_file():
        lines.append((LABELS, file_digest(folder / LABELS)))
    return digest("".join(f"{sha256}  {name}\n" for name, sha256 in sorted(lines)).encode(errors="surrogateescape"))


def _check_all(files: Sequence[Path], workers: int) -> Iterable["_Checked | str"]:
    if workers <= 1 or len(files) < 4 * _CHUNK:
        yield from map(_check, files)
        return
    hint = "Often the system ran out of memory: try fewer --workers."
    killed = SourceError("a process that checks faces was killed", hint=hint)
    with worker_pool(workers, killed=killed) as pool:
        yield from pool.map(_check, files, chunksize=_CHUNK)


def first_look(path: Path) -> str | None:
    """Why a file is no picture."""
    try:
        with open_regular(path) as file:
            return no_picture(path.name, file.read(HEAD))
    except OSError as error:
        return f"can't be read ({error.strerror})"


def _check(path: Path) -> "_Checked | str":
    """What a file holds, or in a few words why it can't be used."""
    try:
        if why := first_look(path):
            return why
        with open_regular(path) as file:
            data = file.read(_LARGEST_FILE + 1)
        if len(data) > _LARGEST_FILE:
            return f"more than {_LARGEST_FILE // 1_000_000} MB"
        seen = probe(data)
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except BadImage as error:
        return str(error)
    looks = *phash(seen.preview), shape_of(seen.preview)
    return _Checked(path, digest(data), seen.width, seen.height, seen.format, seen.plain, *looks)


def _faces(kept: Sequence[_Checked], known: Mapping[Path, Label]) -> Iterator[Face]:
    for c, unique_id in zip(kept, _unique_ids(kept), strict=True):
        label = known.get(c.path, NOTHING)
        under_20 = None if label.decision else label.under_20
        yield Face(c.path, unique_id, label.gender, label.age, c.width, c.height, c.format, c.plain, under_20)


def _grouped(folder: Path, faces: Sequence[Face], known: Mapping[Path, Label]) -> Iterator[Face]:
    """One face a person, with their other pictures, in the order of the rows of ``faces.csv``; any row has the gender.

    Raises:
        SourceError: rows that are of one person and of two genders.
    """
    rows = {path: number for number, path in enumerate(known)}
    groups: dict[str, list[Face]] = {}
    for face in faces:
        groups.setdefault(known.get(face.file, NOTHING).person or f"/{face.unique_id}", []).append(face)
    for person, group in groups.items():
        first, *others = sorted(group, key=lambda face: rows.get(face.file, 0))
        genders = {face.gender for face in group} - {None}
        if len(genders) > 1:
            what = f"person {person!r} is female in one row and male in another"
            raise SourceError(what, where=folder / LABELS, hint="Rows of one person are pictures of that person.")
        more = (replace(face, unique_id=f"{first.unique_id}-{n}") for n, face in enumerate(others, 2))
        yield replace(first, gender=next(iter(genders), None), others=tuple(more))


def _unique_ids(kept: Sequence[_Checked]) -> list[str]:
    """SFHQ's number; with its part where two share it (they are two people); the start of the digest for others."""
    named = [sfhq_number(c.path.stem) for c in kept]
    numbers = Counter(number for _, number in named)
    ids = [number if number and numbers[number] == 1 else f"pt{part}-{number}" for part, number in named]
    used = Counter(ids)
    return [
        own if number and used[own] == 1 else f"f{c.sha256[:12]}"
        for own, (_, number), c in zip(ids, named, kept, strict=True)
    ]


def _suitable(
    good: Sequence[_Checked], known: Mapping[Path, Label], report: Report, most_under_20: float
) -> list[_Checked]:
    """Each face once, in its largest picture, and none that is left out for what is known of it or of a repeat."""
    by_size = sorted(range(len(good)), key=lambda i: -good[i].width * good[i].height)
    repeats = near_duplicates([good[i].hash for i in by_size], [good[i].mirrored for i in by_size])
    same_as = {by_size[later]: by_size[first] for later, first in repeats.items()}
    for i, first in same_as.items():
        same = good[i].sha256 == good[first].sha256
        report.drop("exact duplicate" if same else "near duplicate (phash)", example=good[i].path.name)
    refused: dict[int, str] = {}
    for i, c in enumerate(good):
        if (why := _why_not(c, known.get(c.path, NOTHING), most_under_20)) and same_as.get(i, i) not in refused:
            refused[same_as.get(i, i)] = why
            report.drop(why, example=c.path.name)
    return [c for i, c in enumerate(good) if i not in same_as and i not in refused]


def _why_not(c: _Checked, label: Label, most_under_20: float) -> str | None:
    """Why a face is left out; what is known of another picture of its name says nothing of it."""
    if label.sha256 and label.sha256 != c.sha256:
        return f"another picture than the one that {LABELS} is about"
    return label.refusal(most_under_20)


def _notes(folder: Path, kept: Sequence[_Checked], known: Mapping[Path, Label], most_under_20: float) -> Iterator[str]:
    """Sentences on what is not known of the faces, and on how it is known."""
    labels = [known.get(c.path, NOTHING) for c in kept]
    if unknown := sum(label.age is None for label in labels):
        yield f"The age is unknown for {unknown} of {len(kept)} faces, so none of these was left out for its age."
    by_hand = sum(bool(label.decision) for label in labels)
    for estimator in sorted({label.estimator for label in labels if label.estimator}):
        estimated = sum(label.estimator == estimator for label in labels)
        yield (
            f"Age and gender of {estimated} of {len(kept)} faces were estimated by {estimator}; {by_hand} were "
            f"confirmed or set by hand. Left out were those estimated at less than {YOUNGEST + MARGIN} years, or to be "
            f"under {YOUNGEST} with a probability above {most_under_20:g}."
        )
    if lack := lack_of_features(folder, [c.path for c in kept]):
        yield lack
