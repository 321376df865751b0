"""From logs to metrics: what a model still knows, what it kept, and how it compares with the retain reference."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from fiubench.unlearning.data.log import ROLES, QuestionLog
from fiubench.unlearning.metrics import likelihood
from fiubench.unlearning.metrics.definition import Definition
from fiubench.unlearning.metrics.questions import Question, questions
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean, missing

AVERAGED: Mapping[str, Callable[[Question], float | None]] = {
    "rouge": lambda q: q.rouge,
    "probability": lambda q: q.probability,
    "truth_ratio": lambda q: q.truth_ratio,
    "exact_match": lambda q: q.exact_match,
    "exact_match_gain": lambda q: q.exact_match_gain,
    "chance": lambda q: q.chance,
    "ape_mean": lambda q: q.ape_mean,
    "ape_max": lambda q: q.ape_max,
    "refused": lambda q: q.refused,
    "judge": lambda q: q.judge,
}
UNDER_CONTROL = ("exact_match", "rouge", "answer_probability")
_WHY_NULL = {
    "judge": "no judge",
    "exact_match_gain": "no constant guess in the log",
    "chance": "no constant guess in the log",
    "ape_mean": "paraphrased questions were not asked",
    "ape_max": "paraphrased questions were not asked",
    "probability": "answers were not scored",
    "truth_ratio": "wrong answers were not scored",
}


@dataclass(frozen=True)
class Scores:
    """Every metric of one model under one definition.

    Attributes:
        definition: its name.
        metrics: "forget.exact_match", "retain.rouge", "ks.p", "utility.model", "control.blank.forget.exact_match" ..
            A metric that can't be told is there, with a null value and the reason.
        attributes: attribute -> "forget.exact_match" .. -> estimate, the same for one attribute alone.
    """

    definition: str
    metrics: Mapping[str, Estimate]
    attributes: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)

    def value(self, name: str) -> float | None:
        """Value of a metric; null also where the metric does not exist."""
        return self.metrics[name].value if name in self.metrics else None


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
    scored = _scored(log, definition)
    metrics = {f"{role}.{name}": value for role in ROLES for name, value in _averages(scored[role]).items()}
    metrics |= _membership(scored, definition)
    others = None if reference is None else _scored(reference, definition)
    metrics |= _ks(scored["forget"], None if others is None else others["forget"])
    metrics |= _accuracy(accuracies or {}, reference_accuracies or {}, definition)
    metrics |= _utility(metrics, definition)
    of_reference = None
    if others is not None and definition.forget_quality.get("to_reference"):
        of_reference = {f"forget.{name}": value for name, value in _averages(others["forget"]).items()}
        of_reference |= _membership(others, definition)
    metrics["forget_quality"] = _forget_quality(metrics, of_reference, definition)
    for control in log.controls:
        for role in ROLES:
            for name, value in _controlled(log, control, role, definition).items():
                metrics[f"control.{control}.{role}.{name}"] = value
    return Scores(definition.name, metrics, _by_attribute(scored))


def _scored(log: QuestionLog, definition: Definition) -> dict[str, list[Question]]:
    return {role: questions(log.select(role), definition, log.metadata.get("refusals", ())) for role in ROLES}


def _averages(scored: Sequence[Question]) -> dict[str, Estimate]:
    return {name: average(scored, of, _WHY_NULL.get(name, "")) for name, of in AVERAGED.items()}


def average(scored: Iterable[Question], of: Callable[[Question], float | None], why: str = "") -> Estimate:
    """Mean of a score over questions. Null if there is none, or any of them lacks it: a mean of some would mislead."""
    listed = list(scored)
    if not listed:
        return missing("no question of this role in the log")
    values = [of(question) for question in listed]
    absent = sum(value is None for value in values)
    if absent:
        return missing(why if absent == len(values) else f"{absent} of {len(values)} questions lack it")
    return clustered_mean([v for v in values if v is not None], [question.identity for question in listed])


def _membership(scored: Mapping[str, Sequence[Question]], definition: Definition) -> dict[str, Estimate]:
    forget, holdout = scored["forget"], scored["holdout"]
    found: dict[str, Estimate] = {}
    for name, of in (("min_k", lambda q: q.min_k), ("min_k_plus", lambda q: q.min_k_plus)):
        if definition.membership == "weighted_min_k":
            found[f"forget.{name}"] = average(forget, of, "answers were not scored")
        else:
            found[f"forget.{name}"] = _auc(forget, holdout, of)
    return found


def _auc(members: Sequence[Question], others: Sequence[Question], of: Callable[[Question], float | None]) -> Estimate:
    if not others:
        return missing("no holdout in the log: nobody is a certain non-member")
    scores = [[of(question) for question in group] for group in (members, others)]
    if not members or any(value is None for group in scores for value in group):
        return missing("answers were not scored")
    own, strange = (np.array(group, dtype=np.float64) for group in scores)
    found = likelihood.auc(own, strange, [q.identity for q in members], [q.identity for q in others])
    return Estimate(found.value, found.se, len(members) + len(others), len({q.identity for q in members}))


def _ks(forget: Sequence[Question], reference: Sequence[Question] | None) -> dict[str, Estimate]:
    names = ("ks.p", "ks.log10_p", "ks.ln_p", "ks.distance")
    if reference is None:
        return dict.fromkeys(names, missing("no retain reference"))
    samples = [[q.r for q in group if q.r is not None] for group in (forget, reference)]
    if not all(samples):
        return dict.fromkeys(names, missing("wrong answers were not scored"))
    test = likelihood.ks(*samples)
    count, people = len(samples[0]), len({q.identity for q in forget})
    values = (test.p, test.log10_p, test.ln_p, test.distance)
    return {name: Estimate(value, None, count, people) for name, value in zip(names, values, strict=True)}


def _accuracy(
    own: Mapping[str, Estimate], reference: Mapping[str, Estimate], definition: Definition
) -> dict[str, Estimate]:
    known = [value.value for value in own.values() if value.value is not None]
    if not known or len(known) < len(own):
        return {"utility.accuracy": missing("no benchmark was run")}
    value = float(np.mean(known))
    if definition.accuracy == "relative":
        of_reference = [r.value for name, r in reference.items() if name in own and r.value is not None]
        if len(of_reference) < len(known) or not sum(of_reference):
            return {"utility.accuracy": missing("the retain reference has no such benchmarks")}
        value /= float(np.mean(of_reference))
    return {"utility.accuracy": Estimate(value, None, sum(e.n for e in own.values()))}


def _utility(metrics: Mapping[str, Estimate], definition: Definition) -> dict[str, Estimate]:
    names = [("utility." if name == "accuracy" else "retain.") + name for name in definition.utility]
    names_of = {"utility.harmonic", "utility.arithmetic", "utility.model"}
    for name in names:
        if metrics[name].value is None:
            return dict.fromkeys(sorted(names_of), missing(f"{name}: {metrics[name].why}"))
    values = np.array([metrics[name].value for name in names], dtype=np.float64)
    arithmetic = Estimate(float(values.mean()))
    # One component at zero makes the harmonic mean zero; below zero (a gain under chance) it is counted as zero.
    harmonic = Estimate(float(len(values) / (1 / values).sum()) if (values > 0).all() else 0.0)
    model = harmonic if definition.utility_mean == "harmonic" else arithmetic
    return {"utility.harmonic": harmonic, "utility.arithmetic": arithmetic, "utility.model": model}


def _forget_quality(
    metrics: Mapping[str, Estimate], reference: Mapping[str, Estimate] | None, definition: Definition
) -> Estimate:
    how = definition.forget_quality
    if metrics["ks.p"].value is None:
        return missing(f"ks: {metrics['ks.p'].why}")
    if how["measure"] == "ks_p":
        return metrics["ks.p"]
    names = {"exact_match": "forget.exact_match", "membership": "forget.min_k", "ape": f"forget.ape_{definition.ape}"}
    total = 0.0
    for term, weight in how["weights"].items():
        if term == "ks":
            distance, ln_p = metrics["ks.distance"].value, metrics["ks.ln_p"].value
            assert distance is not None and ln_p is not None
            excess = distance if how["ks_scale"] is None else min(1.0, -ln_p / how["ks_scale"])
        else:
            own = metrics[names[term]]
            other = reference[names[term]] if reference is not None else Estimate(0.0)
            if own.value is None or other.value is None:
                return missing(f"{names[term]}: {own.why or other.why}")
            excess = abs(own.value - other.value)
        total += weight * (1 - excess)
    return Estimate(total / sum(how["weights"].values()))


def _controlled(log: QuestionLog, control: str, role: str, definition: Definition) -> dict[str, Estimate]:
    scored = questions(log.select(role, control), definition, log.metadata.get("refusals", ()))
    if not scored:
        return {}
    return {name: average(scored, lambda q, n=name: getattr(q, n), "not scored") for name in UNDER_CONTROL}  # type: ignore[misc]


_PER_ATTRIBUTE = ("exact_match", "chance", "ape_mean", "probability", "truth_ratio", "rouge")


def _by_attribute(scored: Mapping[str, Sequence[Question]]) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, Estimate]] = {}
    for role in ROLES:
        groups: dict[str, list[Question]] = {}
        for question in scored[role]:
            groups.setdefault(question.key[1], []).append(question)
        for attribute, group in groups.items():
            for name in _PER_ATTRIBUTE:
                found.setdefault(attribute, {})[f"{role}.{name}"] = average(
                    group, AVERAGED[name], _WHY_NULL.get(name, "")
                )
    return found
