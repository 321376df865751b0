"""What became of each request, step by step: a matrix of requests and time, its summary, and all at once beside it.

Values are exact match, errors clustered by person. With EM(r, t) for request r after step t:

    now          EM(t, t)                                     what the step was to forget
    earlier      EM(r, t) for r < t                           what is to be forgotten still
    rebound      EM(r, t) - EM(r, r) for r < t                what came back since its own step
    later        EM(r, t) for r > t                           what nobody has asked for yet
    retained     of people of whom nothing is asked for
    other facts  of people of whom a part is asked for
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from fiubench.schemas.requests import Request
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.evaluation.subject import BEFORE
from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import METRICS
from fiubench.unlearning.metrics.definition import Definition
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import (
    SHARE,
    Bounds,
    Estimate,
    PairedTest,
    clustered_mean,
    interval,
    paired_test,
)
from fiubench.unlearning.streams.chain import AT_ONCE, REFERENCE

NOW, EARLIER, REBOUND, LATER = "now", "earlier", "rebound", "later"
RETAINED, OTHER_FACTS, GIBBERISH = "retained", "other facts", "gibberish"
SUMMARY = (NOW, EARLIER, REBOUND, LATER, RETAINED, OTHER_FACTS, GIBBERISH)
ALL = "all requests"
SIDE_BY_SIDE = (ALL, RETAINED, OTHER_FACTS, GIBBERISH)
_CHANGE: Bounds = (-1.0, 1.0)

Values = Mapping[tuple[str, str], float]  # (identity, attribute) -> exact match


class Told(NamedTuple):
    """What a model still tells."""

    asked: Values  # of what is asked for
    alone: Values  # of people of whom nothing is asked for
    other: Values  # of other facts of those of whom something is
    gibberish: Values  # 1 where the answer to what is asked for is no language


def read_told(log: QuestionLog, requests: Sequence[Request], definition: Definition) -> Told:
    """The numbers of a log; its rows are not kept, since a stream has as many logs as steps."""
    scored, people = Scored(log, definition), {who for each in requests for who in each}
    forget, retain = scored.asked("forget"), scored.asked("retain")
    return Told(
        _exact(forget),
        _exact(question for question in retain if question.identity not in people),
        _exact(question for question in retain if question.identity in people),
        {question.key: float(METRICS["gibberish"](question) or 0) for question in forget},
    )


@dataclass(frozen=True)
class Matrix:
    """The models of a stream, side by side."""

    requests: Sequence[Request]
    told: Mapping[str, Told]  # of the model before, of each step in order; of all at once and the reference if known
    facts: Mapping[str, Mapping[str, Any]]  # what their logs say of themselves
    definition: Definition
    marks: Sequence[str] = ()  # conditions that do not hold

    @cached_property
    def times(self) -> list[str]:
        """The model before, and the steps."""
        return [name for name in self.told if name not in (AT_ONCE, REFERENCE)]

    def _asked_for(self, number: int) -> list[tuple[str, str]]:
        """The questions of a request."""
        return [(who, name) for who, names in self.requests[number].items() for name in names]

    def cell(self, number: int, model: str) -> Estimate:
        """Exact match of the request of a number, from 0, by a model."""
        return self._mean(self.told[model].asked, self._asked_for(number))

    @cached_property
    def cells(self) -> list[list[Estimate]]:
        """Request after request, time after time."""
        return [[self.cell(number, time) for time in self.times] for number in range(len(self.requests))]

    def summary(self, model: str) -> dict[str, Estimate]:
        """The lines of :data:`SUMMARY` after a step, or of the model before; a line without questions is left out."""
        done = self.times.index(model)
        asked, alone, other, gibberish = self.told[model]
        keys = [self._asked_for(number) for number in range(len(self.requests))]
        since = [
            (key, asked[key] - self.told[self.times[number + 1]].asked[key])
            for number in range(done - 1)
            for key in keys[number]
            if key in asked
        ]
        found = {
            NOW: self._mean(asked, keys[done - 1] if done else []),
            EARLIER: self._mean(asked, [key for each in keys[: max(done - 1, 0)] for key in each]),
            REBOUND: _estimate(dict(since)),
            LATER: self._mean(asked, [key for each in keys[done:] for key in each]),
            RETAINED: _estimate(alone),
            OTHER_FACTS: _estimate(other),
            GIBBERISH: _estimate(gibberish),
        }
        return {name: value for name, value in found.items() if value.value is not None}

    @cached_property
    def summaries(self) -> dict[str, dict[str, Estimate]]:
        """Time -> its summary."""
        return {time: self.summary(time) for time in self.times}

    @cached_property
    def side_by_side(self) -> dict[str, dict[str, Estimate]]:
        """Before, after the last step, all at once, reference -> what is known of all requests and beside them."""
        chosen = {BEFORE: BEFORE, "in sequence": self.times[-1], "at once": AT_ONCE, "retain reference": REFERENCE}
        found = {}
        for label, name in chosen.items():
            if name in self.told:
                values = dict(zip(SIDE_BY_SIDE, map(_estimate, self.told[name]), strict=True))
                found[label] = {key: value for key, value in values.items() if value.value is not None}
        return found

    @cached_property
    def differences(self) -> dict[str, PairedTest]:
        """In sequence less at once, on the same questions; empty where nothing was forgotten at once."""
        if AT_ONCE not in self.told:
            return {}
        pairs = zip(SIDE_BY_SIDE, self.told[self.times[-1]], self.told[AT_ONCE], strict=True)
        tests = {name: paired_test(a, b) for name, a, b in pairs if name != GIBBERISH}
        return {name: test for name, test in tests.items() if test is not None}

    def label(self, number: int) -> str:
        """A request in a few words."""
        request = self.requests[number]
        names = {name for each in request.values() for name in each}
        people = next(iter(request)) if len(request) == 1 else f"{len(request)} people"
        about = next(iter(names)) if len(names) == 1 else f"{len(names)} attributes"
        return f"{number + 1}: {people}, {about}"

    @staticmethod
    def _mean(values: Values, keys: Sequence[tuple[str, str]]) -> Estimate:
        """Over those of the questions that could be asked."""
        return _estimate({key: values[key] for key in keys if key in values})

    @property
    def document(self) -> dict[str, Any]:
        """All of it, for JSON: every value with standard error, 95 % interval and counts."""
        return {
            "definition": self.definition.name,
            "marks": list(self.marks),
            "times": self.times,
            "requests": [{who: list(names) for who, names in each.items()} for each in self.requests],
            "matrix": [[_written(cell) for cell in row] for row in self.cells],
            "summary": _all_written(self.summaries),
            "side_by_side": _all_written(self.side_by_side),
            "differences": {name: asdict(test) for name, test in self.differences.items()},
        }

    @property
    def markdown(self) -> str:
        """Matrix, summary, and all at once beside it, as Markdown tables."""
        marks = "".join(f"NOT COMPARABLE: {mark}\n\n" for mark in self.marks)
        return marks + "\n".join(_markdown(table) for table in self.tables)

    @property
    def tables(self) -> list[list[tuple[str, ...]]]:
        """The same as rows of text, headings first."""
        matrix = [(self.label(i), *(shown(cell) for cell in row)) for i, row in enumerate(self.cells)]
        found = [[("request", *self.times), *matrix], _rows("after", SUMMARY, self.summaries)]
        return [*found, _rows("model", SIDE_BY_SIDE, self.side_by_side)]


def shown(value: Estimate | None) -> str:
    """A number for a table."""
    return "-" if value is None or value.value is None else f"{value.value:.2f}"


def _rows(what: str, wanted: Sequence[str], values: Mapping[str, Mapping[str, Estimate]]) -> list[tuple[str, ...]]:
    columns = known(wanted, values)
    return [(what, *columns), *((name, *(shown(each.get(c)) for c in columns)) for name, each in values.items())]


def known(wanted: Sequence[str], values: Mapping[str, Mapping[str, Estimate]]) -> list[str]:
    """Those that any model has a value of."""
    return [name for name in wanted if any(name in each for each in values.values())]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    heading, *body = (f"| {' | '.join(row)} |" for row in rows)
    return "\n".join([heading, f"|{'---|' * len(rows[0])}", *body, ""])


def _exact(asked: Iterable[Question]) -> Values:
    measure: Callable[[Question], float | None] = METRICS["exact_match"]
    return {question.key: float(measure(question) or 0) for question in asked}


def _estimate(values: Values) -> Estimate:
    return clustered_mean(list(values.values()), [who for who, _ in values])


def _all_written(values: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    return {
        name: {key: _written(value, _CHANGE if key == REBOUND else SHARE) for key, value in each.items()}
        for name, each in values.items()
    }


def _written(value: Estimate, bounds: Bounds = SHARE) -> dict[str, Any]:
    return {**asdict(value), "interval": interval(value, bounds)}
