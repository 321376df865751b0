"""Bringing a published release back as a dataset directory, and listing what is published."""

import heapq
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.dataset.compare import Difference, compare
from fiubench.builder.dataset.intact import on_disk
from fiubench.builder.dataset.reading import Dataset, digests_of_pictures, open_dataset
from fiubench.builder.hub.access import Access, access_of, checked_repo
from fiubench.builder.hub.client import Hub, Refs, connect
from fiubench.builder.hub.protocol import is_own
from fiubench.builder.hub.session import Missing
from fiubench.builder.hub.settings import HubSettings
from fiubench.builder.hub.versions import parse_version, versions_of
from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.pipeline.verify import config_of
from fiubench.builder.release.again import release_problems
from fiubench.builder.release.original import identity_of
from fiubench.raw_sources.reading.images import open_problem
from fiubench.schemas.documents import (
    IDENTITIES,
    IMAGES,
    MANIFEST,
    RELEASE,
    RELEASE_RECORDS,
    SHORT_DIGEST,
    SPLITS,
    read_records,
)
from fiubench.schemas.hub import HubName
from fiubench.support.canonical import canonical_line, digest, file_digest
from fiubench.support.errors import ConfigError, DatasetError, HubError, did_you_mean
from fiubench.support.files import atomic_writer, check_new, copy, link_or_copy, make_folder, new_folder, scratch_folder
from fiubench.support.progress import Progress, Report, silent

from fiubench import schemas

_SEVERAL = re.compile(r"pictures/[^/]+\.parquet")
_PEOPLE = re.compile(r"(?:people/[^/]+|data/identities-[0-9]+)\.parquet")  # the latter of the first releases
_PATH = re.compile(r"(?:data/|people/|pictures/|fiubench/(?:dataset/)?)?[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_IMAGE_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\.(?:jpg|png)")
_ROWS = 100  # rows of pictures held in memory


class NotOurs(HubError):
    """A commit that is no release of fiubench."""


@dataclass(frozen=True)
class ReleaseInfo:
    """A published release: tag, day, digest of its identities, number of identities, bytes, and its commit.

    Somebody's tag on something else has no digest.
    """

    version: str
    date: datetime
    digest: str
    identities: int
    size: int
    commit: str


def releases(repo: str, *, step: Report = silent, **hub: Any) -> list[ReleaseInfo]:
    """The published versions of a dataset, newest first.

    >>> [release.version for release in releases("alice/faces")]                # doctest: +SKIP

    Args:
        repo: ``OWNER/NAME`` on the hub.
        step: called with a line on what takes long, or is otherwise than asked for.
        hub: settings of :class:`~fiubench.builder.hub.settings.HubSettings`, by name.

    Raises:
        HubError: no such repository, or the hub can't be reached.
    """
    repo = checked_repo(repo)
    with connect(access_of(HubSettings.parse(hub)), step) as connected:
        repo, refs = _found(connected, repo)
        found = []
        for version in reversed(versions_of(refs.tags)):
            oid = refs.tags[str(version)]
            size = sum(file.size for path, file in connected.tree(repo, oid).items() if is_own(path))
            date = connected.history(repo, oid)[0].created_at
            content, people = "", 0
            with suppress(NotOurs):
                manifest = read_manifest(connected, repo, oid)
                people = manifest["counts"]["identities"] + manifest["counts"]["holdout"]
                content = manifest["digests"]["identities"]
            found.append(ReleaseInfo(str(version), date, content, people, size, oid))
    return found


def pull(
    repo: str,
    out: str | Path,
    *,
    version: str | None = None,
    progress: Progress | None = None,
    step: Report = silent,
    **hub: Any,
) -> Dataset:
    """Download a release as a dataset folder that everything else accepts; every digest is checked.

    It goes through the cache of Hugging Face's tools: what is there is not sent again, and what breaks off goes on.

    >>> pull("alice/faces", "faces", version="v1.0.0").rows("forget05")         # doctest: +SKIP

    Args:
        repo: ``OWNER/NAME`` on the hub.
        out: a folder that is not there yet, or is empty.
        version: the release; the highest version by default.
        progress: called with (what, done, total).
        step: called with a line on what takes long, or is otherwise than asked for.
        hub: settings of :class:`~fiubench.builder.hub.settings.HubSettings`, by name.

    Raises:
        HubError: no such repository or release, or the hub can't be reached.
        DatasetError: what is published is damaged or was not made by fiubench, or the folder can't be written to.
    """
    access, out = access_of(HubSettings.parse(hub)), Path(out)
    repo = checked_repo(repo)
    check_new(out)
    if version not in (None, "latest"):
        parse_version(str(version), where="--version")  # a mistyped one is refused without asking the hub
    with connect(access, step) as connected:
        repo, oid = _located(connected, repo, version)
        with new_folder(out) as folder:
            fetch(connected, repo, oid, folder, progress=progress)
    return open_dataset(out)


def diff(a: str | Path, b: str | Path, *, step: Report = silent, **hub: Any) -> Iterator[Difference]:
    """Every difference between two datasets, identity by identity, as it is found.

    >>> for difference in diff("dataset", "alice/faces@v1.0.0"): print(difference)          # doctest: +SKIP

    Args:
        a: a dataset folder, or ``OWNER/NAME`` or ``OWNER/NAME@version`` on the hub.
        b: another.
        step: called with a line on what takes long, or is otherwise than asked for.
        hub: settings of :class:`~fiubench.builder.hub.settings.HubSettings`, by name.

    Raises:
        DatasetError: one of them is no dataset.
        HubError: the hub can't be reached, or has no such release.
    """
    access = partial(access_of, HubSettings.parse(hub))
    with resolved(str(a), access, step) as left, resolved(str(b), access, step) as right:
        yield from compare(left, right)


@contextmanager
def resolved(
    target: str, access: Callable[[], Access], step: Report = silent, *, pictures: bool = False
) -> Iterator[Path]:
    """A dataset folder for a path, or for a name on the Hub (:func:`~fiubench.builder.hub.downloaded.downloaded`)."""
    if (name := HubName.named(target)) is None:
        yield Path(target)
        return
    with scratch_folder() as scratch:
        folder = scratch / "release"
        with connect(access(), step) as hub:
            fetch(hub, *_located(hub, checked_repo(name.repo), name.revision), folder, pictures=pictures)
        yield folder


def fetch(
    hub: Hub, repo: str, oid: str, folder: Path, *, pictures: bool = True, progress: Progress | None = None
) -> None:
    """Lay a commit out as a dataset directory; without pictures it holds what a comparison reads."""
    manifest = read_manifest(hub, repo, oid)
    release = make_folder(folder / RELEASE)
    wanted = [MANIFEST, SPLITS, *(manifest["release"] if pictures else _records(manifest))]
    for path in wanted:
        if not _PATH.fullmatch(path) or not is_own(path):
            raise DatasetError(f"the manifest names a file {path!r}", where=repo, hint="Was it made with fiubench?")
    if progress:
        progress(f"Downloading {repo}", 0, len(wanted))
    cached = hub.snapshot(repo, oid, wanted)
    expected = {**manifest["release"], SPLITS: manifest["digests"]["splits"]}
    for done, path in enumerate(wanted, 1):
        copy(_intact(hub, repo, oid, path, cached / path, expected.get(path)), _place(release, path))
        if progress:
            progress(f"Checking {repo}", done, len(wanted))
    for name in (MANIFEST, SPLITS):
        (release / name).replace(folder / name)
    _write_identities([release / path for path in _records(manifest)], folder / IDENTITIES, manifest, repo)
    if pictures and manifest["counts"].get("images"):
        _write_pictures(release, folder / IMAGES, manifest, repo)
    elif not pictures:
        shutil.rmtree(release)
    _check(open_dataset(folder), repo, whole=pictures)


def _check(dataset: Dataset, repo: str, *, whole: bool) -> None:
    """Nothing, if what was laid out is a dataset, and where it is whole, its release is made of nothing else.

    Raises:
        FiubenchError: it is not.
    """
    where = f"{repo}: {MANIFEST}"
    config_of(dataset.manifest, dataset.manifest["config"], where)
    packs_of(dataset.manifest)
    _ = dataset.names  # of its splits, which follow their schema
    if whole and (problem := next(chain(on_disk(dataset), release_problems(dataset)), None)):
        raise DatasetError(problem, where=repo, hint="The release is damaged.")


def _intact(hub: Hub, repo: str, oid: str, path: str, cached: Path, expected: str | None) -> Path:
    """A file in the cache that has the digest of the manifest; one that was spoilt in the cache is sent again.

    Raises:
        DatasetError: the release is damaged.
    """
    if not cached.is_file():
        raise DatasetError(f"lacks {path}", where=repo, hint="The release is damaged.")
    if expected is None or file_digest(cached) == expected:
        return cached
    if file_digest(again := hub.file(repo, oid, path, again=True)) != expected:
        raise DatasetError(f"{path} is not what the manifest says", where=repo, hint="The release is damaged.")
    return again


def _place(folder: Path, path: str) -> Path:
    """Where a file of a release goes below a folder, which is there then."""
    make_folder((folder / path).parent)
    return folder / path


def read_manifest(hub: Hub, repo: str, oid: str) -> dict[str, Any]:
    """The manifest of a published commit.

    Raises:
        NotOurs: there is none, or it is none.
    """
    hint = "Only releases that `fiubench publish` made can be read."
    try:
        manifest: dict[str, Any] = orjson.loads(hub.read(repo, oid, MANIFEST))
    except Missing as error:
        raise NotOurs(f"{oid[:12]} is no fiubench release (no {MANIFEST})", where=repo, hint=hint) from error
    except orjson.JSONDecodeError as error:
        raise NotOurs(f"{MANIFEST} of {oid[:12]} is not JSON: {error}", where=repo, hint=hint) from error
    for violation in schemas.violations("manifest", manifest):
        what = f"{MANIFEST} of {oid[:12]}: {violation.path}: {violation.message}"
        raise NotOurs(what, where=repo, hint=hint)
    return manifest


def _found(hub: Hub, repo: str) -> tuple[str, Refs]:
    """What a repository is called today, its branches and tags."""
    name = hub.name_of(repo)
    refs = hub.refs(name) if name else None
    if name is None or refs is None:
        hint = f"Check the name at {hub.access.endpoint}; a private one needs a token that may see it."
        raise HubError("no such dataset, or it is private", where=repo, hint=hint)
    return name, refs


def _located(hub: Hub, repo: str, version: str | None) -> tuple[str, str]:
    """What a repository is called today, and the commit of a release; of the highest version by default."""
    repo, refs = _found(hub, repo)
    tags = refs.tags
    published = [str(known) for known in versions_of(tags)]
    if not published:
        raise HubError("has no release", where=repo, hint="`fiubench publish` makes one.")
    if version is None or version == "latest":
        return repo, tags[published[-1]]
    tag = str(parse_version(version, where=f"{repo}@{version}"))
    if tag not in published:
        raise ConfigError(f"has no release {tag}", where=repo, hint=did_you_mean(tag, published))
    return repo, tags[tag]


def _records(manifest: Mapping[str, Any]) -> list[str]:
    return [path for path in RELEASE_RECORDS if path in manifest["release"]]


def _index(identity: Mapping[str, Any]) -> int:
    index = identity.get("index")
    return index if isinstance(index, int) else -1  # which the digest refuses


def _write_identities(sources: Sequence[Path], target: Path, manifest: dict[str, Any], repo: str) -> None:
    """``identities.jsonl`` from the lines of ``full.json`` and the holdout's, held to the manifest line by line."""
    entries: Sequence[Any] = manifest["identities"]
    number = 0
    with atomic_writer(target) as file:
        identities = (map(identity_of, read_records(source)) for source in sources)
        for number, identity in enumerate(heapq.merge(*identities, key=_index), 1):
            written = canonical_line(identity)
            if number > len(entries) or digest(written)[:SHORT_DIGEST] != entries[number - 1][1]:
                what = f"identity {number - 1} is not what the manifest says"
                raise DatasetError(what, where=repo, hint="The release is damaged.")
            file.write(written)
    if number < len(entries):
        raise DatasetError(f"{number} identities, the manifest says {len(entries)}", where=repo)


def _write_pictures(release: Path, target: Path, manifest: dict[str, Any], repo: str) -> None:
    """The pictures from the Parquet files, each held to its digest, and a second name of each in ``fiubench/``."""
    expected = {
        (unique_id, number): image
        for unique_id, images in digests_of_pictures(manifest).items()
        for number, image in enumerate(images, 1)
    }
    make_folder(target)
    second = make_folder(release / PurePosixPath(_records(manifest)[0]).parent / IMAGES)
    of_several = _SEVERAL if "pictures" in manifest else _PEOPLE
    for path in sorted(filter(of_several.fullmatch, manifest["release"])):
        for key, name, data in _pictures(release / path, f"{repo}: {path}", of_several is _SEVERAL):
            if not _IMAGE_NAME.fullmatch(name) or digest(data)[:SHORT_DIGEST] != expected.pop(key, None):
                raise DatasetError(f"the picture {name!r} is not what the manifest says", where=repo)
            (target / name).write_bytes(data)  # the whole folder gets its name when it is complete
            if problem := open_problem(target / name):
                raise DatasetError(f"the picture {name!r}: {problem}", where=repo, hint="The release is damaged.")
            if key[1] == 1:
                link_or_copy(target / name, second / name)
    if expected:
        raise DatasetError(f"{len(expected)} pictures are missing", where=repo, hint="The release is damaged.")


def _pictures(path: Path, where: str, several: bool) -> Iterator[tuple[tuple[str, int], str, bytes]]:
    """Id and number, name and bytes of every picture in a Parquet file of people, or one with several of each.

    Raises:
        DatasetError: it can't be read as one.
    """
    try:
        columns = ["unique_id", "image", *(["picture"] if several else [])]
        for batch in pq.ParquetFile(path).iter_batches(_ROWS, columns=columns):
            for row in batch.to_pylist():
                key = str(row["unique_id"]), int(row["picture"]) if several else 1
                yield key, str(row["image"]["path"]), bytes(row["image"]["bytes"])
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        what = f"has no picture of everyone: {' '.join(str(error).split())[:200]}"
        raise DatasetError(what, where=where, hint="The release is damaged.") from error
