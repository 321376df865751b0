"""``fiubench plan``, ``part`` and ``finish``: a build in steps, for many machines."""

from pathlib import Path
from typing import Annotated, Any

import typer
from fiubench.builder.config import Config
from fiubench.cli import llm
from fiubench.cli.building import RUNNING, ConfigFile, Workers, print_summary
from fiubench.cli.console import many, progress
from fiubench.cli.options import with_settings
from fiubench.cli.sources import file_flags

import fiubench

_Planned = Annotated[str, typer.Argument(metavar="WHERE", help="The folder or URL that `fiubench plan` wrote to.")]


@with_settings(Config, more=[*file_flags(), *llm.limit_flags()])
def plan(
    where: Annotated[
        str,
        typer.Argument(
            metavar="WHERE",
            help="The folder that the dataset will be in; or an URL for machines that share no folder, such as "
            "s3://BUCKET/RUN.",
        ),
    ],
    *,
    config: ConfigFile = None,
    given: dict[str, Any],
    workers: Workers = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=RUNNING, help="Replace the plan or dataset that is there.")
    ] = False,
) -> None:
    """Read the sources of a dataset and decide who gets what, so that any machine can make parts of it."""
    limits = llm.take_limits(given)
    settings = fiubench.read_config(config, given)
    with progress() as step:
        made = fiubench.plan(settings, where, workers=workers, overwrite=overwrite, progress=step, limits=limits)
    typer.echo(f"{where}: {many(made.identities, 'identity')} in {many(made.parts, 'part')}\n")
    typer.echo(f"on every machine   fiubench part {where} --rank R --world-size W   (R from 0 to W - 1)")
    out = " --out DIR" if "://" in where else ""
    typer.echo(f"in the end         fiubench finish {where}{out}")


def part(
    where: _Planned,
    rank: Annotated[int, typer.Option(min=0, max=10**6, metavar="R", help="Make the parts of this rank, from 0.")] = 0,
    world_size: Annotated[
        int, typer.Option(min=1, max=10**6, metavar="W", help="Share the parts out to this many ranks.")
    ] = 1,
) -> None:
    """Make the parts of one rank that are not there yet."""
    with progress() as step:
        names = fiubench.part(where, rank, world_size, progress=step)
    typer.echo(f"rank {rank} of {world_size}: {', '.join(names) or 'nothing to do'}")


def finish(
    where: _Planned,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Build the dataset in this folder, where the plan lies under an URL."),
    ] = None,
) -> None:
    """Put a dataset together from its parts."""
    with progress() as step:
        summary = fiubench.finish(where, out, progress=step)
    print_summary(summary)
