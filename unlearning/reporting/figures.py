"""Figures of a comparison, drawn with matplotlib: utility against forget quality, and forgetting by attribute."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fiubench.unlearning.reporting.compare import BEFORE, REFERENCE, Comparison, Entry

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 4.9  # inches: at 72 points an inch about as wide as a phone, so that text keeps its size there


@dataclass(frozen=True)
class Theme:
    """Colours of a figure."""

    ink: str
    faint: str
    ground: str
    series: tuple[str, ...]


# Okabe and Ito's palette, which colour-blind readers can distinguish; lighter blues on dark ground.
LIGHT = Theme(
    "#1d2733", "#d5dbe2", "#ffffff", ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7a5195")
)
DARK = Theme(
    "#e6ebf1", "#3a4552", "#161c23", ("#56b4e9", "#ff8c42", "#2cc99a", "#e6a0c8", "#e6c229", "#9ad0f5", "#b79ad6")
)
_MARKERS = "osD^vPX"


def draw(found: Comparison, name: str, theme: Theme, kind: str) -> bytes:
    """A figure as SVG or PNG.

    Args:
        name: ``curves`` or ``attributes``.
        kind: ``svg`` or ``png``.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure

    settings = {
        "font.family": "sans-serif",
        "font.sans-serif": ["Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"],
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": "fiubench",
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.faint,
        "axes.facecolor": theme.ground,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "grid.color": theme.faint,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(settings):
        figure = NewFigure(layout="constrained", facecolor=theme.ground)
        FigureCanvasAgg(figure)
        _DRAWN[name](figure, found, theme)
        out = BytesIO()
        # No date inside: the same comparison gives the same file.
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=200, metadata=metadata)
    return out.getvalue()


def _curves(figure: "Figure", found: Comparison, theme: Theme) -> None:
    """Each method's way through its checkpoints; the corner at the top right is where unlearning wants to be."""
    figure.set_size_inches(_WIDTH, 4.3)
    axes = figure.subplots()
    axes.grid(linewidth=0.6)
    for number, entry in enumerate(found.unlearned):
        colour, marker = theme.series[number % len(theme.series)], _MARKERS[number % len(_MARKERS)]
        for curve in entry.curves:
            points = [_at(point.result.scores.value) for point in curve]
            known = [p for p in points if p is not None]
            axes.plot([x for x, _ in known], [y for _, y in known], color=colour, linewidth=1.2, alpha=0.75)
            axes.scatter([x for x, _ in known[:-1]], [y for _, y in known[:-1]], s=9, color=colour, alpha=0.75)
        ends = [end for final in entry.finals if (end := _at(final.scores.value)) is not None]
        axes.scatter(
            [x for x, _ in ends], [y for _, y in ends], s=52, marker=marker, color=colour, label=entry.label, zorder=3
        )
    for label, marker in ((BEFORE, "$\u25cb$"), (REFERENCE, "*")):
        entry_ = found.find(label)
        place = None if entry_ is None else _at(lambda metric, e=entry_: e.over_seeds(metric).mean)
        if place is not None:
            axes.scatter(*place, s=110, marker=marker, color=theme.ink, label=label, zorder=4)
    axes.set(xlabel="forget quality", ylabel="model utility", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=3, frameon=False, handletextpad=0.3)
    else:
        axes.text(0.5, 0.5, "utility or forget quality is null\nunder this definition", ha="center", color=theme.ink)


def _at(value: Any) -> tuple[float, float] | None:
    x, y = value("forget_quality"), value("utility.model")
    return None if x is None or y is None else (x, y)


def _attributes(figure: "Figure", found: Comparison, theme: Theme) -> None:
    """Exact match on the forget set, attribute by attribute, with the level of a constant guess."""
    entries = [e for e in found.entries if e.label in (BEFORE, REFERENCE)] + found.unlearned
    names = _attribute_names(entries)
    figure.set_size_inches(_WIDTH, 1.3 + 0.27 * len(names))
    axes = figure.subplots()
    axes.grid(axis="x", linewidth=0.6)
    rows = range(len(names))
    chance = [_of(entries[0], name, "forget.chance") for name in names]
    axes.barh(rows, [c or 0 for c in chance], height=0.72, color=theme.faint, label="constant guess")
    methods = found.unlearned
    for number, entry in enumerate(methods):
        colour, marker = theme.series[number % len(theme.series)], _MARKERS[number % len(_MARKERS)]
        # a little above or below the line, so that equal values don't hide each other
        _dots(axes, names, entry, colour, marker, 22, shift=0.6 * ((number + 0.5) / len(methods) - 0.5))
    for label, marker in ((BEFORE, "$\u25cb$"), (REFERENCE, "*")):
        if (entry_ := found.find(label)) is not None:
            _dots(axes, names, entry_, theme.ink, marker, 48)
    axes.set_yticks(rows, [name.replace("_", " ") for name in names])
    axes.invert_yaxis()
    axes.set(xlabel="exact match on the forget set", xlim=(-0.03, 1.03))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, handletextpad=0.3)


def _dots(
    axes: "Axes", names: Sequence[str], entry: Entry, colour: str, marker: str, size: int, shift: float = 0.0
) -> None:
    values = [(row + shift, value) for row, name in enumerate(names) if (value := _of(entry, name)) is not None]
    places = [v for _, v in values], [row for row, _ in values]
    axes.scatter(*places, s=size, color=colour, marker=marker, label=entry.label, zorder=3)


def _of(entry: Entry, attribute: str, metric: str = "forget.exact_match") -> float | None:
    values = [found.scores.attributes.get(attribute, {}).get(metric) for found in entry.finals]
    known = [v.value for v in values if v is not None and v.value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _attribute_names(entries: Sequence[Entry]) -> list[str]:
    seen = entries[0].finals[0].scores.attributes if entries else {}
    return [name for name, metrics in seen.items() if "forget.exact_match" in metrics]


_DRAWN = {"curves": _curves, "attributes": _attributes}
