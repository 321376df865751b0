"""Rules of a record's picture: inside the dataset's folder, whole, and the one that was built."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fiubench.builder.rules.problem import Problem
from fiubench.raw_sources.reading.images import open_problem
from fiubench.schemas.documents import SHORT_DIGEST, image_root
from fiubench.support.canonical import file_digest


def image_problems(file: Path, record: Mapping[str, Any], digests: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with the picture that a record in a file names; ``digests``, by unique id, as far as known."""
    name = record.get("image_path")
    if not name:
        return
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name:
        yield Problem("image_path", "", f"{name!r} leaves the dataset's folder", "name a file inside it")
        return
    path = image_root(file, name) / name
    if not path.is_file():
        yield Problem("image_path", "", f"{name!r} does not exist", "it should lie in the dataset's folder")
    elif problem := open_problem(path):
        yield Problem("image_path", "", f"{name!r}: {problem}", "a picture that opens")
    elif (built := digests.get(record["unique_id"])) and file_digest(path)[:SHORT_DIGEST] != built:
        yield Problem("image_path", "", f"{name!r} is not the picture that was built", "build it again")
