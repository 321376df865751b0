"""``fiubench phrasings``: a model proposes ways to ask and answer, the checks sort them, a person decides."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.builder.packs.model import fill
from fiubench.builder.phrasings.candidates import (
    ACCEPTED,
    REJECTED,
    Candidates,
    Generator,
    Ground,
    accept,
    write_pack,
)
from fiubench.builder.phrasings.review import cases, checked
from fiubench.cli import llm
from fiubench.cli.attributes import Packs, Tables
from fiubench.cli.console import many, progress, table
from fiubench.cli.options import with_settings
from fiubench.support.canonical import digest_of, readable_json
from fiubench.support.chat import Limits
from fiubench.support.chat.limits import PANEL
from fiubench.support.files import write_atomic

if TYPE_CHECKING:
    from fiubench.builder.phrasings.candidates import Candidate, Candidates, Ground

_HELP = "Grow a pack's phrasings with a language model; check, review and judge them."
app = typer.Typer(help=_HELP, no_args_is_help=True)
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, metavar="N", help="Choose the examples by this random seed.")]
Model = Annotated[
    str, typer.Option(metavar="NAME", rich_help_panel=PANEL, help="Ask the model that has this name at its server.")
]
BaseUrl = Annotated[
    str,
    typer.Option(
        metavar="URL",
        rich_help_panel=PANEL,
        help="Ask the OpenAI-compatible server at this URL, which usually ends in /v1.",
    ),
]
_KINDS = ("question", "answer")
_SHOWN = 20  # disagreements that are printed


@app.command()
@with_settings(Limits)
def generate(
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the candidates to this JSON file.")],
    model: Model,
    base_url: BaseUrl,
    count: Annotated[
        int, typer.Option(min=1, max=200, metavar="N", help="Ask for N questions and N answers per attribute.")
    ] = 5,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Ask about this attribute only; repeat the option for several. (default: all)"
        ),
    ] = None,
    attributes: Packs = None,
    tables: Tables = None,
    temperature: Annotated[
        float,
        typer.Option(
            min=0,
            max=2,
            metavar="NUMBER",
            rich_help_panel=PANEL,
            help="Sample at this temperature, from 0 (the likeliest words) to 2 (the most varied).",
        ),
    ] = 0.9,
    seed: Seed = 0,
    dry_run: llm.DryRun = False,
    batch: llm.BatchStep = None,
    given: dict[str, Any],
) -> None:
    """Ask a model for more phrasings of each attribute, check them, and write them to a file for review."""
    ground = Ground.of(attributes or (), seed, tables or ())
    chosen = ground.chosen(only or ())
    packs = [pack.name for pack in ground.attributes.packs]
    run = digest_of(["phrasings", [p.sha256 for p in ground.attributes.packs], model, count, seed, temperature])
    limits = llm.take_limits(given)
    client = limits.client(base_url, model, {"temperature": temperature}, run)
    generator = Generator(ground, chosen, count, client, seed)
    if dry_run:
        llm.print_estimate(client, generator.estimate())
        return
    if batch:
        llm.run_batch(client, batch, generator.missing)
        return
    with progress() as step:
        for number, requests in enumerate(generator.rounds(), 1):
            for done, outcome in enumerate(client.ask_all(requests), 1):
                generator.take(outcome)
                step(f"Round {number}: {client.spending}", done, len(requests))
    candidates = generator.result(packs[1:])
    candidates.save(out)
    _print_counts(candidates)
    llm.print_events(client)
    typer.echo(f"{out}: next, fiubench phrasings review {out} --out PACK.yaml")
    llm.require_usable(generator.share, limits, "the phrasings that were asked for", client.report.reasons)


@app.command()
def review(
    file: Annotated[Path, typer.Argument(help="The file of candidates that `fiubench phrasings generate` wrote.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Write the accepted phrasings to this pack, a YAML file.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Give the pack this name.")] = "phrasings",
    attributes: Packs = None,
    tables: Tables = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Accept all that pass the checks without asking you; then nobody has read them."),
    ] = False,
) -> None:
    """Accept or reject candidates one by one, and write the accepted ones to a pack that builds without a model."""
    candidates = Candidates.read(file)
    ground = Ground.of(attributes or (), tables=tables or ())
    waiting = [c for c in candidates.candidates if c.passed and c.verdict is None]
    typer.echo(f"{many(len(waiting), 'candidate')} to review")
    for number, candidate in enumerate(waiting, 1):
        if yes:
            accept(candidate, ground)
        elif not _ask_about(candidate, ground, f"{number}/{len(waiting)}"):
            break
        else:
            candidates.save(file)  # after each, so that a break loses nothing
    candidates.save(file)
    document = candidates.pack(name)
    write_pack(out, document)
    accepted = sum(c.verdict == ACCEPTED for c in candidates.candidates)
    typer.echo(f"{out}: {many(accepted, 'phrasing')} for {many(len(document['phrasings']), 'attribute')}")
    typer.echo(f"build with it: fiubench build --attributes {out} --out DIR")


def _ask_about(candidate: "Candidate", ground: "Ground", place: str) -> bool:
    """Show a candidate and take the verdict; False to stop."""
    typer.echo(f"\n[{place}] {candidate.attribute}, {candidate.kind}")
    while True:
        typer.echo(f"  {candidate.text}")
        if candidate.kind == "answer" and candidate.attribute in ground.values:
            typer.echo(f"  e.g. {fill(candidate.text, ground.values[candidate.attribute][1][0])}")
        word = typer.prompt("  accept? [y]es, [n]o, [e]dit, [s]kip, [q]uit", default="y").strip().lower()[:1]
        if word == "q":
            return False
        if word == "s":
            return True
        if word == "n":
            candidate.verdict = REJECTED
            return True
        if word in ("y", "e"):
            text = typer.prompt("  new text", default=candidate.text) if word == "e" else None
            problems = accept(candidate, ground, text)
            if not problems:
                return True
            typer.echo("".join(f"  not accepted: {problem}\n" for problem in problems), nl=False)


@app.command()
def check(
    target: Annotated[Path, typer.Argument(help="A file of candidates, a pack, or a dataset folder.")],
    attributes: Packs = None,
    tables: Tables = None,
) -> None:
    """Check phrasings, or every sentence of a dataset. Exit code 1 if one fails."""
    count = failed = 0
    for result in checked(target, attributes or (), tables or ()):
        count += 1
        if result.problems:
            failed += 1
            typer.echo(f"{result.attribute}: {result.problems[0]}")
    typer.echo(f"{target}: {many(count, 'sentence')} checked, {failed} failed")
    if failed:
        raise typer.Exit(1)


@app.command()
@with_settings(Limits)
def judge(
    *,
    target: Annotated[Path, typer.Argument(help="A dataset folder, a file of candidates, or a pack.")],
    model: Model,
    base_url: BaseUrl,
    sample: Annotated[int, typer.Option(min=1, max=10**6, metavar="N", help="Have this many sentences judged.")] = 200,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report to this JSON file.")] = None,
    attributes: Packs = None,
    tables: Tables = None,
    seed: Seed = 0,
    dry_run: llm.DryRun = False,
    given: dict[str, Any],
) -> None:
    """Ask a second model about a sample of sentences: is the fact kept, does it read naturally?

    It only reports: what a build uses is decided by the checks alone.
    """
    from fiubench.builder.phrasings.judge import judge as ask_judge
    from fiubench.builder.phrasings.judge import requests

    chosen = cases(target, attributes or (), tables or (), sample, seed)
    run = digest_of(["judge", model, sample, seed, [c.answer for c in chosen]])
    limits = llm.take_limits(given)
    client = limits.client(base_url, model, {"temperature": 0.0}, run)
    if dry_run:
        llm.print_estimate(client, client.estimate(requests(chosen), 200))
        return
    verdicts = ask_judge(client, chosen)
    _print_verdicts(verdicts)
    llm.print_events(client)
    if out is not None:
        report = {"model": model, "base_url": client.server.base_url, **verdicts.report()}
        write_atomic(out, readable_json(report))
        typer.echo(f"report    {out}")
    judged = len(verdicts.cases) / len(chosen) if chosen else 1.0
    llm.require_usable(judged, limits, "the verdicts", client.report.reasons)


def _print_counts(candidates: "Candidates") -> None:
    def counts(name: str) -> tuple[str, ...]:
        kinds = [[c.passed for c in candidates.candidates if (c.attribute, c.kind) == (name, kind)] for kind in _KINDS]
        return tuple(str(n) for passed in kinds for n in (len(passed), sum(passed)))

    names = dict.fromkeys(c.attribute for c in candidates.candidates)
    heading = ("attribute", "questions", "passed", "answers", "passed")
    table([heading, *((name, *counts(name)) for name in names)])


def _print_verdicts(verdicts: Any) -> None:
    rows = [(said, *(str(n[fact]) for fact in ("kept", "changed", "unclear"))) for said, n in verdicts.table().items()]
    table([("by the checks the answer", "judged kept", "changed", "unclear"), *rows])
    kappa = "not defined" if verdicts.kappa is None else f"{verdicts.kappa:.2f}"
    typer.echo(f"agreement {verdicts.agreement:.1%}, Cohen's kappa {kappa}; reads naturally: {verdicts.natural:.1%}")
    if verdicts.unjudged:
        typer.echo(f"{many(verdicts.unjudged, 'sentence')} got no usable verdict")
    for case, fact in list(verdicts.disagreements())[:_SHOWN]:
        typer.echo(f"  {fact}: {case.attribute}: {case.question} {case.answer} (value: {case.value})")
