"""Writing ``faces.csv`` for a folder of pictures: every face estimated once, what a human has said kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fiubench.raw_sources.labelling.estimator import Estimate, Estimator
from fiubench.raw_sources.reading.faces import first_look
from fiubench.raw_sources.reading.folder import LABELS, files_of
from fiubench.raw_sources.reading.images import BadImage
from fiubench.raw_sources.reading.labels import KEEP, Label, match_labels, read_labels, write_labels
from fiubench.support.canonical import file_digest
from fiubench.support.errors import SourceError
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
        labels: its rows, in the order of the paths.
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
    stays. A ``faces.csv`` that was written by hand remains the list of the files to use: no other gets a row.

    Raises:
        SourceError: no folder or no images in it, a wrong ``faces.csv``, or the extra ``faces`` is not installed.
    """
    estimator = Estimator()
    files, passed_over = files_of(folder, follow_links=follow_links)
    known = _known(folder, files)
    if by_hand := bool(known) and not any(label.estimator for label in known.values()):
        files = [path for path in files if path in known]
    looked = [(path, first_look(path)) for path in files]
    passed_over.update(why for _, why in looked if why)
    pictures = [path for path, why in looked if not why]
    known = _unfinished(folder, pictures) | known
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
    labels = _save(folder / LABELS, files if by_hand else pictures, known)
    with suppress(FileNotFoundError):
        (folder / _UNFINISHED).unlink()
    return Annotation(folder / LABELS, labels, estimated, passed_over)


def _known(folder: Path, files: Sequence[Path]) -> dict[Path, Label]:
    rows = read_labels(folder / LABELS)
    return {} if rows is None else match_labels(folder, files, rows)[0]


def _unfinished(folder: Path, files: Sequence[Path]) -> dict[Path, Label]:
    """What an interrupted run had done; nothing where that can't be read."""
    try:
        rows = read_labels(folder / _UNFINISHED)
        return match_labels(folder, files, rows)[0] if rows else {}
    except SourceError:
        return {}


def _save(path: Path, files: Iterable[Path], known: Mapping[Path, Label]) -> list[Label]:
    labels = [known[file] for file in files if file in known]
    write_labels(path, labels)
    return labels


def _is_done(path: Path, label: Label | None, estimator: str) -> bool:
    return label is not None and label.estimator == estimator and label.sha256 == file_digest(path)


def _label(before: Label | None, name: str, sha256: str, seen: Estimate, estimator: str) -> Label:
    """A row from what is seen, and from what a human gave for the file."""
    fresh = Label(
        file=name,
        gender=seen.gender,
        age=seen.age,
        under_20=seen.under_20,
        gender_confidence=seen.gender_confidence,
        faces=seen.faces,
        sharpness=seen.sharpness,
        detection=seen.detection,
        frontal={True: "yes", False: "no", None: ""}[seen.frontal],
        estimator=estimator,
        sha256=sha256,
    )
    if before is None:
        return fresh
    if before.estimator and not before.decision:  # estimated before, of another picture or by another estimator
        return fresh
    return replace(
        fresh,
        gender=before.gender or fresh.gender,
        age=fresh.age if before.age is None else before.age,
        decision=before.decision or ("" if before.age is None else KEEP),
    )


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
    try:
        with ProcessPoolExecutor(workers, initializer=_start_worker) as pool:
            yield from pool.map(_look, files, chunksize=_CHUNK)
    except BrokenProcessPool as error:
        hint = "Often the system ran out of memory: try fewer --workers; what is done is kept."
        raise SourceError("a process that estimates faces was killed", hint=hint) from error
