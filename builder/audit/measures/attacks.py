"""Whether the wrong answers tell the true one to somebody who knows nobody."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from fiubench.builder.audit.attackers import ATTACKERS, Fact, Guesses, Known, attack
from fiubench.builder.audit.choices import OPTIONS, Choices, Shuffled, day_counts, is_dated
from fiubench.builder.audit.columns import Codes, Column
from fiubench.builder.audit.logit import Floats
from fiubench.builder.audit.people import Person
from fiubench.builder.audit.registry import EXAMPLES, FAIL, PASS, WARN, Check, Measure, Result, Survey, Table, check
from fiubench.builder.packs.attributes import packs_of
from fiubench.support.errors import PackError

_PEOPLE = 3_000  # who are attacked: more cost time and find nothing larger
_FEWEST = 50  # questions; fewer prove nothing
_ENOUGH = 4_000  # questions from which on a mean over attributes has an error below 0.7 points
_KINDS = 300  # different values that a fact may have that others are guessed from
_SHARED = 2  # people who share a value of such a fact, on average
_CHANCE = 1 / OPTIONS
_SURE = 2.0  # standard errors that a guess without a look at the options must be above chance
#: Probability that any attacker comes out so high, over all attributes, where there is nothing to find.
_LIMITS = {FAIL: 0.001, WARN: 0.01}
_BORN = "date_of_birth"
_ATTRIBUTES, _MEAN = "truth_told_without_knowledge", "truth_told_on_average"
_CAPPED = f"of the first {_PEOPLE:,} people"


@dataclass(frozen=True)
class Attacked:
    """What the attackers made of one attribute."""

    attribute: str
    guesses: Guesses
    tests: int

    @property
    def questions(self) -> int:
        """That were guessed."""
        return self.guesses.questions

    @property
    def chance(self) -> float:
        """What anybody scores: a quarter, or more where a guess without a look at the options scores more."""
        blind = self.guesses.blind / self.questions
        return blind if blind > _CHANCE + _SURE * (_CHANCE * (1 - _CHANCE) / self.questions) ** 0.5 else _CHANCE

    @property
    def hidden(self) -> bool:
        """Whether four options can hide the truth: no value has more than a quarter."""
        return self.chance == _CHANCE

    @property
    def error(self) -> float:
        """Standard error of a share of right guesses, at chance."""
        return float((self.chance * (1 - self.chance) / self.questions) ** 0.5)

    def share(self, attacker: str) -> float:
        """Of the questions, for which an attacker is right."""
        return self.guesses.right[attacker] / self.questions

    @property
    def worst(self) -> str:
        """The attacker who is right most often."""
        return max(ATTACKERS, key=self.share)

    @property
    def verdict(self) -> str:
        """Of the worst attacker."""
        chance = self.tests * upper_tail(self.guesses.right[self.worst], self.questions, self.chance)
        return next((verdict for verdict, limit in _LIMITS.items() if chance < limit), PASS)


def upper_tail(right: int, questions: int, chance: float) -> float:
    """Probability that a binomial variable is at least ``right``."""
    if chance >= 1:
        return 1.0
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, questions + 1)))])
    k = np.arange(right, questions + 1)
    ways = logs[questions] - logs[k] - logs[questions - k]
    return float(np.exp(ways + k * np.log(chance) + (questions - k) * np.log1p(-chance)).sum())


@check(
    Measure(_ATTRIBUTES, "True value picked out without knowledge",
        "Attributes in which somebody who knows nobody picks the true value out of the four more often than chance "
        "explains: by what is common, by form, by character n-grams, or by what else is known of the person.",
        "attributes", "variants", fail_above=0),
    Measure(_MEAN, "Right guesses without knowledge",
        "Mean, over the attributes that four options can hide, of the share of questions for which all attackers "
        "together pick the true value (chance: 25 %).", "share", "variants", warn_above=0.27, fail_above=0.3),
)  # fmt: skip
class Attacks(Check):
    """Keeps the values of the first people, and lets the attackers guess at the end."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.choices: dict[str, Choices] = {}
        manifest = survey.target.manifest or {}
        self.of_members = manifest.get("config", {}).get("wrong") == "members"

    @classmethod
    def start(cls, survey: Survey) -> "Attacks | None":
        """None without attacks."""
        return cls(survey) if survey.attacks else None

    def add(self, person: Person, side: int) -> None:
        number = self.survey.people - 1
        if number >= _PEOPLE or self.of_members:
            return
        for pair in person.pairs:
            if pair.attribute is not None and pair.wrong_answers:
                made = self.choices.setdefault(pair.attribute, Choices(pair.attribute, pair.kind))
                made.add(pair, person, number)

    @cached_property
    def attacked(self) -> list[Attacked]:
        """Every attribute with enough questions."""
        chosen = [each for each in self.choices.values() if len(each) >= _FEWEST]
        tests = len(chosen) * len(ATTACKERS)
        return [Attacked(each.attribute, self._guesses(each), tests) for each in chosen]

    def _guesses(self, choices: Choices) -> Guesses:
        seen = Shuffled(choices)
        return attack(seen, Known(tuple(self._facts(seen)), tuple(self._days(seen))))

    def _facts(self, seen: Shuffled) -> Iterator[Fact]:
        """Gender and age, and every other fact, or part of one, that many people share; none made from this one."""
        if seen.attribute != _BORN:  # whose truth the age is
            yield _fact(self.survey.strata.codes[seen.who])
        for column in self.survey.columns:
            if column.name != seen.attribute and seen.attribute not in self._made_from.get(column.name, ()):
                for part in ("", *column.parts):
                    codes = np.unique(column.hashes(part), return_inverse=True)[1].astype(np.int64)
                    if codes.size and codes.max() < min(_KINDS, codes.size / _SHARED):
                        yield _fact(_of_people(column, codes, -1)[seen.who])

    @cached_property
    def _made_from(self) -> Mapping[str, frozenset[str]]:
        """Fact -> what it was made from, where the dataset says so: a drug, once known, tells the condition."""
        if self.survey.target.manifest is None:
            return {}
        try:
            return packs_of(self.survey.target.manifest).made_from
        except PackError:  # a plug-in that is not there
            return {}

    def _days(self, seen: Shuffled) -> Iterator[Floats]:
        """Every other date, for dates."""
        for column in self.survey.columns if is_dated(seen.kind) else ():
            if is_dated(column.kind) and column.name != seen.attribute:
                numbers = np.frombuffer(column.numbers, dtype=np.float64)
                yield _of_people(column, day_counts(numbers), np.nan)[seen.who]

    def results(self) -> Iterable[Result]:
        rows = self.attacked
        if not rows:
            note = "wrong answers are truths of others: to know those is to rule them out" if self.of_members else ""
            yield from (Result(rule, None, note=note) for rule in (_ATTRIBUTES, _MEAN))
            return
        worst = sorted(rows, key=lambda row: row.chance - row.share(row.worst))
        failing = [row for row in worst if row.verdict == FAIL]
        note = f"highest: {worst[0].attribute}, {_words(worst[0])}" + (f"; {_CAPPED}" if self._capped else "")
        shown = [(row.attribute, _words(row)) for row in failing[:EXAMPLES]]
        yield Result(_ATTRIBUTES, len(failing), len(rows), note, shown)
        hidden = [row for row in rows if row.hidden]
        if sum(row.questions for row in hidden) >= _ENOUGH:
            mean = sum(row.share("all") for row in hidden) / len(hidden)
            yield Result(_MEAN, round(mean, 4), note=f"of {len(hidden)} attributes")
        else:
            yield Result(_MEAN, None, note=f"needs {_ENOUGH:,} questions")

    @property
    def _capped(self) -> bool:
        return self.survey.people > _PEOPLE

    def tables(self) -> dict[str, Table]:
        if not self.attacked:
            return {}
        columns = ["attribute", "questions", "chance", "standard error", *ATTACKERS, "verdict"]
        rows: list[list[str | int | float | None]] = [
            [
                row.attribute, row.questions, round(row.chance, 4), round(row.error, 4),
                *(round(row.share(name), 4) for name in ATTACKERS), row.verdict,
            ]
            for row in self.attacked
        ]  # fmt: skip
        goes_by = "; ".join(f"{name.replace('_', ' ')}: {what}" for name, what in ATTACKERS.items())
        text = (
            "Share of the questions for which the true value is picked out of the four without knowing the person "
            f"({goes_by}). Each guess is learned from other people. Where the chance level is above 25 %, a value is "
            "so frequent that four options can't hide it: guessing it without a look at them scores as much."
        )
        if self._capped:
            text += f" {_CAPPED.capitalize()}."
        return {"guesses": Table("Attacks on wrong answers", text, columns, rows)}


def _words(row: Attacked) -> str:
    """An attribute's worst attacker in words."""
    return f"{row.share(row.worst):.0%} right by {row.worst.replace('_', ' ')}, chance {row.chance:.0%}"


def _fact(codes: Codes) -> Fact:
    return Fact(codes, int(codes.max(initial=0)) + 1)


def _of_people(column: Column, values: Any, missing: float) -> Any:
    """A column's values by number of the person, for everybody."""
    people = column.people
    dense = np.full(max(_PEOPLE, int(people.max(initial=0)) + 1), missing, dtype=values.dtype)
    dense[people] = values
    return dense
