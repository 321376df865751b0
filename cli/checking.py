"""``fiubench validate``, ``verify``, ``sign``, ``diff`` and ``show``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from fiubench.builder.config import SOURCE_FILES, Config
from fiubench.builder.hub.settings import HubSettings
from fiubench.cli.console import conclude, print_identity, print_line, print_step, progress, table
from fiubench.cli.options import option, with_settings
from fiubench.cli.sources import file_flags
from fiubench.support.errors import ConfigError
from fiubench.support.settings import Flag

import fiubench


@with_settings(HubSettings, checked=True)
def validate(
    target: Annotated[
        str,
        typer.Argument(
            help="A dataset folder, OWNER/NAME[@version] on the hub, or a file or folder in the shape of FIUBench, "
            "bare QA pairs, TOFU, CLEAR, MLLMU-Bench or UMU-Bench."
        ),
    ],
    images: Annotated[bool, typer.Option(help="Open every picture and check it too.")] = True,
    most: Annotated[
        int,
        typer.Option(
            min=1, max=10**9, metavar="N", help="Print at most this many violations; all of them are counted."
        ),
    ] = 1000,
    *,
    given: dict[str, Any],
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Look at a dataset folder with this many processes.")
    ] = 1,
) -> None:
    """Check a dataset against the schemas and the rules between records. Exit code 1 if it breaks any.

    Of a dataset in another's shape one line says what it is, what was checked and what it lacks, and each kind of
    violation is printed once with its count.
    """
    lines = count = 0
    with fiubench.downloaded(target, step=print_step, **given) as place:
        for lines, finding in enumerate(fiubench.validate(place, images=images, workers=workers, step=print_line), 1):
            count += finding.count
            if lines <= most:
                print_line(finding)
    if lines > most:
        typer.echo(f"... and {lines - most} more")
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
    signed_by: Annotated[
        str | None, typer.Option(metavar="KEY", help="Require a signature by this public key, or file that holds one.")
    ] = None,
    signature: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Find the signature here, not beside the manifest.")
    ] = None,
) -> None:
    """Compare every file with the manifest, then build again and compare every digest. Exit code 1 if one differs."""
    if signature is not None and signed_by is None:
        raise ConfigError("goes with --signed-by alone", where="--signature", hint="Name the key of who made it.")
    count = 0
    with progress() as step:
        found = fiubench.verify(
            directory, given, signed_by=signed_by, signature=signature, workers=workers, progress=step
        )
        for count, difference in enumerate(found, 1):  # noqa: B007
            print_line(difference)
    signed = "" if signed_by is None else f", and {signed_by} signed it"
    conclude(directory, count, "difference", f"every digest agrees, on disk and rebuilt{signed}")


def sign(
    directory: Annotated[Path | None, typer.Argument(help="The dataset folder to sign.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Sign with this secret key of minisign; a password is asked for."),
    ] = None,
    new_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a new secret key, without a password, and FILE.pub.")
    ] = None,
) -> None:
    """Sign a dataset's manifest, so that whoever has your public key knows that you made it."""
    from fiubench.builder.dataset.signature import has_password, make_keys

    if new_key is not None:
        typer.echo(f"{make_keys(new_key)}: give this to your readers; {new_key} to nobody")
    key = key or new_key
    if key is None or (directory is None and new_key is None):
        raise ConfigError("a dataset and --key are needed", where="sign", hint="--new-key makes a key.")
    if directory is not None:
        password = typer.prompt(f"Password of {key}", hide_input=True, err=True) if has_password(key) else None
        typer.echo(f"{fiubench.sign(directory, key, password)}: signed")


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
            print_line(difference)
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
