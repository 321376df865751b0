"""What those to be retained give away of those to be forgotten, whom they are tied to."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fiubench.builder.audit.people import Pair, Person
from fiubench.builder.audit.registry import Check, Measure, Result, Survey, Table, check
from fiubench.builder.packs.model import RELATION
from fiubench.schemas.splits import FORGET, HOLDOUT, kind_of

_MEASURE = "given_away"


class _Fact(NamedTuple):
    """A fact of somebody: what it is called, what it says, whom it is about, if not that one alone, and names."""

    attribute: str
    text: str
    about: str
    names: bool

    def gives_away(self, asked: str, other: "_Fact") -> bool:
        """Whether it, a fact of ``asked``, says what one of whom it is about does: the same, or the way back."""
        return self.text == other.text or (self.names and other.about == asked)


@check(
    Measure(_MEASURE, "Forgotten facts that retained people give away",
        "Share of the facts of the largest forget set that stand in facts of people to be retained, who are tied to "
        "its people: the name of a spouse, who is married to whom, the occupation of a parent.", "share", "leakage",
        warn_above=0.5),
)  # fmt: skip
class Ties(Check):
    """Keeps the facts of everybody in a forget set, and what others say of them."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        splits = survey.target.splits
        self.sets = {name: ids for name, ids in splits.items() if kind_of(name) == FORGET}
        self.forgotten = frozenset[str]().union(*self.sets.values())
        self.held_out = splits.get(HOLDOUT, frozenset())
        resplit = (survey.target.manifest or {}).get("resplit", {})
        self.attributes = frozenset(resplit.get("attributes", ()))
        self.own: dict[str, list[str]] = resplit.get("requests", {})
        self.facts: dict[str, list[_Fact]] = {}
        self.told: list[tuple[str, _Fact]] = []  # by whom
        self.tied = False

    @classmethod
    def start(cls, survey: Survey) -> "Ties | None":
        """None where the dataset has no forget sets."""
        return cls(survey) if any(kind_of(name) == FORGET for name in survey.target.splits) else None

    def add(self, person: Person, side: int) -> None:
        facts = [fact for pair in person.pairs if (fact := _fact(pair)) is not None]
        self.tied = self.tied or any(fact.about for fact in facts)
        if person.unique_id in self.forgotten:
            about = self.own.get(person.unique_id, self.attributes)
            self.facts[person.unique_id] = [fact for fact in facts if not about or fact.attribute in about]
        if person.unique_id not in self.held_out:
            self.told += [(person.unique_id, fact) for fact in facts if fact.about in self.forgotten]

    def results(self) -> Iterable[Result]:
        rows = list(self._rows())
        if not rows:
            yield Result(_MEASURE, None, note="nobody is tied to anybody")
            return
        yield Result(_MEASURE, rows[-1][-1], note=f"of {rows[-1][0]}; {rows[-1][2]} of the retained are tied to it")

    def _rows(self) -> Iterator[tuple[str, int, int, int, int, float]]:
        """For each forget set, the smallest first: name, people, retained who are tied to them, facts, given away."""
        for name, ids in sorted(self.sets.items(), key=lambda item: len(item[1])) if self.tied else ():
            asked = {who for who, fact in self.told if fact.about in ids and who not in ids}
            count = sum(len(self.facts.get(unique_id, ())) for unique_id in ids)
            given = len({(about, fact) for about, fact, _ in self._given(ids)})
            yield name, len(ids), len(asked), count, given, round(given / count, 4) if count else 0.0

    def _given(self, ids: frozenset[str]) -> Iterator[tuple[str, _Fact, _Fact]]:
        """Facts of people in a forget set that facts of others give away: whose, which, and by which."""
        for who, told in self.told:
            if told.about in ids and who not in ids:
                for fact in self.facts.get(told.about, ()):
                    if told.gives_away(who, fact):
                        yield told.about, fact, told

    def tables(self) -> dict[str, Table]:
        if not self.tied:
            return {}
        text = (
            "Whoever is retained and tied to somebody forgotten holds facts about that one. A fact counts as given "
            "away where such a fact says the same (the spouse's name, the parent's occupation), or names whom it is "
            "about (who is married to whom)."
        )
        columns = ["forget set", "people", "retained who are tied to them", "facts", "given away", "share"]
        found = Table("Forgotten facts that retained people give away", text, columns, [list(r) for r in self._rows()])
        largest = max(self.sets.items(), key=lambda item: len(item[1]))
        by = Counter((told.attribute, fact.attribute) for _, fact, told in self._given(largest[1]))
        which = Table(
            f"What gives facts of {largest[0]} away",
            "Facts of retained people, and the forgotten facts that they give away.",
            ["fact of the retained", "forgotten fact", "times"],
            [[told, fact, times] for (told, fact), times in sorted(by.items(), key=lambda item: (-item[1], item[0]))],
        )
        return {_MEASURE: found, f"{_MEASURE}_by": which}


def _fact(pair: Pair) -> _Fact | None:
    if pair.attribute is None or pair.text is None:
        return None
    return _Fact(pair.attribute, pair.text, pair.about, pair.kind == RELATION)
