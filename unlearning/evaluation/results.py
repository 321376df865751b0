"""From logs on disk to a results file: metrics under a definition, conditions checked, what is missing named."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from fiubench.support.canonical import readable_json
from fiubench.support.files import write_atomic
from fiubench.unlearning.data.log import QuestionLog, read_log
from fiubench.unlearning.data.runs import run_of
from fiubench.unlearning.evaluation import benchmarks, gates, lmms
from fiubench.unlearning.evaluation.subject import BEFORE, EVALUATIONS, LOG, UTILITY
from fiubench.unlearning.metrics.aggregate import Scores, score
from fiubench.unlearning.metrics.base import METRICS, bounds, title
from fiubench.unlearning.metrics.definition import Definition
from fiubench.unlearning.metrics.gibberish import warnings
from fiubench.unlearning.metrics.statistics import Estimate, interval


@dataclass(frozen=True)
class Result:
    """One model's evaluation under one definition."""

    log: QuestionLog  # what it said; ``log.metadata`` says which model and data it is
    scores: Scores
    # conditions that do not hold, where scoring was forced; every table shows them
    marks: Sequence[str] = field(default=())

    @property
    def warnings(self) -> list[str]:
        """What makes good-looking numbers that are none: answers that are no language."""
        return warnings(self.scores.metrics)

    @property
    def notes(self) -> list[str]:
        """What values were made without, and which values."""
        names: dict[str, list[str]] = {}
        for name, estimate in self.scores.metrics.items():
            if estimate.why and estimate.value is not None:
                names.setdefault(estimate.why, []).append(title(name))
        return [f"{why} ({', '.join(of)})" for why, of in names.items()]


def result(
    log: QuestionLog,
    definition: Definition,
    *,
    reference: QuestionLog | None = None,
    before: QuestionLog | None = None,
    memorised: float = gates.MEMORISED,
    force: bool = False,
) -> Result:
    """Score a log, with ``force`` even if conditions do not hold (:func:`gates.broken`): they mark the result.

    Raises:
        GateError: a condition does not hold, and ``force`` is not set.
    """
    broken = gates.broken(log.metadata, before, reference, definition, memorised)
    if not force:
        gates.refuse(broken, log.where or "log")
    of_reference = {} if reference is None else _benchmarks(reference)[0]
    accuracies, numbers = _benchmarks(log)
    scores = score(log, definition, reference, accuracies, of_reference)
    return Result(
        log, replace(scores, metrics={**scores.metrics, **numbers}), tuple(condition.mark for condition in broken)
    )


def _benchmarks(log: QuestionLog) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Of the benchmarks that were run beside the log: the accuracies, by benchmark, and every number, by its key."""
    accuracies: dict[str, Estimate] = {}
    numbers: dict[str, Estimate] = {}
    if (path := _beside(log, UTILITY)) is not None:
        accuracies = benchmarks.accuracies(path)
        numbers = {f"benchmark.{name}.accuracy": value for name, value in accuracies.items()}
    if (path := _beside(log, lmms.FILE)) is not None:
        accuracies = accuracies | lmms.accuracies(path)
        numbers |= {f"benchmark.{name}": value for name, value in lmms.read(path).items()}
    return accuracies, numbers


def _beside(log: QuestionLog, name: str) -> Path | None:
    path = None if log.where is None else log.where.with_name(name)
    return path if path is not None and path.exists() else None


def save(found: Result, path: Path) -> None:
    """Write every metric as JSON: value, standard error, 95 % interval, counts, and the reason where it is null.

    ``plugins`` is there if metrics of plug-ins are among them, with the digests of these.
    """
    document = {
        "definition": found.scores.definition,
        "marks": list(found.marks),
        "warnings": found.warnings,
        "model": found.log.metadata["model"],
        "run": found.log.metadata.get("run"),
        "splits": found.log.metadata["splits"],
        "dataset": found.log.metadata["dataset"],
        "metrics": {name: _document(name, value) for name, value in found.scores.metrics.items()},
        "attributes": {
            attribute: {name: _document(name, value) for name, value in values.items()}
            for attribute, values in found.scores.attributes.items()
        },
    }
    if plugins := METRICS.used(METRICS):
        document["plugins"] = plugins
    write_atomic(path, readable_json(document))


def _document(key: str, value: Estimate) -> dict[str, Any]:
    return {**asdict(value), "interval": interval(value, bounds(key))}


def before_of(log_path: Path) -> QuestionLog | None:
    """The log of the model that a run started from, or its stream did, where that has been evaluated."""
    first = log_path.parent.with_name(BEFORE) / LOG
    if log_path.parent.parent.name == EVALUATIONS and first.is_file():
        return read_log(first)
    run = run_of(log_path.parent.parent.parent) if log_path.parent.parent.name == EVALUATIONS else None
    if run is None or not run.manifest["base"]["local"] or (base := run_of(Path(run.base))) is None:
        return None
    path = base.directory / EVALUATIONS / base.final.name / LOG if base.finished else None
    return read_log(path) if path is not None and path.exists() else None


def metrics_path(log_path: Path, definition: Definition) -> Path:
    """Where the results of a log under a definition are kept: beside it."""
    return log_path.with_name(f"metrics.{definition.name}.json")
