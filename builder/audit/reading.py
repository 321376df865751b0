"""Opening what is to be audited.

A target is a dataset directory, a release, a file of the shape of ``full.json``, a file of bare questions and answers,
or a dataset on the Hugging Face Hub. All become people with pairs (``people.py``), so that no measure knows the form.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fiubench.builder.audit.people import Target, people_of, people_of_records, person_of
from fiubench.builder.dataset.reading import open_dataset
from fiubench.schemas.documents import MANIFEST, ORIGINAL_LAYOUT, RELEASE, SPLITS, read_object, read_records
from fiubench.schemas.hub import HubName, config_names, stream_rows
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, kind_of
from fiubench.support.errors import DatasetError

_HINT = "A dataset folder, a file like full.json, a file of questions and answers, or OWNER/NAME on the Hub."
_FULL = (Path(ORIGINAL_LAYOUT) / "full.json", Path("fiubench/full.json"))  # of releases now, and before
_HOLDOUT = "holdout.json"  # beside the former


def open_target(target: str) -> Target:
    """Find out what a target is.

    Raises:
        DatasetError: there is nothing that could be audited.
    """
    path = Path(target)
    if path.is_dir():
        return _directory(path, path.resolve().name)
    if path.is_file():
        return _file(path, path.name)
    if not path.exists() and HubName.find(target):
        return _table(target, target)
    raise DatasetError("no such file or folder", where=target, hint=_HINT)


def words_of_packs(documents: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """What the packs of a dataset say is spelled right, in lower case."""
    return frozenset(word.lower() for document in documents for word in document.get("words", ()))


def _directory(path: Path, name: str) -> Target:
    release = _release(path, name)
    if release is None and (path / MANIFEST).exists():
        dataset = open_dataset(path)
        splits = {split: frozenset(ids) for split, ids in dataset.splits.items()}
        known = words_of_packs(pack["content"] for pack in dataset.manifest["packs"])
        return Target(
            name, "dataset", lambda: (person_of(record, path, known) for record in dataset), splits, dataset.manifest
        )
    if release := release or _release(path / RELEASE, name):
        return release
    if (path / _FULL[0].name).is_file():
        return _file(path / _FULL[0].name, name)
    if any(path.rglob("*.parquet")):
        return _table(str(path), name)
    raise DatasetError("no dataset is in this folder", where=path, hint=_HINT)


def _release(path: Path, name: str) -> Target | None:
    """The records of a release, the holdout's among them; its splits, of which the original's layout has not all."""
    full = next((path / inner for inner in _FULL if (path / inner).is_file()), None)
    if full is None:
        return None
    files = [file for file in (full, full.with_name(_HOLDOUT)) if file.is_file()]
    beside = next((folder / SPLITS for folder in (path, path.parent) if (folder / SPLITS).is_file()), full)
    manifest = next((folder / MANIFEST for folder in (path, path.parent) if (folder / MANIFEST).is_file()), None)
    packs = read_object(manifest).get("packs", ()) if manifest else ()
    known = words_of_packs(pack["content"] for pack in packs)
    return Target(
        name,
        "records",
        lambda: (person for file in files for person in people_of_records(read_records(file), file, known)),
        _splits_beside(beside),
    )


def _file(path: Path, name: str) -> Target:
    first = next(read_records(path))
    splits = _splits_beside(path)
    if "qa_list" in first:
        return Target(name, "records", lambda: people_of_records(read_records(path), path), splits)
    if "question" in first and "answer" in first:
        return Target(name, "qa", lambda: people_of(read_records(path), str(path)), splits)
    raise DatasetError(
        f"record 1 has neither 'qa_list' nor 'question' and 'answer', but {', '.join(map(repr, sorted(first)[:6]))}",
        where=path,
        hint=_HINT,
    )


def _splits_beside(path: Path) -> dict[str, frozenset[str]]:
    """Membership from a file of the original's layout, or of ours, that lies beside the records."""
    for name in ("split.json", SPLITS):
        if (path.parent / name).is_file():
            document = read_object(path.parent / name)
            listed = document.get("splits", document)
            return {split: frozenset(map(str, ids)) for split, ids in listed.items() if isinstance(ids, list)}
    return {}


def _table(source: str, name: str) -> Target:
    """Whatever ``datasets`` loads: ``OWNER/NAME[@REVISION]`` on the Hub, or a folder of Parquet files with its card.

    Its rows are questions with ``unique_id``, ``name``, ``question`` and ``answer``; a configuration ``full`` (and
    ``holdout``) is read where there is one, else the only one. Configurations ``forget..`` say who is to be forgotten.
    """
    configs = config_names(source)
    chosen = [config for config in (FULL, HOLDOUT) if config in configs] or configs[:1]
    splits = {
        config: frozenset(str(row["unique_id"]) for row in stream_rows(source, config, ["unique_id"]))
        for config in configs
        if kind_of(config) in (FORGET, HOLDOUT)
    }
    return Target(
        name, "hub", lambda: people_of((row for config in chosen for row in stream_rows(source, config)), name), splits
    )
