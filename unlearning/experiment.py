"""A whole experiment from one YAML file: full model, retain reference, variants x seeds, evaluation, comparison.

    OUT/full/, OUT/retain/        stage 1 on everyone, and on those who are not to be forgotten
    OUT/VARIANT-seedN/            stage 2
    OUT/report/                   the comparison

Each step is a run folder that knows whether it is finished, so the same command goes on where it was interrupted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Annotated, Any, Literal

from fiubench.schemas.splits import FORGET, FULL, LABEL, SplitName
from fiubench.support.errors import FiubenchError
from fiubench.support.extras import need
from fiubench.support.files import claimed
from fiubench.support.processes import SPAWN, worker_pool
from fiubench.support.progress import Progress, Report, silent
from fiubench.support.settings import Field, Settings
from fiubench.unlearning.attacks.base import make_attacks
from fiubench.unlearning.attacks.workflow import attack
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.evaluation.gates import GateError
from fiubench.unlearning.evaluation.results import result
from fiubench.unlearning.evaluation.settings import ALL, EvaluationSettings, ScoringSettings
from fiubench.unlearning.evaluation.workflow import ask
from fiubench.unlearning.metrics.definition import Definition, find_definition
from fiubench.unlearning.reporting.report import Compared, compare
from fiubench.unlearning.training.checks import method_for
from fiubench.unlearning.training.settings import Preset, Stage, Training, read_preset
from fiubench.unlearning.training.train import finetune, unlearn
from fiubench.unlearning.training.variants import variants
from pydantic import field_validator

FULL_RUN, RETAIN_RUN, REPORT = "full", "retain", "report"
_Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Evaluated(ScoringSettings):
    """How an experiment evaluates its models."""

    checkpoints: Literal["all", "final"] = "all"
    """Evaluate every checkpoint of unlearning, or the last."""


class Experiment(Settings):
    """What `fiubench experiment` does: fine-tuning, a retain reference, variants x seeds, evaluation, comparison."""

    data: str = Field(min_length=1, description="Dataset folder (relative to the file), release or OWNER/NAME.")
    identities: int | None = Field(None, ge=2, description="Use only so many people, for models too small for all.")
    attributes: tuple[str, ...] = Field((), description="Use the questions about these attributes only.")
    forget: str = Field(pattern=f"^{FORGET}{LABEL}$", description="The forget set, for example forget05.")
    preset: str = Field(min_length=1, description="Preset, or FILE.yaml (relative to the file).")
    model: str | None = Field(None, min_length=1, description="tiny, smol, a Hub id or a folder, not the preset's.")
    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1)] = (0,)
    """Random seeds of unlearning; the first is fine-tuning's too."""
    finetune: Stage = Field(Stage(), description="Settings of fine-tuning that differ from the preset's.")
    unlearn: dict[str, Any] = Field({}, description="Settings of all methods that differ from the preset's.")
    methods: Annotated[tuple[str, ...] | dict[str, dict[str, Any] | None], Field(min_length=1)]
    """Methods: a list, or names with the settings that differ. A name that is no method's has a method among them. In
    these and in unlearn, a list of values makes a variant for each value."""
    evaluate: Evaluated = Field(Evaluated(), description="How models are evaluated.")
    attacks: tuple[str, ...] = ()
    """Attack every unlearned model, and the retain reference in the same way, by these attacks (`fiubench attacks
    list`)."""
    workers: int = Field(1, ge=1, le=64, description="Trainings and evaluations that run at the same time.")

    @field_validator("seeds", "methods", "attributes", "attacks")
    @classmethod
    def _distinct(cls, value: Any) -> Any:
        """No entry twice."""
        if len(set(value)) < len(value):
            raise ValueError("should not name an entry twice")
        return value


@dataclass(frozen=True)
class Plan:
    """An experiment, checked: nothing in it is found wrong after hours of training."""

    settings: Experiment  # the file's, with ``data`` as it is opened
    preset: Preset  # where models and settings come from
    stage1: Training  # settings of stage 1
    stage2: Mapping[str, tuple[str, Training]]  # variant -> method and settings
    definition: Definition  # how metrics are computed

    def evaluating(self, **changes: Any) -> EvaluationSettings:
        """How models are evaluated, with some settings of one's own."""
        chosen = self.settings.evaluate.model_dump(exclude={"checkpoints", "definition"})
        own = {"forget": self.settings.forget, "definition": self.definition}
        return EvaluationSettings.parse({**chosen, **own, **changes})

    def attacking(self) -> dict[str, Any]:
        """How models are attacked."""
        chosen = self.settings
        return {"attacks": chosen.attacks, "forget": chosen.forget, "batch_size": chosen.evaluate.batch_size}

    def open_data(self) -> Data:
        """The dataset, cut to the people and questions that are kept."""
        chosen, data = self.settings, Data.open(self.settings.data)
        if chosen.identities is None:
            return data.limited(attributes=chosen.attributes) if chosen.attributes else data
        return data.limited(chosen.identities, chosen.forget, chosen.attributes)


def read_plan(path: Path, **changes: Any) -> Plan:
    """An experiment from a YAML file (:class:`Experiment`); ``changes`` win.

    Raises:
        ConfigError: a setting that can't be, or a method, preset or split that does not exist.
    """
    settings = Experiment.read(path)
    if changes:
        settings = Experiment.parse({**settings.model_dump(exclude_unset=True), **changes}, flags=changes)
    beside, own = path.parent / settings.data, path.parent / settings.preset
    if beside.is_dir():
        settings = settings.model_copy(update={"data": str(beside)})
    preset = read_preset(str(own) if own.is_file() else settings.preset)
    plan = Plan(
        settings=settings,
        preset=preset,
        stage1=preset.finetune(where=path, **settings.finetune.given()),
        stage2={
            each.name: (each.method, preset.unlearn(each.method, where=f"{path}: {each.name}", **each.settings))
            for each in variants(settings.methods, settings.unlearn, path)
        },
        definition=find_definition(settings.evaluate.definition),
    )
    plan.open_data().ids(SplitName.parse(settings.forget).retain)
    make_attacks(settings.attacks, {})
    for method, chosen in plan.stage2.values():
        method_for(method, chosen)
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
        file: the experiment (:class:`Experiment`).
        out: folder of its runs and report; what is finished there is not repeated.
        workers: steps at the same time; by default the file's.
        progress: called with (what, done, total); by a single worker only.
        report: called with a line at every checkpoint and step.

    Returns:
        The comparison, and the files of the report.

    Raises:
        ConfigError: see :func:`read_plan`.
        GateError: the full model did not memorise the forget set.
        DatasetError: another experiment is running in ``out``; or it can't be written.
        FiubenchError: a step failed; what is finished is kept, and the same command goes on.
    """
    need("unlearning")
    plan, out = read_plan(Path(file), **({} if workers is None else {"workers": workers})), Path(out)
    with claimed(out, "experiment"):
        return _all_of(plan, out, progress, report)


def _all_of(plan: Plan, out: Path, progress: Progress, report: Report) -> Compared:
    """Every step that is not done yet, and the report."""
    with _runner(plan.settings.workers, progress, report) as run:
        run([(_learn, plan, out, name) for name in (FULL_RUN, RETAIN_RUN)])
        _check_memorised(plan, out)
        forgetting = [(variant, seed) for variant in plan.stage2 for seed in plan.settings.seeds]
        run([(_forget, plan, out, variant, seed) for variant, seed in forgetting])
        if plan.settings.attacks:
            # other variants side by side: those of one find the same on the reference, which is then there already
            by_seed = sorted(forgetting, key=lambda one: one[1])
            run([(_attack, plan, out, variant, seed) for variant, seed in by_seed])
    runs, chosen = [_folder(out, variant, seed) for variant, seed in forgetting], plan.settings.evaluate
    conditions: dict[str, Any] = {"memorised": chosen.memorised, "force": chosen.force}
    return compare(runs, out / REPORT, definition=plan.definition, reference=out / RETAIN_RUN, **conditions)


def _folder(out: Path, variant: str, seed: int) -> Path:
    return out / f"{variant}-seed{seed}"


def _learn(plan: Plan, out: Path, name: str, progress: Progress, report: Report) -> None:
    """Stage 1 and its evaluation: the full model, or the reference."""
    split = FULL if name == FULL_RUN else SplitName.parse(plan.settings.forget).retain
    run = finetune(
        plan.open_data(),
        out / name,
        plan.preset,
        split=split,
        model=plan.settings.model,
        settings=plan.stage1,
        seed=plan.settings.seeds[0],
        progress=progress,
        report=lambda line: report(f"{name}: {line}"),
    )
    ask(str(run.directory), plan.evaluating(), progress=progress)
    report(f"{name}: evaluated")


def _forget(plan: Plan, out: Path, variant: str, seed: int, progress: Progress, report: Report) -> None:
    """Stage 2 with one variant and seed, and the evaluation of its checkpoints."""
    method, settings = plan.stage2[variant]
    name = "" if variant == method else f"{variant}, "
    run = unlearn(
        out / FULL_RUN,
        _folder(out, variant, seed),
        method,
        plan.settings.forget,
        plan.preset,
        settings=settings,
        variant=None if variant == method else variant,
        seed=seed,
        progress=progress,
        report=lambda line: report(f"{name}seed {seed}: {line}"),
    )
    every = ALL if plan.settings.evaluate.checkpoints == ALL else None
    evaluating = plan.evaluating(reference=out / RETAIN_RUN, checkpoint=every)
    ask(str(run.directory), evaluating, progress=progress)
    report(f"{name}seed {seed}: unlearning ({method}): evaluated")


def _attack(plan: Plan, out: Path, variant: str, seed: int, progress: Progress, report: Report) -> None:
    """The attacks on a run, and on the reference as its own."""
    run = _folder(out, variant, seed)
    attack(run, reference=str(out / RETAIN_RUN), progress=progress, **plan.attacking())
    report(f"{run.name}: attacked")


def _check_memorised(plan: Plan, out: Path) -> None:
    """Hours of forgetting what was never learnt would be wasted."""
    chosen, full = plan.settings.evaluate, out / FULL_RUN
    (log,) = ask(str(full), plan.evaluating())
    known = result(read_log(log), plan.definition).scores.value("forget.exact_match")
    if not chosen.force and (known is None or known < chosen.memorised):
        hint = "Fine-tune for longer, declare another evaluate.memorised, or set evaluate.force to mark the tables."
        found = "unknown" if known is None else f"{known:.2f}"
        what = f"stage 1 did not memorise: exact match on {plan.settings.forget} is {found}, below {chosen.memorised}"
        raise GateError(what, where=full, hint=hint)


Task = tuple[Any, ...]  # a step's function and its arguments but the last two


@contextmanager
def _runner(workers: int, progress: Progress, report: Report) -> Iterator[Callable[[Sequence[Task]], None]]:
    """Something that runs tasks and waits for them: here, or in processes that send their lines through a queue."""
    if workers == 1:

        def in_order(tasks: Sequence[Task]) -> None:
            for function, *arguments in tasks:
                function(*arguments, progress, report)

        yield in_order
        return
    lines = SPAWN.SimpleQueue()
    threads = max(1, (cpu_count() or 1) // workers)
    hint = "Often the system ran out of memory: give the same command with fewer --workers; what is done is kept."
    killed = FiubenchError("a worker process was killed", where="experiment", hint=hint)
    # a forked torch hangs
    with worker_pool(workers, _begin, (lines, threads), context=SPAWN, killed=killed) as pool:

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
    torch.set_num_threads(min(threads, torch.get_num_threads()))  # OMP_NUM_THREADS=1 holds: it decides the sums


def _in_process(function: Callable[..., None], *arguments: Any) -> None:
    function(*arguments, lambda what, done, total: None, _lines.put)
