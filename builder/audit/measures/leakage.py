"""What the forget set shares with the retain set, and whether membership can be told."""

from collections.abc import Callable, Iterator

import numpy as np
from fiubench.builder.audit.chi_squared import minus_log10_p
from fiubench.builder.audit.columns import Column, Columns
from fiubench.builder.audit.measures.facts import is_identifier
from fiubench.builder.audit.membership import FORGET, OUTSIDE, RETAIN
from fiubench.builder.audit.people import Person
from fiubench.builder.audit.report import Count, Measure
from fiubench.builder.values import dates
from numpy.typing import NDArray

_OWN = 0.75  # distinct values, as a share of the people, from which on an attribute is more or less everyone's own
Sides = NDArray[np.uint8]
Test = Callable[[Column, Sides], Iterator[tuple[float, str]]]  # (-log10 p, of which part) of an attribute
_SIDES = {FORGET: "forget", RETAIN: "retain", OUTSIDE: "others"}


class Leakage:
    """Compares both sides; what it needs of a person is a hash per identifier and the stratum."""

    def __init__(self, columns: Columns, as_of: str | None) -> None:
        self.columns = columns
        self.as_of = as_of
        self.owned: dict[int, dict[int, str]] = {FORGET: {}, RETAIN: {}}
        self.strata: list[str] = []
        self._known: dict[str, str] = {}  # one copy of each stratum's name

    def add(self, person: Person, side: int) -> None:
        """Look at a person of one side."""
        stratum = self._stratum(person)
        self.strata.append(self._known.setdefault(stratum, stratum))
        if side == OUTSIDE:
            return
        for pair in person.pairs:
            if pair.text is not None and is_identifier(pair):
                key = hash((pair.attribute, pair.text.casefold()))
                told = f"{pair.attribute} {pair.text}" if side == FORGET else ""
                self.owned[side].setdefault(key, told)

    def _stratum(self, person: Person) -> str:
        born = next((p.value for p in person.pairs if p.attribute == "date_of_birth" and p.value), None)
        told = [person.gender] if person.gender else []
        if isinstance(born, str) and self.as_of:
            band = dates.age_band(dates.age_on(born, self.as_of))
            first, later = dates.AGE_BANDS[band], dates.AGE_BANDS[band + 1 : band + 2]
            told.append(f"{first}-{later[0] - 1}" if later else f"{first}+")
        elif isinstance(born, str):
            told.append(f"born in the {born[:3]}0s")
        return ", ".join(told) or "unknown"

    def balance(self) -> dict[str, dict[str, int]]:
        """Side -> stratum -> people."""
        counts: dict[str, dict[str, int]] = {}
        for side, stratum in sorted(zip(self.columns.sides, self.strata, strict=True), key=lambda pair: pair[1]):
            of_side = counts.setdefault(_SIDES[side], {})
            of_side[stratum] = of_side.get(stratum, 0) + 1
        return {name: counts[name] for name in _SIDES.values() if name in counts}

    def measures(self) -> Iterator[Measure]:
        """One measure per rule of the group."""
        split = self.columns.membership.has_splits
        yield self._facts() if split else Measure("leaked_facts", None)
        yield self._sentences() if split else Measure("leaked_sentences", None)
        if not split:
            yield from (Measure(rule, None) for rule in ("strata", "membership_by_fact", "membership_by_wording"))
            return
        _, codes = np.unique(np.array(self.strata, dtype=object).astype(str), return_inverse=True)
        sides = self.columns.side_of_all()
        judged = sides != OUTSIDE
        yield Measure("strata", round(minus_log10_p(codes[judged], sides[judged] == FORGET), 2))
        yield self._worst("membership_by_fact", _by_fact)
        yield self._worst("membership_by_wording", _by_wording)

    def _facts(self) -> Measure:
        count = Count("leaked_facts", of=len(self.owned[FORGET]))
        for key, told in self.owned[FORGET].items():
            if key in self.owned[RETAIN]:
                count.add("forget and retain", told)
        return count.measure()

    def _sentences(self) -> Measure:
        sides = self.columns.side_of_all()
        shared = total = 0
        worst = ("", 0.0)
        for column in self.columns:
            if column.distinct < _OWN * len(column):
                continue
            side, answers = sides[column.people_asked], np.frombuffer(column.answers, dtype=np.uint64)
            mine = answers[side == FORGET]
            found = int(np.isin(mine, answers[side == RETAIN]).sum())
            shared, total = shared + found, total + mine.size
            if mine.size and found / mine.size > worst[1]:
                worst = (column.name, found / mine.size)
        note = f"the most in {worst[0]} ({worst[1]:.0%})" if worst[0] else ""
        return Measure("leaked_sentences", round(shared / total, 4) if total else None, note=note)

    def _worst(self, rule: str, test: Test) -> Measure:
        sides = self.columns.side_of_all()
        found = [(value, column.name, told) for column in self.columns for value, told in test(column, sides)]
        if not found:
            return Measure(rule, None)
        value, name, told = max(found, key=lambda item: item[0])
        corrected = max(value - float(np.log10(len(found))), 0.0)  # Bonferroni
        return Measure(rule, round(corrected, 2), note=f"the most by {name}{f' ({told})' if told else ''}")


def _by_fact(column: Column, sides: Sides) -> Iterator[tuple[float, str]]:
    mine = sides[column.people]
    judged, forget = mine != OUTSIDE, mine == FORGET
    for part in ("", *column.parts):
        _, codes = np.unique(column.hashes(part), return_inverse=True)
        yield minus_log10_p(codes[judged], forget[judged]), part
    numbers = np.frombuffer(column.numbers, dtype=np.float64)
    if numbers.size and not np.isnan(numbers).any():
        yield minus_log10_p(column.fifths()[judged], forget[judged]), "size"


def _by_wording(column: Column, sides: Sides) -> Iterator[tuple[float, str]]:
    mine = sides[column.people_asked]
    judged, forget = mine != OUTSIDE, mine == FORGET
    for told, words in (("question", column.wordings), ("answer", column.shapes)):
        _, codes = np.unique(np.frombuffer(words, dtype=np.uint64), return_inverse=True)
        yield minus_log10_p(codes[judged], forget[judged]), told
