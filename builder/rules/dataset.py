"""Rules between identities."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from fiubench.builder.rules.pair import facts_of, is_of_another
from fiubench.builder.rules.problem import Problem
from fiubench.builder.values.base import VALUE_TYPES

Owner = TypeVar("Owner", int, str)


class Owners(Generic[Owner]):
    """Who has a value first. Keeps hashes, not values."""

    def __init__(self) -> None:
        self._first: dict[int, Owner] = {}
        self._repeated: set[int] = set()

    def other(self, value: object, owner: Owner) -> Owner | None:
        """Who else had a value before; ``None`` if nobody."""
        first = self._first.setdefault(hash(value), owner)
        return None if first == owner else first

    def other_once(self, value: object, owner: Owner) -> Owner | None:
        """:meth:`other`, but only the first time that a value comes back."""
        other, known = self.other(value, owner), len(self._repeated)
        if other is not None:
            self._repeated.add(hash(value))
        return other if len(self._repeated) > known else None


def values_of_one(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What of a record nobody else may have: id, name, image, phone number, each with what it is."""
    values = [(key, record.get(key)) for key in ("unique_id", "name", "image_path")]
    values += [("image_path", one["image_path"]) for one in record.get("pictures", ())]
    for fact in facts_of(record).values():
        kind = VALUE_TYPES.get(str(fact.get("type")))
        if kind is not None and kind.unique and not is_of_another(fact):
            values.append((kind.unique, str(fact.get("value", ""))))
    return [(key, value) for key, value in values if value]


class Uniqueness:
    """No id, name, image or phone number twice."""

    def __init__(self) -> None:
        self._owners: dict[str, Owners[int]] = defaultdict(Owners)

    def problems(self, record: Mapping[str, Any], number: int) -> Iterator[Problem]:
        """What this record repeats of earlier ones; ``number`` is its place in the file, from 0."""
        yield from self.repeats(values_of_one(record), number)

    def repeats(self, values: Iterable[tuple[str, str]], number: int) -> Iterator[Problem]:
        """The same of what :func:`values_of_one` gives."""
        for key, value in values:
            if (first := self._owners[key].other(value, number)) is not None:
                yield Problem(key, "", f"{value!r} is identity {first}'s already", "every identity has its own")
