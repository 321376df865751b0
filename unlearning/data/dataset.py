"""Datasets as the companion sees them: people, questions, splits, pictures; from a directory, a release or the Hub."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.schemas.documents import IDENTITIES, SPLITS, checked, read_bytes, read_identities, read_object
from fiubench.schemas.hub import HubName, read_table
from fiubench.schemas.images import decode_image
from fiubench.schemas.splits import FULL, HOLDOUT, SplitName
from fiubench.support.canonical import digest, digest_of
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean

if TYPE_CHECKING:
    from PIL.Image import Image

_IMAGES_KEPT = 512  # decoded pictures in memory
_TEXTS = ("question", "answer", "paraphrased_answer")
_LISTS = ("paraphrased_question", "perturbed_answer", "keywords")
_COLUMNS = ("unique_id", "name", "attribute", "category", *_TEXTS, *_LISTS)
_VARIANTS = "keyword_variants"  # left out by some datasets


@dataclass(frozen=True)
class Sample:
    """One question about one person, with everything it is scored by."""

    unique_id: str
    name: str
    attribute: str
    category: str
    question: str
    paraphrased_question: tuple[str, ...]
    answer: str
    paraphrased_answer: str
    perturbed_answer: tuple[str, ...]
    keywords: tuple[str, ...]
    keyword_variants: tuple[tuple[str, ...], ...] = ()

    @property
    def key(self) -> str:
        """``unique_id/attribute``: unique in a dataset."""
        return f"{self.unique_id}/{self.attribute}"


@dataclass(frozen=True)
class Identity:
    """One invented person."""

    unique_id: str
    name: str
    samples: tuple[Sample, ...]
    read_image: Callable[[], bytes] | None = field(compare=False, repr=False)


@dataclass(frozen=True)
class Data:
    """A dataset in memory; pictures are read when they are asked for."""

    source: str  # what it was opened from, as given
    identities: Mapping[str, Identity]  # unique id -> person, in the dataset's order
    # split -> unique ids in order; ``full`` (everyone but the holdout) is among them
    splits: Mapping[str, tuple[str, ...]]
    # SHA-256 over every question, answer, split and picture: the same for a dataset directory and the release that
    # was made from it
    digest: str
    limit: tuple[int, str, tuple[str, ...]] | None = None  # what :meth:`limited` was given, if it was

    @classmethod
    def open(cls, target: str | Path) -> "Data":
        """A dataset directory, the ``release`` folder of one, or a Hub id (``owner/name`` or ``owner/name@revision``).

        Raises:
            DatasetError: it is none of these, or it is damaged.
        """
        path = Path(target)
        if (path / IDENTITIES).is_file():
            return _open_directory(path, str(target))
        if path.is_dir() and not (path / "README.md").is_file():
            hint = "`fiubench build --out DIR` makes a dataset; a release holds README.md and data/."
            raise DatasetError("neither a dataset directory nor a release", where=path, hint=hint)
        if not path.is_dir() and HubName.find(str(target)) is None:
            hint = "Give a dataset directory, a release folder or a Hub id (owner/name)."
            raise DatasetError("no such dataset", where=target, hint=hint)
        return _open_release(str(target))

    def ids(self, split: str) -> tuple[str, ...]:
        """Unique ids of a split.

        Raises:
            ConfigError: the dataset has no split of that name.
        """
        if split not in self.splits:
            hint = did_you_mean(split, self.splits)
            raise ConfigError(f"no split {split!r}", where=self.source, hint=hint)
        return self.splits[split]

    def samples(self, split: str) -> list[Sample]:
        """The questions of a split, person by person."""
        return self.samples_of(self.ids(split))

    def samples_of(self, unique_ids: Iterable[str]) -> list[Sample]:
        """The questions of these people, person by person."""
        return [sample for unique_id in unique_ids for sample in self.identities[unique_id].samples]

    @cached_property
    def image(self) -> "Callable[[str], Image]":
        """Unique id -> face as RGB. The last few hundred are kept decoded: the same object comes again.

        Raises:
            DatasetError: the person has no picture, or it can't be decoded.
        """
        return lru_cache(_IMAGES_KEPT)(self._decode)

    def _decode(self, unique_id: str) -> "Image":
        read = self.identities[unique_id].read_image
        if read is None:
            hint = "Build with faces (`fiubench build --faces embedded`): the companion trains on pictures."
            raise DatasetError(f"{unique_id} has no picture", where=self.source, hint=hint)
        return decode_image(read(), f"{self.source}, picture of {unique_id}")

    def split_digest(self, split: str) -> str:
        """SHA-256 over the membership of a split in this dataset."""
        return digest_of([self.digest, sorted(self.ids(split))])

    def limited(self, count: int, forget: str, attributes: Sequence[str] = ()) -> "Data":
        """A smaller dataset for small models: ``count`` people, with the whole forget set and its ``retain_eval``.

        The holdout is cut to a tenth of ``count`` or the size of the forget set, whichever is more.

        Args:
            count: people in ``full``.
            forget: the forget set that will be unlearned.
            attributes: which questions are kept; all of them by default.

        Raises:
            ConfigError: ``count`` leaves nobody to retain, or is more than there are; an unknown attribute.
        """
        ids, name = self.ids(forget), SplitName.parse(forget)
        kept = [*ids, *self.splits.get(name.retain_eval, ())]
        if not len(kept) < count <= len(self.ids(FULL)):
            raise ConfigError(
                f"{count} identities can't hold {forget} ({len(kept)} with its retain_eval set) and some to retain, "
                f"or {self.source} has only {len(self.ids(FULL))}",
                where="identities",
                hint=f"Give more than {len(kept)} and at most {len(self.ids(FULL))} people, or a smaller forget set.",
            )
        known = {sample.attribute for person in self.identities.values() for sample in person.samples}
        for attribute in attributes:
            if attribute not in known:
                hint = did_you_mean(attribute, known)
                raise ConfigError(f"no attribute {attribute!r}", where="attributes", hint=hint)
        wanted = set(kept)
        for unique_id in self.ids(FULL):
            if len(wanted) == count:
                break
            wanted.add(unique_id)
        wanted |= set(self.splits.get(HOLDOUT, ())[: max(len(ids), count // 10)])
        # other forget sets would have other sizes than their names say
        names = (FULL, forget, name.retain, name.retain_eval, HOLDOUT)
        splits = {each: tuple(i for i in self.splits[each] if i in wanted) for each in names if each in self.splits}
        asked = set(attributes) or known
        identities = {
            key: replace(person, samples=tuple(s for s in person.samples if s.attribute in asked))
            for key, person in self.identities.items()
            if key in wanted
        }
        return replace(
            self,
            identities=identities,
            splits=splits,
            digest=digest_of([self.digest, list(identities), sorted(asked)]),
            limit=(count, forget, tuple(attributes)),
        )

    @cached_property
    def texts(self) -> list[str]:
        """Every sentence of the dataset in order, for tokenizers."""
        return [
            text
            for person in self.identities.values()
            for s in person.samples
            for text in (s.question, *s.paraphrased_question, s.answer, s.paraphrased_answer, *s.perturbed_answer)
        ]


def _open_directory(directory: Path, source: str) -> Data:
    path = directory / SPLITS
    document = checked(read_object(path), "splits", path)

    def reader(record: Mapping[str, Any]) -> Callable[[], bytes] | None:
        if record["image_path"] is None:
            return None
        return lambda: read_bytes(directory / record["image_path"])

    people = [
        Identity(
            record["unique_id"],
            record["name"],
            tuple(
                _sample({**qa, "unique_id": record["unique_id"], "name": record["name"]}) for qa in record["qa_list"]
            ),
            reader(record),
        )
        for record in read_identities(directory / IDENTITIES)
    ]
    return _assemble(source, people, document["splits"])


def _open_release(target: str) -> Data:
    """A release: ``identities`` has everyone with their splits, ``full`` and ``holdout`` the questions."""
    people = _load(target, "identities", ("unique_id", "name", "splits", "image"))
    listed = people.remove_columns([name for name in ("image",) if name in people.column_names]).to_list()
    splits: dict[str, list[str]] = {}
    for row in listed:
        for split in row["splits"]:
            splits.setdefault(split, []).append(row["unique_id"])
    samples: dict[str, list[Sample]] = {row["unique_id"]: [] for row in listed}
    for config in (FULL, HOLDOUT):
        if config in splits:
            for row in _load(target, config, (*_COLUMNS, _VARIANTS)).to_list():
                samples[row["unique_id"]].append(_sample(row))
    splits.pop(FULL, None)

    def reader(number: int) -> Callable[[], bytes] | None:
        if "image" not in people.column_names:
            return None
        return lambda: bytes(people[number]["image"]["bytes"])

    identities = [
        Identity(row["unique_id"], row["name"], tuple(samples[row["unique_id"]]), reader(number))
        for number, row in enumerate(listed)
    ]
    return _assemble(target, identities, splits)


def _load(target: str, config: str, columns: Sequence[str]) -> Any:
    table = read_table(target, config, columns)
    missing = [c for c in columns if c not in table.column_names and c not in ("image", _VARIANTS)]
    if missing:
        raise DatasetError(f"no column {missing[0]!r} in configuration {config!r}", where=target)
    return table


def _sample(row: Mapping[str, Any]) -> Sample:
    texts: dict[str, Any] = {name: row[name] for name in ("unique_id", "name", "attribute", "category", *_TEXTS)}
    lists: dict[str, Any] = {name: tuple(row[name]) for name in _LISTS}
    variants = tuple(map(tuple, row.get(_VARIANTS) or ()))
    return Sample(**texts, **lists, keyword_variants=variants if any(variants) else ())


def _assemble(source: str, people: Sequence[Identity], splits: Mapping[str, Sequence[str]]) -> Data:
    identities = {person.unique_id: person for person in people}
    for name, ids in splits.items():
        if unknown := [i for i in ids if i not in identities]:
            raise DatasetError(f"split {name} names {unknown[0]!r}, who is not in the dataset", where=source)
    held_out = set(splits.get(HOLDOUT, ()))
    members = {FULL: tuple(key for key in identities if key not in held_out)}
    place = {key: number for number, key in enumerate(identities)}
    members |= {name: tuple(sorted(splits[name], key=place.__getitem__)) for name in sorted(splits)}
    content = [
        [p.unique_id, p.name, [_listed(s) for s in p.samples], p.read_image and digest(p.read_image())] for p in people
    ]
    return Data(source, identities, members, digest_of([content, {k: list(v) for k, v in members.items()}]))


def _listed(sample: Sample) -> list[Any]:
    return [sample.attribute, sample.category, *(getattr(sample, name) for name in (*_TEXTS, *_LISTS, _VARIANTS))]
