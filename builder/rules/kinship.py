"""Rules between people who are tied to each other."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.packs.model import RELATION
from fiubench.builder.rules.problem import Problem
from fiubench.builder.values import dates
from fiubench.builder.values.relation import ADULT, INVERSE, OLDEST_PARENT, YOUNGEST_PARENT


class _Tie(NamedTuple):
    who: str  # for messages
    unique_id: str
    attribute: str
    about: str
    name: str


class Kin(NamedTuple):
    """What of a record says whom it is tied to."""

    unique_id: str
    name: str
    born: str | None
    ties: list[tuple[str, str, str]]  # attribute, id and name of the other


class Kinship:
    """Ties are of people of the dataset, go both ways, and are between people of fitting ages.

    Args:
        manifest: of the dataset.
    """

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        attributes = packs_of(manifest).by_name.values()
        self._kinds = {a.name: str(a.origin.options) for a in attributes if a.kind == RELATION}
        self._people: dict[str, tuple[str, str | None]] = {}  # id -> name, birth
        self._ties: list[_Tie] = []
        self._as_of = str(manifest["config"]["as_of"])

    def kin(self, record: Mapping[str, Any]) -> Kin | None:
        """What there is to know of an identity; nothing where nobody is tied to anybody."""
        if not self._kinds:
            return None
        profile = record["profile"]
        facts = {name: profile[name] for name in self._kinds if name in profile}
        ties = [(name, str(fact.get("about")), fact["value"]) for name, fact in facts.items()]
        return Kin(record["unique_id"], record["name"], profile.get("date_of_birth", {}).get("value"), ties)

    def add(self, kin: Kin, who: str) -> None:
        """Take an identity, named in messages as ``who``."""
        self._people[kin.unique_id] = kin.name, kin.born
        self._ties += (_Tie(who, kin.unique_id, *tie) for tie in kin.ties)

    def problems(self) -> Iterator[tuple[str, Problem]]:
        """Whose ties can't be, and why, once everybody has been taken."""
        there = {(tie.unique_id, self._kinds[tie.attribute], tie.about) for tie in self._ties}
        for tie in self._ties:
            for what, right in self._faults(tie, there):
                yield tie.who, Problem(f"profile.{tie.attribute}", tie.attribute, what, right)

    def _faults(self, tie: _Tie, there: set[tuple[str, str, str]]) -> Iterator[tuple[str, str]]:
        kind = self._kinds[tie.attribute]
        other = self._people.get(tie.about)
        if other is None or other[0] != tie.name:
            yield f"{tie.name!r} ({tie.about}) is nobody of the dataset", "a relation names one of its people"
            return
        back = INVERSE[kind]
        if back in self._kinds.values() and (tie.about, back, tie.unique_id) not in there:
            yield f"{tie.name!r} has no such {back}", "a tie goes both ways"
        born, theirs = self._people[tie.unique_id][1], other[1]
        if not born or not theirs:
            return
        if kind == "parent" and not YOUNGEST_PARENT <= (age := dates.age_on(theirs, born)) < OLDEST_PARENT:
            yield (
                f"{tie.name!r} was {age} at the birth",
                f"a parent is {YOUNGEST_PARENT} to {OLDEST_PARENT} years older",
            )
        if kind == "spouse" and (age := dates.age_on(born, self._as_of)) < ADULT:
            yield f"is married at {age}", "spouses are adults"
