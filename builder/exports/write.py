"""Writing a dataset in another format: a file a split, every row validated against the format's schema."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import orjson
import yaml
from fiubench.builder.dataset.cells import make_cells, split_order
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.exports.base import FORMATS, Format, Layout, help_of
from fiubench.schemas.documents import IMAGES, SPLITS, read_object
from fiubench.schemas.splits import FULL
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.files import link_or_copy, make_folder, write_error
from fiubench.support.progress import Progress


def export(
    directory: str | Path,
    name: str,
    out: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write a dataset in the shape that another program reads; returns file -> rows.

    >>> export("dataset", "tofu", "dataset-tofu")["full.jsonl"]                # doctest: +SKIP
    8000

    Args:
        directory: the dataset.
        name: one of :data:`~fiubench.builder.exports.FORMATS`.
        out: a folder that is not there yet, or is empty.
        options: of the format.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no such format or option, or one that needs pictures of a dataset without any.
        DatasetError: the dataset is damaged, or the folder can't be written to.
    """
    directory, out = Path(directory), Path(out)
    form = FORMATS.find(name, where="--format").parse(options or {}, where=f"--format {name}")
    dataset = open_dataset(directory)
    has_pictures = dataset.manifest["counts"].get("images", 0) > 0
    if form.pictures == "needed" and not has_pictures:
        hint = "Build it with faces, or export tofu or text-only."
        raise ConfigError("the dataset has no pictures", where=f"--format {name}", hint=hint)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError("is not an empty folder", where=out, hint="Name another --out.")
    make_folder(out.parent)
    try:
        with TemporaryDirectory(prefix=f".{out.name}.partial-", dir=out.parent) as scratch:
            folder = make_folder(Path(scratch) / out.name)
            if isinstance(form, Layout):
                written = form.write(dataset, folder)
            else:
                written = _write_rows(dataset, form, folder, progress)
            if has_pictures and form.pictures in ("needed", "beside"):
                for image in sorted((directory / IMAGES).glob("*")):
                    link_or_copy(image, make_folder(folder / IMAGES) / image.name)
            folder.replace(out)
    except OSError as error:
        raise write_error(error, out) from error
    return written


def _write_rows(dataset: Dataset, form: Format, folder: Path, progress: Progress | None) -> dict[str, int]:
    """A file for every split that anyone is in, and ``full``; and a card that ``datasets`` reads."""
    document = read_object(dataset.directory / SPLITS)
    cells = make_cells(document["splits"], document.get("attributes", ()))
    seed = dataset.manifest["config"]["seed"]
    total = len(dataset.manifest["identities"])
    with _Files(folder, form) as files:
        for done, record in enumerate(dataset):
            for cell, piece in cells.pieces(record):
                for ending, row in form.rows(piece, seed):
                    if ending in form.profiles and cells.attributes:
                        continue
                    form.check(row, f"identity {record['index']}")
                    for name in form.files_of(cells.splits[cell], ending):
                        files.add(name, row)
            if progress:
                progress(f"Exporting {form.name}", done + 1, total)
        counts = files.counts()
    plugin = FORMATS.used([form.name])
    if form.lines or plugin:
        (folder / "README.md").write_text(_card(form, counts, plugin), encoding="utf-8")
    return {f"{name}.{form.suffix}": count for name, count in counts.items()}


class _Files:
    """The open files of an export, one a split."""

    def __init__(self, folder: Path, form: Format) -> None:
        self._folder, self._form = folder, form
        self._stack = ExitStack()
        self._open: dict[str, IO[bytes]] = {}
        self._counts: dict[str, int] = {}

    def __enter__(self) -> "_Files":
        return self

    def __exit__(self, *error: object) -> None:
        if not self._form.lines:
            for file in self._open.values():
                file.write(b"\n]\n")
        self._stack.close()

    def add(self, name: str, row: Mapping[str, Any]) -> None:
        """Append a row."""
        if name not in self._open:
            path = self._folder / f"{name}.{self._form.suffix}"
            self._open[name] = self._stack.enter_context(path.open("wb"))
            self._counts[name] = 0
        line = orjson.dumps(row)
        if self._form.lines:
            line += b"\n"
        else:
            line = (b",\n" if self._counts[name] else b"[\n") + line
        self._open[name].write(line)
        self._counts[name] += 1

    def counts(self) -> dict[str, int]:
        """Rows per file, in the order of splits."""
        return {
            name: self._counts[name]
            for name in sorted(self._counts, key=lambda name: (name != FULL, split_order(name)))
        }


def _card(form: Format, names: Iterable[str], plugin: Mapping[str, Any]) -> str:
    """A dataset card with a configuration a file, so that ``load_dataset(folder, split)`` works."""
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}.{form.suffix}"}]} for name in names
    ]
    front = yaml.safe_dump({"configs": configs} | ({"plugins": dict(plugin)} if plugin else {}), sort_keys=False)
    given = form.model_dump(mode="json", exclude_unset=True)
    options = "".join(f" --option {key}={json.dumps(value)}" for key, value in given.items())
    return f"---\n{front}---\n\nMade by `fiubench export --format {form.name}{options}`: {help_of(type(form))}.\n"
