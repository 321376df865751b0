"""``fiubench split``."""

from pathlib import Path
from typing import Annotated

import typer
from fiubench.cli.console import progress
from fiubench.cli.options import listed

import fiubench


def split(
    directory: Annotated[Path, typer.Argument(help="Dataset folder, built or pulled.")],
    out: Annotated[Path, typer.Option(help="Folder in which the dataset with the new splits is written.")],
    ratios: Annotated[
        str | None, typer.Option(help="Sizes of the forget sets in percent, such as 0.5,5,10. (default: unchanged)")
    ] = None,
    split_scheme: Annotated[
        str | None,
        typer.Option(
            help="How forget sets relate: nested, disjoint, or a JSON FILE of their members. (default: unchanged)"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Random seed of the splits. (default: unchanged)")] = None,
    holdout: Annotated[
        int | None,
        typer.Option(min=0, help="How many people no split trains on; the last ones are taken. (default: unchanged)"),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(help="Forget only these attributes of the people in the forget sets, for example phone_number."),
    ] = None,
    hard_negatives: Annotated[
        str,
        typer.Option(help="Pair everyone to be forgotten with the nearest face to be kept: none, looks or embedding."),
    ] = "none",
) -> None:
    """Cut new forget, retain and holdout sets for a dataset; facts, questions and faces stay as they are."""
    with progress() as step:
        made = fiubench.split(
            directory,
            out,
            ratios=None if ratios is None else listed(ratios),
            split_scheme=split_scheme,
            seed=seed,
            holdout=holdout,
            attributes=[name.strip() for name in attributes.split(",")] if attributes else (),
            hard_negatives=hard_negatives,
            progress=step,
        )
    about = f" (only {', '.join(made.forget_attributes)})" if made.forget_attributes else ""
    typer.echo(f"{out}: " + ", ".join(f"{name} {len(ids)}" for name, ids in made.splits.items()) + about)
    for note in made.split_notes:
        typer.echo(f"          {note}")
    first = next(iter(made.splits))
    typer.echo(f'load it   datasets.load_dataset("{out / "release"}", "{first}")')
