"""Verifying: is a dataset what its manifest says, and is that what its config makes?"""

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import orjson
from fiubench.builder.config import LLM, NO_FACES, TEMPLATE, Config, make_config, settings_of, source_settings
from fiubench.builder.dataset.compare import between
from fiubench.builder.dataset.cutting import cut_again
from fiubench.builder.dataset.intact import on_disk
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.generation.inputs import Inputs
from fiubench.builder.generation.pairing import cut_splits
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.generation.sources import open_sources
from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.packs.tables import DeclaredTable, read_table
from fiubench.builder.pipeline.executing import EXECUTORS, LOCAL
from fiubench.builder.pipeline.manifest import make_manifest, resplit_fingerprint
from fiubench.builder.pipeline.parts import make_parts
from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import ranges
from fiubench.raw_sources.reading.cells import FRAME
from fiubench.raw_sources.reading.frames import frames_as_files
from fiubench.raw_sources.source import EMBEDDED
from fiubench.schemas.documents import (
    BUILD_FILE,
    IDENTITIES,
    MANIFEST,
    RELEASE,
    SPLITS,
    read_object,
)
from fiubench.support.canonical import digest, readable_json
from fiubench.support.errors import ConfigError, SourceError
from fiubench.support.files import scratch_folder
from fiubench.support.progress import Progress
from fiubench.support.version import __version__
from fiubench.support.yaml_file import load_yaml

from fiubench import schemas

_LONGEST_SHOWN = 100  # characters of a value


def verify(
    directory: str | Path,
    sources: Mapping[str, Any] | None = None,
    *,
    signed_by: str | Path | None = None,
    signature: str | Path | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Iterator[str]:
    """Compare every file of a dataset with its manifest, then build all of it again and compare that with both.

    >>> assert not list(verify("dataset"))                       # doctest: +SKIP

    What can't be built again is taken at its word: the versions of the libraries, the model that worded questions, and
    what whoever published a release says of it. :mod:`~fiubench.builder.dataset.signature` says who says so.

    Args:
        directory: the dataset.
        sources: paths of ``faces``, ``health``, ``crimes`` or ``addresses``, and under ``tables`` a list of those of
            tables of your own, where ``build.yaml`` does not name them; a ``pandas.DataFrame`` for what was built from
            one.
        signed_by: a public key, or a file that holds one, which the manifest must be signed by.
        signature: the signature, where it does not lie beside the manifest.
        workers: processes.
        progress: called with (what, done, total).

    Yields:
        What differs, a line each, as it is found, what was made before what is there; nothing where all agrees.

    Raises:
        FiubenchError: a source can't be found, or is another file than the one it was built from.
    """
    dataset = open_dataset(Path(directory))
    if signed_by is not None and (problem := _unsigned(dataset.directory, signed_by, signature)):
        yield problem
    damaged = False
    for problem in on_disk(dataset):
        yield problem
        damaged = damaged or not problem.startswith(f"{RELEASE}/")
    with frames_as_files(sources or {}) as files:
        for problem in chain(_settings(dataset), _rebuilt(dataset, files, workers, progress)):
            yield problem
            damaged = True
    if not damaged:  # a release of other records is another one
        yield from _released(dataset)


def _unsigned(directory: Path, key: str | Path, signature: str | Path | None) -> str | None:
    from fiubench.builder.dataset.signature import signature_problem  # noqa: PLC0415  few need it

    return signature_problem(directory, str(key), None if signature is None else Path(signature))


def _rebuilt(dataset: Dataset, given: Mapping[str, Any], workers: int, progress: Progress | None) -> Iterator[str]:
    """Build it again beside it; every field, image, split and entry of the manifest that comes out otherwise."""
    manifest = dataset.manifest
    inputs = _inputs(dataset, given, workers, progress)
    plan = inputs.plan()
    if plan.size != len(manifest["identities"]):
        yield f"{plan.size} identities are built, the manifest says {len(manifest['identities'])}"
        return
    entries: list[list[str | None]] = []
    pictures: list[list[str]] = []
    whole, by_model = hashlib.sha256(), 0
    with scratch_folder() as out:
        # words of a model are a source like any other: what the build kept of them
        paraphrases = Paraphrases(dataset.paraphrases) if "wordings" in manifest else None
        there = _lines(dataset.directory / IDENTITIES)
        work = Work(inputs, plan, out, ranges(plan.size), paraphrases=paraphrases)
        for part in make_parts(work, EXECUTORS[LOCAL], workers):
            with (part.folder / IDENTITIES).open("rb") as lines:
                for i, line in enumerate(lines, part.range[0]):
                    if part.entries[i - part.range[0]][2] != manifest["identities"][i][2]:
                        yield f"the image of identity {i} ({plan.unique_id[i]}) is made otherwise"
                    whole.update(line)
                    if line != (found := next(there, b"")):
                        yield from _fields(i, line, found)
            entries += part.entries
            pictures += part.pictures
            by_model += part.by_model
            shutil.rmtree(part.folder)
            if progress:
                progress("Building again", len(entries), plan.size)
    rule = manifest.get("resplit")
    splits = cut_splits(plan) if rule is None else cut_again(dataset, manifest["config"], rule, inputs.frozen)
    yield from _differing(SPLITS, splits, read_object(dataset.directory / SPLITS))
    sha256 = {"identities": whole.hexdigest(), "splits": digest(readable_json(splits))}
    yield from _stated(manifest, make_manifest(inputs, plan, entries, sha256, pictures), inputs, by_model)


def _lines(path: Path) -> Iterator[bytes]:
    if path.is_file():
        with path.open("rb") as file:
            yield from file


def _fields(number: int, made: bytes, there: bytes) -> Iterator[str]:
    """In which fields an identity is not as it is built."""
    record = orjson.loads(made)
    who = f"{IDENTITIES}, identity {number} ({record['unique_id']})"
    try:
        found = orjson.loads(there)
    except orjson.JSONDecodeError:
        yield f"{who}: is {'not JSON' if there else 'missing'}"
        return
    if violation := next(schemas.violations("identity", found), None):
        yield f"{who}: {violation.path}: {violation.message}"
        return
    differences = list(between(record, found))
    yield from (f"{IDENTITIES}: {difference}" for difference in differences)
    if not differences:
        yield f"{who}: is written otherwise"


def _stated(manifest: Mapping[str, Any], made: dict[str, Any], inputs: Inputs, by_model: int) -> Iterator[str]:
    """Every entry of a manifest that is not as it is made; those of files and images are looked at elsewhere."""
    if manifest["fiubench_version"] != __version__:
        what = "what another version writes can't be told from what was changed: install that one"
        yield f"{MANIFEST}: fiubench_version: {__version__} | {manifest['fiubench_version']}: {what}"
    taken = {
        key: manifest[key] for key in ("config", "resplit", "frozen_splits", "fiubench_version") if key in manifest
    }
    if made["libraries"].keys() == manifest["libraries"].keys():
        taken["libraries"] = manifest["libraries"]  # others may make the same, and do where nothing else differs
    made |= taken
    if (rule := manifest.get("resplit")) is not None:
        people = len(made["identities"])
        made["counts"] |= {"identities": people - rule["holdout"], "holdout": rule["holdout"]}
        made["fingerprint"] = resplit_fingerprint(made)
    elif manifest["fiubench_version"] == __version__:
        made["fingerprint"] = inputs.fingerprint(manifest["config"])
    else:
        made["fingerprint"] = manifest["fingerprint"]
    there = {key: value for key, value in manifest.items() if key not in ("release", "published")}
    if "wordings" in manifest:
        by_template = made["counts"]["qa_pairs"] - by_model
        made["wordings"] = {**manifest["wordings"], "by_model": by_model, "by_template": by_template}
    if manifest.keys() & {"published", "resplit"}:  # whoever published may have said whose their files are
        for name, source in made["sources"].items():
            if source["file"] != EMBEDDED and name in there["sources"]:
                source |= {key: there["sources"][name].get(key) for key in ("title", "license")}
    yield from _differing(MANIFEST, made, there)


def _settings(dataset: Dataset) -> Iterator[str]:
    """Every setting in ``build.yaml``, for another build, that is not one of this dataset's build."""
    local = dataset.directory / BUILD_FILE
    if local.exists() and "resplit" not in dataset.manifest:
        written = make_config(load_yaml(local, ConfigError), where=str(local)).public()
        yield from _differing(BUILD_FILE, dataset.manifest["config"], orjson.loads(orjson.dumps(written)))


def _differing(where: str, made: Any, there: Any, path: str = "") -> Iterator[str]:
    """Every value of a JSON document that is another in a second one, with its path."""
    if isinstance(made, dict) and isinstance(there, dict):
        for key in sorted(made.keys() | there.keys()):
            yield from _differing(where, made.get(key, ...), there.get(key, ...), f"{path}.{key}".lstrip("."))
    elif isinstance(made, list) and isinstance(there, list) and len(made) == len(there):
        for number, pair in enumerate(zip(made, there, strict=True)):
            yield from _differing(where, *pair, f"{path}[{number}]")
    elif made != there or type(made) is not type(there):
        yield f"{where}: {path}: {_shown(made)} | {_shown(there)}"


def _shown(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return f"{len(value)} entries"
    text = "-" if value is ... else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}.."


def _released(dataset: Dataset) -> Iterator[str]:
    """What in the release is not as the dataset makes it."""
    from fiubench.builder.release.again import release_problems  # noqa: PLC0415
    from fiubench.builder.release.stage import is_older  # noqa: PLC0415

    if is_older(dataset.manifest):
        yield f"{RELEASE}: is of an older layout, which can't be made again to be compared"
        return
    guesses = None
    if "published" in dataset.manifest:
        if "repo" not in dataset.manifest["published"]:
            yield f"{MANIFEST}: published.repo: missing, so that card and Croissant can't be made again"
        from fiubench.builder.audit import audit  # noqa: PLC0415  half a second

        guesses = audit(dataset.directory, faces=False).tables.get("guesses")
    yield from release_problems(dataset, guesses)


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
    config = config_of(manifest, settings, dataset.directory / MANIFEST)
    attributes = packs_of(manifest)
    _locate(attributes.tables, [Path(file) for file in given.get("tables") or paths.get("tables") or ()])
    sources = open_sources(config, attributes.tables, workers=workers, progress=progress)
    for name, (origin, _) in sources.reports().items():
        expected = manifest["sources"].get(name, {}).get("sha256", origin.sha256)
        if origin.sha256 != expected:
            raise SourceError(
                f"is not what the dataset was built from (SHA-256 {origin.sha256[:12]}, not {expected[:12]})",
                where=f"--{name} {origin.file}" if name not in attributes.tables else origin.file,
                hint="Name the original file, or install the fiubench version that built it "
                f"({manifest['fiubench_version']}).",
            )
    return Inputs(config, attributes, sources, manifest.get("frozen_splits"), _words_from(manifest))


def config_of(manifest: Mapping[str, Any], settings: Mapping[str, Any], where: object) -> Config:
    """The checked settings that make the people of a manifest again.

    Args:
        settings: those of the manifest, with paths in the place of names.

    Raises:
        ConfigError: they can't be used.
    """
    chosen = {**settings_of(settings), "attributes": [], "tables": []}  # their content is in the manifest
    if "frozen_splits" in manifest or "resplit" in manifest:  # what the build's own splits would be does not matter
        chosen |= {"split_scheme": "nested", "ratios": [50]}
    chosen |= {"qa": TEMPLATE, "model": "", "base_url": ""}  # the words are in the folder
    return make_config(chosen, where=str(where))


def _words_from(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What a fingerprint has of where the words are from (see ``open_inputs``)."""
    if (qa := manifest["config"].get("qa", TEMPLATE)) == LLM:
        from fiubench.builder.phrasings.paraphrasing import digest as prompts_digest  # noqa: PLC0415

        return {"prompts": prompts_digest()}
    return {} if qa == TEMPLATE else {"wordings": manifest.get("wordings", {}).get("sha256", "")}


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
