"""``fiubench split`` and ``export``."""

from pathlib import Path
from typing import Annotated

import typer
from fiubench.support.errors import ConfigError


def split(
    directory: Annotated[Path, typer.Argument(help="Dataset folder, built or pulled.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    ratios: Annotated[str | None, typer.Option(help="Forget sets in percent. (default: as they are)")] = None,
    split_scheme: Annotated[
        str | None,
        typer.Option(help="nested, disjoint, or a JSON file with frozen membership. (default: as it is)"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Key of the cut. (default: as it is)")] = None,
    holdout: Annotated[
        int | None, typer.Option(min=0, help="How many people are held out: the last ones. (default: as it is)")
    ] = None,
    attributes: Annotated[
        str | None, typer.Option(help="Forget only these of the people in the forget sets, for example phone_number.")
    ] = None,
    hard_negatives: Annotated[
        str,
        typer.Option(help="Pair everyone to be forgotten with the nearest face to be kept: none, looks or embedding."),
    ] = "none",
) -> None:
    """Cut new forget, retain and holdout sets for a dataset; facts, questions and faces stay as they are."""
    from fiubench.builder.dataset.reading import open_dataset
    from fiubench.builder.pipeline.resplit import Rule, resplit
    from fiubench.builder.release.cells import split_order
    from fiubench.cli.console import progress

    rule = Rule(
        None if ratios is None else _ratios(ratios),
        split_scheme,
        seed,
        holdout,
        tuple(name.strip() for name in attributes.split(",")) if attributes else (),
        hard_negatives,
    )
    with progress() as step:
        resplit(directory, out, rule, progress=step)
    made = open_dataset(out)
    ordered = sorted(made.splits.items(), key=lambda split: split_order(split[0]))
    about = f" (only {', '.join(made.forget_attributes)})" if made.forget_attributes else ""
    typer.echo(f"{out}: " + ", ".join(f"{name} {len(ids)}" for name, ids in ordered) + about)
    first = next(iter(made.splits))
    typer.echo(f'load it   datasets.load_dataset("{out / "release"}", "{first}")')


def export(
    directory: Annotated[Path, typer.Argument(help="Dataset folder, built or pulled.")],
    format: Annotated[str, typer.Option(help="hub, fiubench, llava, tofu, mcq, text-only, cloze; see docs/export.md.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
) -> None:
    """Write a dataset in the shape that another program reads; every row is held to the format's schema."""
    from fiubench.builder.exports import FORMATS
    from fiubench.builder.exports import export as write
    from fiubench.cli.console import progress, table

    with progress() as step:
        written = write(directory, format, out, progress=step)
    typer.echo(f"{out}: {FORMATS[format].title}\n")
    table([("file", "rows"), *((name, str(rows)) for name, rows in written.items())])


def _ratios(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a list of whole percentages", where="--ratios", hint="For example --ratios 1,5,10."
        ) from None
