"""``fiubench attack`` and ``attacks``: what of the forgotten can be brought back."""

from pathlib import Path
from typing import Annotated, Any

import typer
from fiubench.cli.console import progress, table
from fiubench.cli.methods import print_entry
from fiubench.cli.options import named_values, with_settings
from fiubench.unlearning.attacks.base import ATTACKS
from fiubench.unlearning.attacks.workflow import AttackSettings

import fiubench

app = typer.Typer(no_args_is_help=True, help="List and show attacks and their options.")


@with_settings(AttackSettings, checked=True)
def attack(
    target: Annotated[str, typer.Argument(help="What to attack: a run, checkpoint, model folder or Hub id.")],
    *,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Set an option of those attacks that have it, such as draws=16; the value is JSON, or else text. "
            "`fiubench attacks show NAME` lists the options. Repeat it for several.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write what is found to this folder. (default: one in the run)"),
    ] = None,
    given: dict[str, Any],
) -> None:
    """Try to bring back what a model has forgotten: relearning, prompts, sampling, rounding, membership .."""
    with progress() as step:
        found = fiubench.attack(
            target, out=out, progress=step, report=typer.echo, options=named_values(option or ()), **given
        )
    typer.echo(f"{found.label}: {found.folder}\n")
    table(found.table)
    if found.notes:
        typer.echo()
    for note in found.notes:
        typer.echo(note)


@app.command("list")
def list_attacks() -> None:
    """List the attacks that `fiubench attack --attack` makes."""
    rows = [(name, one.help, ", ".join(one.model_fields)) for name, one in ATTACKS.items()]
    table([("attack", "what is done", "options"), *rows])


@app.command("show")
def show_attack(name: Annotated[str, typer.Argument(help="The name of an attack, such as prefill.")]) -> None:
    """Show an attack: what it does, source, and the options that `fiubench attack --option NAME=VALUE` takes."""
    one = ATTACKS.find(name)
    print_entry(name, one, ATTACKS.plugin(name), f"It ends in: {one.measure}.")
