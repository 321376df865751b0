"""What a metric is: one decorated function, with the names that tables, reports and documentation show.

A metric of a single question is averaged over each set of questions and over each attribute::

    @metric("answer_length", title="answer length", short="length")
    def answer_length(question: Question) -> float | None:
        \"\"\"How long the generated answer is, as a share of the true one.\"\"\"
        return len(question.generated.split()) / len(question.row["answer"].split())

A metric of the whole log (:func:`log_metric`) is a function of :class:`~fiubench.unlearning.metrics.aggregate.Scored`.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.support.registry import Registry
from fiubench.unlearning.data.log import ROLES
from fiubench.unlearning.metrics.statistics import SHARE, UNBOUNDED, Bounds

WHOLE_LOG = ""  # the "set" of a metric of the whole log


@dataclass(eq=False)
class Metric:
    """A metric. Called with what it is a function of, it computes its value once and remembers it there.

    Attributes:
        function: its docstring says what it is in a sentence, and in a further paragraph how it is computed.
        name: keys of its values have the set in front: ``exact_match`` gives ``forget.exact_match``.
        title: what rows of tables call it.
        short: what columns of tables call it, if not by its title.
        sets: sets of questions that it is averaged over.
        printed: those of them for which ``fiubench evaluate`` prints it.
        columns: those of them for which ``fiubench compare`` has a column. Components of utility have one anyway.
        column_if: ``known``: the column is left out where no model has a value. ``page``: it stands in the HTML page
            alone, which has room for it. Empty: it is always there.
        controls: whether it is reported under each control too.
        why_null: the reason that is given where no question has a value.
        bounds: the least and the greatest value that it can have; intervals stay between them.
    """

    function: Callable[[Any], Any]
    name: str
    title: str
    short: str = ""
    sets: Sequence[str] = ROLES
    printed: Sequence[str] = ("forget", "retain")
    columns: Sequence[str] = ("forget",)
    column_if: str = ""
    controls: bool = False
    why_null: str = "not in the log"
    bounds: Bounds = UNBOUNDED

    def __post_init__(self) -> None:
        functools.update_wrapper(self, self.function)
        self.short = self.short or self.title

    def __call__(self, subject: Any) -> Any:
        """Its value for a question, or for a log."""
        if self.name not in subject.known:
            subject.known[self.name] = self.function(subject)
        return subject.known[self.name]

    def key(self, part: str) -> str:
        """Name of its value on a set of questions."""
        return f"{part}.{self.name}" if part else self.name

    @property
    def summary(self) -> str:
        """What it is, in a sentence."""
        return _paragraphs(self.function)[0]

    @property
    def formula(self) -> str:
        """How it is computed."""
        return " ".join(_paragraphs(self.function)[1:])


METRICS: Registry[Metric] = Registry("metric", "metrics", "fiubench.unlearning.metrics")


def metric(name: str, **fields: Any) -> Callable[[Callable[[Any], float | None]], Metric]:
    """Register a function of a :class:`~fiubench.unlearning.metrics.questions.Question`.

    Args:
        name: a word; no other metric has it.
        fields: the attributes of :class:`Metric`, of which ``title`` is needed.
    """
    return lambda function: METRICS.add(name, Metric(function, name, **fields))


def log_metric(
    name: str, *, printed: bool = True, column: bool = True, **fields: Any
) -> Callable[[Callable[[Any], Any]], Metric]:
    """Register a function ``(Scored) -> Estimate``, whose name is the whole key, such as ``ks.p``.

    Its column stands among those of what was kept if the name begins with ``retain.`` or ``utility.``.

    Args:
        name: no other metric has it.
        printed: whether ``fiubench evaluate`` prints it.
        column: whether ``fiubench compare`` has a column of it.
        fields: further attributes of :class:`Metric`, of which ``title`` is needed.
    """
    whole = (WHOLE_LOG,)
    fields |= {"sets": whole, "printed": whole if printed else (), "columns": whole if column else ()}
    return lambda function: METRICS.add(name, Metric(function, name, **fields))


def keys() -> list[str]:
    """Names of the values that all metrics give, set by set; those of the whole log last."""
    return [m.key(part) for part in (*ROLES, WHOLE_LOG) for m in METRICS.values() if part in m.sets]


def find(key: str, where: object = "") -> tuple[str, Metric]:
    """The set and the metric behind a key such as ``forget.exact_match``; the set of ``ks.p`` is empty.

    Raises:
        ConfigError: there is no such metric.
    """
    if key in METRICS:
        return WHOLE_LOG, METRICS[key]
    part, _, name = key.partition(".")
    return part, METRICS.find(name, where)


def title(key: str) -> str:
    """What a row calls a value: ``forget: exact match``. What is no metric, such as a benchmark, goes by its key."""
    if key.startswith(("benchmark.", "control.")):
        return key
    part, found = find(key)
    return f"{part}: {found.title}" if part else found.title


def bounds(key: str) -> Bounds:
    """Between which values a value lies. Of benchmarks that is known of accuracies alone."""
    if key.startswith("benchmark."):
        return SHARE if key.endswith(".accuracy") else UNBOUNDED
    return find(".".join(key.split(".")[-2:]) if key.startswith("control.") else key)[1].bounds


def short(key: str) -> str:
    """What a column calls a value, without its set."""
    return find(key)[1].short


def _paragraphs(function: Callable[[Any], Any]) -> list[str]:
    return [" ".join(text.split()) for text in (function.__doc__ or "").split("\n\n")]
