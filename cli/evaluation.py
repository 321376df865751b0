"""``fiubench evaluate``, ``compare`` and ``metrics``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.cli.console import progress, table
from fiubench.cli.options import with_settings
from fiubench.unlearning.evaluation.settings import EvaluationSettings
from fiubench.unlearning.metrics.base import METRICS, WHOLE_LOG, title
from fiubench.unlearning.reporting.attacks import text_table as attack_table
from fiubench.unlearning.reporting.formats import find_format, matched_table
from fiubench.unlearning.reporting.power import PowerSettings
from fiubench.unlearning.reporting.tables import (
    BOTH_WAYS,
    both_ways,
    both_ways_compared,
    difference,
    figure,
    forgotten_part,
    picture_gaps,
)
from fiubench.unlearning.reporting.trained import narrow, trained

import fiubench

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fiubench.unlearning.evaluation.results import Result
    from fiubench.unlearning.reporting.report import Compared

metrics = typer.Typer(help="List the metrics that evaluated models are measured by.", no_args_is_help=True)


@with_settings(EvaluationSettings, checked=True)
def evaluate(
    target: Annotated[
        str | None,
        typer.Argument(help="What to evaluate: a run, checkpoint, model folder or Hub id. Left out with --from-log."),
    ] = None,
    *,
    from_log: Annotated[
        Path | None,
        typer.Option(
            metavar="LOG",
            help="Compute the metrics again from this log, its folder or its run, without asking a model.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the log and the metrics to this folder. (default: one in the run)"),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Ask the first questions only, say what all would take: answers, memory, time. Writes nothing.",
        ),
    ] = False,
    given: dict[str, Any],
) -> None:
    """Ask a model all questions, write a log of its answers, and print its metrics by each definition."""
    with progress() as step:
        evaluations = fiubench.evaluate(
            target, from_log=from_log, out=out, dry_run=dry_run, progress=step, report=typer.echo, **given
        )
    for number, evaluation in enumerate(evaluations):
        if number:
            typer.echo()
        _print_metrics(evaluation.log, evaluation.results)


def _print_metrics(log: Path, found: "Sequence[Result]") -> None:
    first = found[0]
    splits = [f"{role} = {split['name']}" for role, split in first.log.metadata["splits"].items()]
    typer.echo(f"{first.log.label}: {', '.join(splits)}")
    typer.echo(f"log: {log}")
    if part := forgotten_part(first.log.metadata):
        typer.echo(f"{part} (exact match {figure(first.scores.value('retain.other_facts'))}).")
    for mark in first.marks:
        typer.echo(f"NOT COMPARABLE: {mark}")
    for warning in first.warnings:
        typer.echo(f"WARNING: {warning}")
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
            row += [figure(value), difference(value, own.value)]
        rows.append(tuple(row))
    table(rows)
    if first.log.controls:
        typer.echo()
        table(_controls(first))
    for line in picture_gaps(first.scores):
        typer.echo(line)
    if rows_both := both_ways(first.log.label, first.log.run, first.scores.value):
        typer.echo()
        table([BOTH_WAYS, *rows_both])
    why = {name: e.why for name, e in first.scores.metrics.items() if e.value is None and name in names}
    for reason in dict.fromkeys(why.values()):
        typer.echo(f"-: {reason} ({', '.join(title(n) for n, w in why.items() if w == reason)})")
    for note in dict.fromkeys(f"{each.scores.definition}: {note}" for each in found for note in each.notes):
        typer.echo(note)


def _controls(found: "Result") -> list[tuple[str, ...]]:
    keys = [m.key(role) for role in ("forget", "retain") for m in METRICS.values() if m.controls]
    values = {c: [found.scores.value(f"control.{c}.{key}") for key in keys] for c in found.log.controls}
    return [("control", *map(title, keys)), *((c, *map(figure, row)) for c, row in values.items())]


@with_settings(EvaluationSettings, only=("definition", "reference", "memorised", "force"), checked=True)
def compare(
    runs: Annotated[
        list[str], typer.Argument(help="Evaluated runs: unlearned ones, and any others to compare them with.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write the report to this folder. (default: comparison; with --format none is written)"
        ),
    ] = None,
    given: dict[str, Any],
    faces: Annotated[bool, typer.Option(help="Show the faces beside examples of answers in the report.")] = True,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="latex|markdown|csv", help="Print the tables in this form, and nothing else."),
    ] = None,
) -> None:
    """Compare runs: table, curves over checkpoints, attributes, examples; HTML and PNG."""
    if form is not None:
        find_format(form)
    folder = out or (Path("comparison") if form is None else None)
    found = fiubench.compare(runs, folder, faces=faces, **given)
    if form is None:
        print_comparison(found)
    else:
        typer.echo(found.written(form), nl=False)


def print_comparison(found: "Compared") -> None:
    """The tables, what is not comparable, and the files of the report."""
    for rows in found.tables:
        table(rows)
        typer.echo()
    if part := forgotten_part(found.comparison.entries[0].finals[0].log.metadata):
        typer.echo(f"{part}.")
    if rows := both_ways_compared(found.comparison):
        table(rows)
        typer.echo()
    for more in (matched_table(found.comparison), narrow(trained(found.comparison))):
        if more:
            table(more)
            typer.echo()
    if found.attacks:
        table(attack_table(found.attacks))
        typer.echo()
    for remark in found.remarks:
        typer.echo(remark)
    if found.remarks:
        typer.echo()
    for path in found.files:
        typer.echo(f"wrote {path}")


@with_settings(PowerSettings, checked=True)
def power(
    pilot: Annotated[
        list[str] | None,
        typer.Argument(
            help="Two evaluated runs that show how answers vary, such as a method and the retain reference."
        ),
    ] = None,
    *,
    given: dict[str, Any],
) -> None:
    """Say how large a difference between two models forget sets of several sizes can show."""
    found = fiubench.power(*(pilot or ()), **given)
    chosen, spread = found.settings, found.spread
    origin = f"{chosen.metric} of {' and '.join(pilot)}" if pilot else "assumed"
    typer.echo(f"questions a person: {spread.questions}, seeds: {chosen.seeds}")
    typer.echo(f"differences ({origin}): variance {spread.variance:.3f}, correlation {spread.correlation:.2f}\n")
    rows = [("people", "standard error", f"finds {chosen.effect:g}", f"found by {chosen.power:.0%}")]
    rows += [
        (str(size.people), f"{size.standard_error:.3f}", f"{size.power:.0%}", f"{size.detectable:.2f}")
        for size in found.sizes
    ]
    table(rows)
    needed = "more than a million" if found.people_needed is None else found.people_needed
    typer.echo(
        f"\nTo find a difference of {chosen.effect:g} in {chosen.power:.0%} of experiments takes {needed} people."
    )


@metrics.command("list")
def list_metrics() -> None:
    """List every metric: the sets of questions it is reported for, and what it is."""
    rows = [("name", "title", "sets", "what it is")]
    for name, one in sorted(METRICS.items(), key=lambda item: WHOLE_LOG in item[1].sets):
        plugin = METRICS.plugin(name)
        sets = ", ".join(filter(None, one.sets)) or ("controls" if one.controls else "whole log")
        rows.append((name, one.title, sets, one.summary + (f" [{plugin}]" if plugin else "")))
    table(rows)
