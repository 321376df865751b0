"""Whose a source is: what a manifest, a card and Croissant say of it.

A file or folder has the title, licence and citation of a well-known source only where it is recognised as that one
(:meth:`~fiubench.raw_sources.source.Source.is_original`). Of any other its user says whose it is: in a ``source.yaml``
inside the folder of faces, in ``STEM.source.yaml`` or ``source.yaml`` beside a file, or by options, which win.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fiubench.raw_sources.source import Source
from fiubench.raw_sources.table import base_name
from fiubench.support.settings import Field, Settings

FILE = "source.yaml"
Line = Annotated[str, Field(min_length=1, max_length=1000)]


class About(Settings):
    """What a user says of a source; what is not said is ``None``."""

    title: Line | None = None
    """What it is called."""
    license: Line | None = None
    """An SPDX identifier such as CC-BY-4.0, or the terms in words."""
    authors: Line | None = None
    """Who made it."""
    citation: Line | None = None
    """How it is cited."""
    url: Annotated[Line, Field(pattern=r"^https?://[^\s()<>]+$")] | None = None
    """Where it is found: an address that begins with https://."""
    description: Line | None = None
    """What it holds."""


def said_of(path: Path) -> dict[str, str]:
    """What a ``source.yaml`` says of a file or folder; nothing where there is none.

    Raises:
        ConfigError: it can't be read, or has other keys than :class:`About`.
    """
    folder, names = (path, (FILE,)) if path.is_dir() else (path.parent, (f"{path.stem}.{FILE}", FILE))
    file = next((folder / name for name in names if os.path.isfile(folder / name)), None)  # noqa: PTH113  (never raises)
    return {} if file is None else About.read(file).model_dump(exclude_none=True)


def described(source: Source, path: Path, table: Any, said: Mapping[str, str]) -> dict[str, Any]:
    """Whose a file or folder is that was read as a source: the keys of :class:`About`, texts of which may be empty.

    ``own`` is there, and true, where it is not the source's original but something of the user's own.

    Args:
        said: what its user says of it.
    """
    if source.is_original(path, table):
        known = {key: getattr(source, key) for key in About.model_fields}
    else:
        what = "Faces of the folder" if path.is_dir() else "Records of the file"
        known = {**dict.fromkeys(About.model_fields, ""), "title": f"{what} {base_name(path)}", "own": True}
    return {**known, **said}
