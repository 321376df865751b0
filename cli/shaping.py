"""``fiubench split``."""

from pathlib import Path
from typing import Annotated

import typer
from fiubench.cli.console import progress
from fiubench.support.errors import ConfigError

import fiubench


def split(
    directory: Annotated[Path, typer.Argument(help="Dataset folder, built or pulled.")],
    out: Annotated[Path, typer.Option(help="Folder in which the dataset with the new splits is written.")],
    ratios: Annotated[
        str | None, typer.Option(help="Sizes of the forget sets in percent, such as 1,5,10. (default: unchanged)")
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
    from fiubench.builder.dataset.cells import split_order

    with progress() as step:
        made = fiubench.split(
            directory,
            out,
            ratios=None if ratios is None else _ratios(ratios),
            split_scheme=split_scheme,
            seed=seed,
            holdout=holdout,
            attributes=[name.strip() for name in attributes.split(",")] if attributes else (),
            hard_negatives=hard_negatives,
            progress=step,
        )
    ordered = sorted(made.splits.items(), key=lambda split: split_order(split[0]))
    about = f" (only {', '.join(made.forget_attributes)})" if made.forget_attributes else ""
    typer.echo(f"{out}: " + ", ".join(f"{name} {len(ids)}" for name, ids in ordered) + about)
    first = next(iter(made.splits))
    typer.echo(f'load it   datasets.load_dataset("{out / "release"}", "{first}")')


def _ratios(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        hint = "For example --ratios 1,5,10."
        raise ConfigError(f"{text!r} is not a list of whole percentages", where="--ratios", hint=hint) from None
