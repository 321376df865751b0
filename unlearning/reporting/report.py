"""Comparing runs, and the report of it: one self-contained HTML page, its figures as PNG, its table as CSV."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from fiubench.support.files import make_folder, write_atomic
from fiubench.support.page.figures import png
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.metrics.definition import Definition, find_definition
from fiubench.unlearning.reporting import attacks as attacking
from fiubench.unlearning.reporting import compare as comparing
from fiubench.unlearning.reporting import figures
from fiubench.unlearning.reporting.attacks import Line, attacked
from fiubench.unlearning.reporting.compare import Comparison
from fiubench.unlearning.reporting.formats import find_format
from fiubench.unlearning.reporting.page import html
from fiubench.unlearning.reporting.tables import text_table, text_tables


@dataclass(frozen=True, repr=False)
class Compared:
    """Runs side by side: everything that was compared, and the files of the report that were written."""

    comparison: Comparison
    files: Sequence[Path] = ()
    attacks: Sequence[Line] = ()  # what attacks found on them

    @property
    def table(self) -> list[tuple[str, ...]]:
        """A row per model, the heading first."""
        return text_table(self.comparison)

    @property
    def tables(self) -> list[list[tuple[str, ...]]]:
        """The same, cut to the width of a terminal: what was kept, and what was forgotten."""
        return text_tables(self.comparison)

    def written(self, form: str) -> str:
        """The tables as ``latex``, ``markdown`` or ``csv``.

        Raises:
            ConfigError: none of these.
        """
        return find_format(form)(self.comparison)

    def __repr__(self) -> str:
        rows = ["\n".join("  ".join(row) for row in table) for table in self.tables]
        return "\n\n".join([*rows, "\n".join(self.remarks)]).rstrip()

    @property
    def remarks(self) -> list[str]:
        """Lines to be read with the table: what is not comparable, what is no language, what intervals hold."""
        found = self.comparison
        marks = [f"NOT COMPARABLE: {mark}" for mark in found.marks]
        return [*marks, *(f"WARNING: {warning}" for warning in found.warnings), *found.notes]


def compare(
    runs: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    definition: str | Definition = "corrected",
    reference: str | Path | None = None,
    memorised: float = MEMORISED,
    force: bool = False,
    faces: bool = True,
) -> Compared:
    """Compare evaluated runs: a table; with ``out`` also the report (HTML, PNG and CSV).

    >>> print(compare(["runs/ga", "runs/kl"], "comparison", reference="runs/retain"))          # doctest: +SKIP

    Args:
        runs: unlearned runs, and any others to compare them with.
        out: folder of the report; none is written by default.
        definition, reference, memorised, force: as for :func:`~fiubench.unlearning.evaluation.workflow.evaluate`.
        faces: show faces beside examples of answers.

    Raises:
        DatasetError: a run is not evaluated.
        GateError: a condition does not hold.
    """
    chosen = find_definition(definition)
    found = comparing.compare(runs, chosen, reference=reference, memorised=memorised, force=force)
    lines = attacked(found)
    return Compared(found, () if out is None else write_report(found, Path(out), lines, faces=faces), lines)


def write_report(found: Comparison, out: Path, lines: Sequence[Line] = (), *, faces: bool = True) -> list[Path]:
    """Write ``index.html``, ``curves.png``, ``attributes.png`` and ``table.csv`` to a folder.

    With ``lines``, what attacks found on the runs, also ``attacks.png`` and ``attacks.csv``.

    Raises:
        DatasetError: the folder can't be written to.
    """
    make_folder(out)
    written = {
        "index.html": html(found, faces, lines),
        "curves.png": png(lambda canvas: figures.curves(canvas, found)),
        "attributes.png": png(lambda canvas: figures.attributes(canvas, found)),
        "table.csv": _csv(found).encode(),
    }
    if lines:
        written["attacks.png"] = png(lambda canvas: attacking.paint(canvas, lines))
        written["attacks.csv"] = attacking.table_csv(lines).encode()
    for name, content in written.items():
        write_atomic(out / name, content)
    return [out / name for name in written]


def _csv(found: Comparison) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ("mean", "low", "high", "standard_error")
    writer.writerow(["definition", "model", "seeds", "metric", *numbers, "why", "marks", "warnings"])
    for definition, entries in ((found.definition.name, found.entries), *found.others.items()):
        for entry in entries:
            for metric in entry.finals[0].scores.metrics:
                over = entry.over_seeds(metric)
                row = [over.mean, over.low, over.high, entry.error(metric)]
                cells = [
                    "" if value is None else repr(float(value)) for value in row
                ]  # whatever made it, a plain number
                why = entry.finals[0].scores.metrics[metric].why or ""
                said = [why, "; ".join(entry.marks), "; ".join(entry.warnings)]
                writer.writerow([definition, entry.label, over.runs, metric, *cells, *said])
    return text.getvalue()
