"""What an attack is: a way to bring back what was forgotten, with options, in a file of its own.

Every attack ends in three numbers with errors clustered by person: a *level*, what is there without it; a *score*, what
is there with it; and the *gain*, the difference. There are three kinds of attack:

* :class:`Asking` asks the forget set another way, or another model that was made from the attacked one. Level and score
  are exact match over chance of the same questions, asked plainly and under attack.
* :class:`Membership` gives every question a number that is higher for what was trained on. The score is the AUC of the
  forget set against the holdout, the level one half.
* anything else is a :class:`Attack` whose ``run`` returns an :class:`Outcome`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, ClassVar, Self, TypeVar

from fiubench.support.errors import ConfigError
from fiubench.support.registry import Registry
from fiubench.support.settings import Field, Settings
from fiubench.unlearning.attacks.target import Target
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.metrics.likelihood import auc
from fiubench.unlearning.metrics.statistics import Bounds, Estimate, clustered_mean, missing

MATCH, AUC = "exact match over chance", "AUC"
_NO_HOLDOUT = "no holdout: nobody is a certain non-member"


@dataclass(frozen=True)
class Outcome:
    """What an attack found on one model."""

    measure: str  # what level and score are
    level: Estimate  # without the attack: the same questions asked plainly, or what chance or people never seen give
    score: Estimate  # with it
    gain: Estimate  # score - level
    # per question: unique_id, attribute, role, its part in level and score, and what was said
    rows: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    note: str = ""  # what has to be known to read the numbers

    @property
    def bounds(self) -> Bounds:
        """Between what the gain lies."""
        return (-0.5, 0.5) if self.measure == AUC else (-1.0, 1.0)


def nothing(measure: str, why: str) -> Outcome:
    """An attack that could not be made, and why."""
    return Outcome(measure, missing(why), missing(why), missing(why))


class Attack(Settings, ABC):
    """An attack. Its fields are its options, each with a type, a default, a range and a description.

    ``fiubench attacks show NAME`` prints the docstring, which says what is done and names the source, and the options.

    Attributes:
        name: what it is called on the command line.
        help: what it does, in one line.
        measure: what level and score are.
        uses_reference: whether the numbers depend on the retain reference.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    measure: ClassVar[str]
    uses_reference: ClassVar[bool] = False

    @abstractmethod
    def run(self, target: Target) -> Outcome:
        """Attack a model. What can't be done is a :class:`ConfigError`, whose text stands in place of a value."""

    def settled(self, target: Target) -> Self:
        """The attack with what it takes from the attacked run; the retain reference is attacked with the same.

        Raises:
            ConfigError: an option does not fit what is attacked.
        """
        return self


@dataclass(frozen=True)
class Answers:
    """What was said in answer to a question, in one or several tries, of which the best counts."""

    sample: Sample
    said: Sequence[str]


class Asking(Attack):
    """Asks the forget set in another way; the best of several answers is held against as many constant guesses."""

    measure: ClassVar[str] = MATCH

    @abstractmethod
    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers to questions of the forget set; a question may be left out, or be there several times."""

    def run(self, target: Target) -> Outcome:
        """Exact match over chance, asked plainly and so."""
        plain = target.plain  # before anything is done to the model
        rows = []
        for one in self.ask(target):
            level, score = target.gain(one.sample, [plain[one.sample.key]]), target.gain(one.sample, one.said)
            rows.append({**_of(one.sample, "forget", level, score), "plain": plain[one.sample.key], "said": one.said})
        if not rows:
            return nothing(self.measure, "no question of the forget set can be asked so")
        people = [str(row["unique_id"]) for row in rows]
        before, after = ([float(row[name]) for row in rows] for name in ("level", "score"))
        gain = clustered_mean([b - a for a, b in zip(before, after, strict=True)], people)
        means = clustered_mean(before, people), clustered_mean(after, people)
        return Outcome(self.measure, *means, gain, rows, self.note(target))

    def note(self, target: Target) -> str:
        """What has to be known to read the numbers."""
        return ""


class Membership(Attack):
    """Tells those of the forget set from people never trained on, by a number for each question."""

    measure: ClassVar[str] = AUC

    @abstractmethod
    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """A number for each question, higher for what looks like a member."""

    def run(self, target: Target) -> Outcome:
        """AUC of the forget set against the holdout."""
        rows = _scored(target, self.numbers)
        if not rows:
            return nothing(self.measure, _NO_HOLDOUT)
        (members, member_of), (others, other_of) = (_of_role(rows, role) for role in ("forget", "holdout"))
        found = auc(members, others, member_of, other_of)
        assert found.value is not None
        gain = Estimate(found.value - 0.5, found.se, found.n, min(found.identities, len(set(other_of))))
        return Outcome(self.measure, Estimate(0.5), found, gain, rows)


class Remembering(Attack):
    """Measures how much of the true answers a model has by heart; people never trained on say how much is form."""

    @abstractmethod
    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """A share for each question."""

    def run(self, target: Target) -> Outcome:
        """Mean of the forget set less that of the holdout."""
        rows = _scored(target, self.numbers)
        if not rows:
            return nothing(self.measure, _NO_HOLDOUT)
        score, level = (clustered_mean(*_of_role(rows, role)) for role in ("forget", "holdout"))
        return Outcome(self.measure, level, score, _apart(score, level), rows)


def _apart(score: Estimate, level: Estimate) -> Estimate:
    """The difference between two means over different people."""
    assert score.value is not None and level.value is not None
    errors = (score.se, level.se)
    known = [error for error in errors if error is not None]
    se = sqrt(sum(error**2 for error in known)) if len(known) == len(errors) else None
    return Estimate(score.value - level.value, se, score.n + level.n, min(score.identities, level.identities))


Rows = list[dict[str, Any]]


def _scored(target: Target, numbers: Callable[[Target, Sequence[Sample], str], Sequence[float]]) -> Rows:
    """A row with a number for each question about the forget set and the holdout; none where there is no holdout."""
    rows: Rows = []
    for role in ("forget", "holdout") if target.questions.get("holdout") else ():
        samples = target.questions[role]
        found = zip(samples, numbers(target, samples, role), strict=True)
        rows += [_of(sample, role, None, value) for sample, value in found]
    return rows


def _of_role(rows: Rows, role: str) -> tuple[list[float], list[str]]:
    """The numbers of a role, and whom they are about."""
    chosen = [row for row in rows if row["role"] == role]
    return [row["score"] for row in chosen], [row["unique_id"] for row in chosen]


def _of(sample: Sample, role: str, level: float | None, score: float) -> dict[str, Any]:
    return {
        "unique_id": sample.unique_id,
        "attribute": sample.attribute,
        "role": role,
        "level": level,
        "score": float(score),
    }


ATTACKS: Registry[type[Attack]] = Registry("attack", "attacks", "fiubench.unlearning.attacks")
A = TypeVar("A", bound=type[Attack])


def register(attack: A) -> A:
    """Class decorator: from then on ``--attack NAME`` knows the attack.

    Raises:
        ConfigError: the name is taken.
    """
    ATTACKS.add(attack.name, attack)
    return attack


def make_attacks(names: Sequence[str], options: Mapping[str, Any]) -> list[Attack]:
    """The attacks of these names, all of them by default, each with those of the options that it has.

    Raises:
        ConfigError: no such attack, an option that none of them has, or a value that it can't have.
    """
    chosen = [ATTACKS.find(name, "--attack") for name in dict.fromkeys(names)] or list(ATTACKS.values())
    known = {option for attack in chosen for option in attack.model_fields}
    for option in options:
        if option not in known:
            hint = f"They have {', '.join(sorted(known)) or 'none'}: `fiubench attacks show NAME`."
            raise ConfigError(f"none of the chosen attacks has an option {option!r}", where="--option", hint=hint)
    return [
        attack.parse(
            {name: value for name, value in options.items() if name in attack.model_fields},
            where=f"options of attack {attack.name}",
        )
        for attack in chosen
    ]


__all__ = ["ATTACKS", "Answers", "Asking", "Attack", "Field", "Membership", "Outcome", "Target", "register"]
