"""``fiubench audit`` and ``measures``: the quality of a dataset."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fiubench.builder.audit.terminal import limits_text, markdown_tables, rows
from fiubench.cli.console import many, print_line, progress, table

if TYPE_CHECKING:
    from fiubench.builder.audit import Report

measures = typer.Typer(help="List what `fiubench audit` measures.", no_args_is_help=True)
_WHAT = "What is measured"


def audit(
    target: Annotated[
        str,
        typer.Argument(
            help="A dataset folder, OWNER/NAME on the Hub, or a file or folder in the shape of FIUBench, bare QA "
            "pairs, TOFU, CLEAR, MLLMU-Bench or UMU-Bench."
        ),
    ],
    against: Annotated[
        str | None, typer.Option(metavar="TARGET", help="Measure another dataset too, and show it beside the first.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as one HTML file, with a gallery.")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JSON.")] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHEN",
            help="Exit with code 1 when a measure fails (fail, the default), when one warns or fails (warn), never "
            "(never), or when the measure or group of this name warns or fails (`fiubench measures list`). Repeat the "
            "option for several.",
        ),
    ] = None,
    faces: Annotated[bool, typer.Option(rich_help_panel=_WHAT, help="Open and compare the pictures.")] = True,
    embed: Annotated[
        bool,
        typer.Option(
            rich_help_panel=_WHAT,
            help="Compare faces by their embeddings too, where fiubench is installed with the extra 'faces'.",
        ),
    ] = True,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate",
            rich_help_panel=_WHAT,
            help="Estimate gender and age of faces of which the dataset says nothing, to find children among them; for "
            "photographs, with the extra 'faces'.",
        ),
    ] = False,
    attacks: Annotated[
        bool,
        typer.Option(
            rich_help_panel=_WHAT,
            help="Try to pick the true value out of each question's four without knowing anybody: it should succeed no "
            "more often than once in four.",
        ),
    ] = True,
    grammar: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=_WHAT,
            help="Check the grammar of every sentence with the LanguageTool server at this address.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Look at a dataset folder with this many processes.")
    ] = 1,
) -> None:
    """Measure what the text and faces of a dataset are worth. Exit code 1 if a measure fails."""
    from fiubench.builder.audit import audit as measure_all
    from fiubench.builder.audit import open_target, tripped, write_json

    conditions = fail_on or ["fail"]
    tripped(None, conditions)  # a mistyped name is an error before the work, not after it
    opened, beside = open_target(target), open_target(against) if against else None
    with progress() as step:
        measured = partial(
            measure_all, faces=faces, embed=embed, estimate=estimate, attacks=attacks, workers=workers, progress=step
        )
        report = measured(opened, grammar=grammar)
        other = measured(beside) if beside else None
    for each in filter(None, (report, other)):
        of = each.target
        size = f"{many(of['identities'], 'identity')}, {many(of['qa_pairs'], 'QA pair')}"
        print_line(f"{of['name']}: {size}, {many(of['images'], 'image')}")
        if "read_as" in of:
            print_line(f"  read as {of['read_as']}; lacks {', '.join(of['lacks']) or 'nothing'}")
    typer.echo(f"guesses: learned on {report.target['learned']}, applied to {report.target['applied']}\n")
    print_findings(report, other)
    if json:
        write_json(report, json)
    if html:
        from fiubench.builder.audit.gallery import write_report

        write_report(report, target, html, other)
    for path in filter(None, (json, html)):
        typer.echo(f"written: {path}")
    typer.echo(f"{report.target['name']}: {report.verdict_line}")
    if tripped(report, conditions):
        raise typer.Exit(1)


def print_findings(report: "Report", other: "Report | None" = None) -> None:
    """The short form: what is not as it should be, with an example each, and the key figures."""
    table(rows(report, other))
    typer.echo()
    for measure in report.measures if other is None else ():
        if measure.verdict in ("warn", "fail"):
            shown = [f"{where}: {what}" for where, what in measure.examples[:1]] or [measure.note]
            typer.echo(f"  {measure.name}: {shown[0]}")


@measures.command("list")
def list_measures(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables of docs/audit.md.")] = False,
) -> None:
    """List every measure: what it is about, and from which value on it warns or fails."""
    from fiubench.builder.audit import MEASURES, declared_measures

    if markdown:
        typer.echo(markdown_tables(), nl=False)
        return
    found = [("measure", "group", "title", "limits", "defined by")]
    for name, each in declared_measures().items():
        found.append((name, each.group, each.title, limits_text(each), str(MEASURES.plugin(name) or "fiubench")))
    table(found)
