"""What an adapter is: how the rows of another's dataset become people with questions; and the registry of all.

An adapter of one's own is one file, named with ``--plugin`` or found by an entry point of the group
``fiubench.adapters``: a class derived from :class:`Adapter` below :func:`register`.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from fiubench.schemas.splits import FORGET, HOLDOUT, label_of
from fiubench.support.errors import DatasetError
from fiubench.support.registry import Registry

Row = Mapping[str, Any]


class Fault(NamedTuple):
    """What is wrong with a row: in which field, what, and what would be right (the same for all of a kind)."""

    path: str
    what: str
    right: str


class Adapter:
    """Base of the adapters. The first line of its docstring says in messages what the shape is.

    A record is a dictionary: ``unique_id`` and ``qa_list``, and as far as they are known ``name``, ``gender``,
    ``image`` (bytes) or ``image_path`` (below the file's folder). A question of ``qa_list`` has ``question`` and
    ``answer``, and may have ``paraphrased_question``, ``paraphrased_answer``, ``perturbed_answer``, ``keywords``,
    ``attribute`` with ``value`` and ``value_type`` (of ``builder/values/``), and ``choice`` (its answers are options,
    no sentences).

    Attributes:
        name: of the shape.
        columns: sets of columns, of which a table of this shape has one whole.
        keys: the columns that say whose a row is; :meth:`key` looks at no others.
        ids: whether the rows say whose they are; a row stands for somebody of its own otherwise.
        by_name: whether people are asked about by name, at least too: their names and genders are no secret then.
        whole: whether a row is all that a table has on a person, and not one of several.
    """

    name: ClassVar[str]
    columns: ClassVar[Sequence[frozenset[str]]]
    keys: ClassVar[Sequence[str]]
    ids: ClassVar[bool] = True
    by_name: ClassVar[bool] = False
    whole: ClassVar[bool] = True

    def key(self, row: Row) -> Any:
        """Whose a row is: the first of :attr:`keys` that it has."""
        return next((row[name] for name in self.keys if row.get(name) is not None), None)

    def part(self, row: Row) -> object:
        """What tells a row of a person from the others, where tables repeat each other's rows."""
        return row.get("question")

    def faults(self, row: Row) -> Iterator[Fault]:
        """What the programs that read this shape would stumble over."""
        raise NotImplementedError

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """A person of all rows on them. What it stumbles over (``KeyError``, ``TypeError`` ..) is told to the user."""
        raise NotImplementedError


ADAPTERS: Registry[type[Adapter]] = Registry("adapter", "adapters", "fiubench.builder.dataset.adapters")
A = TypeVar("A", bound=type[Adapter])


def register(adapter: A) -> A:
    """Class decorator: make an adapter known under its name."""
    ADAPTERS.add(adapter.name, adapter)
    return adapter


def title_of(adapter: type[Adapter]) -> str:
    """What a shape is, in words."""
    return (adapter.__doc__ or adapter.name).strip().partition("\n")[0].rstrip(".")


def recognised(columns: Collection[str]) -> type[Adapter] | None:
    """The adapter that knows most of a table's columns; ``None`` if none knows it."""
    sizes = {
        name: max((len(each) for each in adapter.columns if each <= set(columns)), default=0)
        for name, adapter in ADAPTERS.items()
    }
    best = max(sizes, key=lambda name: sizes[name], default="")
    return ADAPTERS[best] if best and sizes[best] else None


def known_shapes() -> str:
    """Every shape with the columns that it is known by, for messages."""
    return ", ".join(f"{name} ({' + '.join(sorted(adapter.columns[0]))})" for name, adapter in ADAPTERS.items())


# --- what adapters share ----------------------------------------------------------------------------------------------

_SPLIT = re.compile(r"(forget|retain|holdout)_?([0-9]{1,2})?(?:\+tofu)?(?:_perturbed)?")
#: People whom no training of these benchmarks is about.
_OUTSIDE = re.compile(
    r"(real_person|real_person_set|retain_set|real_faces|real_world|real_authors|world_facts)(_perturbed)?"
)


def split_of(name: str) -> str | None:
    """The split that a file, folder or configuration of others' is of.

    >>> split_of("forget_5"), split_of("forget05+tofu"), split_of("real_person"), split_of("full")
    ('forget05', 'forget05', 'holdout', None)
    """
    if _OUTSIDE.fullmatch(name.lower()):
        return HOLDOUT
    match = _SPLIT.fullmatch(name)
    if match is None or (match[1] == FORGET and match[2] is None):
        return None
    return HOLDOUT if match[1] == HOLDOUT else f"{match[1]}{label_of(int(match[2]))}" if match[2] else match[1]


def digest_of(*texts: object) -> str:
    """A key for what has no id of its own."""
    return hashlib.sha256("\0".join(map(str, texts)).encode(errors="surrogatepass")).hexdigest()[:16]


def picture(*rows: Row) -> dict[str, Any]:
    """The first picture of the rows as a record has it: the bytes of a struct, or a path."""
    row = next((row for row in rows if row.get("image") is not None), rows[0])
    image = row.get("image")
    stored = image.get("bytes") if isinstance(image, Mapping) else image
    if isinstance(stored, bytes):
        return {"image": stored}
    path = row.get("image_path") if image is None else image
    return {"image_path": path if isinstance(path, str) else None}


def picture_faults(row: Row, *, needed: bool = True, paths: bool = False) -> Iterator[Fault]:
    """A picture whose bytes are not in the table, or where ``paths`` are read, neither bytes nor a path."""
    image = row.get("image")
    if image is None:
        if needed:
            yield Fault("image", "there is no picture", "a picture for everyone")
    elif isinstance(image, Mapping):
        if not isinstance(image.get("bytes"), bytes) or not image["bytes"]:
            yield Fault("image.bytes", f"is empty beside the path {image.get('path')!r:.60}", "the bytes of a picture")
    elif not (paths and isinstance(image, str)):
        yield Fault("image", f"is {image!r:.40}", "a struct with the bytes of a picture")


def text_faults(row: Row, *names: str, prefix: str = "") -> Iterator[Fault]:
    """Fields that are no text, or an empty one."""
    for name in names:
        value = row.get(name)
        if not isinstance(value, str) or not value.strip():
            what = "is missing" if value is None else "is empty" if value in ("", []) else f"is {value!r:.60}"
            yield Fault(f"{prefix}{name}", what, "text")


def optional_faults(row: Row, *names: str) -> Iterator[Fault]:
    """The same for fields that may be missing."""
    return text_faults(row, *(name for name in names if row.get(name) is not None))


def texts_faults(row: Row, *names: str) -> Iterator[Fault]:
    """Fields that are no list of texts, or hold one twice; a field that is missing is none."""
    for name in names:
        value = row.get(name)
        if value is None:
            continue
        if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
            yield Fault(name, f"is {value!r:.60}", "a list of texts")
        elif len(set(value)) < len(value):
            yield Fault(name, f"one is there twice: {' | '.join(value)!r:.100}", "each is another")


def key_faults(adapter: Adapter, row: Row) -> Iterator[Fault]:
    """A row that does not say whose it is."""
    if not isinstance(key := adapter.key(row), str | int) or key == "":
        yield Fault(adapter.keys[0], "is missing" if key is None else f"is {key!r:.60}", "an id")


def objects(value: Any, what: str) -> list[Mapping[str, Any]]:
    """A list of objects.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise TypeError(f"{what} is {value!r:.60}, no list of objects")
    return value


def misshapen(where: object, what: str) -> DatasetError:
    """The error on a row that another shape's reader can make nothing of."""
    return DatasetError(
        what, where=where, hint="`fiubench validate` says once of each kind what is wrong with the rows."
    )
