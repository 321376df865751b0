"""``fiubench evaluate`` and ``compare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fiubench.unlearning.evaluation.results import Result
    from fiubench.unlearning.reporting.command import Compared

_DEFINITION = "How metrics are computed: upstream, paper, corrected, or FILE.yaml[:NAME] of your own."
Definition_ = Annotated[str, typer.Option("--definition", help=_DEFINITION)]
Reference = Annotated[
    str | None,
    typer.Option(
        help="Evaluated run (or log) of the retain reference: the model that was fine-tuned on the retain set alone."
    ),
]
Memorised = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Exact match from which on the model before unlearning counts as having memorised the forget set; below "
        "it there is nothing to forget, and the result is refused.",
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Compute the metrics although a condition does not hold, and mark every table with it."
    ),
]


def evaluate(
    target: Annotated[
        str | None,
        typer.Argument(help="What to evaluate: a run, checkpoint, model folder or Hub id. Left out with --from-log."),
    ] = None,
    from_log: Annotated[
        Path | None,
        typer.Option(help="Compute the metrics again from this log, its folder or its run, without a model."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Dataset folder, release or Hub id. (default: that of the run)")
    ] = None,
    forget: Annotated[str | None, typer.Option(help="Forget set, such as forget05. (default: that of the run)")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(help="Checkpoint of a run: a step, or all. (default: the final one)")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the log and the metrics. (default: one in the run)")
    ] = None,
    definition: Definition_ = "corrected",
    reference: Reference = None,
    before: Annotated[
        str | None,
        typer.Option(
            help="Evaluated run (or log) of the model that unlearning started from. (default: that of the run)"
        ),
    ] = None,
    controls: Annotated[
        str,
        typer.Option(help="Conditions under which to ask again: names with commas between, all, none, or a FILE.yaml."),
    ] = "none",
    benchmark: Annotated[
        list[str] | None,
        typer.Option(
            help="General ability: lmms:TASK of lmms-eval, or NAME=FILE.parquet of yes/no questions. Repeatable."
        ),
    ] = None,
    benchmark_limit: Annotated[int | None, typer.Option(min=1, help="Most questions to ask of each benchmark.")] = None,
    judge: Annotated[
        str | None, typer.Option(help="URL of an OpenAI-compatible server whose model judges the answers.")
    ] = None,
    judge_model: Annotated[str, typer.Option(help="With --judge: name of the model at its server.")] = "gpt-4o-mini",
    judge_key_env: Annotated[
        str, typer.Option(help="With --judge: environment variable that holds the API key.")
    ] = "OPENAI_API_KEY",
    judge_max_calls: Annotated[int | None, typer.Option(min=0, help="With --judge: most calls for one log.")] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Questions that the model answers in one pass; answers do not depend on it.")
    ] = 16,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=50, help="Most tokens of an answer. (default: room for the longest true one)")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Device of the model: cpu, cuda, ..; auto takes a GPU where there is one.")
    ] = "auto",
    dtype: Annotated[
        str, typer.Option(help="Number format of the weights: float32, bfloat16, float16 or auto.")
    ] = "auto",
    memorised: Memorised = 0.8,
    force: Force = False,
) -> None:
    """Ask a model everything, write the per-question log, and print its metrics in all three definitions."""
    from fiubench.cli.console import progress

    import fiubench

    with progress() as step:
        evaluations = fiubench.evaluate(
            target,
            from_log=from_log,
            data=data,
            forget=forget,
            checkpoint=checkpoint,
            out=out,
            definition=definition,
            reference=reference,
            before=before,
            controls=tuple(word.strip() for word in controls.split(",")),
            benchmarks=benchmark or (),
            benchmark_limit=benchmark_limit,
            judge=judge,
            judge_model=judge_model,
            judge_key_env=judge_key_env,
            judge_max_calls=judge_max_calls,
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            device=device,
            dtype=dtype,
            memorised=memorised,
            force=force,
            progress=step,
            report=typer.echo,
        )
    for number, evaluation in enumerate(evaluations):
        if number:
            typer.echo()
        _print_metrics(evaluation.log, evaluation.results)


def _print_metrics(log: Path, found: "Sequence[Result]") -> None:
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
    """Set runs side by side: table, curves over checkpoints, attributes, examples; HTML and PNG."""
    import fiubench

    print_comparison(
        fiubench.compare(
            runs, out, reference=reference, definition=definition, memorised=memorised, force=force, faces=faces
        )
    )


def print_comparison(found: "Compared") -> None:
    """The table, what is not comparable, and the files of the report."""
    from fiubench.cli.console import table

    table(found.table)
    for mark in found.comparison.marks:
        typer.echo(f"NOT COMPARABLE: {mark}")
    typer.echo()
    for path in found.files:
        typer.echo(f"wrote {path}")
