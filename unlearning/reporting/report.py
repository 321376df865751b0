"""The report of a comparison: one self-contained HTML page, its figures as PNG, its table as CSV."""

import csv
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from fiubench.support.errors import FiubenchError
from fiubench.support.files import make_folder, write_atomic
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.metrics.base import short, title
from fiubench.unlearning.metrics.text import exact_match
from fiubench.unlearning.reporting import figures
from fiubench.unlearning.reporting.compare import BEFORE, REFERENCE, Comparison, Entry, examples
from fiubench.unlearning.reporting.tables import columns, figure

_EXAMPLES = 6
_FACE = 112  # pixels, twice what is shown


def write_report(found: Comparison, out: Path, *, faces: bool = True) -> list[Path]:
    """Write ``index.html``, ``curves.png``, ``attributes.png`` and ``table.csv`` to a folder.

    Args:
        faces: show faces beside the examples.

    Raises:
        DatasetError: the folder can't be written to.
    """
    make_folder(out)
    written = {
        "index.html": _html(found, faces).encode(),
        "curves.png": figures.draw(found, "curves", figures.LIGHT, "png"),
        "attributes.png": figures.draw(found, "attributes", figures.LIGHT, "png"),
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


def _html(found: Comparison, faces: bool) -> str:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True)
    shown = columns(found)
    split = sum(metric.startswith(("retain.", "utility.")) for metric in shown)
    first = found.entries[0].finals[0].log.metadata
    pictures, note = _faces(found) if faces else ({}, "")
    page: str = environment.get_template("report.html").render(
        definition=found.definition,
        marks=found.marks,
        facts=first,
        tables=[_table(found, shown[:split]), _table(found, shown[split:])],
        missing=_missing(found, shown),
        figures={name: _pair(found, name) for name in ("curves", "attributes")},
        definitions=_definitions(found),
        controls=_controls(found),
        tests=[test for test in found.tests if test.found.p is not None],
        examples=[{**e, "face": pictures.get(e["unique_id"])} for e in examples(found, _EXAMPLES)],
        right=lambda said, keywords: exact_match(said, keywords) == 1,
        faces_note=note,
        figure=figure,
        title=title,
        before=BEFORE,
        reference=REFERENCE,
    )
    return page


def _table(found: Comparison, shown: Sequence[str]) -> dict[str, Any]:
    names = [short(metric) for metric in shown]
    return {"columns": names, "rows": [_row(entry, shown) for entry in found.entries]}


def _row(entry: Entry, shown: Sequence[str]) -> dict[str, Any]:
    cells = []
    for metric in shown:
        over = entry.over_seeds(metric)
        spread = None if over.low is None or over.mean is None else over.mean - over.low
        error = entry.error(metric) if spread is None else None
        cells.append({"value": figure(over.mean), "spread": spread, "error": error})
    return {"label": entry.label, "seeds": len(entry.finals), "cells": cells, "marked": bool(entry.marks)}


def _missing(found: Comparison, shown: Sequence[str]) -> list[str]:
    """Why cells are empty, each reason once."""
    why: dict[str, list[str]] = {}
    for metric in shown:
        for entry in found.entries:
            value = entry.finals[0].scores.metrics.get(metric)
            if value is not None and value.value is None and value.why:
                names = why.setdefault(value.why, [])
                if short(metric) not in names:
                    names.append(short(metric))
    return [f"{', '.join(names)}: {reason}" for reason, names in why.items()]


def _pair(found: Comparison, name: str) -> dict[str, str]:
    """A figure for light and for dark pages, as data URIs."""
    themes = {"light": figures.LIGHT, "dark": figures.DARK}
    return {key: _uri(figures.draw(found, name, theme, "svg"), "image/svg+xml") for key, theme in themes.items()}


def _uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"


def _definitions(found: Comparison) -> dict[str, Any]:
    """The same runs under every definition, and by how much each differs from the one that is shown."""
    metrics = (
        "utility.model",
        "forget_quality",
        "forget.exact_match",
        "forget.ape_mean",
        "forget.min_k",
        "retain.rouge",
    )
    table = []
    for position, entry in enumerate(found.entries):
        for metric in metrics:
            own = entry.over_seeds(metric).mean
            cells = [(figure(own), "")]
            for others in found.others.values():
                value = others[position].over_seeds(metric).mean
                differs = value is not None and own is not None and figure(value) != figure(own)
                cells.append(
                    (figure(value), f"{value - own:+.3f}" if differs and value is not None and own is not None else "")
                )
            table.append((entry.label, title(metric), cells))
    return {"names": [found.definition.name, *found.others], "rows": table, "metrics": len(metrics)}


def _controls(found: Comparison) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Exact match under each control, by role: (entry, role, [(control, value)])."""
    asked = list(dict.fromkeys(c for entry in found.entries for f in entry.finals for c in f.log.controls))
    if not asked:
        return []
    table = []
    for entry in found.entries:
        if not any(final.log.controls for final in entry.finals):
            continue
        for role in ("forget", "retain"):
            cells = [("none", figure(entry.over_seeds(f"{role}.exact_match").mean))]
            cells += [(c, figure(entry.over_seeds(f"control.{c}.{role}.exact_match").mean)) for c in asked]
            table.append((entry.label, role, cells))
    return table


def _faces(found: Comparison) -> tuple[dict[str, str], str]:
    """Unique id -> face as a data URI; or why there are none."""
    try:
        data = _open_data(found)
        return {
            e["unique_id"]: _uri(_thumbnail(data, e["unique_id"]), "image/jpeg") for e in examples(found, _EXAMPLES)
        }, ""
    except FiubenchError as error:  # the rest of the report does not need the dataset
        return {}, f"Without faces: {error.what} ({error.where})."


def _open_data(found: Comparison) -> Data:
    """The dataset: as a run tells where it is, else as the log does."""
    log = found.entries[-1].finals[0].log
    target = log.metadata["model"]["target"]
    if Path(target).exists() and (subject := Subject.open(target)).run is not None:
        return subject.data()
    return Data.open(log.metadata["dataset"]["source"])


def _thumbnail(data: Data, unique_id: str) -> bytes:
    picture = data.image(unique_id).copy()
    picture.thumbnail((_FACE, _FACE))
    out = BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()
