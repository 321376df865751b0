"""Verifying: is a dataset still what its manifest says, and does its config still make the same bytes?"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fiubench.builder.config import NO_FACES, TEMPLATE, make_config, settings_of, source_settings
from fiubench.builder.dataset.cutting import cut_again
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.generation.inputs import Inputs
from fiubench.builder.generation.pairing import cut_splits
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.generation.sources import open_sources
from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.packs.tables import DeclaredTable, read_table
from fiubench.builder.pipeline.parts import part_file, write_parts
from fiubench.raw_sources.reading.cells import FRAME
from fiubench.raw_sources.reading.frames import frames_as_files
from fiubench.raw_sources.source import EMBEDDED
from fiubench.schemas.documents import BUILD_FILE, IDENTITIES, IMAGES, RELEASE, SHORT_DIGEST, SPLITS
from fiubench.support.canonical import digest, file_digest, readable_json
from fiubench.support.errors import ConfigError, SourceError
from fiubench.support.files import scratch_folder
from fiubench.support.progress import Progress
from fiubench.support.yaml_file import load_yaml


def verify(
    directory: str | Path,
    sources: Mapping[str, Any] | None = None,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> Iterator[str]:
    """Compare every file of a dataset with its manifest, then build it again and compare every digest.

    >>> assert not list(verify("dataset"))                       # doctest: +SKIP

    Args:
        directory: the dataset.
        sources: paths of ``faces``, ``health``, ``crimes`` or ``addresses``, and under ``tables`` a list of those of
            tables of your own, where ``build.yaml`` does not name them; a ``pandas.DataFrame`` for what was built from
            one.
        workers: processes.
        progress: called with (what, done, total).

    Yields:
        What differs, a line each, as it is found; nothing where every digest agrees.

    Raises:
        FiubenchError: a source can't be found, or is another file than the one it was built from.
    """
    dataset = open_dataset(Path(directory))
    yield from on_disk(dataset)
    with frames_as_files(sources or {}) as files:
        yield from _rebuilt(dataset, files, workers, progress)


def on_disk(dataset: Dataset) -> Iterator[str]:
    """Every file that is not what the manifest says."""
    manifest, directory = dataset.manifest, dataset.directory
    entries = manifest["identities"]
    missing = [name for name in (IDENTITIES, SPLITS) if not (directory / name).is_file()]
    yield from (f"{name}: missing" for name in missing)
    if missing:
        return
    with (directory / IDENTITIES).open("rb") as file:
        number = 0
        for number, line in enumerate(file, 1):
            if number <= len(entries) and digest(line)[:SHORT_DIGEST] != entries[number - 1][1]:
                yield f"{IDENTITIES}, line {number}: identity {entries[number - 1][0]} is not as built"
        if number != len(entries):
            yield f"{IDENTITIES}: {number} lines, the manifest says {len(entries)}"
    whole = {SPLITS: manifest["digests"]["splits"]}
    if "wordings" in manifest:
        whole[dataset.paraphrases.relative_to(directory).as_posix()] = manifest["wordings"]["sha256"]
    whole |= {f"{RELEASE}/{name}": sha256 for name, sha256 in manifest["release"].items()}
    for name, expected in whole.items():
        if not (directory / name).is_file():
            yield f"{name}: missing"
        elif file_digest(directory / name) != expected:
            yield f"{name}: not as built"
    images = {path.stem: path for path in sorted((directory / IMAGES).glob("*"))}
    for unique_id, _, image in entries:
        if image is None:
            continue
        if unique_id not in images:
            yield f"{IMAGES}/{unique_id}: missing"
        elif file_digest(images[unique_id])[:SHORT_DIGEST] != image:
            yield f"{IMAGES}/{images[unique_id].name}: not as built"


def _rebuilt(dataset: Dataset, given: Mapping[str, Any], workers: int, progress: Progress | None) -> Iterator[str]:
    """Build it again beside it; every identity, image and split that comes out otherwise."""
    manifest = dataset.manifest
    inputs = _inputs(dataset, given, workers, progress)
    plan = inputs.plan()
    entries = manifest["identities"]
    if plan.size != len(entries):
        yield f"{plan.size} identities are built, the manifest says {len(entries)}"
        return
    with scratch_folder() as out:
        i = 0
        # words of a model are a source like any other: what the build kept of them
        paraphrases = Paraphrases(dataset.paraphrases) if "wordings" in manifest else None
        for part in write_parts(plan, inputs.attributes, out, workers, paraphrases):
            for line in part_file(out, part).read_bytes().splitlines(keepends=True):
                unique_id, line_digest, image = entries[i]
                if plan.unique_id[i] != unique_id or digest(line)[:SHORT_DIGEST] != line_digest:
                    yield f"identity {i} ({unique_id}) is built otherwise"
                if image is not None and file_digest(out / IMAGES / plan.image_name(i))[:SHORT_DIGEST] != image:
                    yield f"the image of identity {i} ({unique_id}) is made otherwise"
                i += 1
            if progress:
                progress("Building again", i, plan.size)
    if (rule := manifest.get("resplit")) is None:
        document = cut_splits(plan)
    else:
        document = cut_again(dataset, manifest["config"], rule, inputs.frozen)
    if digest(readable_json(document)) != manifest["digests"]["splits"]:
        yield "the splits are cut otherwise"


def _inputs(dataset: Dataset, given: Mapping[str, Any], workers: int, progress: Progress | None) -> Inputs:
    manifest = dataset.manifest
    settings = dict(manifest["config"])
    local = dataset.directory / BUILD_FILE
    paths = load_yaml(local, ConfigError) if local.exists() else {}
    for source in source_settings():
        if settings.get(source, EMBEDDED) not in (EMBEDDED, NO_FACES):
            if settings[source] == FRAME and not given.get(source):
                hint = f"Give it again: `fiubench.verify(DIR, {{'{source}': frame}})`."
                raise SourceError(f"the dataset was built from a {FRAME}", where=source, hint=hint)
            settings[source] = str(given.get(source) or paths.get(source) or settings[source])
    frozen = manifest.get("frozen_splits")
    settings["attributes"], settings["tables"] = [], []
    if frozen is not None or "resplit" in manifest:  # what the build's own splits would be does not matter
        settings |= {"split_scheme": "nested", "ratios": [50]}
    settings["qa"], settings["model"], settings["base_url"] = TEMPLATE, "", ""  # the words are in the folder
    config = make_config(settings_of(settings), where=f"{dataset.directory}/manifest.json")
    attributes = packs_of(manifest)
    _locate(attributes.tables, [Path(file) for file in given.get("tables") or paths.get("tables") or ()])
    sources = open_sources(config, attributes.tables, workers=workers, progress=progress)
    for name, (origin, _) in sources.reports().items():
        expected = manifest["sources"][name]["sha256"]
        if origin.sha256 != expected:
            raise SourceError(
                f"is not what the dataset was built from (SHA-256 {origin.sha256[:12]}, not {expected[:12]})",
                where=f"--{name} {origin.file}" if name not in attributes.tables else origin.file,
                hint="Name the original file, or install the fiubench version that built it "
                f"({manifest['fiubench_version']}).",
            )
    return Inputs(config, attributes, sources, frozen)


def _locate(tables: Mapping[str, DeclaredTable], named: Sequence[Path]) -> None:
    """Find the files of the user's own tables: each is named, or the YAML file that declared it is or was beside it."""
    for table in tables.values():
        at = next((path for path in named if path.name in (table.declared_in, table.path.name)), None)
        if at is None:
            hint = f"Name it, or {table.declared_in}, with --table."
            raise SourceError(f"the file of source {table.name!r} is not known", where=table.path.name, hint=hint)
        if at.name == table.declared_in:
            at = read_table(at).path if at.is_file() else at.parent / table.path.name
        table.path = at
