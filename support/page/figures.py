"""Figures of reports, drawn with matplotlib: inline SVG that follows the page's theme, and PNG for papers.

A figure is a function that paints on an empty :class:`matplotlib.figure.Figure` with the colours below. The same
figure gives the same bytes on every machine that has the same matplotlib.
"""

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Paint = Callable[[Figure], None]

WIDTH = 4.9  # inches, 353 units of the SVG: about as wide as a phone, so that text keeps its size there
INK, MUTED, LINE = "#1c1d1f", "#5d6065", "#d9d9d4"
#: Okabe and Ito's palette, which colour-blind readers can distinguish.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7a5195")
MARKERS = "osD^vPX"
#: Colours as the style sheet names them: there they have a light and a dark value.
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", **{colour: f"series-{i}" for i, colour in enumerate(SERIES)}}
_LONGEST = 30  # characters of a label
_SETTINGS = {
    "font.family": "DejaVu Sans",  # matplotlib's own, so that every machine measures alike
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign is one
    **dict.fromkeys(("axes.labelcolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.edgecolor", "grid.color"), LINE),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "legend.handlelength": 1.2,
    "svg.fonttype": "none",
}


def svg(paint: "Paint", label: str) -> str:
    """A figure as an ``svg`` element for :mod:`fiubench.support.page`.

    Args:
        label: what it shows, for those who can't see it; unique on its page.
    """
    text = _saved(paint, "svg", label).decode()
    text = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", _inline, text[text.index("<svg") :])
    view = re.search(r'viewBox="[^"]+"', text)
    assert view is not None
    named = label.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<svg class="chart" role="img" aria-label="{named}" {view[0]}>{text[text.index(">") + 1 :].strip()}'


def png(paint: "Paint") -> bytes:
    """A figure as PNG, on white."""
    return _saved(paint, "png", "")


def _saved(paint: "Paint", kind: str, salt: str) -> bytes:
    import matplotlib as mpl  # noqa: PLC0415  half a second to import
    from matplotlib.artist import Artist  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": salt or "fiubench"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # measured a little wrong; the browser has it
        figure = Figure(figsize=(WIDTH, 3), layout="constrained", facecolor="none" if kind == "svg" else "white")
        FigureCanvasAgg(figure)
        paint(figure)
        for artist in figure.findobj(Artist):
            artist.set_clip_on(False)  # everything lies within its axes; clipping would double the file
        out = BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(out, format=kind, dpi=200, metadata=metadata)
    return out.getvalue()


def _inline(tag: re.Match[str]) -> str:
    """A tag as it may stand in a page: attributes in place of styles, which the policy forbids; no ids of groups."""
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", tag[0]).replace("xlink:href", "href")
    if text.startswith("<g "):
        text = re.sub(r' id="[^"]*"', "", text)
    text = re.sub(r'style="([^"]*)"', lambda style: _attributes(style[1]), text)
    return re.sub("#[0-9a-f]{6}", lambda c: f"var(--{_VARIABLES[c[0]]})" if c[0] in _VARIABLES else c[0], text)


def _attributes(style: str) -> str:
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    found = {name.strip(): value.strip() for name, value in pairs}
    if font := found.pop("font", None):
        found["font-size"] = font.split("px")[0].split()[-1]  # the family is the page's
    return " ".join(f'{name}="{value}"' for name, value in found.items())


# --- parts of figures ---


def cut(text: str) -> str:
    """A label on one line, as much of it as fits."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def rows(axes: "Axes", names: Sequence[str]) -> None:
    """Names on the left, the first at the top, and lines for the values."""
    axes.grid(axis="x")
    axes.set_yticks(range(len(names)), [cut(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)


def bars(
    axes: "Axes", names: Sequence[str], series: Mapping[str, Sequence[float | None]], show: Callable[[float], str]
) -> None:
    """Horizontal bars from 0, a group per name with a bar per series; the values stand on the right."""
    thick = 0.8 / len(series)
    for number, (label, values) in enumerate(series.items()):
        places = [row + (number + 0.5) * thick - 0.4 for row in range(len(names))]
        axes.barh(places, [v or 0 for v in values], 0.9 * thick, color=SERIES[number], label=cut(label))
        for place, value in zip(places, values, strict=True):
            text, size = "-" if value is None else show(value), 9 if len(series) == 1 else 7.5
            across = axes.get_yaxis_transform()
            axes.text(1.02, place, text, transform=across, va="center", color=MUTED, fontsize=size)
    rows(axes, names)


def steps(axes: "Axes", edges: Sequence[float], series: Mapping[str, Sequence[float]]) -> None:
    """Histograms over the same edges: the first filled, the others as lines."""
    axes.grid(axis="y")
    for number, (label, heights) in enumerate(series.items()):
        colour = SERIES[number % len(SERIES)]
        axes.stairs(heights, edges, color=colour, linewidth=1.4, label=cut(label))
        if number == 0:
            axes.stairs(heights, edges, fill=True, color=colour, alpha=0.25, linewidth=0)


def dots(axes: "Axes", values: Sequence[float | None], number: int, of: int, label: str) -> None:
    """A mark in each row that has a value, in colour and shape those of series ``number`` of so many.

    It lies a little above or below the row's line, so that equal values don't hide each other.
    """
    shift = _shift(number, of)
    places = [(value, row + shift) for row, value in enumerate(values) if value is not None]
    points(axes, places, label, color=SERIES[number % len(SERIES)], marker=MARKERS[number % len(MARKERS)], s=24)


def intervals(axes: "Axes", ends: Sequence[tuple[float, float] | None], number: int, of: int) -> None:
    """A line between two values in each row that has them, in the colour and at the place of :func:`dots`."""
    for row, known in enumerate(ends):
        if known is not None:
            axes.hlines(row + _shift(number, of), *known, color=SERIES[number % len(SERIES)], linewidth=1.2, alpha=0.6)


def _shift(number: int, of: int) -> float:
    return 0.5 * ((number + 0.5) / of - 0.5)


def points(axes: "Axes", places: Sequence[tuple[float, float]], label: str, **looks: Any) -> None:
    """Marks at (x, y)."""
    axes.scatter([x for x, _ in places], [y for _, y in places], label=cut(label), zorder=3, **looks)


def legend(figure: "Figure") -> None:
    """The legend of a figure with one panel, below it."""
    figure.legend(loc="outside lower center", ncols=3)


def panels(figure: "Figure", number: int, height: float, *, sharey: bool = False) -> "list[Axes]":
    """Panels above each other with a common x axis, each ``height`` inches high."""
    figure.set_size_inches(WIDTH, height * number)
    found: list[Axes] = list(figure.subplots(number, sharex=True, sharey=sharey, squeeze=False)[:, 0])
    for axes in found:
        axes.tick_params(labelbottom=True)
    return found


def panel_legend(axes: "Axes", title: str) -> None:
    """What a panel is of and what its series are, above it."""
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, ncols=2, title=cut(title) or None, alignment="left"
    )
