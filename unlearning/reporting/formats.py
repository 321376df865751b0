"""Tables of a comparison as a paper or a spreadsheet takes them: LaTeX (booktabs), Markdown, CSV."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from io import StringIO

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.unlearning.metrics.base import title
from fiubench.unlearning.reporting.compare import Comparison, Entry
from fiubench.unlearning.reporting.matched import BAND, QUALITY, matched
from fiubench.unlearning.reporting.tables import figure, kept_and_forgotten, short_names
from fiubench.unlearning.reporting.trained import trained

Rows = Sequence[tuple[str, ...]]

_ESCAPED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def paper_tables(found: Comparison) -> list[tuple[str, Rows]]:
    """(caption, rows with the heading first): of what was kept and forgotten, at matched utility, and of the training.

    A cell is a mean, with the 95 % interval over seeds where there is one. A star marks a model that is not comparable,
    an exclamation mark one that is warned of.
    """
    kept, forgotten = kept_and_forgotten(found)
    names = dict(zip((*kept, *forgotten), short_names((*kept, *forgotten)), strict=True))
    tables: list[tuple[str, Rows]] = []
    for what, metrics in (("What was kept", kept), ("What was forgotten", forgotten)):
        rows = [("model", "seeds", *(names[metric] for metric in metrics))]
        for entry in found.entries:
            over = [entry.over_seeds(metric) for metric in metrics]
            cells = (with_interval(one.mean, one.low, one.high) for one in over)
            rows.append((f"{entry.label}{marks(entry)}", str(len(entry.finals)), *cells))
        tables.append((f"{what}; metrics: {found.definition.name}", rows))
    return [*tables, *(_captioned(MATCHED, matched_table(found))), *_captioned("How it was trained", trained(found))]


#: Caption of :func:`matched_table`.
MATCHED = f"At matched utility: at most {BAND:g} below the model before unlearning and the retain reference"


def matched_table(found: Comparison) -> Rows:
    """Forget quality at matched utility, beside that of the last checkpoint; empty where nothing is known to match."""
    known = matched(found)
    rows: list[tuple[str, ...]] = [("model", "utility", "quality", "quality at matched utility", "steps")]
    for entry in found.unlearned if known else ():
        own, one = [entry.over_seeds(metric) for metric in ("utility.model", QUALITY)], known[entry.label]
        cells = [with_interval(over.mean, over.low, over.high) for over in (*own, one.quality)]
        rows.append((entry.label, *cells, ", ".join(map(str, one.steps)) or "none"))
    return rows if len(rows) > 1 else []


def marks(entry: Entry) -> str:
    """What stands behind the name of an entry: a star where conditions do not hold, ``!`` where it is warned of."""
    return (" *" if entry.marks else "") + (" !" if entry.warnings else "")


def remarks(found: Comparison) -> list[str]:
    """What is to be read with the tables."""
    return [
        *(f"* Not comparable: {mark}" for mark in found.marks),
        *(f"! {warning}" for warning in found.warnings),
        *found.notes,
    ]


def _captioned(caption: str, rows: Rows) -> list[tuple[str, Rows]]:
    return [(caption, rows)] if rows else []


def with_interval(mean: float | None, low: float | None, high: float | None) -> str:
    """ "0.564 [0.554, 0.573]"."""
    return figure(mean) if low is None or high is None else f"{figure(mean)} [{figure(low)}, {figure(high)}]"


def latex(found: Comparison) -> str:
    """A ``tabular`` for each table, with the rules of the package booktabs."""
    written = ["% \\usepackage{booktabs}", *(f"% {_one_line(remark)}" for remark in remarks(found)), ""]
    for caption, rows in paper_tables(found):
        heading, *body = [" & ".join(map(escaped, row)) + r" \\" for row in rows]
        columns = "l" + "r" * (len(rows[0]) - 1)
        lines = (rf"\begin{{tabular}}{{{columns}}}", r"\toprule", heading, r"\midrule", *body, r"\bottomrule")
        written += [f"% {_one_line(caption)}", *lines, r"\end{tabular}", ""]
    return "\n".join(written)


def escaped(text: str) -> str:
    """Text as LaTeX shows it."""
    return re.sub(r"[&%$#_{}\\~^<>]", lambda found: _ESCAPED[found[0]], _one_line(text))


def markdown(found: Comparison) -> str:
    """The same tables with pipes."""
    written = [line for remark in remarks(found) for line in (_one_line(remark), "")]
    for caption, rows in paper_tables(found):
        heading, *body = ["| " + " | ".join(_one_line(c).replace("|", r"\|") for c in row) + " |" for row in rows]
        written += [f"**{_one_line(caption)}**", "", heading, "|" + "---|" * len(rows[0]), *body, ""]
    return "\n".join(written)


def table_csv(found: Comparison) -> str:
    """One table, a row a model: each metric with the ends of its interval, in plain numbers; how it was trained."""
    metrics = [metric for part in kept_and_forgotten(found) for metric in part]
    at_matched = matched(found)
    heading, *rows = trained(found) or [("model", "seeds")]
    of_model = {row[0]: row[1:] for row in rows}
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    named = [*map(title, metrics), "forget quality at matched utility"]
    ends_of = [f"{name}{end}" for name in named for end in ("", " low", " high")]
    writer.writerow([heading[0], "runs", *ends_of, *heading[1:], "marks", "warnings"])
    for entry in found.entries:
        over = [entry.over_seeds(metric) for metric in metrics]
        ends = [value for one in over for value in (one.mean, one.low, one.high)]
        best = at_matched.get(entry.label)
        ends += [None] * 3 if best is None else [best.quality.mean, best.quality.low, best.quality.high]
        numbers = ["" if value is None else repr(float(value)) for value in ends]
        seeds = ", ".join(str(final.log.run["seed"]) for final in entry.finals if "seed" in final.log.run)
        said = ["; ".join(entry.marks), "; ".join(entry.warnings)]
        writer.writerow([entry.label, len(entry.finals), *numbers, *of_model.get(entry.label, (seeds,)), *said])
    return text.getvalue()


def _one_line(text: str) -> str:
    return " ".join(text.split())


#: Name -> how a comparison is written in it.
FORMATS: Mapping[str, Callable[[Comparison], str]] = {"latex": latex, "markdown": markdown, "csv": table_csv}


def find_format(name: str) -> Callable[[Comparison], str]:
    """How a comparison is written in a format.

    Raises:
        ConfigError: there is no such format.
    """
    if name not in FORMATS:
        raise ConfigError(f"no format {name!r}", where="--format", hint=did_you_mean(name, FORMATS))
    return FORMATS[name]
