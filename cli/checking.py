"""``fiubench validate``, ``verify``, ``diff`` and ``show``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from fiubench.builder.config import SOURCE_FILES, Config
from fiubench.builder.hub.settings import HubSettings
from fiubench.cli.console import conclude, print_identity, print_step, progress, table
from fiubench.cli.options import option, with_settings
from fiubench.cli.sources import file_flags
from fiubench.support.settings import Flag

import fiubench


@with_settings(HubSettings, checked=True)
def validate(
    target: Annotated[
        str,
        typer.Argument(
            help="A dataset folder, a JSON file like the full.json of FIUBench, or OWNER/NAME[@version] on the hub."
        ),
    ],
    images: Annotated[bool, typer.Option(help="Open every picture and check it too.")] = True,
    most: Annotated[
        int, typer.Option(min=1, metavar="N", help="Print at most this many violations; all of them are counted.")
    ] = 1000,
    *,
    given: dict[str, Any],
) -> None:
    """Check a dataset against the schemas and the rules between records. Exit code 1 if it breaks any."""
    count = 0
    with fiubench.downloaded(target, step=print_step, **given) as place:
        for count, finding in enumerate(fiubench.validate(place, images=images), 1):
            if count <= most:
                typer.echo(str(finding))
    if count > most:
        typer.echo(f"... and {count - most} more")
    conclude(target, count, "violation", "valid")


_AGAIN = "Find the file of a table of your own here, or beside the YAML file that declares it; repeat it for several."
_TABLES = option("tables", list[str], _AGAIN, Flag(SOURCE_FILES, name="--table", metavar="FILE"))


@with_settings(Config, only=(), more=[*file_flags(again=True), _TABLES])
def verify(
    directory: Annotated[Path, typer.Argument(help="The dataset folder to check.")],
    *,
    given: dict[str, Any],
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Work with this many processes in parallel.")
    ] = 1,
) -> None:
    """Compare every file with the manifest, then build again and compare every digest. Exit code 1 if one differs."""
    count = 0
    with progress() as step:
        for count, difference in enumerate(fiubench.verify(directory, given, workers=workers, progress=step), 1):  # noqa: B007
            typer.echo(difference)
    conclude(directory, count, "difference", "every digest agrees, on disk and rebuilt")


@with_settings(HubSettings, checked=True)
def diff(
    a: Annotated[str, typer.Argument(help="A dataset folder, or OWNER/NAME[@version] on the hub.")],
    b: Annotated[str, typer.Argument(help="The dataset to compare it with, given likewise.")],
    summary: Annotated[
        bool, typer.Option("--summary", help="Print only how many differences there are, by attribute and kind.")
    ] = False,
    *,
    given: dict[str, Any],
) -> None:
    """List what differs between two datasets, per identity and attribute. Exit code 1 if anything does."""
    from collections import Counter

    counts: Counter[tuple[str, str]] = Counter()
    for difference in fiubench.diff(a, b, step=print_step, **given):
        counts[difference.attribute or "(identity)", difference.kind] += 1
        if not summary:
            typer.echo(str(difference))
    if not counts:
        typer.echo("no difference")
        return
    typer.echo()
    rows = [(who, what, str(n)) for (who, what), n in counts.items()]
    table([("attribute", "what differs", "how often"), *rows])
    raise typer.Exit(1)


@with_settings(HubSettings, checked=True)
def show(
    target: Annotated[str, typer.Argument(help="A dataset folder, or OWNER/NAME[@version] on the hub.")],
    identity: Annotated[
        str | None, typer.Argument(help="The unique id, index or full name of an identity; all are listed without it.")
    ] = None,
    *,
    given: dict[str, Any],
) -> None:
    """Print one identity with everything that is known of it, or the list of all."""
    with fiubench.downloaded(target, step=print_step, **given) as folder:
        dataset = fiubench.open_dataset(folder)
        if identity is not None:
            record = dataset.identity(identity)
            print_identity(record, dataset.splits_of(record["unique_id"]))
            return
        for record in dataset:
            typer.echo(f"{record['index']:6}  {record['unique_id']:14}  {record['gender']:6}  {record['name']}")
