"""Rules of a record's pictures: inside the dataset's folder, whole, and the one that was built."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path, PurePosixPath
from typing import Any

from fiubench.builder.rules.problem import Problem
from fiubench.raw_sources.reading.images import open_problem
from fiubench.schemas.documents import SHORT_DIGEST, image_root
from fiubench.support.canonical import file_digest
from fiubench.support.reading import is_file


def image_problems(
    file: Path, record: Mapping[str, Any], digests: Mapping[str, Sequence[str | None]]
) -> Iterator[Problem]:
    """What is wrong with the pictures that a record in a file names; ``digests``, by unique id, as far as known.

    Pictures after the first lie in a dataset's folder alone, of which the digests are known.
    """
    if not (name := record.get("image_path")):
        return
    known = digests.get(record["unique_id"])
    names = [name, *(one["image_path"] for one in record.get("pictures", ()) if known)]
    if known and len(known) != len(names):
        yield Problem("pictures", "", f"{len(names)} pictures", f"the manifest has digests of {len(known)}")
    for named, built in zip_longest(names, (known or ())[: len(names)]):
        yield from _problems_of_one(file, named, built)


def _problems_of_one(file: Path, name: str, built: str | None) -> Iterator[Problem]:
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name:
        yield Problem("image_path", "", f"{name!r} leaves the dataset's folder", "name a file inside it")
        return
    path = image_root(file, name) / name
    if not is_file(path):
        yield Problem("image_path", "", f"{name!r} does not exist", "it should lie in the dataset's folder")
    elif problem := open_problem(path):
        yield Problem("image_path", "", f"{name!r}: {problem}", "a picture that opens")
    elif built and file_digest(path)[:SHORT_DIGEST] != built:
        yield Problem("image_path", "", f"{name!r} is not the picture that was built", "build it again")
