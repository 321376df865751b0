"""The report of a stream: the matrix as JSON, Markdown, figure and page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.support.canonical import readable_json
from fiubench.support.files import make_folder, write_atomic
from fiubench.support.page import figures as kit
from fiubench.support.page import render
from fiubench.unlearning.metrics.statistics import Estimate
from fiubench.unlearning.streams.matrix import (
    EARLIER,
    LATER,
    NOW,
    REBOUND,
    RETAINED,
    SIDE_BY_SIDE,
    SUMMARY,
    Matrix,
    known,
    shown,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 13  # names of times, or numbers in a row of the figure, that have room
_LINES = (NOW, EARLIER, REBOUND, LATER, RETAINED)


def write_report(matrix: Matrix, out: Path) -> list[Path]:
    """Write ``index.html``, ``matrix.json``, ``matrix.md``, ``matrix.png`` and ``steps.png``.

    Raises:
        DatasetError: the folder can't be written to.
    """
    written = {
        "index.html": page(matrix),
        "matrix.json": readable_json(matrix.document),
        "matrix.md": matrix.markdown.encode(),
        "matrix.png": kit.png(lambda canvas: paint(canvas, matrix)),
        "steps.png": kit.png(lambda canvas: steps(canvas, matrix)),
    }
    for name, content in written.items():
        write_atomic(make_folder(out) / name, content)
    return [out / name for name in written]


def page(matrix: Matrix) -> bytes:
    """The report as one HTML file."""
    context = {
        "sections": [("matrix", "Requests and time"), ("steps", "Step by step"), ("at-once", "At once")],
        "matrix": matrix,
        "facts": matrix.facts[matrix.times[-1]],
        "rows": [(matrix.label(number), [_cell(cell) for cell in row]) for number, row in enumerate(matrix.cells)],
        "steps": _listed(SUMMARY, matrix.summaries),
        "models": _listed(SIDE_BY_SIDE, matrix.side_by_side),
        "figures": {
            "matrix": kit.svg(lambda canvas: paint(canvas, matrix), "Exact match of each request over time"),
            "steps": kit.svg(lambda canvas: steps(canvas, matrix), "Forgotten, rebound and retained, step by step"),
        },
    }
    return b"".join(render(Path(__file__).with_name("report.html"), context))


def _cell(value: Estimate | None) -> tuple[str, str]:
    """A value and, in brackets, its standard error."""
    return shown(value), "" if value is None or value.se is None else f"({value.se:.2f})"


def _listed(
    wanted: Sequence[str], values: Mapping[str, Mapping[str, Estimate]]
) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """Those of the columns that are known, and name after name its cells."""
    columns = known(wanted, values)
    return columns, [(name, [_cell(each.get(column)) for column in columns]) for name, each in values.items()]


def paint(canvas: "Figure", matrix: Matrix) -> None:
    """A square for each request and time: dark is known. The line is when each is asked for."""
    count, times = len(matrix.requests), matrix.times
    canvas.set_size_inches(kit.WIDTH, 1.3 + 0.3 * count)
    axes = canvas.subplots()
    for row, cells in enumerate(matrix.cells):
        for column, cell in enumerate(cells):
            if (value := cell.value) is None:
                continue
            axes.barh(row, 0.94, 0.94, column - 0.47, color=kit.SERIES[0], alpha=0.08 + 0.92 * value, linewidth=0)
            if len(times) <= _MOST:
                colour = "white" if value > 0.5 else kit.INK
                axes.text(
                    column, row, f"{value:.2g}".replace("0.", "."), ha="center", va="center", fontsize=7, color=colour
                )
    edges = [(number + 0.5, number + shift) for number in range(count) for shift in (-0.5, 0.5)]
    axes.plot([x for x, _ in edges], [y for _, y in edges], color=kit.SERIES[1], linewidth=2, label="asked for here")
    kit.rows(axes, [matrix.label(number) for number in range(count)])
    axes.grid(visible=False)
    axes.set_ylim(count - 0.5, -0.5)
    _ticks(axes, times)
    axes.set(xlabel="exact match after step (0: before)", xlim=(-0.5, len(times) - 0.5))
    kit.legend(canvas)


def steps(canvas: "Figure", matrix: Matrix) -> None:
    """What is forgotten now, what is still, what came back, and what is retained, after each step."""
    canvas.set_size_inches(kit.WIDTH, 3.6)
    axes = canvas.subplots()
    axes.grid(axis="y")
    for number, name in enumerate(_LINES):
        places = [(t, e.value) for t, time in enumerate(matrix.times) if (e := matrix.summaries[time].get(name))]
        drawn = [(x, y) for x, y in places if y is not None]
        look: dict[str, Any] = {"color": kit.SERIES[number], "marker": kit.MARKERS[number]}
        axes.plot([x for x, _ in drawn], [y for _, y in drawn], **look, markersize=4, linewidth=1.2, label=name)
    _ticks(axes, matrix.times)
    low = min([0.0, *(e.value or 0.0 for each in matrix.summaries.values() for n, e in each.items() if n == REBOUND)])
    axes.set(xlabel="after step (0: before)", ylabel="exact match", ylim=(low - 0.03, 1.03))
    kit.legend(canvas)


def _ticks(axes: "Axes", times: Sequence[str]) -> None:
    """Names of times, at most as many as have room."""
    places = range(0, len(times), -(-len(times) // _MOST))
    axes.set_xticks(list(places), [str(place) for place in places])
