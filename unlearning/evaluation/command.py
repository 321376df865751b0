"""Evaluating a model, or scoring the log of an evaluation again: every step of it in one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fiubench.support.errors import ConfigError
from fiubench.unlearning.evaluation import results, workflow
from fiubench.unlearning.evaluation.gates import MEMORISED
from fiubench.unlearning.evaluation.results import Result
from fiubench.unlearning.evaluation.workflow import Progress, Report
from fiubench.unlearning.metrics.definition import Definition, find_definition


@dataclass(frozen=True, repr=False)
class Evaluation:
    """One model's evaluation.

    Attributes:
        log: the file with every question, answer and likelihood.
        results: metrics under the definition that was asked for, then under the built-in ones.
    """

    log: Path
    results: Sequence[Result]

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Metric -> value under the first definition; ``None`` where this log does not give it."""
        return {name: estimate.value for name, estimate in self.results[0].scores.metrics.items()}

    def __repr__(self) -> str:
        first = self.results[0]
        known = [f"  {name}: {value:.3f}" for name, value in self.metrics.items() if value is not None]
        return "\n".join([f"{first.label} ({first.scores.definition}), {self.log}", *first.marks, *known])


def evaluate(
    target: str | Path | None = None,
    *,
    from_log: str | Path | None = None,
    data: str | Path | None = None,
    forget: str | None = None,
    checkpoint: str | None = None,
    out: str | Path | None = None,
    definition: str | Definition = "corrected",
    reference: str | Path | None = None,
    before: str | Path | None = None,
    controls: Sequence[str] = ("none",),
    benchmarks: Sequence[str] = (),
    benchmark_limit: int | None = None,
    judge: str | None = None,
    judge_model: str = "gpt-4o-mini",
    judge_key_env: str = "OPENAI_API_KEY",
    judge_max_calls: int | None = None,
    batch_size: int = 16,
    max_new_tokens: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    memorised: float = MEMORISED,
    force: bool = False,
    progress: Progress | None = None,
    report: Report = workflow.silent,
) -> list[Evaluation]:
    """Ask a model everything, write the log of every question, and its metrics beside it.

    >>> print(evaluate("runs/kl", reference="runs/retain")[0])                        # doctest: +SKIP
    >>> evaluate(from_log="runs/kl", definition="upstream")[0].metrics                # doctest: +SKIP

    Args:
        target: run, checkpoint, model folder or Hub id; left out with ``from_log``.
        from_log: a log, its folder, or an evaluated run, to be scored again without a model.
        data: dataset folder, release or Hub id; a run knows its own.
        forget: forget set, where the run does not imply it.
        checkpoint: of a run: a step, or ``all``; the final one by default.
        out: folder of the evaluation; a run keeps its own.
        definition: of the metrics: upstream, paper or corrected, ``FILE.yaml[:NAME]`` or one that was read.
        reference: run or log of the model that was trained on the retain set alone.
        before: run or log of the model that unlearning started from; a run knows its own.
        controls: names of controls, ``all``, ``none``, or a YAML file of one's own.
        benchmarks: ``pope`` or ``mme``, ``NAME=PATH`` of a local copy, ``lmms:TASK``.
        benchmark_limit: most questions of each.
        judge: URL of an OpenAI-compatible server that judges answers.
        judge_model, judge_key_env, judge_max_calls: its model, the environment variable with its key, and the most
            calls to it for one log.
        batch_size: questions at once.
        max_new_tokens: longest answer; by default with room for the longest true one.
        device: ``cpu``, ``cuda``, ...; ``auto`` takes a GPU where there is one.
        dtype: number format of weights.
        memorised: exact match that the model before unlearning must have on the forget set.
        force: score although a condition does not hold; results are marked.
        progress: called with (what, done, total).
        report: called with a line on what the judge did.

    Returns:
        One evaluation per checkpoint.

    Raises:
        ConfigError: neither or both of ``target`` and ``from_log``, or an unknown name.
        GateError: a condition does not hold, and nothing forces it.
        FiubenchError: a model, dataset or log that can't be used.
    """
    chosen = definition if isinstance(definition, Definition) else find_definition(definition)
    conditions = workflow.Conditions(_text(reference), _text(before), memorised, force)
    judging = None if judge is None else workflow.Judge(judge, judge_model, judge_key_env, judge_max_calls)
    if from_log is not None and target is None:
        logs = [workflow.rescore(Path(from_log), judging, progress=progress, report=report)]
    elif target is not None and from_log is None:
        asking = workflow.Asking(
            data=_text(data),
            forget=forget,
            controls=tuple(controls),
            benchmarks=tuple(benchmarks),
            benchmark_limit=benchmark_limit,
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            device=device,
            dtype=dtype,
        )
        folder = None if out is None else Path(out)
        logs = workflow.ask(str(target), asking, conditions, chosen, checkpoint, folder, judging, progress, report)
    else:
        raise ConfigError("give exactly one of TARGET and --from-log", where="evaluate")
    found = [Evaluation(log, workflow.score_all(log, chosen, conditions)) for log in logs]
    for each in found:
        results.save(each.results[0], results.metrics_path(each.log, chosen))
    return found


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)
