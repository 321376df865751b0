"""What the forget set shares with the retain set, and whether membership can be inferred."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from fiubench.builder.audit.chi_squared import minus_log10_p
from fiubench.builder.audit.columns import Column
from fiubench.builder.audit.membership import FORGET, OUTSIDE, RETAIN
from fiubench.builder.audit.people import Person
from fiubench.builder.audit.registry import Check, Count, Measure, Result, Survey, check
from numpy.typing import NDArray

_OWN = 0.75  # distinct values, as a share of the people, from which on an attribute is more or less everyone's own
Sides = NDArray[np.uint8]
Test = Callable[[Column, Sides], Iterator[tuple[float, str]]]  # (-log10 p, of which part) of an attribute


@check(
    Measure("leaked_facts", "Identifiers shared across splits",
        "Phone numbers, addresses, codes, names and e-mail addresses of the largest forget set that the retain set "
        "has too.", "values", "leakage", fail_above=0),
    Measure("leaked_sentences", "Answers shared across splits",
        "Share of the forget set's answers that the retain set has word for word, for attributes of which three "
        "people of four have a value of their own.", "share", "leakage", warn_above=0.05, fail_above=0.2),
    Measure("strata", "Imbalance of gender and age between splits",
        "How far gender and age bands differ between forget and retain beyond chance (chi-squared test).", "-log10 p",
        "leakage", warn_above=3, fail_above=6),
    Measure("membership_by_fact", "Membership revealed by a fact",
        "How far the values of an attribute differ between forget and retain, for the one that differs most "
        "(chi-squared test, corrected for the number of tests).", "-log10 p", "leakage", warn_above=3, fail_above=6),
    Measure("membership_by_wording", "Membership revealed by wording",
        "How far the phrasings of an attribute's questions and answers differ between forget and retain (as above).",
        "-log10 p", "leakage", warn_above=3, fail_above=6),
)  # fmt: skip
class Leakage(Check):
    """Compares both sides; what it keeps of a person is a hash per identifier."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.columns = survey.columns
        self.owned: dict[int, dict[int, str]] = {FORGET: {}, RETAIN: {}}

    @classmethod
    def start(cls, survey: Survey) -> "Leakage | None":
        """None where the dataset has no splits."""
        return cls(survey) if survey.columns.membership.has_splits else None

    def add(self, person: Person, side: int) -> None:
        if side == OUTSIDE:
            return
        for pair in person.pairs:
            if pair.text is not None and pair.is_identifier:
                key = hash((pair.attribute, pair.text.casefold()))
                shown = f"{pair.attribute} {pair.text}" if side == FORGET else ""
                self.owned[side].setdefault(key, shown)

    def results(self) -> Iterable[Result]:
        yield self._facts()
        yield self._sentences()
        sides, codes = self.columns.side_of_all(), self.survey.strata.codes
        judged = sides != OUTSIDE
        yield Result("strata", round(minus_log10_p(codes[judged], sides[judged] == FORGET), 2))
        yield self._worst("membership_by_fact", _by_fact)
        yield self._worst("membership_by_wording", _by_wording)

    def _facts(self) -> Result:
        count = Count("leaked_facts", of=len(self.owned[FORGET]))
        for key, shown in self.owned[FORGET].items():
            if key in self.owned[RETAIN]:
                count.add("forget and retain", shown)
        return count.result()

    def _sentences(self) -> Result:
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
        return Result("leaked_sentences", round(shared / total, 4) if total else None, note=note)

    def _worst(self, name: str, test: Test) -> Result:
        sides = self.columns.side_of_all()
        found = [(value, column.name, part) for column in self.columns for value, part in test(column, sides)]
        if not found:
            return Result(name, None)
        value, attribute, part = max(found, key=lambda item: item[0])
        corrected = max(value - float(np.log10(len(found))), 0.0)  # Bonferroni
        return Result(name, round(corrected, 2), note=f"the most by {attribute}{f' ({part})' if part else ''}")


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
    for part, words in (("question", column.questions), ("answer", column.shapes)):
        _, codes = np.unique(np.frombuffer(words, dtype=np.uint64), return_inverse=True)
        yield minus_log10_p(codes[judged], forget[judged]), part
