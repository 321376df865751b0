"""Datasets on the Hugging Face Hub: how they are named, and how their rows are read, through ``datasets``.

A folder in the shape of a release (a card and Parquet files) is read in the same way as a name on the Hub.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.support.errors import DatasetError
from fiubench.support.extras import install

#: Column of the identities, and key of every Parquet file: the version of the release that they are of.
VERSION = "dataset_version"
_NAME = re.compile(r"(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[\w./-]+))?")

_VERSION = re.compile(r"v?\d+\.\d+\.\d+")


@dataclass(frozen=True)
class HubName:
    """``OWNER/NAME`` or ``OWNER/NAME@REVISION``: a repository, and a tag, branch or commit of it."""

    repo: str
    revision: str | None = None

    @classmethod
    def find(cls, text: str) -> "HubName | None":
        """The parts of a name, or ``None`` for what can't be one, such as most paths."""
        match = _NAME.fullmatch(text)
        return cls(match["repo"], match["revision"]) if match else None

    @classmethod
    def named(cls, target: str) -> "HubName | None":
        """The release that a target names; ``None`` where it is a path, also one that is mistyped."""
        name, path = cls.find(target), Path(target)
        if name is None or path.exists() or (name.revision is None and path.parent.is_dir()):
            return None
        return name

    def __str__(self) -> str:
        return self.repo if self.revision is None else f"{self.repo}@{self.revision}"


def config_names(source: str) -> list[str]:
    """Names of the configurations of a release.

    Raises:
        DatasetError: there is no such dataset, or ``datasets`` is not installed.
    """
    datasets, (name, revision) = _library(), _place(source)
    try:
        return sorted(datasets.get_dataset_config_names(name, revision=revision))
    except Exception as error:  # the client raises whatever its HTTP library does
        raise _failed("the dataset", source, error) from error


def read_table(source: str, config: str, columns: Sequence[str] | None = None) -> Any:
    """One configuration as a ``datasets.Dataset``; pictures stay the bytes that they are stored as.

    Args:
        source: a folder, or a name on the Hub.
        config: the configuration; its part ``train`` is read.
        columns: which ones, those that are missing left out; all by default.

    Raises:
        DatasetError: it can't be loaded, ``datasets`` is not installed, or what it hands out says that it is of another
            version than asked for, as it may from its cache without a network.
    """
    datasets, (name, revision) = _library(), _place(source)
    try:
        table = datasets.load_dataset(name, config, split="train", revision=revision)
    except Exception as error:
        raise _failed(f"configuration {config!r}", source, error) from error
    if VERSION in (table.column_names or ()):
        _check_version(next(iter(table.select_columns([VERSION])), {}), source, revision)
    return _stored(table, columns)


def stream_rows(source: str, config: str, columns: Sequence[str] | None = None) -> Iterator[Mapping[str, Any]]:
    """The rows of every part of a configuration, one at a time as they arrive (see :func:`read_table`)."""
    datasets, (name, revision) = _library(), _place(source)
    try:
        for part in datasets.load_dataset(name, config, revision=revision, streaming=True).values():
            for number, row in enumerate(_stored(part, columns)):
                if not number:
                    _check_version(row, source, revision)
                yield row
    except DatasetError:
        raise
    except Exception as error:
        raise _failed(f"configuration {config!r}", source, error) from error


def _place(source: str) -> tuple[str, str | None]:
    name = None if Path(source).is_dir() else HubName.find(source)
    return (source, None) if name is None else (name.repo, name.revision)


def _check_version(row: Mapping[str, Any], source: str, revision: str | None) -> None:
    """Refuse rows that say that they are of another version than asked for."""
    found = row.get(VERSION)
    if found and revision and _VERSION.fullmatch(revision) and found.removeprefix("v") != revision.removeprefix("v"):
        hint = "A cache without a network hands out what it has. Connect, or ask for the version that is there."
        raise DatasetError(f"these are rows of {found}, not of {revision}", where=source, hint=hint)


def _stored(table: Any, columns: Sequence[str] | None) -> Any:
    import datasets  # noqa: PLC0415

    there = table.column_names or ()
    if columns is not None:
        table = table.select_columns([name for name in columns if name in there])
    return table.cast_column("image", datasets.Image(decode=False)) if "image" in (table.column_names or ()) else table


def _failed(what: str, source: str, error: Exception) -> DatasetError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    hint = "Check the name, the network, and (for a private dataset) the token in HF_TOKEN."
    return DatasetError(f"{what} can't be loaded: {type(error).__name__}: {first}", where=source, hint=hint)


def _library() -> Any:
    try:
        import datasets  # noqa: PLC0415
    except ImportError as error:
        raise DatasetError("reading Parquet files needs the library `datasets`", hint=install()) from error
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    return datasets
