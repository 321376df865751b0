"""``fiubench sources``: what faces and records can be made from."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List, show, check and fetch raw sources.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_sources() -> None:
    """One line per source."""
    from fiubench.cli.console import table
    from fiubench.raw_sources.registry import SOURCES

    rows = [("source", "title", "license", "option")]
    rows += [
        (name, s.title, s.license, f"--{name}" if s.expects else "made by fiubench") for name, s in SOURCES.items()
    ]
    table(rows)


@app.command("show")
def show_source(name: Annotated[str, typer.Argument(help="Source.")]) -> None:
    """What a source is: licence, citation, what its file must look like, the columns it gives."""
    from fiubench.raw_sources.registry import source_info

    info = source_info(name)
    typer.echo(f"{info.title}\n{info.description}")
    for label, text in (
        ("license", info.license),
        ("url", info.url),
        ("citation", info.citation),
        ("expects", info.expects),
        ("embedded", info.embedded),
        ("kaggle", info.kaggle and f"{info.kaggle.handle}, version {info.kaggle.version}"),
    ):
        if text:
            typer.echo(f"{label:9} {text}")
    for column, kind in info.columns.items():
        typer.echo(f"  {name}.{column:20} {kind}")


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A raw file or a folder of faces.")],
    source: Annotated[
        str | None, typer.Option(help="Which source it is, where it is not told from its header.")
    ] = None,
    as_of: Annotated[str, typer.Option(help="The day that counts as today.")] = "2025-01-01",
) -> None:
    """What a file looks like to us: rows read and kept, what is repaired or dropped and why, the first rows."""
    from fiubench.cli.console import progress
    from fiubench.raw_sources.inspect import inspect

    with progress() as step:
        found = inspect(path, source=source, as_of=as_of, progress=step)
    report = found.report
    typer.echo(f"{path}: {found.source} ({report.read} read, {report.kept} kept)")
    for verb, counts in (("repaired", report.repaired), ("dropped", report.dropped)):
        for why, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            typer.echo(f"  {verb} {count:6}  {why}")
    for note in report.notes:
        typer.echo(f"  note: {note}")
    typer.echo(f"  sha256 {found.origin.sha256}")
    for number, row in enumerate(found.sample, 1):
        typer.echo(f"\nrow {number}")
        for column, value in row.items():
            typer.echo(f"  {column:20} {value}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Source: faces, health, crimes or addresses.")],
    out: Annotated[Path, typer.Option(help="Folder to put it in.")] = Path("raw"),
    numbers: Annotated[
        str | None, typer.Option(help="Faces: SFHQ numbers to fetch, for example 7,44363; by default 1-500.")
    ] = None,
    version: Annotated[
        int | None, typer.Option(help="Kaggle dataset version; by default the one that `sources show` names.")
    ] = None,
) -> None:
    """Fetch a source from Kaggle (extra `kaggle`; credentials as Kaggle's client finds them)."""
    from fiubench.cli.console import progress
    from fiubench.raw_sources.fetch import fetch as fetch_source

    with progress() as step:
        for path, sha256 in fetch_source(name, out, numbers=numbers, version=version, progress=step):
            typer.echo(f"{path}  sha256 {sha256}")
