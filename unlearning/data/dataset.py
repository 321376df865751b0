"""Datasets as the companion sees them: people, questions, splits, pictures; from a directory, a release or the Hub."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from fiubench.support.canonical import digest, digest_of
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean

from fiubench import schemas

if TYPE_CHECKING:
    from PIL.Image import Image

FULL, HOLDOUT = "full", "holdout"
_LARGEST_IMAGE = 64_000_000  # pixels
_IMAGES_KEPT = 512  # decoded pictures in memory
_TEXTS = ("question", "answer", "paraphrased_answer")
_LISTS = ("paraphrased_question", "perturbed_answer", "keywords")
_COLUMNS = ("unique_id", "name", "gender", "attribute", "category", *_TEXTS, *_LISTS)


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

    @property
    def key(self) -> str:
        """``unique_id/attribute``: unique in a dataset."""
        return f"{self.unique_id}/{self.attribute}"


@dataclass(frozen=True)
class Identity:
    """One invented person."""

    unique_id: str
    name: str
    gender: str
    samples: tuple[Sample, ...]
    read_image: Callable[[], bytes] | None = field(compare=False, repr=False)


@dataclass(frozen=True)
class Data:
    """A dataset in memory; pictures are read when they are asked for.

    Attributes:
        source: what it was opened from, as given.
        identities: unique id -> person, in the dataset's order.
        splits: split -> unique ids in order; ``full`` (everyone but the holdout) is among them.
        digest: SHA-256 over every question, answer, split and picture: the same for a dataset directory and the
            release that was made from it.
        limit: what :meth:`limited` was given, if it was.
    """

    source: str
    identities: Mapping[str, Identity]
    splits: Mapping[str, tuple[str, ...]]
    digest: str
    limit: tuple[int, str, tuple[str, ...]] | None = None
    _images: "OrderedDict[str, Image]" = field(default_factory=OrderedDict, compare=False, repr=False)

    @classmethod
    def open(cls, target: str | Path) -> "Data":
        """A dataset directory, the ``release`` folder of one, or a Hub id (``owner/name`` or ``owner/name@revision``).

        Raises:
            DatasetError: it is none of these, or it is damaged.
        """
        path = Path(target)
        if (path / "identities.jsonl").is_file():
            return _open_directory(path, str(target))
        if path.is_dir() and not (path / "README.md").is_file():
            hint = "`fiubench build --out DIR` makes a dataset; a release holds README.md and data/."
            raise DatasetError("neither a dataset directory nor a release", where=path, hint=hint)
        if not path.is_dir() and not _is_hub_id(str(target)):
            hint = "Give a dataset directory, a release folder or a Hub id (owner/name)."
            raise DatasetError("no such dataset", where=target, hint=hint)
        return _open_release(str(target))

    def ids(self, split: str) -> tuple[str, ...]:
        """Unique ids of a split.

        Raises:
            ConfigError: the dataset has no split of that name.
        """
        if split not in self.splits:
            raise ConfigError(
                f"no split {split!r} in {self.source}", where="split", hint=did_you_mean(split, self.splits)
            )
        return self.splits[split]

    def samples(self, split: str) -> list[Sample]:
        """The questions of a split, person by person.

        Raises:
            ConfigError: the dataset has no split of that name.
        """
        return self.samples_of(self.ids(split))

    def samples_of(self, unique_ids: Iterable[str]) -> list[Sample]:
        """The questions of these people, person by person."""
        return [sample for unique_id in unique_ids for sample in self.identities[unique_id].samples]

    def image(self, unique_id: str) -> "Image":
        """The face of a person as RGB. The last few hundred are kept decoded: the same object comes again.

        Raises:
            DatasetError: the person has no picture, or it can't be decoded.
        """
        if (kept := self._images.get(unique_id)) is not None:
            self._images.move_to_end(unique_id)
            return kept
        read = self.identities[unique_id].read_image
        if read is None:
            hint = "Build with faces (`fiubench build --faces embedded`): the companion trains on pictures."
            raise DatasetError(f"{unique_id} has no picture", where=self.source, hint=hint)
        picture = decode(read(), f"{self.source}, picture of {unique_id}")
        self._images[unique_id] = picture
        while len(self._images) > _IMAGES_KEPT:
            self._images.popitem(last=False)
        return picture

    def split_digest(self, split: str) -> str:
        """SHA-256 over the membership of a split in this dataset.

        Raises:
            ConfigError: the dataset has no split of that name.
        """
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
        kept = [*self.ids(forget), *self.splits.get(partner(forget, "retain_eval"), ())]
        if not len(kept) < count <= len(self.ids(FULL)):
            raise ConfigError(
                f"{count} identities can't hold {forget} ({len(kept)} with its retain_eval set) and some to retain, "
                f"or {self.source} has only {len(self.ids(FULL))}",
                where="identities",
            )
        known = {sample.attribute for person in self.identities.values() for sample in person.samples}
        for attribute in attributes:
            if attribute not in known:
                raise ConfigError(
                    f"no attribute {attribute!r}", where="attributes", hint=did_you_mean(attribute, known)
                )
        wanted = set(kept)
        for unique_id in self.ids(FULL):
            if len(wanted) == count:
                break
            wanted.add(unique_id)
        wanted |= set(self.splits.get(HOLDOUT, ())[: max(len(self.ids(forget)), count // 10)])
        # other forget sets would have other sizes than their names say
        names = (FULL, forget, partner(forget, "retain"), partner(forget, "retain_eval"), HOLDOUT)
        splits = {name: tuple(i for i in self.splits[name] if i in wanted) for name in names if name in self.splits}
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
            _images=OrderedDict(),
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


def partner(forget: str, kind: str) -> str:
    """The split that goes with a forget set: its complement (``retain``) or that one's sample (``retain_eval``).

    >>> partner("forget05", "retain"), partner("forget05", "retain_eval")
    ('retain95', 'retain_eval05')

    Raises:
        ConfigError: not the name of a forget set.
    """
    label = forget.removeprefix("forget")
    if label == forget or not (label.isdecimal() and label.isascii()):
        raise ConfigError(f"{forget!r} is no forget set", where="forget", hint="For example forget05.")
    return f"retain{100 - int(label):02d}" if kind == "retain" else f"{kind}{label}"


def decode(data: bytes, where: str) -> "Image":
    """A picture as RGB.

    Raises:
        DatasetError: it does not open, or has too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as picture:
            if picture.width * picture.height > _LARGEST_IMAGE:
                raise DatasetError(f"{picture.width} x {picture.height} pixels are too many", where=where)
            return picture.convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise DatasetError(f"can't be decoded: {error}", where=where) from error


def _open_directory(directory: Path, source: str) -> Data:
    records = list(_records(directory / "identities.jsonl"))
    path = directory / "splits.json"
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error
    except orjson.JSONDecodeError as error:
        raise DatasetError(f"not JSON: {error}", where=path) from error
    _check("splits", document, path)

    def reader(record: Mapping[str, Any]) -> Callable[[], bytes] | None:
        if record["image_path"] is None:
            return None
        return lambda: _read(directory / record["image_path"])

    people = [
        Identity(
            record["unique_id"],
            record["name"],
            record["gender"],
            tuple(
                _sample({**qa, "unique_id": record["unique_id"], "name": record["name"]}) for qa in record["qa_list"]
            ),
            reader(record),
        )
        for record in records
    ]
    return _assemble(source, people, document["splits"])


def _records(path: Path) -> Iterator[dict[str, Any]]:
    valid = schemas.is_valid("identity")
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    raise DatasetError(f"line {number} is not JSON: {error}", where=path) from error
                if not valid(record):
                    _check("identity", record, f"{path}, line {number}")
                yield record
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error


def _check(schema: str, document: Any, where: object) -> None:
    for violation in schemas.violations(schema, document):
        hint = "`fiubench validate` tells everything that is wrong."
        raise DatasetError(f"damaged: {violation.path}: {violation.message}", where=where, hint=hint)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error


def _is_hub_id(target: str) -> bool:
    name, _, _ = target.partition("@")
    return name.count("/") == 1 and not target.startswith((".", "/", "~")) and not name.endswith("/")


def _open_release(target: str) -> Data:
    """A release: ``identities`` has everyone with their splits, ``full`` and ``holdout`` the questions."""
    people = _load(target, "identities", ("unique_id", "name", "gender", "splits", "image"))
    listed = people.remove_columns([name for name in ("image",) if name in people.column_names]).to_list()
    splits: dict[str, list[str]] = {}
    for row in listed:
        for split in row["splits"]:
            splits.setdefault(split, []).append(row["unique_id"])
    samples: dict[str, list[Sample]] = {row["unique_id"]: [] for row in listed}
    for config in (FULL, HOLDOUT):
        if config in splits:
            for row in _load(target, config, _COLUMNS).to_list():
                samples[row["unique_id"]].append(_sample(row))
    splits.pop(FULL, None)

    def reader(number: int) -> Callable[[], bytes] | None:
        if "image" not in people.column_names:
            return None
        return lambda: bytes(people[number]["image"]["bytes"])

    identities = [
        Identity(row["unique_id"], row["name"], row["gender"], tuple(samples[row["unique_id"]]), reader(number))
        for number, row in enumerate(listed)
    ]
    return _assemble(target, identities, splits)


def _load(target: str, config: str, columns: Sequence[str]) -> Any:
    """One configuration through ``datasets``, pictures as bytes."""
    try:
        import datasets
    except ImportError as error:
        raise DatasetError("datasets is not installed", hint="pip install 'fiubench[unlearning]'") from error
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    name, _, revision = target.partition("@") if not Path(target).is_dir() else (target, "", "")
    try:
        table = datasets.load_dataset(name, config, split="train", revision=revision or None)
    except Exception as error:  # datasets and its transports raise kinds of their own
        problem = str(error).strip().split("\n")[0][:200]
        raise DatasetError(
            f"configuration {config!r} can't be loaded: {type(error).__name__}: {problem}",
            where=target,
            hint="A release of fiubench has the configurations identities, full and holdout.",
        ) from error
    missing = [c for c in columns if c not in table.column_names and c != "image"]
    if missing:
        raise DatasetError(f"no column {missing[0]!r} in configuration {config!r}", where=target)
    table = table.select_columns([c for c in columns if c in table.column_names])
    return table.cast_column("image", datasets.Image(decode=False)) if "image" in table.column_names else table


def _sample(row: Mapping[str, Any]) -> Sample:
    texts: dict[str, Any] = {name: row[name] for name in ("unique_id", "name", "attribute", "category", *_TEXTS)}
    lists: dict[str, Any] = {name: tuple(row[name]) for name in _LISTS}
    return Sample(**texts, **lists)


def _assemble(source: str, people: Sequence[Identity], splits: Mapping[str, Sequence[str]]) -> Data:
    identities = {person.unique_id: person for person in people}
    for name, ids in splits.items():
        if unknown := [i for i in ids if i not in identities]:
            raise DatasetError(f"split {name} names {unknown[0]!r}, whom the dataset has not", where=source)
    held_out = set(splits.get(HOLDOUT, ()))
    members = {FULL: tuple(key for key in identities if key not in held_out)}
    place = {key: number for number, key in enumerate(identities)}
    members |= {name: tuple(sorted(splits[name], key=place.__getitem__)) for name in sorted(splits)}
    content = [
        [p.unique_id, p.name, [_listed(s) for s in p.samples], p.read_image and digest(p.read_image())] for p in people
    ]
    return Data(source, identities, members, digest_of([content, {k: list(v) for k, v in members.items()}]))


def _listed(sample: Sample) -> list[Any]:
    return [sample.attribute, sample.category, *(getattr(sample, name) for name in (*_TEXTS, *_LISTS))]
