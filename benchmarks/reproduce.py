"""What the paper found, looked for in a report: python benchmarks/reproduce.py REPORT/table.csv [METRIC]...

- Order of model utility: KL > PO >= GD > GA (FIUBench, table 2).
- Membership inference sees PO's forget set and not that of the others (MIA 64.2 against at most 42.1 there), while its
  exact match and its attacks by paraphrase are the lowest.

Each is looked at in each of the three definitions of metrics. Two methods are told apart where their 95 % intervals
over seeds do not overlap.
"""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

ORDER = ("kl", "po", "gd", "ga")
OTHERS = ("ga", "gd", "kl")
COLUMNS = (
    "utility.model",
    "forget.exact_match",
    "forget.ape_mean",
    "forget.min_k",
    "forget.gibberish",
    "forget_quality",
)


class Score(NamedTuple):
    """A mean over seeds with its 95 % interval, of which one run has none."""

    mean: float
    low: float | None
    high: float | None

    def __str__(self) -> str:
        if self.low is None or self.high is None or self.high - self.low < 0.005:
            return f"{self.mean:.2f}"
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


Table = Mapping[tuple[str, str, str], Score]  # by definition, model and metric


def read(path: Path) -> Table:
    """The scores of a report; one that is null is left out."""
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["mean"]]
    return {
        (row["definition"], row["model"], row["metric"]): Score(
            float(row["mean"]), *(float(row[name]) if row[name] else None for name in ("low", "high"))
        )
        for row in rows
    }


def apart(higher: Score | None, lower: Score | None) -> str:
    """Whether one score is above another, and whether their intervals say so."""
    if higher is None or lower is None:
        return "not scored"
    means = "holds" if higher.mean > lower.mean else "does not hold"
    if higher.low is None or higher.high is None or lower.low is None or lower.high is None:
        return f"{means}, of single runs"
    return f"{means}, intervals {'apart' if higher.low > lower.high or higher.high < lower.low else 'overlap'}"


def findings(table: Table, definition: str) -> Iterator[tuple[str, str]]:
    """Each of the paper's findings and what became of it."""
    of = lambda model, metric: table.get((definition, model, metric))  # noqa: E731
    for higher, lower in pairwise(ORDER):
        yield f"utility {higher} > {lower}", apart(of(higher, "utility.model"), of(lower, "utility.model"))
    for other in OTHERS:
        yield f"membership po > {other}", apart(of("po", "forget.min_k"), of(other, "forget.min_k"))
        yield f"forget EM {other} > po", apart(of(other, "forget.exact_match"), of("po", "forget.exact_match"))


def main(path: Path, columns: Sequence[str]) -> None:
    """Print a table of each definition's scores and findings, as Markdown."""
    table = read(path)
    if unknown := [name for name in columns if name not in {*COLUMNS, *(metric for _, _, metric in table)}]:
        sys.exit(f"{path}: no score of {unknown[0]!r}")
    for definition in dict.fromkeys(key[0] for key in table):
        models = dict.fromkeys(key[1] for key in table if key[0] == definition)
        print(f"**{definition}**\n\n| model | {' | '.join(columns)} |\n|{'---|' * (1 + len(columns))}")
        for model in models:
            scores = (table.get((definition, model, metric)) for metric in columns)
            print(f"| {model} | {' | '.join('' if score is None else str(score) for score in scores)} |")
        print(f"\n| finding, {definition} | here |\n|---|---|")
        print("".join(f"| {what} | {found} |\n" for what, found in findings(table, definition)))


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(str(__doc__).splitlines()[0])
    main(Path(sys.argv[1]), sys.argv[2:] or COLUMNS)
