"""The Typer app, and the one place where an error becomes a message and an exit code."""

import errno
import os
import sys
from typing import Annotated

import typer
from fiubench.cli import (
    attributes,
    auditing,
    building,
    checking,
    evaluation,
    metrics,
    phrasings,
    publishing,
    shaping,
    sources,
    unlearning,
)
from fiubench.support.errors import FiubenchError
from fiubench.support.version import __version__

# Plain help and plain tracebacks keep the start-up under 0.1 CPU-seconds.
app = typer.Typer(
    name="fiubench",
    help="Make, check, publish and use fictitious facial-identity datasets for machine unlearning.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("build")(building.build)
app.command("preview")(building.preview)
app.command("show")(checking.show)
app.command("validate")(checking.validate)
app.command("verify")(checking.verify)
app.command("diff")(checking.diff)
app.command("audit")(auditing.audit)
app.command("split")(shaping.split)
app.command("export")(shaping.export)
app.command("publish")(publishing.publish)
app.command("releases")(publishing.releases)
app.command("pull")(publishing.pull)
app.command("finetune")(unlearning.finetune)
app.command("unlearn")(unlearning.unlearn)
app.command("experiment")(unlearning.experiment)
app.command("evaluate")(evaluation.evaluate)
app.command("compare")(evaluation.compare)
app.add_typer(metrics.app, name="metrics")
app.add_typer(sources.app, name="sources")
app.add_typer(attributes.app, name="attributes")
app.add_typer(unlearning.presets, name="presets")
app.add_typer(phrasings.app, name="phrasings")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """Entry point. Exit codes: 0 fine, 1 a rule is broken or datasets differ, 2 bad input, 130 interrupted."""
    try:
        app()
    except FiubenchError as error:
        typer.echo(f"fiubench: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # the reader (`head`, a pager) has seen enough; nothing is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        typer.echo(f"fiubench: cannot print: {error.strerror}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("fiubench: interrupted", err=True)
        sys.exit(130)
