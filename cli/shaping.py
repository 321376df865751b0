"""``fiubench split``."""

from pathlib import Path
from typing import Annotated

import typer
from fiubench.cli.console import print_reader_notes, print_split_notes, progress
from fiubench.cli.options import listed

import fiubench


def split(
    directory: Annotated[Path, typer.Argument(help="The dataset folder, built or pulled.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write the dataset with the new splits to this folder.")],
    ratios: Annotated[
        str | None,
        typer.Option(
            metavar="P,P,..",
            help="Cut one forget set for each of these percentages of the identities, such as 0.5,5,10; two decimals "
            "at most. (default: unchanged)",
        ),
    ] = None,
    split_scheme: Annotated[
        str | None,
        typer.Option(
            metavar="nested|disjoint|FILE",
            help="Let each forget set contain the smaller ones (nested) or share nobody with them (disjoint), or list "
            "the members of all of them in a JSON FILE. (default: unchanged)",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Draw the splits from this random seed. (default: unchanged)")
    ] = None,
    holdout: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Keep the last N identities for the holdout, on which no model is trained. (default: unchanged)",
        ),
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME,..",
            help="Forget only these attributes of the people in the forget sets, for example phone_number. (default: "
            "all)",
        ),
    ] = None,
    requests: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Cut one forget set of all that the lines of this file ask for, of each person what is asked for: a "
            "file of `fiubench unlearn --requests`.",
            show_default=False,
        ),
    ] = None,
    hard_negatives: Annotated[
        str,
        typer.Option(
            metavar="none|looks|embedding",
            help="Pair everyone in a forget set with the most similar face of the retain set, which makes a set of its "
            "own (retain_hard..): by comparing the pictures (looks) or face embeddings (embedding).",
        ),
    ] = "none",
    entangle: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help="Choose the forget sets so that as few (0) or as many (1) of the retained as can be are tied to "
            "somebody forgotten, by the relations of a pack, or so many in between. (default: as the seed has it)",
        ),
    ] = None,
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
            requests=requests,
            hard_negatives=hard_negatives,
            entangle=entangle,
            progress=step,
        )
    about = f" (only {', '.join(made.forget_attributes)})" if made.forget_attributes else ""
    about = " (of each person what was asked for)" if made.own_attributes else about
    typer.echo(f"{out}: " + ", ".join(f"{name} {len(ids)}" for name, ids in made.splits.items()) + about)
    for name, share in made.tied_shares.items():
        typer.echo(f"tied to {name}: {share:.1%} of the retained")
    print_split_notes(made.split_notes)
    print_reader_notes(made)
    first = next(iter(made.splits))
    typer.echo(f'load it   datasets.load_dataset("{out / "release"}", "{first}")')
