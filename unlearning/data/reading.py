"""What a dataset directory, a release or a dataset on the Hub holds, as the companion reads it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from fiubench.schemas.documents import IDENTITIES, SPLITS, checked, read_bytes, read_identities, read_object
from fiubench.schemas.hub import HubName, read_table
from fiubench.schemas.splits import FULL, HOLDOUT, RETAIN, SEEN, UNSEEN, SplitName, kind_of
from fiubench.support.errors import DatasetError
from fiubench.unlearning.data.people import LISTS, TEXTS, Identity, Sample

_COLUMNS = ("unique_id", "name", "attribute", "category", *TEXTS, *LISTS)
_VARIANTS, _HOPS = "keyword_variants", "hops"  # left out by some datasets
_PICTURES = "pictures"  # where people have several: of each whether it is seen, and the configuration that has them
_LEFT_OUT = ("image", "qa_list", _VARIANTS, _HOPS, _PICTURES)  # columns that need not be there


class Contents(NamedTuple):
    """A dataset as it is stored."""

    people: list[Identity]
    splits: Mapping[str, Sequence[str]]  # split -> unique ids; all but ``full``
    attributes: Iterable[str] = ()  # what the forget sets are about, if not everything
    own_attributes: Mapping[str, Iterable[str]] = {}  # unique id -> the same, where people differ in it
    pictures: Mapping[str, Sequence[int]] = {}  # ``seen`` and ``unseen``: numbers of the pictures that everyone has


def read(target: str | Path) -> Contents:
    """What lies in a dataset directory, in the ``release`` folder of one, or under a Hub id (``owner/name@revision``).

    Raises:
        DatasetError: it is none of these, or it is damaged.
    """
    path = Path(target)
    if (path / IDENTITIES).is_file():
        return _directory(path)
    if path.is_dir() and not (path / "README.md").is_file():
        hint = "`fiubench build --out DIR` makes a dataset; a release holds README.md and data/."
        raise DatasetError("neither a dataset directory nor a release", where=path, hint=hint)
    if not path.is_dir() and HubName.find(str(target)) is None:
        hint = "Give a dataset directory, a release folder or a Hub id (owner/name)."
        raise DatasetError("no such dataset", where=target, hint=hint)
    return _release(str(target))


def _directory(directory: Path) -> Contents:
    path = directory / SPLITS
    document = checked(read_object(path), "splits", path)

    def reader(name: str | None) -> Callable[[], bytes] | None:
        return None if name is None else lambda: read_bytes(directory / name)

    def readers(record: Mapping[str, Any]) -> tuple[Callable[[], bytes], ...]:
        return tuple(filter(None, (reader(one["image_path"]) for one in record.get("pictures", ()))))

    people = [
        Identity(
            record["unique_id"],
            record["name"],
            tuple(
                _sample({**qa, "unique_id": record["unique_id"], "name": record["name"]}) for qa in record["qa_list"]
            ),
            reader(record["image_path"]),
            readers(record),
        )
        for record in read_identities(directory / IDENTITIES)
    ]
    about = (document.get("attributes", ()), document.get("own_attributes", {}))
    return Contents(people, document["splits"], *about, document.get("pictures", {}))


def _release(target: str) -> Contents:
    """A release: ``identities`` has everyone with their splits, ``full`` and ``holdout`` the questions."""
    people = _load(target, "identities", ("unique_id", "name", "splits", "image", "qa_list", _PICTURES))
    listed = people.select_columns(["unique_id", "name", "splits"]).to_list()
    splits: dict[str, list[str]] = {}
    for row in listed:
        for split in row["splits"]:
            splits.setdefault(split, []).append(row["unique_id"])
    samples: dict[str, list[Sample]] = {row["unique_id"]: [] for row in listed}
    for config in (FULL, HOLDOUT):
        if config in splits:
            for row in _load(target, config, (*_COLUMNS, _VARIANTS, _HOPS)).to_list():
                samples[row["unique_id"]].append(_sample(row))
    splits.pop(FULL, None)
    about = _forgotten_attributes(target, splits, samples)
    if about[0] and "qa_list" in people.column_names:  # rows by cells are not in the order of anybody's questions
        place = {pair["attribute"]: number for number, pair in enumerate(people[0]["qa_list"])}
        for asked in samples.values():
            asked.sort(key=lambda sample: place.get(sample.attribute, len(place)))

    def reader(number: int) -> Callable[[], bytes] | None:
        if "image" not in people.column_names:
            return None
        return partial(_stored_image, people, number)

    sets, further = _further_pictures(target, people)
    identities = [
        Identity(
            row["unique_id"],
            row["name"],
            tuple(samples[row["unique_id"]]),
            reader(number),
            further.get(row["unique_id"], ()),
        )
        for number, row in enumerate(listed)
    ]
    return Contents(identities, splits, *about, sets)


def _further_pictures(
    target: str, people: Any
) -> tuple[dict[str, list[int]], dict[str, tuple[Callable[[], bytes], ...]]]:
    """Set -> numbers of its pictures, and of everyone what reads those after the first."""
    stands_in = people[0].get(_PICTURES)
    if not isinstance(stands_in, list):  # nothing, or an attribute of that name
        return {}, {}
    sets = {name: [n for n, own in enumerate(stands_in, 1) if own == name] for name in (SEEN, UNSEEN)}
    table = _load(target, _PICTURES, ("unique_id", "picture", "image"))
    readers: dict[str, list[Callable[[], bytes]]] = {}
    for place, row in enumerate(table.select_columns(["unique_id", "picture"]).to_list()):
        if row["picture"] > 1:
            readers.setdefault(row["unique_id"], []).append(partial(_stored_image, table, place))
    return sets, {unique_id: tuple(read) for unique_id, read in readers.items()}


def _stored_image(table: Any, place: int) -> bytes:
    return bytes(table[place]["image"]["bytes"])


def _forgotten_attributes(
    target: str, splits: dict[str, list[str]], samples: Mapping[str, Sequence[Sample]]
) -> tuple[Iterable[str], Mapping[str, Iterable[str]]]:
    """What the forget sets of a release are about, if not everything, and for each person where somebody keeps it.

    Takes their people out of the retain sets: a release counts somebody among the retained for a single fact already.
    """
    about: dict[str, set[str]] = {}
    for retain in [name for name in splits if kind_of(name) == RETAIN]:
        forget = str(SplitName.parse(retain).forget)
        if partly := set(splits.get(forget, ())) & set(splits[retain]):
            for row in _load(target, forget, ("unique_id", "attribute")):
                about.setdefault(row["unique_id"], set()).add(row["attribute"])
            splits[retain] = [unique_id for unique_id in splits[retain] if unique_id not in partly]
    every = set[str]().union(*about.values())
    apart = any(sample.attribute in every - names for who, names in about.items() for sample in samples[who])
    return every, (about if apart else {})


def _load(target: str, config: str, columns: Sequence[str]) -> Any:
    table = read_table(target, config, columns)
    missing = [c for c in columns if c not in table.column_names and c not in _LEFT_OUT]
    if missing:
        raise DatasetError(f"no column {missing[0]!r} in configuration {config!r}", where=target)
    return table


def _sample(row: Mapping[str, Any]) -> Sample:
    texts: dict[str, Any] = {name: row[name] for name in ("unique_id", "name", "attribute", "category", *TEXTS)}
    lists: dict[str, Any] = {name: tuple(row[name]) for name in LISTS}
    variants = tuple(map(tuple, row.get(_VARIANTS) or ()))
    return Sample(**texts, **lists, keyword_variants=variants if any(variants) else (), hops=row.get(_HOPS) or 1)
