"""From logs to metrics: what a model still knows, what it kept, and how it compares with the retain reference."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fiubench.unlearning.data.log import PLAIN, ROLES, QuestionLog
from fiubench.unlearning.metrics.base import METRICS, WHOLE_LOG, Metric, find, keys
from fiubench.unlearning.metrics.definition import Definition
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean, missing
from fiubench.unlearning.metrics.text import refusal_check


@dataclass(frozen=True)
class Scores:
    """Every metric of one model under one definition."""

    definition: str
    # "forget.exact_match", "retain.rouge", "ks.p", "utility.model", "control.blank.forget.exact_match" .. A metric
    # without a value is there, null and with the reason.
    metrics: Mapping[str, Estimate]
    # attribute -> "forget.exact_match" .. -> estimate, the same for one attribute alone.
    attributes: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """Value of a metric; null also where the metric does not exist."""
        return self.metrics[name].value if name in self.metrics else None


@dataclass(frozen=True, eq=False)
class Scored:
    """A log under a definition. ``scored["retain.rouge"]`` is any metric of it, computed when first asked for."""

    log: QuestionLog
    definition: Definition
    reference: "Scored | None" = None  # the same of the model that never saw the forget set, where there is one
    # benchmark -> accuracy of the model, where benchmarks were run
    accuracies: Mapping[str, Estimate] = field(default_factory=dict)
    known: dict[str, Estimate] = field(default_factory=dict)  # metrics that have been computed

    @cached_property
    def sets(self) -> Mapping[str, list[Question]]:
        """forget, retain and holdout -> questions as the dataset asks them."""
        return {role: self.asked(role) for role in ROLES}

    def asked(self, role: str, control: str = PLAIN) -> list[Question]:
        """The questions of a set under a control."""
        check = refusal_check(self.log.metadata.get("refusals", ()))
        return [Question(row, self.definition, check) for row in self.log.select(role, control)]

    def __getitem__(self, key: str) -> Estimate:
        """A metric by its key.

        Raises:
            ConfigError: there is no such metric.
        """
        part, metric = find(key)
        if part == WHOLE_LOG:
            found: Estimate = metric(self)
            return found
        if key not in self.known:
            self.known[key] = average(self.sets[part], metric, metric.why_null)
        return self.known[key]


def score(
    log: QuestionLog,
    definition: Definition,
    reference: QuestionLog | None = None,
    accuracies: Mapping[str, Estimate] | None = None,
    reference_accuracies: Mapping[str, Estimate] | None = None,
) -> Scores:
    """Compute every metric.

    Args:
        log: the model's log.
        reference: the log of the model that never saw the forget set; KS and what is built on it are null without it.
        accuracies: benchmark -> accuracy of the model, where benchmarks were run.
        reference_accuracies: likewise of the reference, for definitions that set accuracy relative to it.
    """
    other = None if reference is None else Scored(reference, definition, None, reference_accuracies or {})
    scored = Scored(log, definition, other, accuracies or {})
    metrics = {key: scored[key] for key in keys()}
    return Scores(definition.name, {**metrics, **_controlled(scored)}, _by_attribute(scored))


def average(scored: Iterable[Question], of: Callable[[Any], float | None], why: str = "") -> Estimate:
    """Mean of a score over questions. Null if there is none, or any of them lacks it: a mean of some would mislead."""
    listed = list(scored)
    if not listed:
        return missing("no question of this role in the log")
    values = [of(question) for question in listed]
    absent = sum(value is None for value in values)
    if absent:
        return missing(why if absent == len(values) else f"{absent} of {len(values)} questions lack it")
    return clustered_mean([v for v in values if v is not None], [question.identity for question in listed])


def _controlled(scored: Scored) -> dict[str, Estimate]:
    """Metrics of the same questions under each control that was asked."""
    return {
        f"control.{control}.{metric.key(role)}": average(asked, metric, metric.why_null)
        for control in scored.log.controls
        for role in ROLES
        if (asked := scored.asked(role, control))
        for metric in METRICS.values()
        if metric.controls
    }


def _by_attribute(scored: Scored) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for role, asked in scored.sets.items():
        metrics: list[Metric] = [metric for metric in METRICS.values() if role in metric.sets]
        groups: dict[str, list[Question]] = {}
        for question in asked:
            groups.setdefault(question.key[1], []).append(question)
        for attribute, group in groups.items():
            values = {metric.key(role): average(group, metric, metric.why_null) for metric in metrics}
            found.setdefault(attribute, {}).update(values)
    return found
