"""What a measure is, and the registry of all of them.

A measure is declared where it is taken, in a module of ``builder/audit/measures/`` or in a plug-in: as a function of
one question, fact or person (:func:`measure`), or, where it needs more, by a :class:`Check` (:func:`check`).
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from fiubench.builder.audit.attributes import AttributeRow, attribute_rows
from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.people import Person, Target
from fiubench.builder.audit.strata import Strata
from fiubench.support.errors import ConfigError, FiubenchError, did_you_mean
from fiubench.support.registry import Registry, plugin_of

if TYPE_CHECKING:
    from typing import Self

PASS, WARN, FAIL, NONE = "pass", "warn", "fail", "none"
#: Groups of measures, in the order in which they are shown, with their titles.
GROUPS: Mapping[str, str] = {
    "text": "Text",
    "facts": "Facts",
    "guessability": "Guessability",
    "leakage": "Leakage across splits",
    "variants": "Variants",
    "faces": "Faces",
}
EXAMPLES = 5  # kept per measure
#: What a function of :func:`measure` returns where there is nothing to look at; the total is one less.
SKIPPED = ""

#: What a function of :func:`measure` may be called with.
EACH = ("pair", "fact", "person")

Look = Callable[[Any, Any], str | None]
AnyLook = TypeVar("AnyLook", bound=Look)
AnyCheck = TypeVar("AnyCheck", bound="type[Check]")


@dataclass(frozen=True)
class Measure:
    """A measure as it is declared. A value is judged by the limits, which are in its unit and of one direction.

    Attributes:
        name: in options, JSON and links.
        title: a few words, for tables.
        help: one sentence.
        unit: "share", or what is counted or measured, in the plural.
        group: one of :data:`GROUPS`.
    """

    name: str
    title: str
    help: str
    unit: str
    group: str
    warn_above: float | None = None
    fail_above: float | None = None
    warn_below: float | None = None
    fail_below: float | None = None

    def __post_init__(self) -> None:
        where = f"measure {self.name}"
        if self.group not in GROUPS:
            raise ConfigError(f"unknown group {self.group!r}", where=where, hint=did_you_mean(self.group, GROUPS))
        if not self.help:
            raise ConfigError("has no sentence of help", where=where, hint="Give its function a docstring.")

    @property
    def better(self) -> str:
        """Which of two values is the better one: the ``lower`` or the ``higher``."""
        return "higher" if self.warn_below is not None or self.fail_below is not None else "lower"

    @property
    def limits(self) -> dict[str, float]:
        """Those limits that it has: ``warn_above``, ``fail_above``, ``warn_below``, ``fail_below``."""
        names = ("warn_above", "fail_above", "warn_below", "fail_below")
        return {name: limit for name in names if (limit := getattr(self, name)) is not None}

    def verdict(self, value: float | None) -> str:
        """``pass``, ``warn`` or ``fail``; ``none`` where there was nothing to look at."""
        if value is None:
            return NONE
        for verdict, above, below in (
            (FAIL, self.fail_above, self.fail_below),
            (WARN, self.warn_above, self.warn_below),
        ):
            if (above is not None and value > above) or (below is not None and value < below):
                return verdict
        return PASS


@dataclass(frozen=True)
class Result:
    """What a measure found.

    Attributes:
        name: of the measure.
        value: in its unit; ``None`` where there was nothing to look at.
        of: of how many, where the value is a count.
        note: what the number alone does not say.
        examples: a few (where, what) of those that count against it.
    """

    name: str
    value: float | None
    of: int | None = None
    note: str = ""
    examples: Sequence[tuple[str, str]] = ()

    @property
    def verdict(self) -> str:
        """``pass``, ``warn``, ``fail`` or ``none``."""
        return MEASURES[self.name].declared.verdict(self.value)


@dataclass
class Count:
    """A counter that keeps its first few examples."""

    name: str
    count: int = 0
    of: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        """Count one, with its example."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append((where, what))

    def result(self, of: int | None = None, note: str = "") -> Result:
        """The count; ``None`` as its value where nothing was looked at."""
        total = self.of if of is None else of
        return Result(self.name, self.count if total else None, total, note, tuple(self.examples))


#: What functions have counted: how often they were called with each of :data:`EACH`, and what they found.
Counted = tuple[dict[str, int], list[Count]]


@dataclass(frozen=True)
class Histogram:
    """Counts between edges; several series over the same edges where groups are compared."""

    title: str
    unit: str
    edges: list[float]
    series: dict[str, list[int]]


@dataclass(frozen=True)
class Table:
    """Figures that belong side by side: text, whole numbers, and shares as fractions; ``None`` where there is none."""

    title: str
    text: str
    columns: list[str]
    rows: list[list[str | int | float | None]]


@dataclass
class Survey:
    """A dataset while it is read: what every check may look at.

    Attributes:
        faces, embed, estimate, attacks, grammar: as in :func:`fiubench.builder.audit.audit`.
        people, pairs, images: seen so far.
    """

    target: Target
    columns: Columns
    strata: Strata
    faces: bool = True
    embed: bool = True
    estimate: bool = False
    attacks: bool = True
    grammar: str | None = None
    people: int = 0
    pairs: int = 0
    images: int = 0

    def add(self, person: Person) -> int:
        """Count a person and keep the facts; returns the side the person is on (``membership.py``)."""
        self.people += 1
        self.pairs += len(person.pairs)
        self.images += person.image is not None
        self.strata.add(person)
        return self.columns.add(person.unique_id, person.pairs)

    @cached_property
    def rows(self) -> list[AttributeRow]:
        """The table of attributes, once everyone has been read."""
        return attribute_rows(self.columns)


class Check:
    """Code that takes one or more measures in one pass over the people.

    Args:
        survey: of the dataset; complete when :meth:`results` is called.
    """

    def __init__(self, survey: Survey) -> None:
        self.survey = survey

    @classmethod
    def start(cls, survey: Survey) -> "Self | None":
        """A check of a dataset; ``None`` where it was not asked for."""
        return cls(survey)

    def add(self, person: Person, side: int) -> None:
        """Look at a person, who is on a side of the split (``membership.FORGET``, ``RETAIN`` or ``OUTSIDE``)."""

    def results(self) -> Iterable[Result]:
        """What was found, for each of its measures; those left out have no data."""
        raise NotImplementedError

    def histograms(self) -> dict[str, Histogram]:
        """Distributions for the report, by name."""
        return {}

    def tables(self) -> dict[str, Table]:
        """Tables for the report, by name."""
        return {}


@dataclass(frozen=True)
class Entry:
    """A measure in the registry: what it is, and what takes it."""

    declared: Measure
    check: type[Check]
    look: Look | None = None
    each: str = ""


def _order(entry: Entry) -> tuple[int, bool, str]:
    own = plugin_of(entry) is None
    return list(GROUPS).index(entry.declared.group), not own, entry.__module__ if own else ""


#: By group, those of plug-ins last, whichever module is imported first.
MEASURES: Registry[Entry] = Registry("measure", "measures", "fiubench.builder.audit.measures", key=_order)


def declared_measures() -> dict[str, Measure]:
    """All measures by name, in the order in which they are shown."""
    return {name: entry.declared for name, entry in MEASURES.items()}


def check(*declared: Measure) -> Callable[[AnyCheck], AnyCheck]:
    """Declare a :class:`Check` with the measures that it takes."""

    def register(made: AnyCheck) -> AnyCheck:
        for each in declared:
            _add(Entry(each, made), made.__module__)
        return made

    return register


def measure(title: str, *, unit: str, group: str, each: str = "pair", **limits: float) -> Callable[[AnyLook], AnyLook]:
    """Declare a function as a measure that counts. Its name is the measure's, its docstring begins with the help.

    The function returns ``None`` where all is well, what is wrong where it is to be counted, :data:`SKIPPED` where
    there is nothing to look at.

    Args:
        title: a few words, for tables.
        unit: what is counted, in the plural.
        group: one of :data:`GROUPS`.
        each: what the function is called with: ``pair``, each question of each person (pair, person); ``fact``, each
            known fact of each person, as the first pair that asks for it (pair, person); ``person`` (person, target).
        limits: ``warn_above``, ``fail_above``, ``warn_below``, ``fail_below``.
    """

    def register(look: AnyLook) -> AnyLook:
        if each not in EACH:
            raise ConfigError(f"each={each!r} is unknown", where=look.__name__, hint=did_you_mean(each, EACH))
        paragraph = (inspect.getdoc(look) or "").split("\n\n")[0]
        declared = Measure(look.__name__, title, " ".join(paragraph.split()), unit, group, **limits)
        _add(Entry(declared, FunctionCheck, look, each), look.__module__)
        return look

    return register


def _add(entry: Entry, module: str) -> None:
    object.__setattr__(entry, "__module__", module)  # by which the registry finds whose it is
    MEASURES.add(entry.declared.name, entry)


class FunctionCheck(Check):
    """All measures that are functions."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.counted: dict[str, list[tuple[Count, Look]]] = {each: [] for each in EACH}
        self.seen = dict.fromkeys(self.counted, 0)
        for name, entry in MEASURES.items():
            if entry.look is not None:
                self.counted[entry.each].append((Count(name), entry.look))

    def add(self, person: Person, side: int) -> None:
        """Call the functions with everything that there is of a person."""
        self._look("person", person.where, person, self.survey.target)
        for number, pair in enumerate(person.pairs, 1):
            self._look("pair", f"{person.where}, {pair.attribute or f'question {number}'}", pair, person)
        for pair in person.facts.values():
            self._look("fact", person.where, pair, person)

    def _look(self, each: str, where: str, *arguments: Any) -> None:
        self.seen[each] += 1
        for count, look in self.counted[each]:
            try:
                what = look(*arguments)
                if what is None:
                    continue
                if not isinstance(what, str):
                    raise TypeError(f"it returns {what!r}, which is neither text nor None")
            except Exception as error:  # anything may happen in somebody else's function
                if plugin_of(look) is None or isinstance(error, FiubenchError):
                    raise
                message = f"the measure {count.name!r} failed: {type(error).__name__}: {error}"
                raise ConfigError(message, where=where, hint=f"Mend it in {inspect.getfile(look)}.") from error
            if what == SKIPPED:
                count.of -= 1
            else:
                count.add(where, what)

    def merge(self, other: Counted) -> None:
        """Add what another one has counted of the people after these."""
        seen, counts = other
        for each, number in seen.items():
            self.seen[each] += number
        own = {count.name: count for counted in self.counted.values() for count, _ in counted}
        for count in counts:
            mine = own[count.name]
            mine.count, mine.of = mine.count + count.count, mine.of + count.of
            mine.examples = [*mine.examples, *count.examples][:EXAMPLES]

    def so_far(self) -> Counted:
        """What was counted, for :meth:`merge`."""
        return self.seen, [count for counted in self.counted.values() for count, _ in counted]

    def results(self) -> Iterable[Result]:
        """The counts, each of all that was seen but for what was skipped."""
        for each, counted in self.counted.items():
            yield from (count.result(self.seen[each] + count.of) for count, _ in counted)
