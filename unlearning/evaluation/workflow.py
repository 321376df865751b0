"""The steps of ``fiubench evaluate`` in order: conditions, questions, benchmarks, judge, metrics."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError
from fiubench.support.extras import need
from fiubench.support.files import claimed
from fiubench.support.progress import Progress, Report, silent
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import QuestionLog, read_log, write_log
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.evaluation import benchmarks, conditions, gates, lmms
from fiubench.unlearning.evaluation import estimate as estimating
from fiubench.unlearning.evaluation import evaluate as questions
from fiubench.unlearning.evaluation.controls import Control, load_controls
from fiubench.unlearning.evaluation.fluency import add_fluency
from fiubench.unlearning.evaluation.results import Result, before_of, metrics_path, result, save
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.evaluation.settings import ALL, EvaluationSettings
from fiubench.unlearning.evaluation.subject import LOG, UTILITY, Subject, load_log
from fiubench.unlearning.metrics.definition import find_definition, load_definitions
from fiubench.unlearning.models.loading import load


@dataclass(frozen=True, repr=False)
class Evaluation:
    """One model's evaluation."""

    log: Path  # the file with every question, answer and likelihood
    results: Sequence[Result]  # metrics under the definition that was asked for, then under the built-in ones

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Metric -> value under the first definition; ``None`` where this log does not give it."""
        return {name: estimate.value for name, estimate in self.results[0].scores.metrics.items()}

    def __repr__(self) -> str:
        first = self.results[0]
        known = [f"  {name}: {value:.3f}" for name, value in self.metrics.items() if value is not None]
        return "\n".join([f"{first.log.label} ({first.scores.definition}), {self.log}", *first.marks, *known])


def evaluate(
    target: str | Path | None = None,
    *,
    from_log: str | Path | None = None,
    out: str | Path | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
    report: Report = silent,
    **settings: Any,
) -> list[Evaluation]:
    """Ask a model everything, write the log of every question, and its metrics beside it.

    >>> print(evaluate("runs/kl", reference="runs/retain")[0])                        # doctest: +SKIP
    >>> evaluate(from_log="runs/kl", definition="upstream")[0].metrics                # doctest: +SKIP

    Args:
        target: run, checkpoint, model folder or Hub id; left out with ``from_log``.
        from_log: a log, its folder, or an evaluated run, to be scored again without a model.
        out: folder of the evaluation; a run keeps its own.
        dry_run: ask the first questions only, report what all would take, and write nothing; the list is empty then.
        progress: called with (what, done, total).
        report: called with a line on what the judge did, and on what could not be shared between questions.
        settings: those of :class:`~fiubench.unlearning.evaluation.settings.EvaluationSettings`, by name.

    Returns:
        One evaluation per checkpoint.

    Raises:
        ConfigError: neither or both of ``target`` and ``from_log``, an unknown name, or a setting that can't be.
        GateError: a condition does not hold, and nothing forces it.
        FiubenchError: a model, dataset or log that can't be used.
    """
    chosen = EvaluationSettings.parse(settings)
    definition = find_definition(chosen.definition)
    if (target is None) == (from_log is None):
        hint = "Name a run, checkpoint, model folder or Hub id, or with --from-log the log of an earlier evaluation."
        raise ConfigError("give exactly one of TARGET and --from-log", where="evaluate", hint=hint)
    if dry_run and from_log is not None:
        raise ConfigError("a log is scored in seconds", where="--dry-run", hint="Leave it out.")
    if from_log is not None:
        logs = [rescore(Path(from_log), chosen, progress, report)]
    else:
        logs = ask(str(target), chosen, None if out is None else Path(out), progress, report, dry_run=dry_run)
    found = [Evaluation(log, score_all(log, chosen)) for log in logs]
    for each in found:
        save(each.results[0], metrics_path(each.log, definition))
    return found


def ask(
    target: str,
    settings: EvaluationSettings,
    out: Path | None = None,
    progress: Progress = silent,
    report: Report = silent,
    *,
    dry_run: bool = False,
) -> list[Path]:
    """Ask a model everything. Conditions are checked first: an hour of questions that can't be scored helps nobody.

    Returns:
        The logs, one per checkpoint.

    Raises:
        DatasetError: another evaluation is running in a log's folder; or it can't be written.
    """
    check_alone("evaluate", "Start it once, with --workers N: it begins its processes itself.")
    need("unlearning")
    controls, refusals = load_controls(settings.controls), read_refusals()
    tasks = [text.removeprefix(lmms.PREFIX) for text in settings.benchmarks if text.startswith(lmms.PREFIX)]
    files = [benchmarks.Benchmark.parse(text) for text in settings.benchmarks if not text.startswith(lmms.PREFIX)]
    logs = []
    subjects = _subjects(target, settings.checkpoint)
    data = subjects[0].data(settings.data)
    for subject in subjects:
        forget = subject.forget(settings.forget)
        folder = subject.folder if out is None else out / subject.name if settings.checkpoint == ALL else out
        asked = conditions.ask_by(subject, data, settings.ask)
        facts = questions.describe(subject, data, forget, refusals, asked)
        if facts["run"] and not settings.force:
            reference, before = _compared(settings, subject.folder / LOG)
            definition = find_definition(settings.definition)
            gates.refuse(gates.broken(facts, before, reference, definition, settings.memorised), target)
        if dry_run:
            _estimate(subject, data, forget, controls, settings, report)
            continue
        with claimed(folder, "evaluation"):
            path = questions.evaluate(
                subject,
                data,
                forget,
                folder,
                controls=controls,
                ask=asked,
                refusals=refusals,
                batch_size=settings.batch_size,
                max_new_tokens=settings.max_new_tokens,
                device=settings.device,
                dtype=settings.dtype,
                workers=settings.workers,
                progress=progress,
                report=report,
                facts=facts,
            )
            add_fluency(
                path,
                subject,
                data,
                batch_size=settings.batch_size,
                device=settings.device,
                dtype=settings.dtype,
                progress=progress,
                report=report,
            )
            if files or tasks:
                _benchmark(subject, files, tasks, settings, folder, facts["model"], progress)
            if settings.judge is not None:
                _judge(path, settings, progress, report)
        logs.append(path)
    return logs


def check_alone(where: str, hint: str = "Start it once.") -> None:
    """Nothing, if this process was started alone.

    Raises:
        ConfigError: it is one of several (``accelerate launch``), each of which would ask the model everything.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("an evaluation can't be started in several processes", where=where, hint=hint)


def _estimate(
    subject: Subject,
    data: Data,
    forget: str,
    controls: Sequence[Control],
    settings: EvaluationSettings,
    report: Report,
) -> None:
    """What asking the questions takes; the rest is named."""
    names = ("ask", "batch_size", "max_new_tokens", "device", "dtype", "workers")
    options = {name: getattr(settings, name) for name in names}
    report(f"{subject.name}:")
    estimating.estimate(subject, data, forget, controls=controls, **options, report=report)
    if settings.benchmarks or settings.judge is not None:
        report("benchmarks and judge come on top")


def _compared(settings: EvaluationSettings, log_path: Path) -> tuple[QuestionLog | None, QuestionLog | None]:
    """Logs of the retain reference and of the model before unlearning."""
    before = before_of(log_path) if settings.before is None else load_log(settings.before)
    return None if settings.reference is None else load_log(settings.reference), before


def _subjects(target: str, checkpoint: str | None) -> list[Subject]:
    if checkpoint != ALL:
        return [Subject.open(target, checkpoint)]
    run = Subject.open(target).run
    return [Subject.open(target)] if run is None else [Subject(str(c.path), run) for c in run.checkpoints()]


def _benchmark(
    subject: Subject,
    files: list[benchmarks.Benchmark],
    tasks: list[str],
    settings: EvaluationSettings,
    folder: Path,
    model: dict[str, str],
    progress: Progress,
) -> None:
    loaded = load(subject.target, device=settings.device, dtype=settings.dtype)
    scorer = Scorer(loaded.model, loaded.processor, settings.batch_size)
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress("benchmarks", done, done)

    key, limit = {"model": model["fingerprint"]}, settings.benchmark_limit
    if files:
        benchmarks.run(files, scorer, folder / UTILITY, key, limit=limit, step=step)
    if tasks:
        lmms.run(tasks, scorer, folder / lmms.FILE, key, limit=limit)


def rescore(log: Path, settings: EvaluationSettings, progress: Progress = silent, report: Report = silent) -> Path:
    """A log's own path; with a judge, after its scores have been written into the log.

    Raises:
        DatasetError: no such log, or another evaluation is running in its folder.
        ChatError: the judge can't be asked, or its calls are used up. The log is as it was; answers that came are in
            the judge's cache.
    """
    where = load_log(log).where
    assert where is not None
    if settings.judge is not None:
        with claimed(where.parent, "evaluation"):
            _judge(where, settings, progress, report)
    return where


def _judge(where: Path, settings: EvaluationSettings, progress: Progress, report: Report) -> None:
    """Write a judge's scores into a log."""
    assert settings.judge is not None
    from fiubench.support.chat import Budget, ChatClient, default_cache
    from fiubench.unlearning.evaluation.judge import judge

    read = read_log(where)
    about = read.metadata
    client = ChatClient(
        settings.judge,
        settings.judge_model,
        key_env=settings.judge_key_env,
        cache=default_cache(),
        sampling={"temperature": 0},  # the same judgement each time, as far as the server can
        budget=Budget(f"judge {about['model']['fingerprint']} {about['dataset']['digest']}", settings.judge_max_calls),
    )
    try:
        judged, unscored = judge(read, client, progress)
        report(f"judge: {unscored} questions without a usable score; {client.spending}")
    finally:
        client.close()
    write_log(where, judged.rows, judged.metadata)


def score_all(log: Path, settings: EvaluationSettings) -> list[Result]:
    """A log's metrics under the definition that is chosen, and under the built-in ones to set beside it.

    Raises:
        GateError: a condition does not hold, and nothing forces it.
    """
    read, definition = read_log(log), find_definition(settings.definition)
    reference, before = _compared(settings, log)
    others = [other for name, other in load_definitions().items() if name != definition.name]
    scored = partial(result, read, reference=reference, before=before, memorised=settings.memorised)
    # the first has raised what there is to raise
    return [scored(definition, force=settings.force), *(scored(other, force=True) for other in others)]
