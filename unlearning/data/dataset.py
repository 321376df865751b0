"""Datasets as the companion sees them: people, questions, splits, pictures; from a directory, a release or the Hub."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.schemas.documents import IDENTITIES, SPLITS, checked, read_bytes, read_identities, read_object
from fiubench.schemas.hub import HubName, read_table
from fiubench.schemas.images import decode_image
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.requests import Request
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, RETAIN, SEEN, UNSEEN, SplitName, kind_of
from fiubench.support.canonical import digest, digest_of
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean

if TYPE_CHECKING:
    from PIL.Image import Image

_IMAGES_KEPT = 512  # decoded pictures in memory
_TEXTS = ("question", "answer", "paraphrased_answer")
_LISTS = ("paraphrased_question", "perturbed_answer", "keywords")
_COLUMNS = ("unique_id", "name", "attribute", "category", *_TEXTS, *_LISTS)
_VARIANTS, _HOPS = "keyword_variants", "hops"  # left out by some datasets
_PICTURES = "pictures"  # where people have several: of each whether it is seen, and the configuration that has them
_LEFT_OUT = ("image", "qa_list", _VARIANTS, _HOPS, _PICTURES)  # columns that need not be there
_About = tuple[Iterable[str], Mapping[str, Iterable[str]]]  # ``attributes`` and ``own_attributes`` of :class:`Data`


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
    hops: int = 1  # 2: about somebody whom the person is tied to

    @property
    def key(self) -> str:
        """``unique_id/attribute``: unique in a dataset."""
        return f"{self.unique_id}/{self.attribute}"

    @property
    def nameable(self) -> bool:
        """Whether it can be asked with the name instead of the picture: not where the answer is the name."""
        return not all(keyword in self.name for keyword in self.keywords)

    def by_name(self) -> "Sample":
        """The same question and answers, with the name where they spoke of the person in the picture."""
        return replace(
            self,
            question=named_question(self.question, self.name),
            paraphrased_question=tuple(named_question(text, self.name) for text in self.paraphrased_question),
            answer=named_answer(self.answer, self.name),
            paraphrased_answer=named_answer(self.paraphrased_answer, self.name),
            perturbed_answer=tuple(named_answer(text, self.name) for text in self.perturbed_answer),
        )


@dataclass(frozen=True)
class Identity:
    """One invented person."""

    unique_id: str
    name: str
    samples: tuple[Sample, ...]
    read_image: Callable[[], bytes] | None = field(compare=False, repr=False)
    # what reads their other pictures, the second first
    read_further: tuple[Callable[[], bytes], ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Data:
    """A dataset in memory; pictures are read when they are asked for."""

    source: str  # what it was opened from, as given
    identities: Mapping[str, Identity]  # unique id -> person, in the dataset's order
    # split -> unique ids in order; ``full`` (everyone but the holdout) is among them
    splits: Mapping[str, tuple[str, ...]]
    # SHA-256 over everyone with name, questions and picture: the same for every cut of a dataset into splits
    content: str
    # what the forget sets are about; empty where whole people are forgotten. Other facts of their people are retained.
    attributes: tuple[str, ...] = ()
    # unique id -> what is to be forgotten of somebody in a forget set, where that is not the same for all of them
    own_attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: tuple[int | None, str | None, tuple[str, ...]] | None = None  # what :meth:`limited` was given, if it was
    # numbers, from 1, of the pictures of everyone that are trained on, and of those that are only asked about
    seen: tuple[int, ...] = (1,)
    unseen: tuple[int, ...] = ()
    requests: tuple[Request, ...] = ()  # in the cut of a stream: what was asked for before, and last what is now

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

    @cached_property
    def digest(self) -> str:
        """SHA-256 over content and splits: the same for a dataset directory and the release that was made from it."""
        more = [self.own_attributes, sorted(self._gone)] if self.own_attributes or self._gone else []
        return digest_of([self.content, {name: list(ids) for name, ids in self.splits.items()}, self.attributes, *more])

    @cached_property
    def pictured(self) -> bool:
        """Whether everyone has a picture."""
        return all(person.read_image is not None for person in self.identities.values())

    def ids(self, split: str) -> tuple[str, ...]:
        """Unique ids of a split. Where attributes are forgotten, :meth:`samples` of a retain set are of more people.

        Raises:
            ConfigError: the dataset has no split of that name.
        """
        if split not in self.splits:
            hint = did_you_mean(split, self.splits)
            raise ConfigError(f"no split {split!r}", where=self.source, hint=hint)
        return self.splits[split]

    def samples(self, split: str) -> list[Sample]:
        """The questions of a split, person by person: those that the release's configuration of that name holds.

        Raises:
            ConfigError: as for :meth:`ids`.
        """
        members, keeps = set(self.ids(split)), kind_of(split) in (RETAIN, FULL)
        gone = self._gone if kind_of(split) == RETAIN else frozenset[str]()
        return [
            sample
            for person in self.identities.values()
            for sample in person.samples
            if (keeps if self._is_other_fact(sample) else sample.unique_id in members) and sample.key not in gone
        ]

    def other_facts(self, forget: str) -> list[Sample]:
        """What is to be retained about the people of a forget set; nothing where whole people are forgotten."""
        forgotten = set(self.ids(forget))
        return [sample for sample in self.samples(SplitName.parse(forget).retain) if sample.unique_id in forgotten]

    def _is_other_fact(self, sample: Sample) -> bool:
        about = self.own_attributes.get(sample.unique_id, self.attributes)
        return sample.unique_id in self._partly_forgotten and sample.attribute not in about

    @cached_property
    def _partly_forgotten(self) -> frozenset[str]:
        """People of any forget set, where forget sets are about some attributes."""
        names = [name for name in self.splits if kind_of(name) == FORGET and self.attributes]
        return frozenset(unique_id for name in names for unique_id in self.splits[name])

    @cached_property
    def _gone(self) -> frozenset[str]:
        """Questions that earlier requests have had forgotten: no retain set may teach them again."""
        return frozenset(
            f"{who}/{name}" for each in self.requests[:-1] for who, names in each.items() for name in names
        )

    def samples_of(self, unique_ids: Iterable[str]) -> list[Sample]:
        """All questions of these people, person by person."""
        return [sample for unique_id in unique_ids for sample in self.identities[unique_id].samples]

    @cached_property
    def image(self) -> "Callable[..., Image]":
        """Unique id, and the number of a picture if it is not the first -> face as RGB.

        The last few hundred are kept decoded: the same object comes again.

        Raises:
            DatasetError: the person has no such picture, or it can't be decoded.
        """
        return lru_cache(_IMAGES_KEPT)(self._decode)

    def _decode(self, unique_id: str, picture: int = 1) -> "Image":
        person = self.identities[unique_id]
        read = next(iter((person.read_image, *person.read_further)[picture - 1 : picture]), None)
        if read is None:
            hint = "Build with faces (`fiubench build --faces embedded`), or go by name: --teach name, --ask name."
            raise DatasetError(f"{unique_id} has no picture", where=self.source, hint=hint)
        return decode_image(read(), f"{self.source}, picture of {unique_id}")

    def split_digest(self, split: str) -> str:
        """SHA-256 over the questions of a split."""
        return self.questions_digest(self.samples(split))

    def questions_digest(self, samples: Iterable[Sample]) -> str:
        """SHA-256 over a choice of questions, whatever splits they are in."""
        return digest_of([self.content, sorted(sample.key for sample in samples)])

    def limited(self, count: int | None = None, forget: str | None = None, attributes: Sequence[str] = ()) -> "Data":
        """A smaller dataset for small models: ``count`` people, or some of the questions, or both.

        The people are those of the forget set, of its ``retain_eval``, and the first others. Other forget sets stay
        where all their people do. The holdout is cut to a tenth of ``count`` or the size of the forget set, whichever
        is more.

        Args:
            count: people in ``full``, together with ``forget``; everyone by default.
            forget: the forget set that is kept whole.
            attributes: which questions are kept; all of them by default.

        Raises:
            ConfigError: it was cut before; one of ``count`` and ``forget`` alone; ``count`` leaves nobody to retain,
                or is more than there are; an unknown attribute, or none of those that are to be forgotten.
        """
        if self.limit is not None or self.requests:
            raise ConfigError("is a part of a dataset already", where=self.source, hint="Cut the whole once.")
        if (count is None) != (forget is None):
            hint = "Give both, or neither: the forget set says who is kept among the N people."
            raise ConfigError("identities and forget go together", where="identities", hint=hint)
        known = {sample.attribute for person in self.identities.values() for sample in person.samples}
        for attribute in attributes:
            if attribute not in known:
                hint = did_you_mean(attribute, known)
                raise ConfigError(f"no attribute {attribute!r}", where="attributes", hint=hint)
        asked = set(attributes) or known
        if self.attributes and not asked & set(self.attributes):
            hint = f"The forget sets of {self.source} are about {', '.join(self.attributes)}."
            raise ConfigError("nothing would be left to forget", where="attributes", hint=hint)
        wanted = set(self.identities) if count is None or forget is None else self._chosen(count, forget)
        identities = {
            key: replace(person, samples=tuple(s for s in person.samples if s.attribute in asked))
            for key, person in self.identities.items()
            if key in wanted
        }
        return replace(
            self,
            identities=identities,
            splits=_fitting(self.splits, wanted),
            content=digest_of([self.content, list(identities), sorted(asked)]),
            attributes=tuple(name for name in self.attributes if name in asked),
            own_attributes={who: tuple(n for n in names if n in asked) for who, names in self.own_attributes.items()},
            limit=(count, forget, tuple(attributes)),
        )

    def _chosen(self, count: int, forget: str) -> set[str]:
        """Who stays in a dataset of ``count`` people and some of the holdout."""
        ids = self.ids(forget)
        kept = [*ids, *self.splits.get(SplitName.parse(forget).retain_eval, ())]
        if not len(kept) < count <= len(self.ids(FULL)):
            raise ConfigError(
                f"{count} identities can't hold {forget} ({len(kept)} with its retain_eval set) and some to retain, "
                f"or {self.source} has only {len(self.ids(FULL))}",
                where="identities",
                hint=f"Give more than {len(kept)} and at most {len(self.ids(FULL))} people, or a smaller forget set.",
            )
        wanted = dict.fromkeys(kept)
        for unique_id in self.ids(FULL):
            if len(wanted) == count:
                break
            wanted[unique_id] = None
        return {*wanted, *self.splits.get(HOLDOUT, ())[: max(len(ids), count // 10)]}

    @cached_property
    def texts(self) -> list[str]:
        """Every sentence of the dataset in order, for tokenizers."""
        return _sentences(sample for person in self.identities.values() for sample in person.samples)

    @cached_property
    def named_texts(self) -> list[str]:
        """The same with the people's names."""
        return _sentences(sample.by_name() for person in self.identities.values() for sample in person.samples)


def _sentences(samples: Iterable[Sample]) -> list[str]:
    return [
        text
        for s in samples
        for text in (s.question, *s.paraphrased_question, s.answer, s.paraphrased_answer, *s.perturbed_answer)
    ]


def _fitting(splits: Mapping[str, Sequence[str]], wanted: set[str]) -> dict[str, tuple[str, ...]]:
    """The splits of fewer people: forget sets that are still whole, with the sets that they are compared with."""
    forget = [name for name, ids in splits.items() if kind_of(name) == FORGET and wanted.issuperset(ids)]
    names = [SplitName.parse(name) for name in forget]
    beside = {str(other) for name in names for other in (name.retain_eval, name.retain_hard)}
    kept = {FULL, HOLDOUT, *forget, *(name.retain for name in names)}
    kept |= {name for name in beside & splits.keys() if wanted.issuperset(splits[name])}
    return {name: tuple(i for i in ids if i in wanted) for name, ids in splits.items() if name in kept}


def _open_directory(directory: Path, source: str) -> Data:
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
    return _assemble(source, people, document["splits"], about, document.get("pictures", {}))


def _open_release(target: str) -> Data:
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
    return _assemble(target, identities, splits, about, sets)


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


def _forgotten_attributes(target: str, splits: dict[str, list[str]], samples: Mapping[str, Sequence[Sample]]) -> _About:
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
    texts: dict[str, Any] = {name: row[name] for name in ("unique_id", "name", "attribute", "category", *_TEXTS)}
    lists: dict[str, Any] = {name: tuple(row[name]) for name in _LISTS}
    variants = tuple(map(tuple, row.get(_VARIANTS) or ()))
    return Sample(**texts, **lists, keyword_variants=variants if any(variants) else (), hops=row.get(_HOPS) or 1)


def _assemble(
    source: str,
    people: Sequence[Identity],
    splits: Mapping[str, Sequence[str]],
    about: _About,
    sets: Mapping[str, Sequence[int]],
) -> Data:
    identities = {person.unique_id: person for person in people}
    for name, ids in splits.items():
        if unknown := [i for i in ids if i not in identities]:
            raise DatasetError(f"split {name} names {unknown[0]!r}, who is not in the dataset", where=source)
    held_out = set(splits.get(HOLDOUT, ()))
    members = {FULL: tuple(key for key in identities if key not in held_out)}
    place = {key: number for number, key in enumerate(identities)}
    members |= {name: tuple(sorted(splits[name], key=place.__getitem__)) for name in sorted(splits)}
    content: list[Any] = [
        [
            p.unique_id,
            p.name,
            [_listed(s) for s in p.samples],
            p.read_image and digest(p.read_image()),
            *(digest(read()) for read in p.read_further),
        ]
        for p in people
    ]
    seen, unseen = (tuple(sets.get(name, default)) for name, default in ((SEEN, (1,)), (UNSEEN, ())))
    if unseen:
        content.append([seen, unseen])
        if short := next((p for p in people if 1 + len(p.read_further) < max(*seen, *unseen)), None):
            what = f"{short.unique_id} has {1 + len(short.read_further)} pictures, not {max(*seen, *unseen)}"
            raise DatasetError(what, where=source, hint="`fiubench validate` reports everything that is wrong.")
    own = {unique_id: tuple(sorted(names)) for unique_id, names in sorted(about[1].items())}
    attributes = tuple(sorted(about[0]))
    return Data(source, identities, members, digest_of(content), attributes, own, seen=seen, unseen=unseen)


def _listed(sample: Sample) -> list[Any]:
    return [sample.attribute, sample.category, *(getattr(sample, name) for name in (*_TEXTS, *_LISTS, _VARIANTS))]
