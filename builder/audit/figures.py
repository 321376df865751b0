"""Figures of the audit page: of the attributes, histograms, balance of the splits; two datasets on the same axes."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from fiubench.support.page import figures as kit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: A report in the shape of ``schemas/audit.schema.json``.
Report = dict[str, Any]
_SPLITS = 4  # whose balance is shown
_DASHED: dict[str, Any] = {"color": kit.INK, "linestyle": (0, (3, 3)), "linewidth": 0.8}
_ENTROPY = """How evenly its values are spread: the longer the bar, the harder to guess. Where all people differ, it is
log₂ of their number, the dashed line."""
_MOST_FREQUENT = "The share of people who have it, which is what always guessing this value scores."
_BALANCE = "The share of a split's people in each stratum; marks that lie together mean balance."


def draw(reports: Sequence[Report], names: Sequence[str]) -> list[dict[str, Any]]:
    """All figures that the reports have something for: title, text, drawing (SVG) and tables of the counts in it.

    Args:
        reports: of one dataset, or of two that are compared.
        names: of the datasets.
    """
    shown = list(zip(names, reports, strict=True))
    ceilings = {math.log2(max(1, report["target"]["identities"])) for report in reports}
    histograms = dict.fromkeys(name for report in reports for name in report["histograms"])
    drawn = [
        _bars(shown, "entropy", "Entropy of each attribute", _ENTROPY, "entropy, bits", 1, "{:.2f}", ceilings),
        _bars(shown, "top_share", "Most frequent value", _MOST_FREQUENT, "people, %", 100, "{:.1f} %"),
        *(_histogram(shown, name) for name in histograms),
        _balance(shown),
    ]
    return [figure for figure in drawn if figure]


def attributes_of(reports: Sequence[Report]) -> dict[str, list[dict[str, Any] | None]]:
    """Attribute -> its row in each report, in the order of the questions."""
    rows = [{row["name"]: row for row in report["attributes"]} for report in reports]
    return {
        name: [found.get(name) for found in rows] for name in dict.fromkeys(name for found in rows for name in found)
    }


def _figure(title: str, text: str, paint: Callable[["Figure"], None], *tables: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "text": text, "drawing": kit.svg(paint, title), "tables": tables}


def _table(title: str, dataset: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    return {"title": f"{title} of {dataset}" if dataset else title, "columns": list(columns), "rows": list(rows)}


def _named(shown: Sequence[tuple[str, Any]], of: int) -> list[tuple[str, Any]]:
    """What is shown, without the name of a dataset that is alone."""
    return [(name if of > 1 else "", report) for name, report in shown]


def _bars(
    shown: Sequence[tuple[str, Report]],
    key: str,
    title: str,
    text: str,
    label: str,
    scale: float,
    value: str,
    lines: Iterable[float] = (),
) -> dict[str, Any] | None:
    """A bar per attribute and dataset, the longest first; ``scale`` makes the label's unit of the row's value."""
    found = {
        name.replace("_", " "): [None if row is None or row[key] is None else scale * row[key] for row in rows]
        for name, rows in attributes_of([report for _, report in shown]).items()
    }
    found = {name: values for name, values in found.items() if any(v is not None for v in values)}
    if not found:
        return None
    order = sorted(found, key=lambda name: found[name][0] or -1.0, reverse=True)
    series = {dataset: [found[name][i] for name in order] for i, (dataset, _) in enumerate(shown)}
    most = max(1.0, *lines, *(v for values in found.values() for v in values if v is not None))

    def paint(figure: "Figure") -> None:
        figure.set_size_inches(kit.WIDTH, 0.9 + len(order) * (0.24 if len(shown) == 1 else 0.34))
        axes = figure.subplots()
        kit.bars(axes, order, series, value.format)
        for line in lines:
            axes.axvline(line, **_DASHED)
        axes.set(xlabel=label, xlim=(0, most))
        if len(shown) > 1:
            kit.legend(figure)

    return _figure(title, text, paint)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [100 * count / total if total else 0.0 for count in counts]


def _histogram(reports: Sequence[tuple[str, Report]], name: str) -> dict[str, Any] | None:
    found = [(dataset, report["histograms"].get(name)) for dataset, report in reports]
    shown = _named([(d, each) for d, each in found if each and any(map(any, each["series"].values()))], len(reports))
    if not shown:
        return None
    first = shown[0][1]
    every = (counts for _, each in shown for counts in each["series"].values())  # over the same edges in all datasets
    filled = [i for i, counts in enumerate(zip(*every, strict=True)) if any(counts)]
    low, high = filled[0], filled[-1] + 1

    def paint(figure: "Figure") -> None:
        for axes, (dataset, each) in zip(kit.panels(figure, len(shown), 2.6, sharey=True), shown, strict=True):
            edges = each["edges"][low : high + 1]
            series = {f"{s} ({sum(c):,})": _shares(c)[low:high] for s, c in each["series"].items() if any(c)}
            kit.steps(axes, edges, series)
            if edges[0] < 0 < edges[-1]:
                axes.axvline(0, **_DASHED)
            axes.set(xlabel=each["unit"], ylabel="share, %", xlim=(edges[0], edges[-1]))
            kit.panel_legend(axes, dataset)
        axes.set_ylim(bottom=0)  # of all panels, now that all of them are filled

    tables = []
    for dataset, each in shown:
        ranges = [f"{a:g} to {b:g}" for a, b in zip(each["edges"], each["edges"][1:], strict=False)]
        columns = [f"From, to ({each['unit']})", *each["series"]]
        tables.append(_table("Counts", dataset, columns, zip(ranges, *each["series"].values(), strict=True)))
    return _figure(first["title"], "Each group in shares of its own total.", paint, *tables)


def _balance(reports: Sequence[tuple[str, Report]]) -> dict[str, Any] | None:
    shown = _named([(dataset, report["strata"]) for dataset, report in reports if report["strata"]], len(reports))
    strata = sorted({stratum for _, splits in shown for counts in splits.values() for stratum in counts})
    if not strata:
        return None

    def paint(figure: "Figure") -> None:
        for axes, (dataset, splits) in zip(
            kit.panels(figure, len(shown), 1.1 + 0.26 * len(strata)), shown, strict=True
        ):
            kit.rows(axes, strata)
            compared = [split for split in splits if split != "others"][:_SPLITS]
            for number, split in enumerate(compared):
                counts = [splits[split].get(stratum, 0) for stratum in strata]
                kit.dots(axes, _shares(counts), number, len(compared), f"{split} ({sum(counts):,})")
            axes.set_xlabel("share of the split's people, %")
            kit.panel_legend(axes, dataset)
        axes.set_xlim(left=0)

    tables = [
        _table(
            "People in all splits",
            dataset,
            ["Stratum", *splits],
            ((name, *(counts.get(name, 0) for counts in splits.values())) for name in strata),
        )
        for dataset, splits in shown
    ]
    return _figure("Balance of the splits", _BALANCE, paint, *tables)
