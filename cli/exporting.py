"""``fiubench export`` and ``fiubench formats``."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from fiubench.builder.exports import FORMATS
from fiubench.builder.exports import export as write
from fiubench.builder.exports.base import formats_table, help_of
from fiubench.builder.hub.settings import HubSettings
from fiubench.cli import console
from fiubench.cli.options import named_values, with_settings

import fiubench
from fiubench import schemas

app = typer.Typer(help="List the formats that datasets are exported in.", no_args_is_help=True)


@with_settings(HubSettings, checked=True)
def export(
    target: Annotated[
        str, typer.Argument(help="A dataset folder, built or pulled, or OWNER/NAME[@version] on the hub.")
    ],
    format: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"Write this format: {', '.join(FORMATS)}. `fiubench formats list` says what each is for.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Make this folder for the files.")],
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Set an option of the format; `fiubench formats show NAME` lists them. Repeat it for several.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Let this many processes make the rows.")
    ] = 1,
    *,
    given: dict[str, Any],
) -> None:
    """Write a dataset in the format of another framework; every row is validated against the format's schema."""
    with fiubench.downloaded(target, step=console.print_step, **given) as folder, console.progress() as step:
        options = named_values(option or ())
        written = write(folder, format, out, options=options, workers=workers, progress=step)
    typer.echo(f"{out}: {help_of(FORMATS[format])}\n")
    console.table([("file", "rows"), *((name, str(rows)) for name, rows in written.items())])


@app.command("list")
def list_formats() -> None:
    """List every format, what it is for, and its files."""
    console.table([tuple(cell.replace("`", "") for cell in row[:3]) for row in formats_table()])


@app.command("show")
def show_format(name: Annotated[str, typer.Argument(help="The name of a format, such as tofu.")]) -> None:
    """Show what a format is for, its options, and the JSON Schema of a row."""
    form = FORMATS.find(name)
    typer.echo(f"{name}: {help_of(form)}")
    for key, field in form.model_fields.items():
        typer.echo(f"option {key}: {field.description} (default: {json.dumps(field.default)})")
    schema = schemas.load(form.row_schema) if isinstance(form.row_schema, str) else form.row_schema
    typer.echo(f"schema {json.dumps(schema, indent=2)}")
