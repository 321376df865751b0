"""``fiubench measures``: what an audit measures."""

from typing import Annotated

import typer

app = typer.Typer(help="List what `fiubench audit` measures.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_measures(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables of docs/audit.md.")] = False,
) -> None:
    """One line per measure: its name, what it is about, and from which value on it warns or fails."""
    from fiubench.builder.audit import MEASURES, declared_measures
    from fiubench.builder.audit.terminal import limits_text, markdown_tables
    from fiubench.cli.console import table

    if markdown:
        typer.echo(markdown_tables(), nl=False)
        return
    rows = [("measure", "group", "title", "limits", "defined by")]
    for name, each in declared_measures().items():
        rows.append((name, each.group, each.title, limits_text(each), str(MEASURES.plugin(name) or "fiubench")))
    table(rows)
