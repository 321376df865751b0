"""Tables of a comparison: which columns they have, what these are called, and how a number is written."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fiubench.unlearning.data.log import UNSEEN_PICTURE
from fiubench.unlearning.metrics.aggregate import Scores
from fiubench.unlearning.metrics.base import METRICS, bounds, find, short
from fiubench.unlearning.metrics.pictures import PICTURE_GAPS
from fiubench.unlearning.metrics.statistics import interval
from fiubench.unlearning.reporting.compare import Comparison

_WIDEST = 10  # columns of numbers in a table of text: what a terminal of 120 characters holds


def columns(found: Comparison, *, page: bool = True) -> list[str]:
    """The metrics of the comparison's table: what was kept, components of utility first; then what was forgotten.

    Args:
        page: with the columns for which only the HTML page has room.
    """
    return [metric for part in kept_and_forgotten(found, page) for metric in part]


def kept_and_forgotten(found: Comparison, page: bool = False) -> tuple[list[str], list[str]]:
    """Metrics of what was kept, and of what was forgotten; ``page`` as for :func:`columns`."""
    definition = found.definition

    def asked(key: str) -> bool:
        condition = find(key)[1].column_if
        return page if condition == "page" else condition != "known" or _known(found, key)

    wanted = [key for m in METRICS.values() for part in m.columns if asked(key := m.key(part))]
    kept = [*definition.utility_keys, *(key for key in wanted if key.startswith(("retain.", "utility.")))]
    named = [key for key in definition.columns if find(key)[1].column_if != "known" or _known(found, key)]
    forgotten = named if definition.columns else [key for key in wanted if key not in kept]
    kept = list(dict.fromkeys(kept))
    return kept, [key for key in dict.fromkeys(forgotten) if key not in kept]


def _known(found: Comparison, metric: str) -> bool:
    return any(entry.over_seeds(metric).mean is not None for entry in found.entries)


def short_names(metrics: Sequence[str]) -> list[str]:
    """Headings for a table: short, with the set in front where two would be the same."""
    names = [short(metric) for metric in metrics]
    return [
        f"{metric.split('.', maxsplit=1)[0]} {name}" if names.count(name) > 1 else name
        for metric, name in zip(metrics, names, strict=True)
    ]


def figure(value: float | None) -> str:
    """A number for a table; a null is a dash."""
    if value is None:
        return "-"
    if (value != 0 and abs(value) < 5e-4) or abs(value) >= 1e5:
        return f"{value:.0e}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def difference(value: float | None, own: float | None) -> str:
    """By how much a value differs from another; nothing where one is null or they are equal."""
    return "" if value is None or own is None or value == own else f"{value - own:+.3f}"


def text_table(found: Comparison) -> list[tuple[str, ...]]:
    """The paper's table as rows of text, heading first."""
    return _table(found, columns(found, page=False))


def text_tables(found: Comparison) -> list[list[tuple[str, ...]]]:
    """The same as tables that fit a terminal: of what was kept, then of what was forgotten."""
    tables = []
    for part in kept_and_forgotten(found):
        count = -(-len(part) // _WIDEST)
        size = -(-len(part) // count) if count else 1
        tables += [_table(found, part[start : start + size]) for start in range(0, len(part), size)]
    return tables


def _table(found: Comparison, shown: Sequence[str]) -> list[tuple[str, ...]]:
    everything = columns(found, page=False)
    names = dict(zip(everything, short_names(everything), strict=True))
    rows: list[tuple[str, ...]] = [("model", *(names[metric] for metric in shown))]
    for entry in found.entries:
        label = entry.label if len(entry.finals) == 1 else f"{entry.label} ({len(entry.finals)} seeds)"
        label += " !" if entry.warnings else ""  # the warning stands below
        rows.append((label, *(figure(entry.over_seeds(metric).mean) for metric in shown)))
    return rows


def picture_gaps(scores: Scores) -> list[str]:
    """How much more is known about pictures that were trained on, in a line a set; nothing of one picture a person."""
    lines = []
    for key in PICTURE_GAPS:
        gap, role = scores.metrics[key], key.split(".")[0]
        if gap.value is None:
            continue
        seen, unseen = (scores.value(f"{under}{role}.exact_match") for under in ("", f"control.{UNSEEN_PICTURE}."))
        between = interval(gap, bounds(key))
        sure = "" if between is None else f" (95 % interval {between[0]:+.3f} to {between[1]:+.3f}, by person)"
        if gap.se == 0:  # which no interval can be drawn from
            sure = f" (for each of {gap.identities} people)"
        told = f"{figure(seen)} about seen pictures, {figure(unseen)} about unseen ones"
        lines.append(f"{role}: exact match {told}: seen - unseen {gap.value:+.3f}{sure}")
    return lines


#: Heading of :func:`both_ways`.
BOTH_WAYS = ("model", "taught by", "set", "asked by picture", "asked by name", "both ways")


def both_ways(label: str, run: Mapping[str, Any], value: Callable[[str], float | None]) -> list[tuple[str, ...]]:
    """Exact match of a model that was asked by picture and by name, a row a set; none for any other model.

    The last cell is the share that is gone both ways of the forget set, and the share that is kept both ways of the
    retain set.

    Args:
        label: what the model is called.
        run: what its log says of its run.
        value: metric -> value.
    """
    taught, forgotten = (run.get("modality", {}).get(part) for part in ("taught", "forgotten"))
    how = f"{taught or '?'}, forgotten by {forgotten}" if forgotten else str(taught or "?")
    return [
        (
            *(label, how, role),
            *map(figure, (value(f"{role}.exact_match"), by_name, value(f"{role}.alignment"))),
        )
        for role in ("forget", "retain")
        if (by_name := value(f"control.name.{role}.exact_match")) is not None
    ]


def both_ways_compared(found: Comparison) -> list[tuple[str, ...]]:
    """The rows of all models of a comparison, heading first; empty if none was asked both ways."""
    rows: list[tuple[str, ...]] = []
    for entry in found.entries:
        means = {name: entry.over_seeds(name).mean for name in entry.finals[0].scores.metrics}
        rows += both_ways(entry.label, entry.finals[0].log.run, means.get)
    return [BOTH_WAYS, *rows] if rows else []


def forgotten_part(metadata: Mapping[str, Any]) -> str:
    """What is forgotten and what of the same people is retained, in a sentence; empty where whole people are forgotten.

    Args:
        metadata: of a log.
    """
    if not metadata.get("attributes"):
        return ""
    what, forget = ", ".join(metadata["attributes"]), metadata["splits"]["forget"]["name"]
    others = metadata["other_facts"]
    return f"Of the people in {forget} only {what} is to be forgotten: {others} other questions about them are retained"
