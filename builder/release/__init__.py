"""From a finished dataset to ``release/``: Parquet, dataset card, Croissant, the layout of the original."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from os import getpid
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from fiubench.builder.audit.registry import Table
from fiubench.builder.release.card import Release, dataset_card, has_faces
from fiubench.builder.release.croissant import croissant
from fiubench.builder.release.original import OriginalLayout
from fiubench.builder.release.parquet import ParquetFiles
from fiubench.builder.release.portraits import SHOWN, STRIP, strip
from fiubench.builder.release.publication import Publication
from fiubench.builder.release.statistics import Statistics
from fiubench.schemas.documents import (
    IDENTITIES,
    IMAGES,
    RELEASE,
    SPLITS,
    checked,
    read_object,
    read_records,
)
from fiubench.support.canonical import readable_json
from fiubench.support.errors import DatasetError
from fiubench.support.files import write_error

__all__ = ["Packager", "describe", "package"]

CARD, CROISSANT = "README.md", "croissant.json"
_AGAIN = "Build the dataset again, or continue with --resume."


class Packager:
    """Writes a release from identities as they come; a context manager, which removes what was not finished.

    The release is built under another name and renamed when it is whole. No image is decoded.

    Args:
        directory: the dataset directory; each identity's image lies in it when the identity is added.
        forgotten: the attributes that the forget sets are about; everything, if empty.
        target: where the release is written, by default in the dataset directory.
        linked: whether the layout of the original gets its own names of the pictures.
    """

    def __init__(
        self,
        directory: Path,
        splits: Mapping[str, list[str]],
        attributes: Sequence[str],
        config: Mapping[str, Any],
        forgotten: Sequence[str] = (),
        target: Path | None = None,
        *,
        linked: bool = True,
    ) -> None:
        self._directory, self._splits, self._config = directory, splits, config
        self._attributes, self._forgotten = attributes, forgotten
        self._has_images, self._linked = has_faces(config), linked
        self._target = target or directory / RELEASE
        self._statistics = Statistics(splits, forgotten)
        self._stack = ExitStack()

    def __enter__(self) -> "Packager":
        try:
            self._folder = self._stack.enter_context(_replacing(self._target))
            cells = self._statistics.cells
            self._parquet = ParquetFiles(self._folder, cells, self._attributes, has_images=self._has_images)
            self._stack.callback(self._parquet.abandon)
            self._original = OriginalLayout(
                self._folder / "fiubench",
                self._splits,
                self._config["seed"],
                self._forgotten,
                has_images=self._has_images,
            )
            self._stack.callback(self._original.close)
        except OSError as error:
            raise write_error(error, self._target) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stack.__exit__(kind, error, trace)
        except OSError as problem:
            raise write_error(problem, self._target) from problem

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one identity; they come in order.

        Raises:
            DatasetError: its image is missing, or it can't be written.
        """
        try:
            image = _image_path(self._directory, record, self._has_images)
            self._parquet.add(record, None if image is None else _read_bytes(image))
            self._original.add(record, image if self._linked else None)
        except OSError as error:
            raise write_error(error, self._target) from error
        self._statistics.add(record)

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Write what describes the whole: card and Croissant.

        Raises:
            DatasetError: nobody is outside the holdout, or it can't be written.
        """
        try:
            self._original.finish()
            self._parquet.close()
        except OSError as error:
            raise write_error(error, self._target) from error
        release = Release(manifest, self._folder, self._parquet.configs(), self._statistics)
        _describe(release, self._target)


def package(directory: Path, manifest: Mapping[str, Any], target: Path | None = None, *, linked: bool = True) -> None:
    """Write ``release/`` into a finished dataset directory, or elsewhere, replacing one that is there.

    Raises:
        DatasetError: a part of the dataset is missing or has another form, or the release can't be written.
    """
    document = checked(read_object(directory / SPLITS), "splits", directory / SPLITS)
    forgotten = document.get("attributes", ())
    splits, attributes, config = document["splits"], manifest["attributes"], manifest["config"]
    with Packager(directory, splits, attributes, config, forgotten, target, linked=linked) as packager:
        for record in read_records(directory / IDENTITIES):
            packager.add(record)
        packager.finish(manifest)


def describe(
    directory: Path,
    manifest: Mapping[str, Any],
    folder: Path,
    configs: Mapping[str, Sequence[str]],
    publication: Publication | None = None,
    guesses: Table | None = None,
    *,
    apart: bool = False,
) -> None:
    """Write what describes a release into ``folder``: card, Croissant and, of one with a name, a strip of portraits; no
    data file is touched.

    Args:
        configs: configuration -> its files.
        apart: it is not one on the Hub: the layout of the original has its own picture files.
        guesses: the table of the audit's attackers, where it was run.
        folder: where ``data/`` of its release lies, or links to it.

    Raises:
        DatasetError: the dataset or its card is damaged, or the folder can't be written to.
    """
    document = read_object(directory / SPLITS)
    statistics = Statistics(document["splits"], document.get("attributes", ()))
    shown: list[Path] = []
    for record in read_records(directory / IDENTITIES):
        statistics.add(record)
        if record["image_path"] and len(shown) < SHOWN:
            shown.append(directory / record["image_path"])
    if publication is not None and shown:
        (folder / STRIP).write_bytes(strip(shown))
    has_strip = (folder / STRIP).exists()
    release = Release(manifest, folder, configs, statistics, publication, guesses, has_strip, apart)
    _describe(release, folder)


def _describe(release: Release, where: Path) -> None:
    """Write card and Croissant of a release; ``where`` it will be, for errors."""
    if release.statistics.example is None:
        hint = "Build with more --identities."
        raise DatasetError("nobody is outside the holdout, so there is nothing to publish", where=where, hint=hint)
    try:
        (release.folder / CARD).write_text(dataset_card(release), encoding="utf-8")
        (release.folder / CROISSANT).write_bytes(readable_json(croissant(release)))
    except OSError as error:
        raise write_error(error, where) from error


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
