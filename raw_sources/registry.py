"""What every source is: title, licence, citation, columns, and how to get it. Declared in ``sources.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from fiubench.support.errors import SourceError, did_you_mean
from fiubench.support.yaml_file import load_yaml


@dataclass(frozen=True)
class Kaggle:
    """Where Kaggle has it: dataset handle, the version that is asked for where none is named, and the file inside."""

    handle: str
    version: int
    files: str


@dataclass(frozen=True)
class SourceInfo:
    """One source. ``columns`` maps a column of the normalised table to its fact type."""

    title: str
    license: str
    description: str = ""
    url: str = ""
    citation: str = ""
    embedded: str = ""
    expects: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    kaggle: Kaggle | None = None


def _read() -> dict[str, SourceInfo]:
    with resources.as_file(resources.files("fiubench.raw_sources").joinpath("sources.yaml")) as path:
        entries = load_yaml(path, SourceError)
    for entry in entries.values():
        if "kaggle" in entry:
            entry["kaggle"] = Kaggle(**entry["kaggle"])
    return {name: SourceInfo(**entry) for name, entry in entries.items()}


#: Source name -> what it is.
SOURCES: Mapping[str, SourceInfo] = _read()


def source_info(name: str) -> SourceInfo:
    """A source by its name.

    Raises:
        SourceError: there is none of that name.
    """
    if name not in SOURCES:
        raise SourceError(f"unknown source {name!r}", hint=did_you_mean(name, SOURCES))
    return SOURCES[name]


def in_order(by_source: Mapping[str, Any]) -> dict[str, Any]:
    """The same entries in the order of ``sources.yaml``, for a manifest sorts its keys."""
    return {name: by_source[name] for name in SOURCES if name in by_source}
