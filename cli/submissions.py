"""``fiubench submit`` and ``leaderboard``: results that anyone can check."""

from pathlib import Path
from typing import Annotated, Any

import typer
from fiubench.cli.console import print_line
from fiubench.cli.options import with_settings
from fiubench.support.errors import ConfigError
from fiubench.unlearning.evaluation.settings import EvaluationSettings
from fiubench.unlearning.reporting.matched import BAND

import fiubench


@with_settings(EvaluationSettings, only=("definition", "reference", "memorised"), checked=True)
def submit(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Evaluated runs of one method, which differ in the seed.")
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the submission to this .jsonl.gz.")] = None,
    check: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Check this submission, and write none; repeat it for several."),
    ] = None,
    given: dict[str, Any],
) -> None:
    """Write runs into a file from which anyone computes their metrics anew, without a model; or check such a file.

    Exit code 1 if one does not hold.
    """
    if check:
        if runs or out or given.keys() - {"memorised"}:
            raise ConfigError(
                "a file is checked as it is",
                where="--check",
                hint="Leave runs, --out, --reference and --definition out.",
            )
        found = [fiubench.check_submission(path, **given) for path in check]
        for line in (line for one in found for line in repr(one).splitlines()):
            print_line(line)
        raise typer.Exit(int(any(one.problems for one in found)))
    if not runs or out is None or "reference" not in given:
        hint = "fiubench submit RUN.. --reference RUN --out FILE, or fiubench submit --check FILE"
        raise ConfigError("runs, --reference and --out are needed", where="submit", hint=hint)
    made = fiubench.submit(runs, out, **given)
    typer.echo(f"wrote {made.path}")


@with_settings(EvaluationSettings, only=("memorised",), checked=True)
def leaderboard(
    folder: Annotated[Path, typer.Argument(help="A folder of submissions (.jsonl.gz).")],
    *,
    out: Annotated[Path, typer.Option(metavar="PAGE", help="Write the page to this file.")] = Path("leaderboard.html"),
    band: Annotated[
        float,
        typer.Option(
            metavar="NUMBER",
            min=0,
            max=1,
            help="Rank those whose utility is at most this far below that of before unlearning.",
        ),
    ] = BAND,
    given: dict[str, Any],
) -> None:
    """Check all submissions of a folder, and rank those that hold on a page, one HTML file."""
    for line in repr(fiubench.leaderboard(folder, out, band=band, **given)).splitlines():
        print_line(line)
