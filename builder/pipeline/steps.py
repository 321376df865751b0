"""A build in steps, for many machines: ``plan`` once, ``part`` for every rank, ``finish`` once.

``build`` is the three in one. Between them lie files alone, in the dataset's folder or under an URL, so that any engine
that can start a process with a rank will do.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.builder.config import Config, make_config
from fiubench.builder.generation.pairing import cut_splits
from fiubench.builder.pipeline.build import Summary, check_out, claimed, open_build, prepared, put_together
from fiubench.builder.pipeline.parts import HEADER, Part, PartMaker, absent, read_part, refuse_others
from fiubench.builder.pipeline.plans import PLAN, plan_files, read_plan, save_plan
from fiubench.builder.pipeline.work import FOLDER, PARTS, Work, name_of
from fiubench.builder.release.pieces import Range
from fiubench.raw_sources.reading.frames import frames_as_files
from fiubench.schemas.documents import MANIFEST
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.files import make_folder, scratch_folder
from fiubench.support.progress import Progress
from fiubench.support.storage import Storage, is_remote, local_path

if TYPE_CHECKING:
    from fiubench.support.chat import Limits


@dataclass(frozen=True)
class Planned:
    """What a plan came to.

    Attributes:
        location: where it lies.
        identities: how many people it makes.
        parts: in how many parts: more ranks have nothing to do.
    """

    location: str
    identities: int
    parts: int


def plan(
    config: Config | Mapping[str, Any],
    location: str | Path,
    *,
    workers: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
    limits: "Limits | None" = None,
) -> Planned:
    """Read the sources of a build and pair everyone, and write down all that its parts are made from.

    >>> plan({"identities": 100_000, "faces": "none"}, "big")                        # doctest: +SKIP

    Args:
        config: as for :func:`~fiubench.builder.pipeline.build.build`.
        location: the dataset's folder, or an URL that fsspec knows.
        workers: processes that look at the faces of a folder.
        overwrite: remove an earlier dataset or plan first.
        progress: called with (what, done, total).
        limits: how a model is asked and how much it may cost, where the config says ``qa: llm``.

    Raises:
        FiubenchError: bad input, or a place that can't be written to.
    """
    with _target(location, overwrite=overwrite) as (out, storage):
        with frames_as_files({} if isinstance(config, Config) else config) as settings:
            checked = config if isinstance(config, Config) else make_config(settings)
            check_out(out, resume=False, overwrite=overwrite)
            inputs = open_build(checked, workers=workers, progress=progress)
        with prepared(inputs, out, overwrite=overwrite, limits=limits, progress=progress) as (work, _):
            save_plan(work)
        if storage is not None:
            for name in (*plan_files(work.folder), PLAN):  # the plan itself last: then the others are whole
                storage.store(work.folder / name, name)
    return Planned(str(location), work.plan.size, len(work.parts))


def part(location: str | Path, rank: int = 0, world_size: int = 1, *, progress: Progress | None = None) -> list[str]:
    """Make the parts of one rank that are not there yet: every ``world_size``-th, from the ``rank``-th on.

    >>> part("big", rank=3, world_size=8)                                            # doctest: +SKIP

    Args:
        location: where the plan lies.
        rank: of this process, from 0.
        world_size: how many ranks there are.
        progress: called with (what, done, total).

    Returns:
        The names of the rank's parts.

    Raises:
        ConfigError: no such rank.
        DatasetError: there is no plan, or a part can't be made, written, or used as it is.
    """
    if not 0 <= rank < world_size:
        raise ConfigError(f"rank {rank} of {world_size}", where="--rank", hint="Ranks count from 0.")
    with _opened(location) as (work, storage):
        maker, own = PartMaker(work), work.parts[rank::world_size]
        for done, each in enumerate(own, 1):
            if storage is None or not _stored(storage, work, each):
                maker.make(each)
                if storage is not None:
                    storage.store_all(work.path(each), f"{PARTS}/{name_of(each)}", HEADER)
            if storage is not None:
                shutil.rmtree(work.path(each))
            if progress:
                progress("Making parts", done, len(own))
    return [name_of(each) for each in own]


def finish(location: str | Path, out: str | Path | None = None, *, progress: Progress | None = None) -> Summary:
    """Put a dataset together from its parts: bytes are copied, and what describes the whole is written.

    >>> print(finish("big"))                                                         # doctest: +SKIP

    Args:
        location: where plan and parts lie.
        out: the dataset's folder, where they lie under an URL.
        progress: called with (what, done, total).

    Raises:
        ConfigError: an URL, and no folder for the dataset.
        DatasetError: a part is missing, damaged, of another plan, or there twice; or the folder can't be written to.
    """
    if is_remote(location) == (out is None):
        what = "needs a folder for the dataset" if out is None else "the dataset is made in the folder of its plan"
        raise ConfigError(what, where="--out", hint="Give --out where the plan lies under an URL, and only there.")
    target = local_path(location) if out is None else Path(out)
    if (target / MANIFEST).exists():
        raise DatasetError("the dataset is finished", where=target)
    if out is not None:
        check_out(target, resume=True, overwrite=False)
    folder = None if out is None else make_folder(target / FOLDER)
    with _opened(location, folder) as (work, storage), claimed(target, work.inputs, anew=False):
        whole = replace(work, splits=cut_splits(work.plan))
        return put_together(whole, _there(whole, storage), target, progress)


@contextmanager
def _target(location: str | Path, *, overwrite: bool) -> Iterator[tuple[Path, Storage | None]]:
    """The folder that a plan is written in, and where it is copied to from there."""
    if not is_remote(location):
        yield local_path(location), None
        return
    storage = Storage(str(location))
    if storage.has(PLAN):
        if not overwrite:
            raise DatasetError("there is a plan", where=location, hint="Replace it with --overwrite.")
        storage.remove()
    with scratch_folder() as folder:
        yield folder, storage


@contextmanager
def _opened(location: str | Path, folder: Path | None = None) -> Iterator[tuple[Work, Storage | None]]:
    """A plan, and the storage that it lies in, if that is not this machine's; its files are copied to a folder then."""
    if not is_remote(location):
        yield read_plan(local_path(location) / FOLDER, str(location)), None
        return
    storage = Storage(str(location))
    if folder is not None:
        yield _fetched(storage, folder), storage
        return
    with scratch_folder() as scratch:
        yield _fetched(storage, scratch), storage


def _fetched(storage: Storage, folder: Path) -> Work:
    if not storage.has(PLAN):
        raise DatasetError("holds no plan", where=storage.url, hint="`fiubench plan` makes one.")
    storage.fetch(PLAN, folder / PLAN)
    for name in plan_files(folder):
        storage.fetch(name, folder / name)
    return read_plan(folder, storage.url)


def _stored(storage: Storage, work: Work, part: Range) -> bool:
    """Whether a part lies there. Its header is looked at, and its files when the dataset is put together."""
    header = f"{PARTS}/{name_of(part)}/{HEADER}"
    if not storage.has(header):
        return False
    storage.fetch(header, work.path(part) / HEADER)
    return read_part(work, part, known=True) is not None


def _there(work: Work, storage: Storage | None) -> Iterator[Part]:
    """Every part in order; none may be missing, and nothing else may be there."""
    if storage is None:
        refuse_others(work, [path.name for path in sorted((work.folder / PARTS).glob("*/"))])
        headers = [work.path(each) / HEADER for each in work.parts]
        missing = [each for each, header in zip(work.parts, headers, strict=True) if not header.exists()]
    else:
        refuse_others(work, storage.folders(PARTS))
        missing = [each for each in work.parts if not storage.has(f"{PARTS}/{name_of(each)}/{HEADER}")]
    if missing:
        raise absent(work, missing)
    for each in work.parts:
        if storage is not None:
            storage.fetch_all(f"{PARTS}/{name_of(each)}", work.path(each))
        if (found := read_part(work, each)) is None:
            raise absent(work, [each])
        yield found
        if storage is not None:
            shutil.rmtree(work.path(each))
