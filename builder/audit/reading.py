"""Opening what is to be audited: a dataset directory, or a dataset in any shape that an adapter knows.

All become people with pairs (``people.py``), so that no measure knows the form.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from fiubench.builder.audit.people import Person, Target, people_of, person_of
from fiubench.builder.dataset.others import Others, hub_others, is_release, open_others
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.packs.model import language_of_manifest
from fiubench.schemas.documents import MANIFEST, RELEASE, read_object
from fiubench.schemas.hub import HubName
from fiubench.support.errors import DatasetError


def open_target(target: str) -> Target:
    """Find out what a target is.

    Raises:
        DatasetError: there is nothing that could be audited.
    """
    path = Path(target)
    if not path.exists():
        if not HubName.find(target):
            hint = "A dataset folder, a file or folder in a known shape, or OWNER/NAME on the Hub."
            raise DatasetError("no such file or folder", where=target, hint=hint)
        return _read(hub_others(target))
    name = path.resolve().name
    if path.is_dir() and not is_release(path):
        if (path / MANIFEST).exists():
            dataset = open_dataset(path)
            splits = {split: frozenset(ids) for split, ids in dataset.splits.items()}
            people = partial(map, record_reader(dataset), dataset)
            return Target(name, "dataset", people, splits, dataset.manifest, directory=path)
        if is_release(path / RELEASE):
            path = path / RELEASE
    manifest = next((folder / MANIFEST for folder in (path, path.parent) if (folder / MANIFEST).is_file()), None)
    packs = read_object(manifest).get("packs", ()) if manifest else ()
    return _read(open_others(path, name), words_of_packs(pack["content"] for pack in packs))


def record_reader(dataset: Dataset) -> Callable[[Mapping[str, Any]], Person]:
    """A function that reads the records of a dataset directory, in its language, with the words that its packs know."""
    known = words_of_packs(pack["content"] for pack in dataset.manifest["packs"])
    language = language_of_manifest(dataset.manifest)
    return partial(person_of, root=dataset.directory, known=known, language=language)


def words_of_packs(documents: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """What the packs of a dataset say is spelled right, in lower case."""
    return frozenset(word.lower() for document in documents for word in document.get("words", ()))


def _read(others: Others, known: frozenset[str] = frozenset()) -> Target:
    return Target(others.name, others.adapter.name, lambda: people_of(others, known), others.splits, others=others)
