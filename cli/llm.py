"""What commands that ask a language model share: their options, and how they report costs and batches."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.cli.console import many, table
from fiubench.cli.options import option_of
from fiubench.support.chat import Batches, ChatClient, Estimate, Limits, Request
from fiubench.support.chat.limits import PANEL
from fiubench.support.chat.report import Reasons
from fiubench.support.settings import flag_of

if TYPE_CHECKING:
    from fiubench.builder.config import Config


class Step(StrEnum):
    """Steps of OpenAI's Batch API."""

    submit = "submit"
    status = "status"
    collect = "collect"


_DRY_RUN = "Print how many calls and tokens are to come and what they cost, and send nothing."
_BATCH = (
    "Use OpenAI's Batch API, at half the price and with answers within a day: submit sends what is to be asked, status "
    "shows how far it is, collect fetches the answers. Then run the command without --batch."
)
DryRun = Annotated[bool, typer.Option("--dry-run", rich_help_panel=PANEL, help=_DRY_RUN)]
BatchStep = Annotated[Step | None, typer.Option("--batch", rich_help_panel=PANEL, help=_BATCH)]


def limit_flags() -> list[inspect.Parameter]:
    """The options of :class:`Limits`, for a command that has settings of its own."""
    return [option_of(Limits, name) for name in Limits.model_fields if flag_of(Limits, name)]


def take_limits(given: dict[str, Any]) -> Limits:
    """The limits among the options that were given, which are taken out."""
    own = {name: given.pop(name) for name in Limits.model_fields if name in given}
    return Limits.parse(own, flags=own)


def prepare(config: "Config", limits: Limits, step: Step | None) -> None:
    """For a build: an estimate, or a step of the Batch API."""
    from fiubench.builder.phrasings.paraphrasing import ParaphraseJob
    from fiubench.builder.pipeline.build import open_build

    job = ParaphraseJob(open_build(config), limits)
    if step is None:
        print_estimate(job.client, job.estimate())
    else:
        run_batch(job.client, step, job.requests)


def print_estimate(client: ChatClient, estimate: Estimate) -> None:
    """What is still to be asked."""
    price = client.budget.price
    tokens = estimate.prompt_tokens + estimate.completion_tokens
    typer.echo(f"model     {client.server.model} at {client.server.base_url}")
    typer.echo(f"to ask    {estimate.calls:,} calls; answered before: {estimate.cached:,}")
    typer.echo(
        f"tokens    about {tokens:,}: {estimate.prompt_tokens:,} of prompts, {estimate.completion_tokens:,} of answers"
    )
    if price is not None:
        cost = price.cost(estimate.prompt_tokens, estimate.completion_tokens)
        typer.echo(
            f"cost      about {cost:.2f} {price.currency}, {cost * price.batch:.2f} by batch (prices of {price.as_of})"
        )
    typer.echo(f"so far    {client.spending}")
    typer.echo("What fails its checks is asked for again, a few times at most. No call was made for this.")


def run_batch(client: ChatClient, step: Step, requests: Callable[[], Iterable[Request]]) -> None:
    """A step of the Batch API; ``requests()`` gives what is to be asked."""
    batches = Batches(client)
    if step is Step.collect:
        _collect(batches)
        return
    listed = batches.submit(requests()) if step is Step.submit else batches.status()
    if not listed:
        typer.echo("Everything is answered: build without --batch." if step is Step.submit else "No batch is out.")
        return
    rows = [("batch", "status", "calls", "done", "failed")]
    rows += [(b.id or "", b.status, str(b.calls), str(b.done), str(b.failed)) for b in listed]
    table(rows)
    if step is Step.submit:
        typer.echo(f"{many(sum(b.calls for b in listed), 'call')} submitted. See --batch status, then --batch collect.")


def _collect(batches: Batches) -> None:
    collected = batches.collect()
    typer.echo(f"{many(collected.answers, 'answer')} collected; {many(collected.open, 'batch')} not over yet")
    for why, count in sorted(collected.errors.items()):
        typer.echo(f"  {count} not answered: {why}")
    typer.echo("Run the same command without --batch to go on, or with --batch submit for what is missing.")


def print_paraphrases(counted: Mapping[str, Any], events: Mapping[str, int], notes: Iterable[str]) -> None:
    """How many QA pairs a model worded, at what price, the request statistics, and what is special about the server."""
    total = counted["by_model"] + counted["by_template"]
    typer.echo(
        f"words     {counted['by_model']:,} of {total:,} QA pairs by a model, {counted['by_template']:,} by templates"
    )
    if "tokens" in counted:
        tokens = counted["tokens"]
        typer.echo(
            f"          {counted['model']}: {counted['attempts']:,} answers, {tokens['prompt']:,} + "
            f"{tokens['completion']:,} tokens"
        )
        for what, count in {**counted["counts"], **events}.items():
            typer.echo(f"          {what}: {count:,}")
    for note in notes:
        typer.echo(f"server    {note}")


def print_events(client: ChatClient) -> None:
    """Request statistics, what is special about the server, and cost."""
    for what, count in sorted(client.events.items()):
        typer.echo(f"  {what}: {count:,}")
    for note in client.report.notes:
        typer.echo(f"  server: {note}")
    typer.echo(f"  spent: {client.spending}")


def require_usable(share: float, limits: Limits, what: str, reasons: Reasons) -> None:
    """Where too little came of asking: say why, and exit with code 1."""
    if share >= limits.min_usable:
        return
    typer.echo(f"Only {share:.0%} of {what} could be used (--min-usable {limits.min_usable:g}). Most often:", err=True)
    for reason in reasons.most_frequent():
        typer.echo(f"  {reason}", err=True)
    typer.echo("--retry-failed asks again for what failed; what could be used is kept and asked no more.", err=True)
    raise typer.Exit(1)
