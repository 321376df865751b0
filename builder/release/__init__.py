"""From a finished dataset to ``release/``: Parquet, dataset card, Croissant, the layout of the original."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from os import getpid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from builder.config import NO_FACES
from builder.dataset import IDENTITIES, IMAGES, RELEASE, SPLITS, read_object, read_records
from builder.release.card import Release, dataset_card
from builder.release.cells import FULL, make_cells
from builder.release.croissant import croissant
from builder.release.original import OriginalLayout
from builder.release.parquet import ParquetFiles
from builder.release.statistics import Statistics
from support.canonical import file_digest, readable_json
from support.errors import DatasetError
from support.files import write_error

if TYPE_CHECKING:
    from builder.sources import Progress

__all__ = ["package"]

_AGAIN = "Build the dataset again, or continue with --resume."
_STEP = 100  # identities between two reports of progress


def package(directory: Path, manifest: Mapping[str, Any], *, progress: "Progress | None" = None) -> None:
    """Write ``release/`` into a finished dataset directory, replacing one that is there.

    Args:
        directory: holds ``identities.jsonl``, ``splits.json`` and ``images/``.
        manifest: the dataset's manifest. Its sources carry title, url, license, citation and description.
        progress: is told what is being done, how many identities are done, and how many there are.

    The release is built under another name and renamed when it is whole. The identities are streamed once;
    no image is decoded.

    Raises:
        DatasetError: a part of the dataset is missing or has another form, or the release can't be written.
    """
    target = directory / RELEASE
    try:
        with _replacing(target) as folder:
            _build(directory, folder, manifest, progress)
    except OSError as error:
        raise write_error(error, target) from error


def _build(directory: Path, folder: Path, manifest: Mapping[str, Any], progress: "Progress | None") -> None:
    splits = read_object(directory / SPLITS)["splits"]
    cells, statistics = make_cells(splits), Statistics()
    has_images = manifest["config"].get("faces") != NO_FACES
    parquet = ParquetFiles(folder, cells, manifest["attributes"], has_images=has_images)
    original = OriginalLayout(folder, splits, manifest["config"]["seed"])
    with ExitStack() as stack:
        stack.callback(parquet.abandon)
        stack.callback(original.close)
        for done, record in enumerate(read_records(directory / IDENTITIES), start=1):
            image = _image_path(directory, record, has_images)
            cell = cells.find(record["unique_id"])
            parquet.add(record, None if image is None else _read_bytes(image), cell)
            original.add(record, image)
            statistics.add(record, cell, in_full=FULL in cells.splits[cell])
            if progress and (done % _STEP == 0 or done == cells.listed):
                progress("Packaging", done, max(done, cells.listed))
        original.finish()
        parquet.close()
    if statistics.example is None:
        raise DatasetError(
            "nobody is outside the holdout, so there is nothing to publish",
            where=directory,
            hint="Build with more --identities.",
        )
    configs = parquet.configs()
    everyone = list(range(len(cells.labels)))
    release = Release(
        manifest=manifest,
        configs=configs,
        counts={name: statistics.counts(cells.configs.get(name, everyone)) for name in configs},
        files=_facts(folder, configs),
        attributes=statistics.attributes,
        example=statistics.example,
        question_columns=parquet.question_columns,
        identity_columns=parquet.identity_columns,
        has_images=has_images,
    )
    (folder / "README.md").write_text(dataset_card(release), encoding="utf-8")
    (folder / "croissant.json").write_bytes(readable_json(croissant(release)))


def _facts(folder: Path, configs: Mapping[str, Sequence[str]]) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of every data file."""
    paths = sorted({path for files in configs.values() for path in files})
    return {path: ((folder / path).stat().st_size, file_digest(folder / path)) for path in paths}


def _image_path(directory: Path, record: Mapping[str, Any], has_images: bool) -> Path | None:
    """Path of an identity's image, which lies in ``images/`` and nowhere else."""
    named = record["image_path"]
    where = f"identity {record['unique_id']}"
    if not has_images:
        if named is not None:
            raise DatasetError(f"image_path is {named!r} in a dataset without faces", where=where, hint=_AGAIN)
        return None
    if not isinstance(named, str) or PurePosixPath(named).parts != (IMAGES, PurePosixPath(named).name):
        raise DatasetError(f"image_path is {named!r}, not a file in {IMAGES}/", where=where, hint=_AGAIN)
    return directory / named


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise DatasetError("no such image", where=path, hint=_AGAIN) from error


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """A new folder beside ``target`` that takes its name when the block ends, or vanishes on an exception."""
    for pattern in (f"{target.name}.partial-*", f"{target.name}.old-*"):  # of a run that was killed
        for leftover in target.parent.glob(pattern):
            shutil.rmtree(leftover)
    folder = target.with_name(f"{target.name}.partial-{getpid()}")
    old = target.with_name(f"{target.name}.old-{getpid()}")
    folder.mkdir()
    try:
        yield folder
        if target.exists():
            target.rename(old)
        folder.rename(target)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
