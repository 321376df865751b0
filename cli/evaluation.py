"""``fiubench evaluate`` and ``compare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fiubench.unlearning.evaluation.results import Result

_DEFINITION = "upstream, paper or corrected; or FILE.yaml[:NAME] of your own."
Definition_ = Annotated[str, typer.Option("--definition", help=_DEFINITION)]
Reference = Annotated[
    str | None, typer.Option(help="Run (or log) of the model that was trained on the retain set alone.")
]
Memorised = Annotated[
    float, typer.Option(min=0, max=1, help="Exact match that the model before unlearning must have on the forget set.")
]
Force = Annotated[bool, typer.Option("--force", help="Score although a condition does not hold; tables are marked.")]


def evaluate(
    target: Annotated[
        str | None, typer.Argument(help="Run, checkpoint, model folder or Hub id. Left out with --from-log.")
    ] = None,
    from_log: Annotated[
        Path | None, typer.Option(help="Take the metrics from this log (or its folder) again; needs no model.")
    ] = None,
    data: Annotated[str | None, typer.Option(help="Dataset folder, release or Hub id; a run knows its own.")] = None,
    forget: Annotated[str | None, typer.Option(help="Forget set, where the run does not imply it.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Of a run: a step, or all. Without it, the final one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the evaluation; a run keeps its own.")] = None,
    definition: Definition_ = "corrected",
    reference: Reference = None,
    before: Annotated[
        str | None, typer.Option(help="Run (or log) that unlearning started from; a run knows its own.")
    ] = None,
    controls: Annotated[str, typer.Option(help="Comma-separated, all, none, or FILE.yaml of your own.")] = "none",
    benchmark: Annotated[
        list[str] | None,
        typer.Option(help="lmms:TASK for a task of lmms-eval, or NAME=FILE.parquet of yes/no questions. Repeatable."),
    ] = None,
    benchmark_limit: Annotated[int | None, typer.Option(min=1, help="Questions per benchmark.")] = None,
    judge: Annotated[str | None, typer.Option(help="URL of an OpenAI-compatible server that judges answers.")] = None,
    judge_model: Annotated[str, typer.Option(help="Its model.")] = "gpt-4o-mini",
    judge_key_env: Annotated[str, typer.Option(help="Environment variable that holds its key.")] = "OPENAI_API_KEY",
    judge_max_calls: Annotated[int | None, typer.Option(min=0, help="Most calls to it for one log.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Questions at once.")] = 16,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=50, help="Longest answer; without it, room for the longest true one.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, ..; auto takes a GPU where there is one.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, ..")] = "auto",
    memorised: Memorised = 0.8,
    force: Force = False,
) -> None:
    """Ask a model everything, write the per-question log, and print its metrics in all three definitions."""
    from fiubench.cli.console import progress
    from fiubench.support.errors import ConfigError
    from fiubench.unlearning.evaluation import results, workflow
    from fiubench.unlearning.metrics.definition import find_definition

    chosen = find_definition(definition)
    if (target is None) == (from_log is None):
        raise ConfigError("give exactly one of TARGET and --from-log LOG", where="evaluate")
    judging = None
    if judge is not None:
        judging = workflow.Judge(judge, judge_model, judge_key_env, judge_max_calls)
    conditions = workflow.Conditions(reference, before, memorised, force)
    with progress() as step:
        if from_log is not None:
            logs = [workflow.rescore(from_log, judging, progress=step, report=typer.echo)]
        else:
            assert target is not None
            asking = workflow.Asking(
                data=data,
                forget=forget,
                controls=tuple(word.strip() for word in controls.split(",")),
                benchmarks=tuple(benchmark or ()),
                benchmark_limit=benchmark_limit,
                batch_size=batch_size,
                max_new_tokens=max_new_tokens,
                device=device,
                dtype=dtype,
            )
            logs = workflow.ask(target, asking, conditions, chosen, checkpoint, out, judging, step, typer.echo)
        for number, log in enumerate(logs):
            found = workflow.score_all(log, chosen, conditions)
            results.save(found[0], results.metrics_path(log, chosen))
            if number:
                typer.echo()
            _print_metrics(log, found)


def _print_metrics(log: Path, found: "list[Result]") -> None:
    from fiubench.cli.console import table
    from fiubench.unlearning.metrics.base import METRICS, title
    from fiubench.unlearning.reporting.tables import figure

    first = found[0]
    splits = [f"{role} = {split['name']}" for role, split in first.log.metadata["splits"].items()]
    typer.echo(f"{first.label}: {', '.join(splits)}")
    typer.echo(f"log: {log}")
    for mark in first.marks:
        typer.echo(f"NOT COMPARABLE: {mark}")
    typer.echo()
    printed = {m.key(part) for m in METRICS.values() for part in m.printed}
    names = [name for name in first.scores.metrics if name in printed or name.startswith("benchmark.")]
    heading = ["metric", first.scores.definition, "+- (identities)"]
    for other in found[1:]:
        heading += [other.scores.definition, "differs by"]
    rows: list[tuple[str, ...]] = [tuple(heading)]
    for name in names:
        own = first.scores.metrics[name]
        row = [title(name), figure(own.value), "" if own.se is None else f"{own.se:.3f}"]
        for other in found[1:]:
            value = other.scores.value(name)
            both = value is not None and own.value is not None
            row += [figure(value), f"{value - own.value:+.3f}" if both and value != own.value else ""]  # type: ignore[operator]
        rows.append(tuple(row))
    table(rows)
    if first.log.controls:
        typer.echo()
        table(_controls(first))
    why = {name: e.why for name, e in first.scores.metrics.items() if e.value is None and name in names}
    for reason in dict.fromkeys(why.values()):
        typer.echo(f"-: {reason} ({', '.join(title(n) for n, w in why.items() if w == reason)})")


def _controls(found: "Result") -> list[tuple[str, ...]]:
    from fiubench.unlearning.metrics.base import METRICS, title
    from fiubench.unlearning.reporting.tables import figure

    keys = [m.key(role) for role in ("forget", "retain") for m in METRICS.values() if m.controls]
    rows: list[tuple[str, ...]] = [("control", *map(title, keys))]
    rows += [
        (control, *(figure(found.scores.value(f"control.{control}.{key}")) for key in keys))
        for control in found.log.controls
    ]
    return rows


def compare(
    runs: Annotated[
        list[str], typer.Argument(help="Evaluated runs: unlearned ones, and any others to compare them with.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("comparison"),
    reference: Reference = None,
    definition: Definition_ = "corrected",
    memorised: Memorised = 0.8,
    force: Force = False,
    faces: Annotated[bool, typer.Option(help="Show faces beside examples of answers.")] = True,
) -> None:
    """Compare evaluated runs: table, curves over checkpoints, attributes, examples; HTML and PNG."""
    from fiubench.cli.console import table
    from fiubench.unlearning.metrics.definition import find_definition
    from fiubench.unlearning.reporting import compare as comparing
    from fiubench.unlearning.reporting.report import write_report
    from fiubench.unlearning.reporting.tables import text_table

    found = comparing.compare(runs, find_definition(definition), reference=reference, memorised=memorised, force=force)
    table(text_table(found))
    for mark in found.marks:
        typer.echo(f"NOT COMPARABLE: {mark}")
    written = write_report(found, out, faces=faces)
    typer.echo()
    for path in written:
        typer.echo(f"wrote {path}")
