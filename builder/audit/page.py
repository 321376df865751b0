"""The audit as one HTML file: it opens from disk, asks no network, and treats whatever a dataset holds as text."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.builder.audit.figures import Report, attributes_of, draw
from fiubench.builder.audit.people import Pair
from fiubench.builder.audit.registry import FAIL, GROUPS, NONE, PASS, WARN, Measure, declared_measures
from fiubench.support.files import atomic_writer
from fiubench.support.page import data_uri, render


def percent(share: float | None) -> str:
    """0.1234 as "12.3 %"; a share that is not quite 0 or 1 does not look like it."""
    if share is None:
        return "-"
    if 0 < share < 0.001:
        return "< 0.1\u00a0%"
    if 0.999 < share < 1:
        return "> 99.9\u00a0%"
    return f"{share * 100:.{0 if share in (0, 1, -1) else 1}f}\u00a0%"


def amount(number: float, unit: str) -> str:
    """A number with its unit: "12.3 %", "7.31 years"."""
    if unit == "share":
        return percent(number)
    text = f"{number:,.0f}" if float(number).is_integer() else f"{number:,.{2 if abs(number) < 10 else 1}f}"
    return f"{text} " + unit.replace("-log10 p", "(\u2212log₁₀ p)")


def cell_text(cell: str | float | None) -> str:
    """A cell of a table: whole numbers with commas, shares in percent, text as it is."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return cell if isinstance(cell, str) else percent(cell)


def short_names(paths: Sequence[str]) -> list[str]:
    """The last part of each path; where these are the same, with which of the two it is."""
    short = [re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path for path in paths]
    if len(set(short)) == len(short):
        return short
    return [f"{name} ({which})" for name, which in zip(short, ("this", "other"), strict=False)]


def _limits(declared: Measure) -> str:
    parts = [f"{name.replace('_', 's ')} {amount(limit, declared.unit)}" for name, limit in declared.limits.items()]
    return f"It {' and '.join(parts)}." if parts else ""


VERDICTS = {FAIL: "Fail", WARN: "Warn", PASS: "Pass", NONE: "N/A"}
_VALUES = 15  # of an attribute, the most frequent ones
_EQUAL = 1e-9
#: Of the table of attributes: title, key of the row, how it is shown, which of two values is the better one.
COLUMNS: Sequence[tuple[str, str, Callable[[Any], str], str]] = (
    ("Asked", "asked", "{:,}".format, ""),
    ("Phrasings", "phrasings", "{:,}".format, ""),
    ("Distinct values", "distinct", "{:,}".format, ""),
    ("Entropy, bits", "entropy", "{:.2f}".format, "higher"),
    ("Most frequent, share", "top_share", percent, "lower"),
    ("Constant guess, EM", "constant_em", percent, "lower"),
    ("Constant guess, ROUGE-L", "constant_rouge", percent, "lower"),
    ("Guess from another fact, EM", "other_em", percent, "lower"),
)


@dataclass(frozen=True)
class Card:
    """One identity of the gallery.

    Attributes:
        face: a small JPEG as a ``data:`` URI (see :func:`thumbnail`), or ``None``.
        profile: (attribute, text) in the order in which they are shown.
        splits: names of those that the identity is in.
    """

    unique_id: str
    name: str
    face: str | None
    profile: list[tuple[str, str]]
    qa: list[Pair]
    splits: list[str]

    @property
    def initials(self) -> str:
        """What is shown where there is no face."""
        return "".join(word[0] for word in self.name.split()[:2])


def write_page(report: Report, gallery: Iterable[Card], out: Path, against: Report | None = None) -> None:
    """Write the HTML report.

    Args:
        report: in the shape of ``schemas/audit.schema.json``.
        gallery: identities to show, in order.
        out: the file; it appears whole or not at all.
        against: the report of another dataset, to be shown side by side.

    Raises:
        DatasetError: the file can't be written.
    """
    reports = [report] if against is None else [report, against]
    names = short_names([each["target"]["name"] for each in reports])
    figures, attributes, cards = draw(reports, names), attributes_of(reports), list(gallery)
    tables = {name: [each["tables"].get(name) for each in reports] for each in reports for name in each["tables"]}
    titles = {name: next(filter(None, found))["title"] for name, found in tables.items()}
    shown = (
        ("attributes", "Attributes", attributes),
        *((name, title, True) for name, title in titles.items()),
        ("plots", "Plots", figures),
        ("values", "Values", attributes),
        ("people", "Identities", cards),
    )
    context = {
        "sections": [("verdict", "Verdict"), ("measures", "Measures"), *((i, title) for i, title, has in shown if has)],
        "reports": reports,
        "names": names,
        "two": len(reports) > 1,
        "verdicts": VERDICTS,
        "groups": _groups(reports),
        "tally": tally,
        "worst": _worst,
        "comparison": _comparison(reports) if against else None,
        "attributes": attributes,
        "tables": tables,
        "cell_text": cell_text,
        "better": better_of,
        "figures": figures,
        "values": {name: [_values(row) for row in rows] for name, rows in attributes.items()},
        "cards": cards,
        "percent": percent,
        "value_text": value_text,
        "columns": COLUMNS,
        "data": {"report": report, "against": against},
    }
    with atomic_writer(out) as file:
        for piece in render(Path(__file__).with_name("page.html"), context):
            file.write(piece)


def thumbnail(image: bytes | Path, side: int = 96) -> str | None:
    """A picture as the ``data:`` URI of a JPEG of at most ``side`` pixels a side; ``None`` if it does not open."""
    from fiubench.raw_sources.reading.images import BadImage, small_jpeg  # noqa: PLC0415  Pillow, which only galleries need

    try:
        return data_uri(small_jpeg(image, side), "image/jpeg")
    except (BadImage, OSError):
        return None


# --- measures ---


def tally(report: Report, group: str | None = None) -> dict[str, int]:
    """Verdict -> measures that have it, of all or of one group."""
    found = [measure["verdict"] for measure in report["measures"] if group in (None, measure["group"])]
    return {verdict: found.count(verdict) for verdict in VERDICTS}


def _worst(report: Report) -> list[dict[str, Any]]:
    """What fails, then what warns."""
    return [measure for verdict in (FAIL, WARN) for measure in report["measures"] if measure["verdict"] == verdict]


def _groups(reports: Sequence[Report]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """(group, title, its measures), each measure with what every report found."""
    groups: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    for found in zip(*(report["measures"] for report in reports), strict=True):
        declared = declared_measures()[found[0]["rule"]]
        loud = any(measure["verdict"] in (FAIL, WARN) for measure in found)
        limits, better = _limits(declared), better_measure(declared, found)
        groups[declared.group].append({"found": found, "loud": loud, "limits": limits, "better": better})
    return [(group, GROUPS[group], rows) for group, rows in groups.items() if rows]


def _comparison(reports: Sequence[Report]) -> dict[str, int]:
    found = [row["better"] for *_, rows in _groups(reports) for row in rows if row["better"] is not None]
    return {"both": len(found), "ours": found.count(0), "theirs": found.count(1), "equal": found.count(-1)}


def _is_count(measure: dict[str, Any]) -> bool:
    return measure["of"] is not None and measure["unit"] != "share"


def value_text(measure: dict[str, Any]) -> tuple[str, str, str]:
    """A value, of how many, and the share: "288", " of 8,000 QA pairs", "3.6 %"; the last two may be empty."""
    value, of, unit = measure["value"], measure["of"], measure["unit"]
    if value is None:
        return f"no {unit}" if of == 0 else "not measured", "", ""
    if not _is_count(measure):
        return amount(value, unit), "", ""
    return f"{value:,}", f" of {of:,} {unit}", percent(value / of) if of and value else ""


def comparable(measure: dict[str, Any], declared: Measure) -> float | None:
    """A value on a scale that datasets of different sizes share, and on which chance makes no difference."""
    if measure["value"] is None:
        return None
    value = float(measure["value"])
    if measure["unit"] == "-log10 p":
        return max(value, declared.warn_above or 0)
    return abs(value) / float(measure["of"] or 1) if _is_count(measure) else abs(value)


def better_measure(declared: Measure, found: Sequence[dict[str, Any]]) -> int | None:
    """:func:`better_of` for what two reports found by one measure."""
    return better_of([comparable(measure, declared) for measure in found], declared.better)


def better_of(values: Sequence[Any], direction: str) -> int | None:
    """0 or 1: which of two values is the better one; -1: neither; ``None``: one of them is missing."""
    if len(values) < 2 or None in values or not direction:
        return None
    a, b = values
    if abs(a - b) < _EQUAL:
        return -1
    return 0 if (direction == "lower") == (a < b) else 1


# --- attributes ---


def _values(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if not row or not row["values"]:
        return None
    shown = row["values"][:_VALUES]
    return {
        "shown": [(text, count, count / row["valued"]) for text, count in shown],
        "most": shown[0][1] / row["valued"],
        "rest": row["distinct"] - len(shown),
        "rest_share": 1 - sum(count for _, count in shown) / row["valued"],
        "valued": row["valued"],
        "distinct": row["distinct"],
    }
