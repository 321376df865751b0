"""Forgetting at matched utility: what a method forgets as long as it keeps what there was.

Forget quality alone is best for a model that says nothing. So it is compared among models that keep enough: whose model
utility is at most a band below that of the model before unlearning and of the retain reference, whichever has less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fiubench.unlearning.evaluation.results import Result
from fiubench.unlearning.metrics.base import bounds
from fiubench.unlearning.metrics.statistics import OverSeeds
from fiubench.unlearning.reporting.compare import BEFORE, REFERENCE, Comparison, Entry

BAND = 0.05
UTILITY, QUALITY = "utility.model", "forget_quality"


def least_utility(anchors: Sequence[float | None], band: float = BAND) -> float | None:
    """The model utility from which on a model keeps enough; null where an anchor has none, or there is none.

    Args:
        anchors: utility of the model before unlearning and of the retain reference.
        band: how far below the lower of them.
    """
    known = [value for value in anchors if value is not None]
    return min(known) - band if known and len(known) == len(anchors) else None


@dataclass(frozen=True)
class Matched:
    """An entry at the checkpoints where it forgets most of all that keep enough, one per seed."""

    quality: OverSeeds
    steps: Sequence[int]  # of these checkpoints; empty where a seed has none


def matched(found: Comparison, band: float = BAND) -> Mapping[str, Matched]:
    """Label -> an unlearned model at matched utility; empty where no model is known to hold it against."""
    anchors = [entry.over_seeds(UTILITY).mean for label in (BEFORE, REFERENCE) if (entry := found.find(label))]
    least = least_utility(anchors, band)
    return {} if least is None else {entry.label: _matched(entry, least) for entry in found.unlearned}


def _matched(entry: Entry, least: float) -> Matched:
    ways = entry.curves or [[final] for final in entry.finals]
    best = [_best([*way, final], least) for way, final in zip(ways, entry.finals, strict=True)]
    values = [None if one is None else one.scores.value(QUALITY) for one in best]
    steps = [int(one.log.run.get("step") or 0) for one in best if one is not None]
    return Matched(entry.mean_of(values, bounds(QUALITY)), steps if len(steps) == len(best) else ())


def _best(way: Sequence[Result], least: float) -> Result | None:
    """The checkpoint with the highest forget quality of those that keep enough; the first of equals."""
    kept = [
        (quality, -number, one)
        for number, one in enumerate(way)
        if (utility := one.scores.value(UTILITY)) is not None
        and utility >= least
        and (quality := one.scores.value(QUALITY)) is not None
    ]
    return max(kept, key=lambda known: known[:2])[2] if kept else None
