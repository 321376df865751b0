"""Writing a dataset in another format: a file a split, every row held to the format's schema."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import orjson
import pyarrow.parquet as pq
import yaml
from fiubench.builder.dataset.cells import make_cells, split_order
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.exports.formats import DOCUMENTS, FORMATS, Format
from fiubench.builder.hub.staging import write_stage
from fiubench.schemas.documents import IMAGES, RELEASE, SPLITS, read_object, read_records
from fiubench.schemas.splits import FORGET, FULL, RETAIN_EVAL, kind_of
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean
from fiubench.support.files import link_or_copy, make_folder, write_error
from fiubench.support.progress import Progress

from fiubench import schemas

_TOFU_RETAIN = "retain_perturbed"  # what TOFU's evaluations read to see what was kept


def export(directory: str | Path, name: str, out: str | Path, *, progress: Progress | None = None) -> dict[str, int]:
    """Write a dataset in the shape that another program reads; returns file -> rows.

    >>> export("dataset", "tofu", "dataset-tofu")["full.jsonl"]                # doctest: +SKIP
    8000

    Args:
        directory: the dataset.
        name: one of :data:`~fiubench.builder.exports.formats.FORMATS`.
        out: a folder that is not there yet, or is empty.
        progress: called with (what, done, total).

    Raises:
        ConfigError: no such format, or one that needs pictures of a dataset without any.
        DatasetError: the dataset is damaged, or the folder can't be written to.
    """
    if name not in FORMATS:
        raise ConfigError(f"no format {name!r}", where="--format", hint=did_you_mean(name, FORMATS))
    directory, out, form = Path(directory), Path(out), FORMATS[name]
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
            written = _layout(dataset, form, folder) if form.rows is None else _rows(dataset, form, folder, progress)
            if has_pictures and form.pictures in ("needed", "beside"):
                for image in sorted((directory / IMAGES).glob("*")):
                    link_or_copy(image, make_folder(folder / IMAGES) / image.name)
            folder.replace(out)
    except OSError as error:
        raise write_error(error, out) from error
    return written


def _layout(dataset: Dataset, form: Format, folder: Path) -> dict[str, int]:
    """The two layouts that a release has already."""
    if form.name == "hub":
        manifest = write_stage(dataset, folder)
        _check(manifest, form, "manifest.json")
        tables = [path for path in manifest["release"] if path.endswith(".parquet")]
        return {path: pq.read_metadata(folder / path).num_rows for path in tables}
    source = dataset.directory / RELEASE / "fiubench"
    for file in ("full.json", "split.json", "prompt.json"):
        link_or_copy(source / file, folder / file)
    rows = 0
    for rows, record in enumerate(read_records(folder / "full.json"), 1):  # noqa: B007
        _check(record, form, "full.json")
    return {"full.json": rows}


def _rows(dataset: Dataset, form: Format, folder: Path, progress: Progress | None) -> dict[str, int]:
    """A file for every split that anyone is in, and ``full``; and a card that ``datasets`` reads."""
    document = read_object(dataset.directory / SPLITS)
    cells = make_cells(document["splits"], document.get("attributes", ()))
    seed = dataset.manifest["config"]["seed"]
    total = len(dataset.manifest["identities"])
    assert form.rows is not None
    with _Files(folder, form) as files:
        for done, record in enumerate(dataset):
            for cell, piece in cells.pieces(record):
                for ending, row in form.rows(piece, seed):
                    if ending == DOCUMENTS and cells.attributes:
                        continue  # a whole profile belongs to neither side where attributes are forgotten
                    _check(row, form, f"identity {record['index']}")
                    for name in _names(cells.splits[cell], ending, form):
                        files.add(name, row)
            if progress:
                progress(f"Exporting {form.name}", done + 1, total)
        counts = files.counts()
    if form.lines:
        (folder / "README.md").write_text(_card(form, list(counts)), encoding="utf-8")
    return {f"{name}.{form.suffix}": count for name, count in counts.items()}


def _names(splits: Sequence[str], ending: str, form: Format) -> Iterator[str]:
    yield from (f"{name}{ending}" for name in splits)
    if form.name == "tofu" and ending:
        kinds = {kind_of(name) for name in splits}
        if RETAIN_EVAL in kinds and FORGET not in kinds:
            yield _TOFU_RETAIN


def _check(document: Mapping[str, Any], form: Format, where: str) -> None:
    if not schemas.is_valid(form.schema)(document):
        for violation in schemas.violations(form.schema, document):
            raise DatasetError(f"{violation.path}: {violation.message}", where=f"{where} as {form.name}")


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


def _card(form: Format, names: Sequence[str]) -> str:
    """A dataset card with a configuration a file, so that ``load_dataset(folder, split)`` works."""
    configs = [
        {"config_name": name, "data_files": [{"split": "train", "path": f"{name}.{form.suffix}"}]} for name in names
    ]
    front = yaml.safe_dump({"configs": configs}, sort_keys=False)
    return f"---\n{front}---\n\nMade by `fiubench export --format {form.name}`: {form.title}.\n"
