"""Figures of a comparison: utility against forget quality, and forgetting by attribute."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fiubench.support.page import figures as kit
from fiubench.unlearning.reporting.compare import BEFORE, REFERENCE, Comparison, Entry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Looks of what methods are held against.
_RING = {"s": 64, "marker": "o", "facecolors": "none", "edgecolors": kit.INK}
_STAR = {"s": 90, "marker": "*", "color": kit.INK}
_ANCHORS: tuple[tuple[str, dict[str, Any]], ...] = ((BEFORE, _RING), (REFERENCE, _STAR))


def curves(figure: "Figure", found: Comparison) -> None:
    """Each method's way through its checkpoints; the corner at the top right is where unlearning wants to be."""
    figure.set_size_inches(kit.WIDTH, 4.6)
    axes = figure.subplots()
    axes.grid()
    for number, entry in enumerate(found.unlearned):
        colour, marker = kit.SERIES[number % len(kit.SERIES)], kit.MARKERS[number % len(kit.MARKERS)]
        for curve in entry.curves:
            points = [_at(point.scores.value) for point in curve]
            known = [p for p in points if p is not None]
            axes.plot([x for x, _ in known], [y for _, y in known], color=colour, linewidth=1.2, alpha=0.75)
            kit.points(axes, known[:-1], "", s=9, color=colour, alpha=0.75)
        ends = [end for final in entry.finals if (end := _at(final.scores.value)) is not None]
        kit.points(axes, ends, entry.label, s=52, marker=marker, color=colour)
    for label, looks in _ANCHORS:
        entry_ = found.find(label)
        place = None if entry_ is None else _at(lambda metric, e=entry_: e.over_seeds(metric).mean)
        if place is not None:
            kit.points(axes, [place], label, **looks)
    axes.set(xlabel="forget quality", ylabel="model utility", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    if axes.get_legend_handles_labels()[0]:
        kit.legend(figure)
    else:
        axes.text(0.5, 0.5, "utility or forget quality is null\nunder this definition", ha="center")


def _at(value: Any) -> tuple[float, float] | None:
    x, y = value("forget_quality"), value("utility.model")
    return None if x is None or y is None else (x, y)


def attributes(figure: "Figure", found: Comparison) -> None:
    """Exact match on the forget set, attribute by attribute, with the level of a constant guess."""
    anchors = [(entry, looks) for label, looks in _ANCHORS if (entry := found.find(label)) is not None]
    entries = [*(entry for entry, _ in anchors), *found.unlearned]
    names = _attribute_names(entries)
    figure.set_size_inches(kit.WIDTH, 1.4 + 0.27 * len(names))
    axes = figure.subplots()
    kit.rows(axes, [name.replace("_", " ") for name in names])
    chance = [_of(entries[0], name, "forget.chance") for name in names]
    axes.barh(range(len(names)), [c or 0 for c in chance], height=0.72, color=kit.LINE, label="constant guess")
    for number, entry in enumerate(found.unlearned):
        kit.dots(axes, [_of(entry, name) for name in names], number, len(found.unlearned), entry.label)
    for entry, looks in anchors:
        places = [(value, row) for row, name in enumerate(names) if (value := _of(entry, name)) is not None]
        kit.points(axes, places, entry.label, **looks)
    axes.set(xlabel="exact match on the forget set", xlim=(-0.03, 1.03))
    kit.legend(figure)


def _of(entry: Entry, attribute: str, metric: str = "forget.exact_match") -> float | None:
    values = [found.scores.attributes.get(attribute, {}).get(metric) for found in entry.finals]
    known = [v.value for v in values if v is not None and v.value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _attribute_names(entries: Sequence[Entry]) -> list[str]:
    seen = entries[0].finals[0].scores.attributes if entries else {}
    return [name for name, metrics in seen.items() if "forget.exact_match" in metrics]
