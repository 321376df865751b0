"""``fiubench attributes``: for people who read or write attribute packs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from fiubench.builder.config import make_config
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.packs.tables import read_tables
from fiubench.cli.console import print_identity, table
from fiubench.raw_sources.source import Context
from fiubench.support.errors import PackError, did_you_mean

if TYPE_CHECKING:
    from fiubench.builder.config import Config
    from fiubench.builder.packs.model import Attribute

app = typer.Typer(help="List, show, check and preview attributes and packs.", no_args_is_help=True)

Packs = Annotated[
    list[Path] | None,
    typer.Option(
        "--attributes", metavar="FILE", help="Add this pack (YAML) to the built-in one; repeat the option for several."
    ),
]
Tables = Annotated[
    list[Path] | None,
    typer.Option(
        "--table", metavar="FILE", help="Let packs name this table of your own (YAML); repeat the option for several."
    ),
]
PackFile = Annotated[Path, typer.Argument(help="The pack, a YAML file.")]


@app.command("list")
def list_attributes(attributes: Packs = None, tables: Tables = None) -> None:
    """List every attribute: category, type, where values come from, number of phrasings."""
    rows = [("attribute", "category", "type", "sensitivity", "from", "asked", "questions", "answers")]
    for a in read_packs(attributes or (), tables or ()).by_name.values():
        asked = "no" if not a.asked else "reserve" if a.reserve else "yes"
        counts = (str(len(a.questions)), str(len(a.answers)))
        rows.append((a.name, a.category, a.kind, a.sensitivity, a.origin.label, asked, *counts))
    table(rows)


@app.command("show")
def show_attribute(
    name: Annotated[str, typer.Argument(help="The name of an attribute, such as blood_type.")],
    attributes: Packs = None,
    tables: Tables = None,
) -> None:
    """Show an attribute with its phrasings, constraints and rules."""
    known = read_packs(attributes or (), tables or ()).by_name
    if name not in known:
        raise PackError(f"unknown attribute {name!r}", hint=did_you_mean(name, known))
    _print_attribute(known[name])


@app.command()
def check(file: PackFile, tables: Tables = None) -> None:
    """Check a pack, on its own and beside the built-in one, as a build and a publication would; tell what it makes.

    Everyone of a default build is made and audited.
    """
    from fiubench.builder.pipeline.checking import check_packs

    added = [a for a in read_packs([file], tables or ()).by_name.values() if a.pack != "built-in"]
    told = list(check_packs(_config(file, tables or ())))
    typer.echo(f"{file}: fine; attributes: {len(added)}, asked about: {sum(a.asked for a in added)}")
    for name, text in told:
        typer.echo(f"  {name}: {text}")


@app.command()
def preview(
    file: PackFile,
    tables: Tables = None,
    identities: Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="Show this many people.")] = 3,
    seed: Annotated[int, typer.Option(metavar="N", help="Draw everything from this random seed.")] = 0,
) -> None:
    """Show the pack's questions and answers for a few people."""
    from fiubench.builder.pipeline.build import records

    added = [a.name for a in read_packs([file], tables or ()).by_name.values() if a.pack != "built-in"]
    for record in records(_config(file, tables or (), seed), stop=identities):
        record["profile"] = {name: fact for name, fact in record["profile"].items() if name in added}
        record["qa_list"] = [qa for qa in record["qa_list"] if qa["attribute"] in added]
        print_identity(record)
        typer.echo()


def _config(pack: Path, tables: Sequence[Path], seed: int = 0) -> "Config":
    """A build of text with a pack: of as many people as usual, or as its tables have rows for."""
    settings = {"attributes": [str(pack)], "tables": list(map(str, tables)), "faces": "none", "seed": seed}
    config = make_config(settings)
    context = Context(config.today)
    rows = [table.read(table.path, context).rows for table in read_tables(tables).values()]
    if min(rows, default=config.total) < config.total:
        settings |= {"identities": max(min(rows), 2), "holdout": 0, "ratios": [50]}
    return make_config(settings)


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
