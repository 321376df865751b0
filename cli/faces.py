"""``fiubench faces``: what is known of the pictures of a folder."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fiubench.cli.console import many, progress, table
from fiubench.raw_sources.source import MOST_UNDER_20

if TYPE_CHECKING:
    from fiubench.raw_sources.labelling.annotate import Annotation

app = typer.Typer(help="Estimate age and gender of the faces of a folder, and review them.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="A folder of face images, nested as you like.")]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Follow links that lead out of the folder.")]
MostUnder20 = Annotated[
    float,
    typer.Option(
        min=0, max=1, metavar="P", help="Count and show as left out whoever is under 20 with a higher probability."
    ),
]


@app.command()
def annotate(
    folder: Folder,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Work with this many processes in parallel.")
    ] = 1,
    follow_links: FollowLinks = False,
    most_under_20: MostUnder20 = MOST_UNDER_20,
) -> None:
    """Estimate the age, gender and quality of every face, and write them into the folder's faces.csv.

    This needs fiubench with the extra `faces`. It takes about 40 milliseconds a face, goes on where it was interrupted,
    and keeps what a human gave or decided.
    """
    from fiubench.raw_sources.labelling.annotate import annotate as estimate

    with progress() as step:
        done = estimate(folder, follow_links=follow_links, workers=workers, progress=step)
    _print_annotation(done, folder, most_under_20)


@app.command()
def review(
    folder: Folder,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Serve the page at this port. (default: a free one)")
    ] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    follow_links: FollowLinks = False,
    most_under_20: MostUnder20 = MOST_UNDER_20,
) -> None:
    """Look at the faces in a browser and correct faces.csv by keyboard, the most doubtful first.

    The page is served to this machine alone, until its button Done or Ctrl-C; every decision is saved at once.
    """
    from fiubench.raw_sources.labelling.review import Review, ReviewServer

    state = Review(folder, most_under_20=most_under_20, follow_links=follow_links)
    before = list(state.labels)
    with ReviewServer(state, port) as server:
        typer.echo(f"Review {many(len(state.paths), 'face')} at {server.url} (Ctrl-C ends it)")
        if browser:
            typer.launch(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("", err=True)
    changed = sum(old != new for old, new in zip(before, state.labels, strict=True))
    typer.echo(f"{folder / 'faces.csv'}: {many(changed, 'row')} changed")


def _print_annotation(done: "Annotation", folder: Path, most_under_20: float) -> None:
    from fiubench.raw_sources.reading.labels import MARGIN, YOUNGEST

    known = len(done.labels) - done.estimated
    counted = f"{many(len(done.labels), 'face')}, {done.estimated} estimated now, {known} known from before"
    typer.echo(f"{done.file}: {counted}")
    for why, count in sorted(done.passed_over.items(), key=lambda item: (-item[1], item[0])):
        typer.echo(f"  passed over {count:6}  {why}")
    out = Counter(label.refusal(most_under_20) for label in done.labels)
    used = out.pop(None, 0)
    genders = Counter(label.gender for label in done.labels if label.refusal(most_under_20) is None)
    by_gender = ", ".join(f"{genders[name]} {name}" for name in ("female", "male") if genders[name])
    rows = [("a build would", "faces", ""), ("use", str(used), by_gender)]
    rows += [("leave out", str(count), str(why)) for why, count in out.most_common()]
    table(rows)
    typer.echo(
        f"\nAn estimate counts as that of an adult from {YOUNGEST + MARGIN} years on, and up to a probability of "
        f"{most_under_20:g} of being under {YOUNGEST}."
    )
    typer.echo(f"Estimates are wrong now and then: look at them with `fiubench faces review {folder}`.")
