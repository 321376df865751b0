"""Datasets as the companion sees them: people, questions, splits, pictures; from a directory, a release or the Hub."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.schemas.images import decode_image
from fiubench.schemas.requests import Request
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, RETAIN, SEEN, UNSEEN, SplitName, kind_of
from fiubench.support.canonical import digest, digest_of
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean
from fiubench.unlearning.data.people import Identity, Sample
from fiubench.unlearning.data.reading import Contents, read

if TYPE_CHECKING:
    from PIL.Image import Image

_IMAGES_KEPT = 512  # decoded pictures in memory


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
        return _assembled(str(target), read(target))

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


def _assembled(source: str, contents: Contents) -> Data:
    people, splits = contents.people, contents.splits
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
            [s.listed for s in p.samples],
            p.read_image and digest(p.read_image()),
            *(digest(read()) for read in p.read_further),
        ]
        for p in people
    ]
    seen, unseen = (tuple(contents.pictures.get(name, default)) for name, default in ((SEEN, (1,)), (UNSEEN, ())))
    if unseen:
        content.append([seen, unseen])
        if short := next((p for p in people if 1 + len(p.read_further) < max(*seen, *unseen)), None):
            what = f"{short.unique_id} has {1 + len(short.read_further)} pictures, not {max(*seen, *unseen)}"
            raise DatasetError(what, where=source, hint="`fiubench validate` reports everything that is wrong.")
    own = {unique_id: tuple(sorted(names)) for unique_id, names in sorted(contents.own_attributes.items())}
    attributes = tuple(sorted(contents.attributes))
    return Data(source, identities, members, digest_of(content), attributes, own, seen=seen, unseen=unseen)
