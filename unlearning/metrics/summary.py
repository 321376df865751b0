"""The numbers at the end: utility, what was kept; and forget quality, what was forgotten."""

from collections.abc import Callable

import numpy as np
from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import log_metric
from fiubench.unlearning.metrics.statistics import SHARE, Estimate, missing


@log_metric("utility.accuracy", title="benchmark accuracy", short="ACC", column_if="known", bounds=SHARE)
def accuracy(scored: Scored) -> Estimate:
    """What the model can still do besides.

    mean accuracy over benchmarks (`--benchmark`)
    """
    known = [one.value for one in scored.accuracies.values() if one.value is not None]
    if not known or len(known) < len(scored.accuracies):
        return missing("no benchmark was run")
    value = float(np.mean(known))
    if scored.definition.accuracy == "relative":
        reference = {} if scored.reference is None else scored.reference.accuracies
        theirs = [one.value for name, one in reference.items() if name in scored.accuracies and one.value is not None]
        if len(theirs) < len(known) or not sum(theirs):
            return missing("the retain reference has no such benchmarks")
        value /= float(np.mean(theirs))
    return Estimate(value, None, sum(one.n for one in scored.accuracies.values()))


def _utility(scored: Scored, mean: Callable[[list[float]], float]) -> Estimate:
    """A mean of the components of utility; or why there is none. Where a missing one counts as 0, that is said."""
    components = {key: scored[key] for key in scored.definition.utility_keys}
    absent = [f"{key}: {one.why}" for key, one in components.items() if one.value is None]
    if absent and scored.definition.utility.missing == "null":
        return missing(absent[0])
    why = f"counted as 0, as the definition says: {'; '.join(absent)}" if absent else None
    return Estimate(mean([one.value or 0.0 for one in components.values()]), why=why)


def _harmonic(values: list[float]) -> float:
    # One component at zero makes the harmonic mean zero; below zero (a gain under chance) it is counted as zero.
    return float(len(values) / (1 / np.array(values)).sum()) if all(value > 0 for value in values) else 0.0


@log_metric("utility.harmonic", title="utility, harmonic", short="harm. mean", bounds=SHARE)
def harmonic(scored: Scored) -> Estimate:
    """What was kept, in one number; zero if any component is zero.

    harmonic mean of the definition's metrics on the retain set
    """
    return _utility(scored, _harmonic)


@log_metric("utility.arithmetic", title="utility, arithmetic", short="arith. mean", column_if="page", bounds=SHARE)
def arithmetic(scored: Scored) -> Estimate:
    """What was kept, in one number; components can make up for each other.

    arithmetic mean of the definition's metrics on the retain set
    """
    return _utility(scored, lambda values: float(np.mean(values)))


@log_metric("utility.model", title="model utility", column=False, bounds=SHARE)
def model(scored: Scored) -> Estimate:
    """What was kept, by the mean that the definition names.

    harmonic or arithmetic utility
    """
    return scored[f"utility.{scored.definition.utility.mean}"]


@log_metric("forget_quality", title="forget quality", short="quality", bounds=SHARE)
def forget_quality(scored: Scored) -> Estimate:
    """What was forgotten, in one number.

    see the definitions below
    """
    definition, how = scored.definition, scored.definition.forget_quality
    if scored["ks.p"].value is None:
        return missing(f"ks: {scored['ks.p'].why}")
    if how.measure == "ks_p":
        return scored["ks.p"]
    names = {"exact_match": "forget.exact_match", "membership": "forget.min_k", "ape": f"forget.ape_{definition.ape}"}
    total = 0.0
    for term, weight in how.weights.items():
        if term == "ks":
            distance, ln_p = scored["ks.distance"].value, scored["ks.ln_p"].value
            assert distance is not None and ln_p is not None
            excess = distance if how.ks_scale is None else min(1.0, -ln_p / how.ks_scale)
        else:
            own, other = scored[names[term]], Estimate(0.0)
            if how.to_reference and scored.reference is not None:
                other = scored.reference[names[term]]
            if own.value is None or other.value is None:
                return missing(f"{names[term]}: {own.why or other.why}")
            excess = abs(own.value - other.value)
        total += weight * (1 - excess)
    return Estimate(total / sum(how.weights.values()))
