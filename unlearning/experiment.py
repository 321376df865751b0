"""A whole experiment from one YAML file: full model, retain reference, methods x seeds, evaluation, comparison.

    OUT/full/, OUT/retain/        stage 1 on everyone, and on those who are not to be forgotten
    OUT/METHOD-seedN/             stage 2
    OUT/report/                   the comparison

Each step is a run folder that knows whether it is finished, so the same command goes on where it was interrupted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any

from fiubench.schemas.splits import FULL, SplitName
from fiubench.support.errors import ConfigError
from fiubench.support.files import make_folder
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.data.runs import Run
from fiubench.unlearning.evaluation.gates import MEMORISED, GateError
from fiubench.unlearning.evaluation.results import result
from fiubench.unlearning.evaluation.workflow import ALL, Asking, Conditions, ask
from fiubench.unlearning.methods.methods import make_method
from fiubench.unlearning.metrics import Definition
from fiubench.unlearning.metrics.definition import find_definition
from fiubench.unlearning.reporting.command import Compared, compare
from fiubench.unlearning.training.settings import Preset, Training, read_preset
from fiubench.unlearning.training.train import finetune, silent, unlearn

from fiubench import schemas

Progress = Callable[[str, int, int], None]
Report = Callable[[str], None]
FULL_RUN, RETAIN_RUN, REPORT = "full", "retain", "report"


@dataclass(frozen=True)
class Plan:
    """An experiment, checked: nothing in it is found wrong after hours of training.

    Attributes:
        data: dataset folder, release or Hub id.
        identities, attributes: how many people are kept (``None`` for all), and of them which questions.
        forget: the forget set.
        preset, model: as for the single commands.
        seeds: of stage 2; the first is stage 1's too.
        stage1: settings of stage 1.
        stage2: method -> settings.
        asking: what models are asked. ``checkpoints``: ``all``, or ``None`` for the final ones.
        memorised: exact match on the forget set that the full model must have.
        force: go on without it, and mark the tables.
        workers: steps at the same time.
    """

    data: str
    identities: int | None
    attributes: tuple[str, ...]
    forget: str
    preset: Preset
    model: str | None
    seeds: tuple[int, ...]
    stage1: Training
    stage2: Mapping[str, Training]
    asking: Asking
    checkpoints: str | None
    definition: Definition
    memorised: float
    force: bool
    workers: int

    def open_data(self) -> Data:
        """The dataset, cut to the people that are kept."""
        data = Data.open(self.data)
        return data if self.identities is None else data.limited(self.identities, self.forget, self.attributes)


def read_plan(path: Path, **changes: Any) -> Plan:
    """An experiment from a YAML file (``schemas/experiment.schema.json``); ``changes`` that are not ``None`` win.

    Raises:
        ConfigError: it breaks the schema, or names a method, preset, setting or split that does not exist.
    """
    document = load_yaml(path, ConfigError)
    if isinstance(document, dict):
        document |= {name: value for name, value in changes.items() if value is not None}
    for violation in schemas.violations("experiment", document):
        raise ConfigError(f"{violation.path}: {violation.message}", where=path)
    beside = path.parent / document["data"]
    own = path.parent / document["preset"]
    preset = read_preset(str(own) if own.is_file() else document["preset"])
    methods = document["methods"]
    chosen = methods if isinstance(methods, dict) else dict.fromkeys(methods)
    stage2 = {name: preset.unlearn(name, **(settings or {})) for name, settings in chosen.items()}
    for name, settings in stage2.items():
        make_method(name, settings.options)
    evaluated = document.get("evaluate", {})
    plan = Plan(
        data=str(beside) if beside.is_dir() else document["data"],
        identities=document.get("identities"),
        attributes=tuple(document.get("attributes", ())),
        forget=document["forget"],
        preset=preset,
        model=document.get("model"),
        seeds=tuple(document.get("seeds", (0,))),
        stage1=preset.finetune(**document.get("finetune", {})),
        stage2=stage2,
        asking=Asking(
            forget=document["forget"],
            controls=tuple(evaluated.get("controls", ("none",))),
            batch_size=evaluated.get("batch_size", 16),
        ),
        checkpoints=ALL if evaluated.get("checkpoints", ALL) == ALL else None,
        definition=find_definition(evaluated.get("definition", "corrected")),
        memorised=evaluated.get("memorised", MEMORISED),
        force=evaluated.get("force", False),
        workers=document.get("workers", 1),
    )
    plan.open_data().ids(SplitName.parse(plan.forget).retain)
    return plan


def experiment(
    file: str | Path,
    out: str | Path,
    *,
    workers: int | None = None,
    progress: Progress = silent,
    report: Report = silent,
) -> Compared:
    """Run a whole experiment from a YAML file: what is not done yet, and the report.

    >>> print(experiment("examples/unlearning.yaml", "runs/demo"))                  # doctest: +SKIP

    Args:
        file: the experiment (``schemas/experiment.schema.json``).
        out: folder of its runs and report; what is finished there is not repeated.
        workers: steps at the same time; by default the file's.
        progress: called with (what, done, total); by a single worker only.
        report: called with a line at every checkpoint and step.

    Returns:
        The comparison, and the files of the report.

    Raises:
        ConfigError: see :func:`read_plan`.
        GateError: the full model did not memorise the forget set.
        FiubenchError: a step failed; what is finished is kept, and the same command goes on.
    """
    plan, out = read_plan(Path(file), workers=workers), Path(out)
    make_folder(out)
    with _runner(plan.workers, progress, report) as run:
        run([(_learn, plan, out, name) for name in (FULL_RUN, RETAIN_RUN)])
        _check_memorised(plan, out)
        forgetting = [(method, seed) for method in plan.stage2 for seed in plan.seeds]
        run([(_forget, plan, out, method, seed) for method, seed in forgetting])
    runs = [str(_folder(out, method, seed)) for method, seed in forgetting]
    reference = str(out / RETAIN_RUN)
    return compare(
        runs,
        out / REPORT,
        definition=plan.definition,
        reference=reference,
        memorised=plan.memorised,
        force=plan.force,
    )


def _folder(out: Path, method: str, seed: int) -> Path:
    return out / f"{method}-seed{seed}"


def _learn(plan: Plan, out: Path, name: str, progress: Progress, report: Report) -> None:
    """Stage 1 and its evaluation: the full model, or the reference."""
    split = FULL if name == FULL_RUN else SplitName.parse(plan.forget).retain
    run = finetune(
        plan.open_data(),
        out / name,
        plan.preset,
        split=split,
        model=plan.model,
        settings=plan.stage1,
        seed=plan.seeds[0],
        progress=progress,
        report=lambda line: report(f"{name}: {line}"),
    )
    ask(str(run.directory), plan.asking, Conditions(), plan.definition, progress=progress)
    report(f"{name}: evaluated")


def _forget(plan: Plan, out: Path, method: str, seed: int, progress: Progress, report: Report) -> None:
    """Stage 2 with one method and seed, and the evaluation of its checkpoints."""
    run = unlearn(
        out / FULL_RUN,
        _folder(out, method, seed),
        method,
        plan.forget,
        plan.preset,
        settings=plan.stage2[method],
        seed=seed,
        progress=progress,
        report=lambda line: report(f"seed {seed}: {line}"),
    )
    conditions = Conditions(reference=str(out / RETAIN_RUN), memorised=plan.memorised, force=plan.force)
    ask(str(run.directory), plan.asking, conditions, plan.definition, plan.checkpoints, progress=progress)
    report(f"seed {seed}: unlearning ({method}): evaluated")


def _check_memorised(plan: Plan, out: Path) -> None:
    """Hours of forgetting what was never learnt would be wasted."""
    full = Run.open(out / FULL_RUN)
    logs = ask(str(full.directory), plan.asking, Conditions(), plan.definition)
    known = result(read_log(logs[0]), plan.definition).scores.value("forget.exact_match")
    if not plan.force and (known is None or known < plan.memorised):
        hint = "Fine-tune for longer, declare another evaluate.memorised, or set evaluate.force to mark the tables."
        found = "unknown" if known is None else f"{known:.2f}"
        raise GateError(
            f"stage 1 did not memorise: exact match on {plan.forget} is {found}, below {plan.memorised}",
            where=full.directory,
            hint=hint,
        )


Task = tuple[Any, ...]  # a step's function and its arguments but the last two


@contextmanager
def _runner(workers: int, progress: Progress, report: Report) -> Iterator[Callable[[Sequence[Task]], None]]:
    """Something that runs tasks and waits for them: here, or in processes that report their lines through a queue."""
    if workers == 1:

        def in_order(tasks: Sequence[Task]) -> None:
            for function, *arguments in tasks:
                function(*arguments, progress, report)

        yield in_order
        return
    context = get_context("spawn")  # a forked torch hangs
    lines = context.Manager().Queue()
    threads = max(1, (cpu_count() or 1) // workers)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(lines, threads)) as pool:

        def together(tasks: Sequence[Task]) -> None:
            waiting: set[Future[None]] = {pool.submit(_in_process, *task) for task in tasks}
            failed: BaseException | None = None
            while waiting:
                done, waiting = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                while not lines.empty():
                    report(lines.get())
                failed = failed or next((error for future in done if (error := future.exception())), None)
            if failed is not None:  # after the others have finished: their work is kept
                raise failed

        yield together


_lines: Any = None


def _begin(lines: Any, threads: int) -> None:
    """What a worker does first."""
    global _lines  # noqa: PLW0603  (the only way that a pool hands something to its processes once)
    import torch

    _lines = lines
    torch.set_num_threads(threads)


def _in_process(function: Callable[..., None], *arguments: Any) -> None:
    function(*arguments, lambda what, done, total: None, _lines.put)
