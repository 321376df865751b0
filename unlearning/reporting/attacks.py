"""Attacks on compared runs: what each brings back, model by model, beside what the retain reference gains."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
from fiubench.support.page import figures as kit
from fiubench.unlearning.attacks.base import ATTACKS
from fiubench.unlearning.attacks.results import Found, read_attacks
from fiubench.unlearning.metrics.statistics import OverSeeds, over_seeds
from fiubench.unlearning.reporting.compare import REFERENCE, Comparison
from fiubench.unlearning.reporting.tables import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Cell:
    """An attack on the runs of one entry, which differ in the seed."""

    found: Sequence[Found]
    gain: OverSeeds  # mean, and the interval: over seeds, or of one run clustered by person

    @property
    def ends(self) -> tuple[float, float] | None:
        """The ends of the interval of the gain."""
        return None if self.gain.low is None or self.gain.high is None else (self.gain.low, self.gain.high)

    def mean(self, name: str) -> float | None:
        """Mean of ``level``, ``score`` or ``gain``; null where a run has none."""
        return _mean([getattr(one.outcome, name).value for one in self.found])

    def error(self, name: str = "gain") -> float | None:
        """Standard error clustered by person, the mean over runs."""
        return _mean([getattr(one.outcome, name).se for one in self.found])

    @property
    def why(self) -> str:
        """Why there is no value; or what has to be known to read it."""
        return next((said for one in self.found if (said := one.outcome.gain.why or one.outcome.note)), "")


@dataclass(frozen=True)
class Line:
    """One attack."""

    attack: str
    measure: str  # what level and score are
    cells: Mapping[str, Cell]  # by entry; those that were not attacked so are not there


def attacked(found: Comparison) -> list[Line]:
    """What attacks found on the runs of a comparison.

    The reference was attacked with the options of each run, such as its learning rate: the most it gained is taken.
    """
    cells: dict[str, dict[str, Cell]] = {}
    references: dict[str, list[Found]] = {}
    for entry in found.entries:
        if entry.label == REFERENCE:
            continue
        runs = [
            read_attacks(final.log.where.parent, final.log.metadata["model"]["fingerprint"])
            for final in entry.finals
            if final.log.where is not None
        ]
        for name in {name for run in runs for name in run}:
            if all(name in run for run in runs):
                cells.setdefault(name, {})[entry.label] = _cell([run[name].attacked for run in runs])
                references.setdefault(name, []).extend(one for run in runs if (one := run[name].reference) is not None)
    for name, known in references.items():
        if known:
            cells[name][REFERENCE] = _cell([max(known, key=lambda one: one.outcome.gain.value or 0.0)])
    order = [*ATTACKS, *sorted(cells.keys() - ATTACKS.keys())]
    labels = [entry.label for entry in found.entries]
    return [
        Line(
            name,
            next(iter(cells[name].values())).found[0].outcome.measure,
            {label: cells[name][label] for label in labels if label in cells[name]},
        )
        for name in order
        if name in cells
    ]


def _cell(found: Sequence[Found]) -> Cell:
    gains = [one.outcome.gain.value for one in found]
    over = over_seeds(gains, bounds=found[0].outcome.bounds)
    if len(found) == 1 and (reach := found[0].interval) is not None:
        over = OverSeeds(over.mean, *reach, 1)
    return Cell(found, over)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def labels(lines: Sequence[Line]) -> list[str]:
    """The entries that were attacked."""
    return list(dict.fromkeys(label for line in lines for label in line.cells))


def text_table(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """The gain by each attack, a column a model, heading first; empty where nothing was attacked."""
    shown = labels(lines)
    rows = [
        (line.attack, line.measure, *(_gain(line.cells.get(label)) for label in shown))
        for line in lines
    ]  # fmt: skip
    return [("attack", "gain in", *shown), *rows] if rows else []


def _gain(cell: Cell | None) -> str:
    return "-" if cell is None or cell.gain.mean is None else f"{cell.gain.mean:+.3f}"


def page_table(lines: Sequence[Line]) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """(attack, measure, per model: gain, level and score, interval of the gain)."""
    return [(line.attack, line.measure, [_shown(line.cells.get(label)) for label in labels(lines)]) for line in lines]


def _shown(cell: Cell | None) -> tuple[str, str, str]:
    if cell is None or cell.gain.mean is None:
        return ("-", "", "")
    error, ends = cell.error(), cell.ends
    reach = "" if ends is None else f"{ends[0]:+.2f} to {ends[1]:+.2f}"
    within = "" if error is None else f" ({figure(error)})"
    return (_gain(cell) + within, f"{figure(cell.mean('level'))} → {figure(cell.mean('score'))}", reach)


def notes(lines: Sequence[Line]) -> list[str]:
    """What has to be known to read the numbers, and why some are missing, each once."""
    said = [f"{line.attack}, {label}: {cell.why}" for line in lines for label, cell in line.cells.items() if cell.why]
    return list(dict.fromkeys(said))


def table_csv(lines: Sequence[Line]) -> str:
    """A row for each attack on each model, in plain numbers."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    numbers = ("level", "level_error", "score", "score_error", "gain", "gain_error", "low", "high")
    writer.writerow(["attack", "measure", "model", "runs", *numbers, "note"])
    for line in lines:
        for label, cell in line.cells.items():
            pairs = [(cell.mean(name), cell.error(name)) for name in ("level", "score", "gain")]
            values = [*(value for pair in pairs for value in pair), cell.gain.low, cell.gain.high]
            plain = ["" if value is None else repr(float(value)) for value in values]
            writer.writerow([line.attack, line.measure, label, len(cell.found), *plain, cell.why])
    return text.getvalue()


def paint(canvas: "Figure", lines: Sequence[Line]) -> None:
    """The gain by each attack, model by model, with 95 % intervals; the reference is a star."""
    shown = [label for label in labels(lines) if label != REFERENCE]
    canvas.set_size_inches(kit.WIDTH, 1.5 + len(lines) * (0.2 + 0.07 * len(shown)))
    axes = canvas.subplots()
    kit.rows(axes, [line.attack.replace("_", " ") for line in lines])
    axes.axvline(0, color=kit.MUTED, linewidth=0.8)
    for number, label in enumerate(shown):
        cells = [line.cells.get(label) for line in lines]
        kit.intervals(axes, [None if c is None else c.ends for c in cells], number, len(shown))
        kit.dots(axes, [None if c is None else c.gain.mean for c in cells], number, len(shown), label)
    stars = [
        (cell.gain.mean, row)
        for row, line in enumerate(lines)
        if (cell := line.cells.get(REFERENCE)) is not None and cell.gain.mean is not None
    ]
    if stars:
        kit.points(axes, stars, REFERENCE, s=70, marker="*", color=kit.INK)
    axes.set(xlabel="gain by the attack", xlim=(-0.55, 1.05))
    kit.legend(canvas)
