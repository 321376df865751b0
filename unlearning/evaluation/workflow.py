"""The steps of ``fiubench evaluate`` in order: conditions, questions, benchmarks, judge, metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fiubench.unlearning.data.log import QuestionLog, read_log, write_log
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.evaluation import benchmarks, gates, lmms
from fiubench.unlearning.evaluation.controls import load_controls
from fiubench.unlearning.evaluation.evaluate import describe, evaluate
from fiubench.unlearning.evaluation.results import Result, before_of, open_reference, result
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.evaluation.subject import LOG, UTILITY, Subject, load_log
from fiubench.unlearning.metrics import Definition, load_definitions
from fiubench.unlearning.models.loading import load

Progress = Callable[[str, int, int], None]
Report = Callable[[str], None]
ALL = "all"


def _silent(_: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Conditions:
    """What scores of unlearning are held to (see :mod:`fiubench.unlearning.evaluation.gates`).

    Attributes:
        reference: run or log of the retain reference.
        before: run or log of the model before unlearning; None asks the run.
        memorised: exact match that it must have on the forget set.
        force: score and mark instead of refusing.
    """

    reference: str | None = None
    before: str | None = None
    memorised: float = gates.MEMORISED
    force: bool = False

    def logs(self, log_path: Path) -> tuple[QuestionLog | None, QuestionLog | None]:
        """Logs of the reference and of the model before."""
        before = before_of(log_path) if self.before is None else load_log(Path(self.before))
        return open_reference(self.reference), before


@dataclass(frozen=True)
class Asking:
    """What a model is asked, and how; names as on the command line."""

    data: str | None = None
    forget: str | None = None
    controls: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    benchmark_limit: int | None = None
    batch_size: int = 16
    max_new_tokens: int | None = None
    device: str = "auto"
    dtype: str = "auto"


@dataclass(frozen=True)
class Judge:
    """A server that judges answers, and the most calls to it for one log (None: no limit)."""

    url: str
    model: str
    key_env: str
    max_calls: int | None = None


def ask(
    target: str,
    asking: Asking,
    conditions: Conditions,
    definition: Definition,
    checkpoint: str | None = None,
    out: Path | None = None,
    judge: Judge | None = None,
    progress: Progress | None = None,
    report: Report = _silent,
) -> list[Path]:
    """Ask a model everything. Conditions are checked first: an hour of questions that can't be scored helps nobody.

    Args:
        checkpoint: of a run: a step, or ``all`` of them.
        out: where the log goes; a run keeps its own evaluations.
        report: called with a line on what the judge did.

    Returns:
        The logs, one per checkpoint.

    Raises:
        FiubenchError: see :func:`evaluate` and ``gates.py``.
    """
    controls = load_controls(asking.controls)
    tasks = [text.removeprefix(lmms.PREFIX) for text in asking.benchmarks if text.startswith(lmms.PREFIX)]
    chosen = [benchmarks.Benchmark.parse(text) for text in asking.benchmarks if not text.startswith(lmms.PREFIX)]
    logs = []
    subjects = _subjects(target, checkpoint)
    data = subjects[0].data(asking.data)
    for subject in subjects:
        forget = subject.forget(asking.forget)
        folder = subject.folder if out is None else out / subject.name if checkpoint == ALL else out
        refusals = read_refusals()
        facts = describe(subject, data, forget, refusals)
        if gates.is_unlearned(facts) and not conditions.force:
            reference, before = conditions.logs(subject.folder / LOG)
            broken = gates.check_memorised(facts, before, definition, conditions.memorised)
            gates.refuse([*broken, *gates.check_reference(facts, reference)], target)
        path = evaluate(
            subject,
            data,
            forget,
            folder,
            controls=controls,
            refusals=refusals,
            batch_size=asking.batch_size,
            max_new_tokens=asking.max_new_tokens,
            device=asking.device,
            dtype=asking.dtype,
            progress=progress,
            facts=facts,
        )
        if chosen or tasks:
            _benchmark(subject, chosen, tasks, asking, folder, facts["model"], progress)
        if judge is not None:
            rescore(path, judge, progress=progress, report=report)
        logs.append(path)
    return logs


def _subjects(target: str, checkpoint: str | None) -> list[Subject]:
    if checkpoint != ALL:
        return [Subject.open(target, checkpoint)]
    run = Subject.open(target).run
    return [Subject.open(target)] if run is None else [Subject(str(c.path), run) for c in run.checkpoints()]


def _benchmark(
    subject: Subject,
    chosen: list[benchmarks.Benchmark],
    tasks: list[str],
    asking: Asking,
    folder: Path,
    model: dict[str, str],
    progress: Progress | None,
) -> None:
    loaded = load(subject.target, device=asking.device, dtype=asking.dtype)
    scorer = Scorer(loaded.model, loaded.processor, asking.batch_size)
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress("benchmarks", done, done)

    key, limit = {"model": model["fingerprint"]}, asking.benchmark_limit
    if chosen:
        benchmarks.run(chosen, scorer, folder / UTILITY, key, limit=limit, step=step)
    if tasks:
        lmms.run(tasks, scorer, folder / lmms.FILE, key, limit=limit)


def rescore(log: Path, judge: Judge | None, *, progress: Progress | None = None, report: Report = _silent) -> Path:
    """A log's own path; with a judge, after its scores have been written into the log.

    Raises:
        DatasetError: no such log.
        ChatError: the judge can't be asked, or its calls are used up. The log is as it was; answers that came are in
            the judge's cache.
    """
    path = log / LOG if log.is_dir() else log
    read = load_log(log)
    assert read.where is not None
    path = read.where
    if judge is None:
        return path
    from fiubench.support.chat import Budget, ChatClient, default_cache
    from fiubench.unlearning.evaluation.judge import judge as have_judged

    sampling = {"temperature": 0}  # the same judgement each time, as far as the server can
    budget = Budget(
        f"judge {read.metadata['model']['fingerprint']} {read.metadata['dataset']['digest']}", judge.max_calls
    )
    client = ChatClient(
        judge.url, judge.model, key_env=judge.key_env, cache=default_cache(), sampling=sampling, budget=budget
    )
    try:
        judged, silent = have_judged(read, client, progress)
        report(f"judge: {silent} questions without a usable score; {client.spent()}")
    finally:
        client.close()
    write_log(path, judged.rows, judged.metadata)
    return path


def score_all(log: Path, definition: Definition, conditions: Conditions) -> list[Result]:
    """A log's metrics under a definition, and under the built-in ones to set beside it.

    Raises:
        GateError: a condition does not hold, and nothing forces it.
    """
    read = read_log(log)
    reference, before = conditions.logs(log)
    others = [other for name, other in load_definitions().items() if name != definition.name]
    return [
        result(
            read,
            one,
            reference=reference,
            before=before,
            memorised=conditions.memorised,
            force=conditions.force or number > 0,  # the first has raised what there is to raise
        )
        for number, one in enumerate([definition, *others])
    ]
