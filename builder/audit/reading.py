"""Opening what is to be audited: a dataset directory, or a dataset in any shape that an adapter knows.

All become people with pairs (``people.py``), so that no measure knows the form.
"""

from pathlib import Path

from fiubench.builder.audit.people import Target, people_of, person_of
from fiubench.builder.dataset.others import Others, hub_others, is_release, open_others
from fiubench.builder.dataset.reading import open_dataset
from fiubench.schemas.documents import MANIFEST, RELEASE
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
            return Target(
                name, "dataset", lambda: (person_of(record, path) for record in dataset), splits, dataset.manifest
            )
        if is_release(path / RELEASE):
            path = path / RELEASE
    return _read(open_others(path, name))


def _read(others: Others) -> Target:
    return Target(others.name, others.adapter.name, lambda: people_of(others), others.splits, others=others)
