"""Power: how large a difference between two models' scores a forget set of a size can show.

Both models are asked the same questions, and a comparison tests the differences with
:func:`~fiubench.unlearning.metrics.statistics.paired_test`, clustered by identity: of ``G`` people with ``Q`` questions
each, whose differences vary by ``v`` and correlate by ``r`` within a person, the mean has a standard error of
``sqrt(v (1 + (Q - 1) r) / (G Q))`` (Kish, 1965: the design effect). The test's power is that of a t test with G - 1
degrees of freedom, by the noncentral t distribution.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.settings import Field, Flag, Settings
from fiubench.unlearning.evaluation.subject import load_log
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.metrics.statistics import chance_to_find, detectable
from fiubench.unlearning.reporting.compare import by_question

_MOST_PEOPLE = 1_000_000


class PowerSettings(Settings):
    """The options of `fiubench power`."""

    people: Annotated[
        tuple[Annotated[int, Field(ge=2, le=_MOST_PEOPLE)], ...],
        Field(min_length=1),
        Flag("Evaluation", metavar="N,N,..", separator=","),
    ] = (4, 20, 40, 100)
    """Sizes of forget sets to look at, in people."""
    questions: Annotated[int, Field(ge=1, le=10_000), Flag("Evaluation", metavar="N", default="20, or the pilot's")] = (
        20
    )
    """Questions that are asked about each person."""
    seeds: Annotated[int, Field(ge=1, le=10_000), Flag("Evaluation", metavar="N")] = 1
    """Runs of each method, whose scores are averaged question by question."""
    effect: Annotated[float, Field(gt=0), Flag("What is sought", metavar="DIFFERENCE")] = 0.1
    """The difference between two models that is to be found, such as 0.1 for ten points of exact match."""
    power: Annotated[float, Field(gt=0.05, lt=1), Flag("What is sought", metavar="SHARE")] = 0.8
    """The share of experiments that are to find it."""
    rate: Annotated[float | None, Field(ge=0, le=1), Flag("How answers vary", metavar="SHARE", default="0.12")] = None
    """Share of questions that the model which forgets more still answers; 0.12 is what a retain model guesses in the
    paper."""
    agreement: Annotated[
        float | None, Field(ge=0, lt=1), Flag("How answers vary", metavar="CORRELATION", default="0")
    ] = None
    """How far both models are right on the same questions: the correlation of their answers."""
    correlation: Annotated[
        float | None, Field(ge=0, lt=1), Flag("How answers vary", metavar="CORRELATION", default="0.15, or the pilot's")
    ] = None
    """How alike the questions about one person are: the correlation of their differences within a person."""
    stability: Annotated[float, Field(gt=0, le=1), Flag("How answers vary", metavar="CORRELATION")] = 0.5
    """How alike the same question's difference is with another seed."""
    metric: Annotated[str, Flag("Pilot", metavar="SET.METRIC")] = "forget.exact_match"
    """The metric that is read from the pilot."""


@dataclass(frozen=True)
class Spread:
    """How the differences between two models vary: over all questions, and together within a person."""

    variance: float
    correlation: float
    questions: int  # about each person


@dataclass(frozen=True)
class Size:
    """What a forget set of a size can show."""

    people: int
    standard_error: float
    power: float  # share of experiments that find the effect
    detectable: float  # the smallest difference that enough of them find


@dataclass(frozen=True)
class Power:
    """What forget sets of several sizes can show, and how many people the effect takes."""

    settings: PowerSettings
    spread: Spread
    sizes: Sequence[Size]
    people_needed: int | None  # null where even a million does not do


def power(*pilot: str | Path, **settings: Any) -> Power:
    """How large a difference between two models forget sets of several sizes can show.

    >>> [round(size.power, 2) for size in power(effect=0.1).sizes]
    [0.1, 0.45, 0.76, 0.99]
    >>> power("runs/ga", "runs/kl", people=[20])                                        # doctest: +SKIP

    Args:
        pilot: two evaluated runs (or logs) on the same questions, from which is taken how their differences vary.
        settings: those of :class:`PowerSettings`, by name.

    Raises:
        ConfigError: a setting that can't be, or another number of runs than none and two.
        DatasetError: a run that is not evaluated, or too few people to tell how differences vary.
    """
    chosen = PowerSettings.parse(settings)
    if len(pilot) not in (0, 2):
        raise ConfigError(f"{len(pilot)} runs are no pilot", where="power", hint="Name two evaluated runs, or none.")
    for name in ("rate", "agreement"):
        if pilot and getattr(chosen, name) is not None:
            raise ConfigError("the pilot shows it", where=PowerSettings.flag(name), hint="Leave it out, or the runs.")
    spread = _of_pilot(pilot, chosen.metric) if pilot else _assumed(chosen)
    if pilot and "questions" in settings:
        spread = replace(spread, questions=chosen.questions)
    if chosen.correlation is not None:
        spread = replace(spread, correlation=chosen.correlation)
    if spread.correlation > chosen.stability and chosen.seeds > 1:
        what = f"is below the correlation within a person, {spread.correlation:.2g}"
        hint = "The same question with another seed is no less alike than another question: give a larger one."
        raise ConfigError(what, where=PowerSettings.flag("stability"), hint=hint)
    sizes = [_size(chosen, spread, people) for people in chosen.people]
    return Power(chosen, spread, sizes, _needed(chosen, spread))


def _assumed(settings: PowerSettings) -> Spread:
    """Two models of which one answers ``rate`` of the questions and the other ``rate + effect``."""
    low = 0.12 if settings.rate is None else settings.rate
    high = low + settings.effect
    if high > 1:
        what = f"{low:g} and {settings.effect:g} more are beyond 1"
        raise ConfigError(what, where=PowerSettings.flag("rate"), hint="Give a smaller rate or effect.")
    variances = low * (1 - low), high * (1 - high)
    variance = sum(variances) - 2 * (settings.agreement or 0.0) * math.sqrt(math.prod(variances))
    return Spread(variance, 0.15, settings.questions)


def _of_pilot(runs: Sequence[str | Path], metric: str) -> Spread:
    one, other = (by_question([load_log(log)], metric, find_definition("corrected")) for log in runs)
    if not (shared := one.keys() & other.keys()):
        what = f"has no question with {metric} that {runs[0]} has too"
        raise DatasetError(what, where=runs[1], hint="Name two runs that were asked the same questions.")
    return spread_of({key: one[key] - other[key] for key in sorted(shared)})


def spread_of(differences: Mapping[tuple[str, str], float]) -> Spread:
    """How differences vary, keyed by (identity, attribute): one-way analysis of variance over identities.

    The correlation is the intraclass correlation ``(MSB - MSW) / (MSB + (k - 1) MSW)`` with ``k`` questions a person
    (Donner, 1986); where it comes out negative it is 0.

    Raises:
        DatasetError: fewer than two people, or one question a person.
    """
    people: dict[str, list[float]] = {}
    for (identity, _), value in sorted(differences.items()):
        people.setdefault(identity, []).append(value)
    sizes = np.array([len(values) for values in people.values()], dtype=float)
    count, total = len(sizes), float(sizes.sum())
    if count < 2 or total == count:
        what = f"{count} people with {total:.0f} questions do not show how differences vary"
        raise DatasetError(what, where="power", hint="A pilot needs at least two people, and two questions about each.")
    means = np.array([np.mean(values) for values in people.values()])
    within = sum(float(((np.array(v) - m) ** 2).sum()) for v, m in zip(people.values(), means, strict=True))
    between = float((sizes * (means - (sizes @ means) / total) ** 2).sum())
    msw, msb = within / (total - count), between / (count - 1)
    k = (total - float((sizes**2).sum()) / total) / (count - 1)
    if msb <= msw:
        return Spread((within + between) / (total - 1), 0.0, round(total / count))
    variance = (msb + (k - 1) * msw) / k
    return Spread(variance, (msb - msw) / (k * variance), round(total / count))


def _error(settings: PowerSettings, spread: Spread, people: int) -> float:
    """Standard error of the mean difference; what differs from seed to seed averages out."""
    of_person = spread.correlation  # the same for all questions and seeds
    of_seed = (1 - max(settings.stability, of_person)) / settings.seeds
    of_question = max(settings.stability, of_person) - of_person
    return math.sqrt(spread.variance * (of_person + (of_question + of_seed) / spread.questions) / people)


def _size(settings: PowerSettings, spread: Spread, people: int) -> Size:
    error = _error(settings, spread, people)
    found = chance_to_find(settings.effect, error, people)
    return Size(people, error, found, detectable(error, people, settings.power))


def _needed(settings: PowerSettings, spread: Spread) -> int | None:
    """The fewest people with whom enough experiments find the effect: power grows with people, so by bisection."""

    def enough(people: int) -> bool:
        return chance_to_find(settings.effect, _error(settings, spread, people), people) >= settings.power

    if not enough(_MOST_PEOPLE):
        return None
    low, high = 1, 2
    while not enough(high):
        low, high = high, min(2 * high, _MOST_PEOPLE)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
