"""The comparison as one HTML file: tables, figures, answers side by side."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from fiubench.support.errors import FiubenchError
from fiubench.support.page import data_uri, render
from fiubench.support.page.figures import svg
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.metrics.base import find, short, title
from fiubench.unlearning.metrics.text import exact_match
from fiubench.unlearning.reporting import attacks as attacking
from fiubench.unlearning.reporting import figures
from fiubench.unlearning.reporting.attacks import Line
from fiubench.unlearning.reporting.compare import Comparison, Entry, examples
from fiubench.unlearning.reporting.formats import matched_table
from fiubench.unlearning.reporting.matched import BAND
from fiubench.unlearning.reporting.tables import both_ways_compared, columns, difference, figure, forgotten_part
from fiubench.unlearning.reporting.trained import trained

# compared under every definition
_FORGOTTEN = ("forget.exact_match", "forget.leakage", "forget.gibberish", "forget.ape_mean", "forget.min_k")
_EXAMPLES = 6
_FACE = 112  # pixels, twice what is shown


def html(found: Comparison, faces: bool, lines: Sequence[Line] = ()) -> bytes:
    """The page of a comparison, with the faces of the people in its examples where the dataset is at hand.

    Args:
        lines: what attacks found on its runs.
    """
    shown = columns(found)
    split = sum(metric.startswith(("retain.", "utility.")) for metric in shown)
    facts = found.entries[0].finals[0].log.metadata
    pictures, note = _faces(found) if faces else ({}, "")
    answers = [{**e, "face": pictures.get(e["unique_id"])} for e in examples(found, _EXAMPLES)]
    tests = [test for test in found.tests if test.found.p is not None]
    controls, ways = _controls(found), both_ways_compared(found)
    at_matched, how = matched_table(found), trained(found)
    there = {"kept": True, "forgotten": True, "figures": True}
    there |= {
        "matched": bool(at_matched),
        "modalities": bool(ways),
        "attacks": bool(lines),
        "controls": bool(controls),
        "answers": bool(answers),
        "tests": bool(tests),
        "definitions": True,
        "settings": bool(how),
    }
    context = {
        "sections": [(section, section.capitalize()) for section, is_there in there.items() if is_there],
        "definition": found.definition,
        "marks": found.marks,
        "warnings": found.warnings,
        "notes": found.notes,
        "facts": facts,
        "tables": {"kept": _table(found, shown[:split]), "forgotten": _table(found, shown[split:])},
        "missing": _missing(found, shown),
        "curves": svg(lambda canvas: figures.curves(canvas, found), "Model utility against forget quality"),
        "attributes": svg(
            lambda canvas: figures.attributes(canvas, found), "Exact match on the forget set by attribute"
        ),
        "definitions": _definitions(found),
        "attacks": None if not lines else _attacks(lines),
        "controls": controls,
        "ways": ways,
        "matched": at_matched,
        "how": how,
        "band": BAND,
        "part": forgotten_part(facts),
        "tests": tests,
        "examples": answers,
        "right": lambda said, row: exact_match(said, row["keywords"], row["keyword_variants"]) == 1,
        "faces_note": note,
        "figure": figure,
        "title": title,
    }
    return b"".join(render(Path(__file__).with_name("report.html"), context))


def _table(found: Comparison, shown: Sequence[str]) -> dict[str, Any]:
    names = [(short(metric), title(metric), find(metric)[1].summary) for metric in shown]
    return {"columns": names, "rows": [_row(entry, shown) for entry in found.entries]}


def _row(entry: Entry, shown: Sequence[str]) -> dict[str, Any]:
    cells = []
    for metric in shown:
        over = entry.over_seeds(metric)
        error = entry.error(metric) if over.low is None else None
        cells.append({"value": over.mean, "low": over.low, "high": over.high, "error": error})
    flags = {"marked": bool(entry.marks), "warned": bool(entry.warnings)}
    return {"label": entry.label, "seeds": len(entry.finals), "cells": cells, **flags}


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


def _definitions(found: Comparison) -> dict[str, Any]:
    """The same runs under every definition, and by how much each differs from the one that is shown."""
    metrics = ("utility.model", "forget_quality", *_FORGOTTEN, "retain.rouge")
    table = []
    for position, entry in enumerate(found.entries):
        for metric in metrics:
            own = entry.over_seeds(metric).mean
            cells = [(figure(own), "")]
            for others in found.others.values():
                value = others[position].over_seeds(metric).mean
                cells.append((figure(value), difference(value, own) if figure(value) != figure(own) else ""))
            table.append((entry.label, title(metric), cells))
    made_without = [
        f"{name}: {note}"
        for name, entries in found.others.items()
        for note in dict.fromkeys(note for entry in entries for note in entry.finals[0].notes)
    ]
    names = [found.definition.name, *found.others]
    return {"names": names, "rows": table, "metrics": len(metrics), "notes": made_without}


def _controls(found: Comparison) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Exact match and gibberish under each control, by role: (entry, role, [(control, exact match, gibberish)])."""
    asked = list(dict.fromkeys(c for entry in found.entries for f in entry.finals for c in f.log.controls))
    if not asked:
        return []
    table = []
    for entry in found.entries:
        if not any(final.log.controls for final in entry.finals):
            continue
        for role in ("forget", "retain"):
            under = {"none": role, **{control: f"control.{control}.{role}" for control in asked}}
            values = {
                control: [figure(entry.over_seeds(f"{key}.{name}").mean) for name in ("exact_match", "gibberish")]
                for control, key in under.items()
            }
            cells = [(control, match, garbled) for control, (match, garbled) in values.items()]
            table.append((entry.label, role, cells))
    return table


def _attacks(lines: Sequence[Line]) -> dict[str, Any]:
    return {
        "labels": attacking.labels(lines),
        "rows": attacking.page_table(lines),
        "notes": attacking.notes(lines),
        "figure": svg(lambda canvas: attacking.paint(canvas, lines), "Gain by each attack"),
    }


def _faces(found: Comparison) -> tuple[dict[str, str], str]:
    """Unique id -> face as a data URI; or why there are none."""
    try:
        data = _open_data(found)
        return {
            e["unique_id"]: data_uri(_thumbnail(data, e["unique_id"]), "image/jpeg") for e in examples(found, _EXAMPLES)
        }, ""
    except FiubenchError as error:  # the rest of the report does not need the dataset
        return {}, f"Without faces: {error.what} ({error.where})."


def _open_data(found: Comparison) -> Data:
    """The dataset where the run says it is, else where the log says."""
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
