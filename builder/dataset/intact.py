"""Is a dataset on disk what its manifest says? Every file by its exact path, and nothing beside them."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import orjson
from fiubench.builder.dataset.reading import Dataset, digests_of_pictures
from fiubench.schemas.documents import (
    BUILD_FILE,
    IDENTITIES,
    IMAGES,
    MANIFEST,
    RELEASE,
    RELEASE_RECORDS,
    SHORT_DIGEST,
    SIGNATURE,
    SPLITS,
)
from fiubench.support.canonical import digest, digest_of, file_digest

#: What may lie in a dataset's folder without being part of it: settings and signature, and scratch of a process.
_BESIDE = {MANIFEST, BUILD_FILE, SIGNATURE}
_SCRATCH = (".build", ".publish")


def on_disk(dataset: Dataset) -> Iterator[str]:
    """What is not as the manifest says: files that are missing, changed or too many, and digests of the whole."""
    manifest, directory = dataset.manifest, dataset.directory
    digests, entries = manifest["digests"], manifest["identities"]
    expected = {f"{RELEASE}/{name}": sha256 for name, sha256 in manifest["release"].items()}
    expected |= {IDENTITIES: "", SPLITS: digests["splits"]}  # the records are looked at line by line
    if "wordings" in manifest:
        expected[dataset.paraphrases.relative_to(directory).as_posix()] = manifest["wordings"]["sha256"]
    pictures = [image for _, _, image in entries]
    if digests.get("images") != (digest_of(pictures) if any(pictures) else None):
        yield f"{MANIFEST}: digests.images: not the digest of its images"
    further = manifest.get("pictures", {}).get("digests")
    if digests.get("pictures") != (further and digest_of(further)):
        yield f"{MANIFEST}: digests.pictures: not the digest of its further pictures"
    there = set(_files(directory))
    yield from _lines(directory / IDENTITIES, manifest)
    images = _images(directory / IDENTITIES, manifest) if IDENTITIES in there else {}
    for name, sha256 in (expected | images).items():
        if name not in there:
            yield f"{name}: missing"
        elif (directory / name).is_symlink():
            yield f"{name}: a link, not a file"
        elif file_digest(directory / name)[: len(sha256)] != sha256:
            yield f"{name}: not as built"
    yield from (
        f"{name}: is no part of the dataset" for name in sorted(there - expected.keys() - images.keys() - _BESIDE)
    )


def release_digests(folder: Path, known: Mapping[str, str] = {}) -> dict[str, str]:
    """SHA-256 of every file of a release but the images, which the manifest has already; of some it is known."""
    return {name: known.get(name) or file_digest(folder / name) for name in release_files(folder)}


def release_files(folder: Path) -> list[str]:
    """Every file of a release but the images, in order."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != IMAGES)
    return [path.relative_to(folder).as_posix() for path in files]


def _files(directory: Path) -> Iterator[str]:
    """Every file and link, relative to the dataset's folder."""
    for folder, folders, files in os.walk(directory):
        inside = PurePosixPath(Path(folder).relative_to(directory).as_posix())
        if folder == str(directory):
            folders[:] = [name for name in folders if name not in _SCRATCH]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        yield from (str(inside / name) for name in (*files, *links))


def _lines(path: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Lines of ``identities.jsonl`` that are not those of the manifest; its digest, where it is that of no lines."""
    if not path.is_file():
        return
    entries, number, whole = manifest["identities"], 0, hashlib.sha256()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            whole.update(line)
            if number <= len(entries) and digest(line)[:SHORT_DIGEST] != entries[number - 1][1]:
                yield f"{IDENTITIES}, line {number}: identity {entries[number - 1][0]} is not as built"
    if number != len(entries):
        yield f"{IDENTITIES}: {number} lines, the manifest says {len(entries)}"
    if manifest["digests"]["identities"] != whole.hexdigest():
        yield f"{MANIFEST}: digests.identities: not the digest of {IDENTITIES}"


def _images(path: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Every path that a picture lies under -> its digest: in the dataset and in its release."""
    records = next((name for name in RELEASE_RECORDS if name in manifest["release"]), None)
    folders = [PurePosixPath(), *([PurePosixPath(RELEASE, records).parent] if records else [])]
    digests = digests_of_pictures(manifest)
    images: dict[str, str] = {}
    with path.open("rb") as file:
        for line in file if any(first for first, *_ in digests.values()) else ():
            try:
                record = orjson.loads(line)
                named, (image, *further) = record["image_path"], digests.get(record["unique_id"], [None])
                others = [str(one["image_path"]) for one in record.get("pictures", ())]
            except (orjson.JSONDecodeError, TypeError, KeyError):
                continue  # a line that is not as built, and was told
            if image is not None and isinstance(named, str):
                images |= {str(folder / named): image for folder in folders}
                images |= {name: str(built) for name, built in zip(others, further, strict=False)}
    return images
