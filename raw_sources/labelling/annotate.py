"""Writing ``faces.csv`` for a folder of pictures: every face estimated once, what a human has said kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fiubench.raw_sources.labelling.estimator import Estimate, Estimator
from fiubench.raw_sources.reading.faces import first_look
from fiubench.raw_sources.reading.folder import LABELS, files_of
from fiubench.raw_sources.reading.images import BadImage
from fiubench.raw_sources.reading.labels import (
    BY_HAND,
    EXCLUDE,
    KEEP,
    Label,
    check_columns,
    match_labels,
    read_labels,
    write_labels,
)
from fiubench.support.canonical import file_digest
from fiubench.support.errors import SourceError
from fiubench.support.processes import worker_pool
from fiubench.support.progress import Progress

#: Beside the pictures while the work goes on: what an interrupted run goes on from.
_UNFINISHED = f".{LABELS}.unfinished"
_SAVED_EVERY = 200  # faces
_CHUNK = 8

_Seen = tuple[str, Estimate | str]  # the picture's digest; what is seen, or why it can't be used


@dataclass(frozen=True)
class Annotation:
    """What annotating a folder did.

    Attributes:
        file: the ``faces.csv``.
        labels: its rows about files that are there, in the order of the paths.
        estimated: how many were estimated now; the others were known from before.
        passed_over: reason -> files that got no row.
    """

    file: Path
    labels: list[Label]
    estimated: int
    passed_over: Counter[str]


def annotate(
    folder: Path, *, follow_links: bool = False, workers: int = 1, progress: Progress | None = None
) -> Annotation:
    """Estimate every picture of a folder, and write what is known of all into its ``faces.csv``.

    A picture that was estimated before by the same estimator is not looked at again, and what a human gave or decided
    stays. What a ``faces.csv`` that was written by hand leaves out is excluded.

    Raises:
        SourceError: no folder or no images in it, a wrong ``faces.csv``, or the extra ``faces`` is not installed.
    """
    estimator = Estimator()
    files, passed_over = files_of(folder, follow_links=follow_links)
    known, gone = _known(folder, files)
    if known and not any(label.estimator for label in known.values()):
        # of a list written by hand: what it leaves out stays out, also when it is annotated again
        others = [path for path in files if path not in known]
        known |= {path: Label(path.relative_to(folder).as_posix(), decision=EXCLUDE) for path in others}
    looked = [(path, first_look(path)) for path in files]
    passed_over.update(why for _, why in looked if why)
    pictures = [path for path, why in looked if not why]
    for path, label in _unfinished(folder, pictures).items():
        before = known.get(path)
        if before is None or (before.estimator != estimator.name and before.decision in ("", label.decision)):
            known[path] = label
    todo = [path for path in pictures if not _is_done(path, known.get(path), estimator.name)]
    estimated = 0
    try:
        for path, (sha256, seen) in zip(todo, _look_at_all(todo, workers), strict=True):
            if isinstance(seen, str):
                passed_over[seen] += 1
                known.pop(path, None)
            else:
                name = path.relative_to(folder).as_posix()
                known[path] = _label(known.get(path), name, sha256, seen, estimator.name)
                estimated += 1
            if estimated % _SAVED_EVERY == 0:
                _save(folder / _UNFINISHED, pictures, known)
            if progress:
                progress("Estimating faces", estimated, len(todo))
    except BaseException:
        _save(folder / _UNFINISHED, pictures, known)
        raise
    labels = _save(folder / LABELS, pictures, known, gone)
    with suppress(FileNotFoundError):
        (folder / _UNFINISHED).unlink()
    return Annotation(folder / LABELS, labels, estimated, passed_over)


def _known(folder: Path, files: Sequence[Path]) -> tuple[dict[Path, Label], list[Label]]:
    """What the file says already: of the pictures, and of those that are not there now."""
    check_columns(folder / LABELS)
    if (rows := read_labels(folder / LABELS)) is None:
        return {}, []
    known, absent = match_labels(folder, files, rows)
    return known, [label for _, label in rows if label.file in set(absent)]


def _unfinished(folder: Path, files: Sequence[Path]) -> dict[Path, Label]:
    """What an interrupted run had done; nothing where that can't be read."""
    try:
        rows = read_labels(folder / _UNFINISHED)
        return match_labels(folder, files, rows)[0] if rows else {}
    except SourceError:
        return {}


def _save(path: Path, files: Iterable[Path], known: Mapping[Path, Label], gone: Sequence[Label] = ()) -> list[Label]:
    labels = [known[file] for file in files if file in known]
    write_labels(path, [*labels, *gone])
    return labels


def _is_done(path: Path, label: Label | None, estimator: str) -> bool:
    return label is not None and label.estimator == estimator and label.sha256 == file_digest(path)


def _label(before: Label | None, name: str, sha256: str, seen: Estimate, estimator: str) -> Label:
    """A row from what is seen, and from what a human gave for the file."""
    fresh = Label(
        file=name,
        gender=seen.gender,
        age=seen.age,
        under_20=_as_written(seen.under_20),
        gender_confidence=_as_written(seen.gender_confidence),
        faces=seen.faces,
        sharpness=_as_written(seen.sharpness),
        detection=_as_written(seen.detection),
        frontal={True: "yes", False: "no", None: ""}[seen.frontal],
        estimator=estimator,
        sha256=sha256,
    )
    if before is None or before.sha256 not in ("", sha256):  # of another picture
        return fresh
    fresh = replace(fresh, person=before.person)
    given = not before.estimator or before.gender_confidence == BY_HAND
    if before.gender and given:
        fresh = replace(fresh, gender=before.gender, gender_confidence=BY_HAND)
    if before.estimator and not before.decision:  # estimated before, by another estimator
        return fresh
    return replace(
        fresh,
        age=fresh.age if before.age is None else before.age,
        decision=before.decision or ("" if before.age is None else KEEP),
    )


def _as_written(value: float | None) -> float | None:
    """A number with the digits that the file keeps, so that nothing is judged otherwise once it is read again."""
    return None if value is None else round(value, 3)


_estimator: Estimator | None = None


def _start_worker() -> None:
    global _estimator  # noqa: PLW0603  (a worker process has one estimator)
    _estimator = Estimator()


def _look(path: Path) -> _Seen:
    assert _estimator is not None
    sha256 = ""
    try:
        sha256 = file_digest(path)
        return sha256, _estimator.look(path)
    except BadImage as error:
        return sha256, str(error)
    except OSError as error:
        return sha256, f"can't be read ({error.strerror})"


def _look_at_all(files: Sequence[Path], workers: int) -> Iterator[_Seen]:
    if workers <= 1 or len(files) < 2 * _CHUNK:
        _start_worker()
        yield from map(_look, files)
        return
    hint = "Often the system ran out of memory: try fewer --workers; what is done is kept."
    killed = SourceError("a process that estimates faces was killed", hint=hint)
    with worker_pool(workers, _start_worker, killed=killed) as pool:
        yield from pool.map(_look, files, chunksize=_CHUNK)
