"""``fiubench export`` and ``fiubench formats``."""

import json
from pathlib import Path
from typing import Annotated

import typer
from fiubench.builder.exports import FORMATS
from fiubench.builder.exports import export as write
from fiubench.builder.exports.base import formats_table, help_of
from fiubench.cli import console
from fiubench.cli.options import named_values

from fiubench import schemas

app = typer.Typer(help="List the formats that datasets are exported in.", no_args_is_help=True, rich_markup_mode=None)


def export(
    directory: Annotated[Path, typer.Argument(help="Dataset folder, built or pulled.")],
    format: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"Format to write: {', '.join(FORMATS)}. `fiubench formats list` says what each is for.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to make.")],
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="An option of the format, if it has any; repeat it for several."),
    ] = None,
) -> None:
    """Write a dataset in the format of another framework; every row is validated against the format's schema."""
    with console.progress() as step:
        written = write(directory, format, out, options=named_values(option or ()), progress=step)
    typer.echo(f"{out}: {help_of(FORMATS[format])}\n")
    console.table([("file", "rows"), *((name, str(rows)) for name, rows in written.items())])


@app.command("list")
def list_formats() -> None:
    """Every format, what it is for, and its files."""
    console.table([tuple(cell.replace("`", "") for cell in row[:3]) for row in formats_table()])


@app.command("show")
def show_format(name: Annotated[str, typer.Argument(help="Format.")]) -> None:
    """A format: what it is for, its options, and the JSON Schema of a row."""
    form = FORMATS.find(name)
    typer.echo(f"{name}: {help_of(form)}")
    for key, field in form.model_fields.items():
        typer.echo(f"option {key}: {field.description} (default: {json.dumps(field.default)})")
    schema = schemas.load(form.row_schema) if isinstance(form.row_schema, str) else form.row_schema
    typer.echo(f"schema {json.dumps(schema, indent=2)}")
