"""The report of a comparison: one self-contained HTML page, its figures as PNG, its table as CSV."""

import csv
from io import StringIO
from pathlib import Path

from fiubench.support.files import make_folder, write_atomic
from fiubench.support.page.figures import png
from fiubench.unlearning.reporting import figures
from fiubench.unlearning.reporting.compare import Comparison
from fiubench.unlearning.reporting.page import html


def write_report(found: Comparison, out: Path, *, faces: bool = True) -> list[Path]:
    """Write ``index.html``, ``curves.png``, ``attributes.png`` and ``table.csv`` to a folder.

    Args:
        faces: show faces beside the examples.

    Raises:
        DatasetError: the folder can't be written to.
    """
    make_folder(out)
    written = {
        "index.html": html(found, faces),
        "curves.png": png(lambda canvas: figures.curves(canvas, found)),
        "attributes.png": png(lambda canvas: figures.attributes(canvas, found)),
        "table.csv": _csv(found).encode(),
    }
    for name, content in written.items():
        write_atomic(out / name, content)
    return [out / name for name in written]


def _csv(found: Comparison) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["definition", "model", "seeds", "metric", "mean", "low", "high", "standard_error", "marks"])
    for definition, entries in ((found.definition.name, found.entries), *found.others.items()):
        for entry in entries:
            for metric in entry.finals[0].scores.metrics:
                over = entry.over_seeds(metric)
                row = [over.mean, over.low, over.high, entry.error(metric)]
                cells = ["" if value is None else repr(value) for value in row]
                writer.writerow([definition, entry.label, over.runs, metric, *cells, "; ".join(entry.marks)])
    return text.getvalue()
