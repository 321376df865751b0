"""A page from a folder of submissions: who forgets most of those that keep enough, and who can't be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.support.canonical import digest_of
from fiubench.support.errors import DatasetError
from fiubench.support.files import write_atomic
from fiubench.support.page import figures as kit
from fiubench.support.page import render
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.metrics.base import find, title
from fiubench.unlearning.metrics.statistics import OverSeeds
from fiubench.unlearning.reporting.checking import Accepted, Checked, check_submission
from fiubench.unlearning.reporting.matched import BAND, QUALITY, UTILITY, least_utility
from fiubench.unlearning.reporting.submission import REFERENCE, RUN, SUFFIX
from fiubench.unlearning.reporting.tables import figure, short_names
from fiubench.unlearning.reporting.trained import adapters, in_use

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Beside utility and forget quality.
_SHOWN = (
    "retain.exact_match",
    "forget.exact_match",
    "forget.ape_max",
    "forget.min_k",
    "forget.gibberish",
)


@dataclass(frozen=True)
class Line:
    """A submission among those that can be compared with it."""

    held: Accepted
    rank: int | None  # None: unranked
    why: str = ""  # it is unranked

    @property
    def quality(self) -> OverSeeds:
        """Forget quality over seeds."""
        return self.held.entry.over_seeds(QUALITY)


@dataclass(frozen=True)
class Group:
    """Submissions of one dataset, its questions, one base model and one definition: only these have ranks together."""

    digest: str  # of all that they have in common
    facts: dict[str, Any]  # of the log of one of them
    lines: Sequence[Line]  # the first first; unranked ones last

    @property
    def labels(self) -> list[str]:
        """What its lines are called, with the file where several have one name."""
        names = [line.held.entry.label for line in self.lines]
        files = [line.held.path.name.removesuffix(SUFFIX) for line in self.lines]
        return [f"{n} ({f})" if names.count(n) > 1 else n for n, f in zip(names, files, strict=True)]


@dataclass(frozen=True, repr=False)
class Board:
    """All submissions of a folder."""

    groups: Sequence[Group]
    refused: Sequence[Checked]
    file: Path
    others: int = field(default=0)  # files that are no submissions by their name

    def __repr__(self) -> str:
        lines = [
            f"{_name(group)}: "
            + ", ".join(f"{line.rank or '-'} {label}" for line, label in zip(group.lines, group.labels, strict=True))
            for group in self.groups
        ]
        return "\n".join([*lines, *map(repr, self.refused), f"wrote {self.file}"])


_HINT = "`fiubench submit` writes what is to be in it."


def leaderboard(folder: str | Path, out: str | Path, *, band: float = BAND, memorised: float = MEMORISED) -> Board:
    """Check every submission (``*.jsonl.gz``) in a folder and write the page of them.

    >>> print(leaderboard("submissions", "leaderboard.html"))                                 # doctest: +SKIP

    Args:
        folder: of submissions.
        out: the page, one HTML file.
        band: how far model utility may be below what there was (:mod:`matched`) for a submission to have a rank.
        memorised: least exact match of the model before unlearning on the forget set.

    Raises:
        DatasetError: no such folder, nothing in it that could be ranked, or the page can't be written.
    """
    if not Path(folder).is_dir():
        raise DatasetError("no such folder", where=folder, hint=_HINT)
    files = sorted(path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith("."))
    mine = [path for path in files if path.name.endswith(SUFFIX)]
    if not mine:
        raise DatasetError(f"no submission (*{SUFFIX}) in it", where=folder, hint=_HINT)
    found = _once([check_submission(path, memorised) for path in mine])
    board = Board(
        _groups([one.accepted for one in found if one.accepted is not None], band),
        [one for one in found if one.problems],
        Path(out),
        len(files) - len(mine),
    )
    write_atomic(board.file, b"".join(render(Path(__file__).with_name("leaderboard.html"), _context(board, band))))
    return board


def _once(found: Sequence[Checked]) -> list[Checked]:
    """The same, with those refused that have a run of one before them: a method stands there once."""
    seen: dict[str, Checked] = {}
    kept = []
    for one in found:
        runs = [] if one.accepted is None else one.accepted.submission.of(RUN)
        weights = [run.log.metadata["model"]["fingerprint"] for run in runs]
        again = next((seen[key] for key in weights if key in seen), None)
        if again is not None:
            one = Checked(one.path, [f"it has a run of {again.path.name}"])  # noqa: PLW2901
        seen |= {key: one for key in weights if again is None}
        kept.append(one)
    return kept


def _groups(found: Sequence[Accepted], band: float) -> list[Group]:
    groups: dict[str, list[Accepted]] = {}
    facts: dict[str, dict[str, Any]] = {}
    for one in found:
        said = one.submission.of(RUN)[0].log.metadata
        same = {name: said[name] for name in ("splits", "metric_version")}
        same |= {"dataset": said["dataset"]["digest"], "base": said["model"]["origin"]}
        key = digest_of([same, one.definition.model_dump()])
        groups.setdefault(key, []).append(one)
        facts[key] = {**said, "definition": one.definition}
    made = [Group(key, facts[key], ranked(groups[key], band)) for key in sorted(groups)]
    return sorted(made, key=_name)


def ranked(found: Sequence[Accepted], band: float = BAND) -> list[Line]:
    """Ranks among submissions that can be compared.

    A rank is one more than the number of submissions whose interval of forget quality lies wholly above one's own. So
    those whose intervals overlap are never told apart by it, unless a third lies above one of them alone. Without an
    interval (one seed), or with a utility that is further below than the band, there is no rank.
    """
    reasons = {one.path: _unranked(one, band) for one in found}
    reach = {one.path: one.entry.over_seeds(QUALITY) for one in found}
    lines = []
    for one in found:
        rank = None
        if not reasons[one.path]:
            high = reach[one.path].high
            assert high is not None
            above = [reach[o.path].low for o in found if not reasons[o.path]]
            rank = 1 + sum(low is not None and low > high for low in above)
        lines.append(Line(one, rank, reasons[one.path]))
    return sorted(lines, key=lambda line: (line.rank or len(lines) + 1, -(line.quality.mean or 0), line.held.path))


def _unranked(one: Accepted, band: float) -> str:
    least = least_utility([found.scores.value(UTILITY) for found in (one.reference, *one.befores)], band)
    utility, quality = (one.entry.over_seeds(metric) for metric in (UTILITY, QUALITY))
    if least is None or utility.mean is None or quality.mean is None:
        return "no utility or forget quality under this definition"
    if utility.mean < least:
        return f"its utility is below {figure(least)}"
    return "" if quality.low is not None else "one run has no interval over seeds"


def _name(group: Group) -> str:
    return f"{group.facts['splits']['forget']['name']} of {_source(group.facts)}, {group.facts['definition'].name}"


def _source(facts: dict[str, Any]) -> str:
    return str(facts["dataset"].get("source") or f"dataset {facts['dataset']['digest'][:8]}")


def _context(board: Board, band: float) -> dict[str, Any]:
    groups = [(f"group-{number}", _group(group)) for number, group in enumerate(board.groups, 1)]
    sections = [(identifier, shown["name"]) for identifier, shown in groups]
    return {
        "sections": [*sections, *([("refused", "Refused")] if board.refused else []), ("rules", "Rules")],
        "groups": groups,
        "refused": [(one.path.name, one.problems) for one in board.refused],
        "others": board.others,
        "band": band,
        "submissions": sum(len(group.lines) for group in board.groups),
        "figure": figure,
    }


def _group(group: Group) -> dict[str, Any]:
    metrics = (UTILITY, QUALITY, *_SHOWN)
    names = [title(UTILITY), title(QUALITY), *short_names(_SHOWN)]
    return {
        "name": _name(group),
        "facts": group.facts,
        "source": _source(group.facts),
        "columns": [(name, f"{title(m)}: {find(m)[1].summary}") for m, name in zip(metrics, names, strict=True)],
        "rows": [_row(*one, metrics) for one in zip(group.lines, group.labels, strict=True)],
        "references": _references(group, metrics),
        "unranked": [(n, line.why) for line, n in zip(group.lines, group.labels, strict=True) if line.why],
        "figure": kit.svg(lambda canvas: _paint(canvas, group), f"Utility and forget quality, {_name(group)}"),
    }


def _row(line: Line, label: str, metrics: Sequence[str]) -> dict[str, Any]:
    entry = line.held.entry
    submission = line.held.submission
    settings = submission.of(RUN)[0].made["settings"]
    over = [entry.over_seeds(metric) for metric in metrics]
    return {
        "rank": line.rank,
        "label": label,
        "file": line.held.path.name,
        "digest": submission.header["digest"],
        "seeds": len(entry.finals),
        "cells": [(one.mean, one.low, one.high) for one in over],
        "warned": sum(bool(final.warnings) for final in entry.finals),
        "settings": _settings(in_use(settings)),
    }


def _settings(settings: Mapping[str, Any]) -> str:
    named = (("rate", "learning_rate"), ("epochs", "epochs"), ("batch", "effective_batch"))
    known = [(name, settings[key]) for name, key in named if isinstance(settings.get(key), int | float)]
    what = [adapters(settings)] if "lora" in settings else []
    return ", ".join([*(f"{name} {value:g}" for name, value in known), *what])


def _references(group: Group, metrics: Sequence[str]) -> list[list[float | None]]:
    """Each retain reference of the group once."""
    known: dict[str, list[float | None]] = {}
    for line in group.lines:
        model = line.held.submission.of(REFERENCE)[0].log.metadata["model"]["fingerprint"]
        known.setdefault(model, [line.held.reference.scores.value(metric) for metric in metrics])
    return list(known.values())


def _paint(canvas: "Figure", group: Group) -> None:
    """Utility and forget quality with their 95 % intervals, a row a submission."""
    names = [f"{line.rank or '-'}  {label}" for line, label in zip(group.lines, group.labels, strict=True)]
    canvas.set_size_inches(kit.WIDTH, 1.3 + 0.36 * len(names))
    axes = canvas.subplots()
    kit.rows(axes, names)
    for number, metric in enumerate((QUALITY, UTILITY)):
        over = [line.held.entry.over_seeds(metric) for line in group.lines]
        ends = [(one.low, one.high) if one.low is not None and one.high is not None else None for one in over]
        kit.intervals(axes, ends, number, 2)
        kit.dots(axes, [one.mean for one in over], number, 2, title(metric))
    axes.set(xlim=(-0.03, 1.03))
    kit.legend(canvas)
