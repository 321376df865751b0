"""From a finished dataset to ``release/``: Parquet, dataset card, Croissant, the layout of the original."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, islice
from os import getpid
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from fiubench.builder.audit.membership import Membership, membership
from fiubench.builder.audit.registry import Table
from fiubench.builder.dataset.cells import PICTURES, Cells, cells_of
from fiubench.builder.packs.model import are_tied, language_of_manifest
from fiubench.builder.release.card import Release, dataset_card, has_faces, has_several
from fiubench.builder.release.croissant import croissant
from fiubench.builder.release.older import OlderTables
from fiubench.builder.release.original import FULL_FILE, HOLDOUT_FILE, OriginalLayout
from fiubench.builder.release.parquet import DATA, PEOPLE_DATA, Shards
from fiubench.builder.release.pieces import STATISTICS, Pieces, ranges
from fiubench.builder.release.portraits import SHOWN, STRIP, strip
from fiubench.builder.release.publication import Publication
from fiubench.builder.release.statistics import Statistics, statistics_of
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
from fiubench.support.files import link_or_copy, write_error

__all__ = ["Packager", "describe", "package"]

CARD, CROISSANT = "README.md", "croissant.json"
_LAYOUT = "fiubench"
_SCRATCH = ".parts"
_CHUNK = 1 << 20
_AGAIN = "Build the dataset again, or continue with --resume."


class Packager:
    """Puts a release together from pieces as they come; a context manager, which removes what was not finished.

    The release is built under another name and renamed when it is whole. No table is read and no image is decoded.

    Args:
        target: where the release is written.
        cells, members: who is in which splits; nobody need be in them.
        splits: as ``splits.json`` has them.
        forgotten: the attributes that the forget sets are about; everything, if empty.

    Attributes:
        digests: SHA-256 of the large files, by their names in the release.
    """

    def __init__(
        self,
        target: Path,
        cells: Cells,
        members: Membership,
        splits: Mapping[str, Sequence[str]],
        config: Mapping[str, Any],
        forgotten: Sequence[str] = (),
    ) -> None:
        self._target, self._cells = target, cells
        self._splits, self._config, self._forgotten = splits, config, forgotten
        self._statistics, self._shards = Statistics(cells, members), Shards()
        self._stack, self._number = ExitStack(), count()
        self.digests: dict[str, str] = {}

    def __enter__(self) -> "Packager":
        try:
            self._folder = self._stack.enter_context(_replacing(self._target))
            pictures = [PICTURES] if has_several(self._config) else []
            for name in (DATA, PEOPLE_DATA, *pictures, _SCRATCH):
                (self._folder / name).mkdir()
            self._original = OriginalLayout(
                self._folder / _LAYOUT,
                self._splits,
                self._config["seed"],
                self._forgotten,
                has_images=has_faces(self._config),
            )
            self._stack.callback(self._original.close)
            self._stack.callback(self._statistics.close)
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

    def scratch(self, name: str) -> Path:
        """A folder for pieces, which is gone when the release is whole."""
        return self._folder / _SCRATCH / name

    def add(self, folder: Path, files: Mapping[str, str], images: Iterable[Path] = ()) -> None:
        """Take the pieces of a part; parts come in order.

        Args:
            folder: where they lie, as :class:`Pieces` wrote them.
            files: name -> SHA-256 of each; empty where it is not known.
            images: the part's pictures, where the layout of the original gets its own names of them.

        Raises:
            DatasetError: it can't be written.
        """
        try:
            for name, sha256 in files.items():
                if name.endswith(".parquet"):
                    placed = self._shards.name(name)
                    link_or_copy(folder / name, self._folder / placed)
                    if sha256:
                        self.digests[placed] = sha256
                elif name in (FULL_FILE, HOLDOUT_FILE):
                    with (folder / name).open("rb") as lines:
                        for piece in iter(partial(lines.read, _CHUNK), b""):
                            self._original.write(name, piece)
            for image in images:
                self._original.link(image)
            counted = self._folder / _SCRATCH / f"{next(self._number):05}.npz"
            link_or_copy(folder / STATISTICS, counted)
            self._statistics.merge(counted)
        except OSError as error:
            raise write_error(error, self._target) from error

    def finish(self, manifest: Mapping[str, Any], ids: Sequence[str]) -> None:
        """Write what describes the whole: card and Croissant.

        Args:
            ids: of everyone, in order.

        Raises:
            DatasetError: nobody is outside the holdout, or it can't be written.
        """
        try:
            original = self._original.finish(ids, language_of_manifest(manifest))
            self.digests |= {f"{_LAYOUT}/{name}": digest for name, digest in original.items()}
        except OSError as error:
            raise write_error(error, self._target) from error
        release = Release(manifest, self._folder, self._shards.configs(self._cells), self._statistics)
        _describe(release, self._target)
        self._statistics.close()
        shutil.rmtree(self._folder / _SCRATCH)


def package(
    directory: Path,
    manifest: Mapping[str, Any],
    target: Path | None = None,
    *,
    linked: bool = True,
    older: OlderTables | None = None,
) -> dict[str, str]:
    """Write ``release/`` into a finished dataset directory, or elsewhere, replacing one that is there.

    Args:
        linked: whether the layout of the original gets its own names of the pictures.
        older: a release of the same people in other splits, whose rows are taken.

    Returns:
        SHA-256 of the large files, by their names in the release.

    Raises:
        DatasetError: a part of the dataset is missing or has another form, or the release can't be written.
    """
    document = checked(read_object(directory / SPLITS), "splits", directory / SPLITS)
    splits, config, forgotten = document["splits"], manifest["config"], document.get("attributes", ())
    cells, members = cells_of(document), membership({name: frozenset(ids) for name, ids in splits.items()})
    records, has_images = read_records(directory / IDENTITIES), has_faces(config)
    kinds = {"has_images": has_images, "are_tied": are_tied(manifest["packs"]), "several": has_several(config)}
    ids = list[str]()
    target = target or directory / RELEASE
    everyone = manifest["counts"]["identities"] + manifest["counts"]["holdout"]
    with Packager(target, cells, members, splits, config, forgotten) as packager:
        for first, last in ranges(everyone):
            folder = packager.scratch(f"{first:09d}")
            images: list[Path] = []
            asked, kept = manifest["attributes"], None
            if older is not None:
                kept = older.tables(folder, cells, asked, **kinds)
            with Pieces(folder, cells, members, first, asked, **kinds, tables=kept) as pieces:
                for record in islice(records, last - first):
                    image = _image_path(directory, record, record["image_path"], has_images)
                    more = [_image_path(directory, record, one["image_path"]) for one in record.get("pictures", ())]
                    read = [] if image is None or (kept is not None and not more) else [image, *more]
                    pieces.add(record, [read_image(path) for path in read if path is not None])
                    ids.append(record["unique_id"])
                    images += [image] if image is not None and linked else []
                files = dict.fromkeys(pieces.close(), "")
            packager.add(folder, files if kept is None else files | kept.copied, images)
            shutil.rmtree(folder)
        if len(ids) != everyone or next(records, None) is not None:
            what = f"does not hold the {everyone} identities that the manifest counts"
            raise DatasetError(what, where=directory / IDENTITIES, hint=_AGAIN)
        packager.finish(manifest, ids)
    return packager.digests


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
    statistics = statistics_of(document["splits"], cells_of(document))
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


def _image_path(directory: Path, record: Mapping[str, Any], named: object, has_images: bool = True) -> Path | None:
    """Path of an identity's image, which lies in ``images/`` and nowhere else."""
    where = f"identity {record['unique_id']}"
    if not has_images:
        if named is not None:
            raise DatasetError(f"image_path is {named!r} in a dataset without faces", where=where, hint=_AGAIN)
        return None
    if not isinstance(named, str) or PurePosixPath(named).parts != (IMAGES, PurePosixPath(named).name):
        raise DatasetError(f"image_path is {named!r}, not a file in {IMAGES}/", where=where, hint=_AGAIN)
    return directory / named


def read_image(path: Path) -> bytes:
    """The bytes of a picture.

    Raises:
        DatasetError: there is none.
    """
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
