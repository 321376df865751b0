"""``fiubench attributes``: for people who read or write attribute packs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fiubench.builder.config import make_config
from fiubench.builder.packs.attributes import read_packs
from fiubench.cli.console import print_identity, table
from fiubench.support.errors import PackError, did_you_mean

if TYPE_CHECKING:
    from fiubench.builder.packs.model import Attribute

app = typer.Typer(help="List, show, check and preview attributes and packs.", no_args_is_help=True)

Packs = Annotated[
    list[Path] | None,
    typer.Option(
        "--attributes", metavar="FILE", help="Add this pack (YAML) to the built-in one; repeat the option for several."
    ),
]
PackFile = Annotated[Path, typer.Argument(help="The pack, a YAML file.")]


@app.command("list")
def list_attributes(attributes: Packs = None) -> None:
    """List every attribute: category, type, where values come from, number of phrasings."""
    rows = [("attribute", "category", "type", "sensitivity", "from", "asked", "questions", "answers")]
    for a in read_packs(attributes or ()).by_name.values():
        asked = "no" if not a.asked else "reserve" if a.reserve else "yes"
        counts = (str(len(a.questions)), str(len(a.answers)))
        rows.append((a.name, a.category, a.kind, a.sensitivity, a.origin.label, asked, *counts))
    table(rows)


@app.command("show")
def show_attribute(
    name: Annotated[str, typer.Argument(help="The name of an attribute, such as blood_type.")], attributes: Packs = None
) -> None:
    """Show an attribute with its phrasings, constraints and rules."""
    known = read_packs(attributes or ()).by_name
    if name not in known:
        raise PackError(f"unknown attribute {name!r}", hint=did_you_mean(name, known))
    _print_attribute(known[name])


@app.command()
def check(file: PackFile) -> None:
    """Check a pack, on its own and beside the built-in one."""
    from fiubench.builder.pipeline.build import records

    added = [a for a in read_packs([file]).by_name.values() if a.pack != "built-in"]
    # whether values can be made, constraints met and wrong answers found shows in the making
    for _ in records(make_config({"attributes": [str(file)], "faces": "none"})):
        pass
    typer.echo(f"{file}: fine; attributes: {len(added)}, asked about: {sum(a.asked for a in added)}")


@app.command()
def preview(
    file: PackFile,
    identities: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Show this many people.")] = 3,
    seed: Annotated[int, typer.Option(metavar="N", help="Draw everything from this random seed.")] = 0,
) -> None:
    """Show the pack's questions and answers for a few people."""
    from fiubench.builder.pipeline.build import records

    added = [a.name for a in read_packs([file]).by_name.values() if a.pack != "built-in"]
    config = make_config({"attributes": [str(file)], "faces": "none", "seed": seed})
    for record in records(config, stop=identities):
        record["profile"] = {name: fact for name, fact in record["profile"].items() if name in added}
        record["qa_list"] = [qa for qa in record["qa_list"] if qa["attribute"] in added]
        print_identity(record)
        typer.echo()


def _print_attribute(a: "Attribute") -> None:
    typer.echo(f"{a.name} ({a.kind}, {a.category}, {a.sensitivity} sensitivity, pack {a.pack})")
    if a.description:
        typer.echo(a.description)
    typer.echo(f"values      {a.origin.label}")
    for expression in a.origin.expressions:
        typer.echo(f"            {expression.source}")
    for number, constraint in enumerate(a.constraints):
        typer.echo(f"{'' if number else 'holds':10}  {constraint.source}")
    p = a.perturb
    rules = [
        f"{key} {value}"
        for key, value in (
            ("extra", ", ".join(p.extra)),
            ("within", p.within),
            ("distance", p.distance),
        )
        if value
    ]
    typer.echo(f"wrong ones  drawn as the true ones are{''.join(f'; {rule}' for rule in rules)}")
    for heading, phrasings, letter in (("questions", a.questions, "q"), ("answers", a.answers, "a")):
        for number, phrasing in enumerate(phrasings):
            typer.echo(f"{heading if not number else '':10}  {letter}{number}  {phrasing}")
