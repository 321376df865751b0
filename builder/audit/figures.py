"""Figures of the audit page: of the attributes, histograms, balance of the splits; two datasets on the same axes."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fiubench.support.page import figures as kit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: A report in the shape of ``schemas/audit.schema.json``.
Report = dict[str, Any]
_SPLITS = 4  # whose balance is shown


def draw(reports: Sequence[Report], names: Sequence[str]) -> list[dict[str, Any]]:
    """All figures that the reports have something for: title, text, drawing (SVG) and the counts behind it.

    Args:
        reports: of one dataset, or of two that are compared.
        names: of the datasets.
    """
    histograms = list(dict.fromkeys(name for report in reports for name in report["histograms"]))
    drawn = [_entropy(reports, names), _most_frequent(reports, names)]
    drawn += [_histogram(reports, names, name) for name in histograms]
    return [figure for figure in (*drawn, _balance(reports, names)) if figure]


def _figure(title: str, text: str, paint: Callable[["Figure"], None], *tables: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "text": text, "drawing": kit.svg(paint, title), "tables": tables}


def attributes_of(reports: Sequence[Report]) -> dict[str, list[dict[str, Any] | None]]:
    """Attribute -> its row in each report, in the order of the questions."""
    rows = [{row["name"]: row for row in report["attributes"]} for report in reports]
    return {
        name: [found.get(name) for found in rows] for name in dict.fromkeys(name for found in rows for name in found)
    }


# --- attributes ---


def _bars(
    figure: "Figure",
    reports: Sequence[Report],
    names: Sequence[str],
    key: str,
    show: Callable[[float], str],
) -> "Axes":
    found = {
        name: [row and row[key] for row in rows]
        for name, rows in attributes_of(reports).items()
        if any(row and row[key] is not None for row in rows)
    }
    order = sorted(found, key=lambda name: -1 if found[name][0] is None else found[name][0], reverse=True)
    figure.set_size_inches(kit.WIDTH, 0.9 + len(order) * (0.24 if len(reports) == 1 else 0.34))
    axes: Axes = figure.subplots()
    series = {name: [found[attribute][i] for attribute in order] for i, name in enumerate(names)}
    kit.bars(axes, [name.replace("_", " ") for name in order], series, show)
    if len(reports) > 1:
        kit.legend(figure)
    return axes


def _entropy(reports: Sequence[Report], names: Sequence[str]) -> dict[str, Any] | None:
    if not any(report["attributes"] for report in reports):
        return None
    ceilings = dict.fromkeys(math.log2(max(1, report["target"]["identities"])) for report in reports)
    most = max([1.0, *ceilings, *(row["entropy"] for report in reports for row in report["attributes"])])

    def paint(figure: "Figure") -> None:
        axes = _bars(figure, reports, names, "entropy", lambda value: f"{value:.2f}")
        for ceiling in ceilings:
            axes.axvline(ceiling, color=kit.INK, linestyle=(0, (3, 3)), linewidth=0.8)
        axes.set(xlabel="entropy, bits", xlim=(0, most))

    text = (
        "How evenly its values are spread: the longer the bar, the harder to guess. Where all people differ, it "
        "is log₂ of their number, the dashed line."
    )
    return _figure("Entropy of each attribute", text, paint)


def _most_frequent(reports: Sequence[Report], names: Sequence[str]) -> dict[str, Any] | None:
    shares = [row["top_share"] for report in reports for row in report["attributes"] if row["top_share"] is not None]
    if not shares:
        return None
    most = max(0.1, *shares)

    def paint(figure: "Figure") -> None:
        axes = _bars(figure, reports, names, "top_share", lambda share: f"{100 * share:.1f} %")
        axes.set(xlabel="people, %", xlim=(0, most))
        _percent(axes.xaxis)

    text = "The share of people who have it, which is what always guessing this value scores."
    return _figure("Most frequent value", text, paint)


# --- histograms ---


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts]


def _histogram(reports: Sequence[Report], names: Sequence[str], name: str) -> dict[str, Any] | None:
    found = [(title, report["histograms"].get(name)) for title, report in zip(names, reports, strict=True)]
    shown = [(title, each) for title, each in found if each and any(map(any, each["series"].values()))]
    if not shown:
        return None
    first = shown[0][1]
    bins = [i for _, each in shown for i in _filled(each)]
    low, high = min(bins), max(bins) + 1

    def paint(figure: "Figure") -> None:
        for axes, (title, each) in zip(kit.panels(figure, len(shown), 2.6, sharey=True), shown, strict=True):
            counts = {f"{series} ({sum(c):,})": c for series, c in each["series"].items() if any(c)}
            edges = each["edges"][low : high + 1]
            kit.steps(axes, edges, {series: _shares(c)[low:high] for series, c in counts.items()})
            if edges[0] < 0 < edges[-1]:
                axes.axvline(0, color=kit.INK, linestyle=(0, (3, 3)), linewidth=0.8)
            axes.set(xlabel=first["unit"], ylabel="share, %", xlim=(edges[0], edges[-1]))
            _percent(axes.yaxis)
            kit.panel_legend(axes, title if len(reports) > 1 else "")
        axes.set_ylim(bottom=0)  # of all panels, now that all of them are filled

    tables = [
        {
            "title": f"Counts{f' of {title}' if len(reports) > 1 else ''}",
            "columns": [f"From, to ({each['unit']})", *each["series"]],
            "rows": [
                (f"{low:g} to {high:g}", *row)
                for low, high, row in zip(
                    each["edges"], each["edges"][1:], zip(*each["series"].values(), strict=True), strict=False
                )
            ],
        }
        for title, each in shown
    ]
    return _figure(first["title"], "Each group in shares of its own total.", paint, *tables)


def _filled(histogram: dict[str, Any]) -> list[int]:
    """The bins in which there is anything."""
    return [i for i, counts in enumerate(zip(*histogram["series"].values(), strict=True)) if any(counts)]


def _percent(axis: Any) -> None:
    axis.set_major_formatter(lambda share, _: f"{100 * share:g}")


# --- splits ---


def _strata(report: Report) -> list[str]:
    return sorted({stratum for counts in report["strata"].values() for stratum in counts})


def _balance(reports: Sequence[Report], names: Sequence[str]) -> dict[str, Any] | None:
    shown = [(title, each, _strata(each)) for title, each in zip(names, reports, strict=True) if _strata(each)]
    if not shown:
        return None

    def paint(figure: "Figure") -> None:
        height = 1.1 + 0.26 * max(len(strata) for *_, strata in shown)
        for axes, (title, report, strata) in zip(kit.panels(figure, len(shown), height), shown, strict=True):
            kit.rows(axes, strata)
            splits = [split for split in report["strata"] if split != "others"][:_SPLITS]
            for number, split in enumerate(splits):
                counts = report["strata"][split]
                total = sum(counts.values())
                shares = [counts.get(stratum, 0) / total if total else None for stratum in strata]
                kit.dots(axes, shares, number, len(splits), f"{split} ({total:,})")
            axes.set(xlabel="share of the split's people, %")
            _percent(axes.xaxis)
            kit.panel_legend(axes, title if len(reports) > 1 else "")
        axes.set_xlim(left=0)

    tables = [
        {
            "title": f"People in all splits{f' of {title}' if len(reports) > 1 else ''}",
            "columns": ["Stratum", *report["strata"]],
            "rows": [(name, *(counts.get(name, 0) for counts in report["strata"].values())) for name in strata],
        }
        for title, report, strata in shown
    ]
    text = "The share of a split's people in each stratum; marks that lie together mean balance."
    return _figure("Balance of the splits", text, paint, *tables)
