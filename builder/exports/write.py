"""Writing a dataset in another format: a file a split, every row validated against the format's schema."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.exports.base import FORMATS, Format, Layout, help_of
from fiubench.builder.exports.files import Files, laid_out
from fiubench.schemas.documents import IDENTITIES, IMAGES, Block, blocks_of, read_identities
from fiubench.support.canonical import file_digest, readable_json
from fiubench.support.errors import ConfigError
from fiubench.support.files import check_new, link_or_copy, make_folder, new_folder
from fiubench.support.processes import shared_out
from fiubench.support.progress import Progress

_LINES = 100  # that a process makes the rows of in a turn


def export(
    directory: str | Path,
    name: str,
    out: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    workers: int = 1,
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
        workers: processes that make the rows; the files do not depend on it.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no such format or option, or one that needs pictures of a dataset without any.
        DatasetError: the dataset is damaged, or the folder can't be written to.
    """
    directory, out = Path(directory), Path(out)
    form = FORMATS.find(name, where="--format").parse(options or {}, where=f"--format {name}")
    dataset = open_dataset(directory)
    has_pictures = dataset.manifest["counts"].get("images", 0) > 0
    if form.pictures in ("needed", "own") and not has_pictures:
        hint = "Build it with faces, or export tofu or text-only."
        raise ConfigError("the dataset has no pictures", where=f"--format {name}", hint=hint)
    check_new(out)
    with new_folder(out) as folder:
        if isinstance(form, Layout):
            written = form.write(dataset, folder)
        else:
            written = _write_rows(dataset, form, folder, workers, progress)
        if has_pictures and form.pictures in ("needed", "beside"):
            further = _further_pictures(dataset)
            for image in sorted((directory / IMAGES).glob("*")):
                if f"{IMAGES}/{image.name}" not in further:
                    link_or_copy(image, make_folder(folder / IMAGES) / image.name)
    return written


def _further_pictures(dataset: Dataset) -> set[str]:
    """Pictures after the first of everyone, which no row names."""
    people = dataset if "pictures" in dataset.manifest else ()
    return {str(one["image_path"]) for record in people for one in record.get("pictures", ())}


def _write_rows(
    dataset: Dataset, form: Format, folder: Path, workers: int, progress: Progress | None
) -> dict[str, int]:
    """A file for every split that anyone is in, and ``full``; and a card that ``datasets`` reads."""
    directory, total = dataset.directory, len(dataset.manifest["identities"])
    if form.whole and (forgotten := dataset.cells.attributes):
        what = f"a row is a whole person, and only {', '.join(sorted(forgotten))} is to be forgotten"
        raise ConfigError(what, where=f"--format {form.name}", hint="Cut splits of whole people: `fiubench split`.")
    blocks = blocks_of(directory / IDENTITIES, _LINES)
    rows = shared_out(_Rows, (dataset, form), blocks, workers, where=directory)
    with Files(directory, folder, form) as files:
        for block, made in zip(blocks, rows, strict=True):
            for name, row in made:
                files.add(name, row)
            if progress:
                progress(f"Exporting {form.name}", min(block.record + _LINES, total), total)
        counts = files.counts()
    for other, own in form.aliases(counts).items():
        make_folder((folder / form.path_of(other)).parent)
        link_or_copy(folder / form.path_of(own), folder / form.path_of(other))
        counts[other] = counts[own]
    for name, document in form.more(counts).items():
        (folder / name).write_bytes(readable_json(document))
    (folder / "README.md").write_text(_card(form, folder, counts, FORMATS.used([form.name])), encoding="utf-8")
    return {form.path_of(name): count for name, count in counts.items()}


class _Rows:
    """Makes the rows of blocks of people; one in each process."""

    def __init__(self, dataset: Dataset, form: Format) -> None:
        self.form, self.path, self.cells = form, dataset.directory / IDENTITIES, dataset.cells
        self.seed = dataset.manifest["config"]["seed"]

    def __call__(self, block: Block) -> list[tuple[str, Any]]:
        """(file, row) of the people of a block, in order."""
        return [row for record in read_identities(self.path, block) for row in self._rows(record)]

    def _rows(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for cell, piece in self.cells.pieces(record):
            for ending, row in self.form.rows(piece, self.seed):
                if ending in self.form.profiles and self.cells.attributes:
                    continue
                self.form.check(row, f"identity {record['index']}")
                laid = laid_out(self.form, row)
                for name in self.form.files_of(self.cells.splits[cell], ending):
                    yield name, laid


def _card(form: Format, folder: Path, names: Iterable[str], plugin: Mapping[str, Any]) -> str:
    """A dataset card with a configuration a file, so that ``load_dataset(folder, split)`` works."""
    configs = [
        {
            "config_name": name,
            # `datasets` caches a folder by its name and this block: the digest keeps it from giving another's rows
            "description": f"content {file_digest(folder / path)[:16]}",
            "data_files": [{"split": "train", "path": path}],
        }
        for name, path in ((name, form.path_of(name)) for name in names)
    ]
    front = yaml.safe_dump({"configs": configs} | ({"plugins": dict(plugin)} if plugin else {}), sort_keys=False)
    given = form.model_dump(mode="json", exclude_unset=True)
    options = "".join(f" --option {key}={json.dumps(value)}" for key, value in given.items())
    return f"---\n{front}---\n\nMade by `fiubench export --format {form.name}{options}`: {help_of(type(form))}.\n"
