"""What commands that ask a language model share: their options, and how they tell of costs and batches."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from fiubench.builder.config import Config
    from fiubench.builder.pipeline.asking import Limits
    from fiubench.support.chat import Batches, ChatClient, Estimate, Request


class Step(StrEnum):
    """Steps of OpenAI's Batch API."""

    submit = "submit"
    status = "status"
    collect = "collect"


DryRun = Annotated[bool, typer.Option("--dry-run", help="With a model: print calls, tokens and cost; ask nothing.")]
BatchStep = Annotated[
    Step | None, typer.Option("--batch", help="With a model: use OpenAI's Batch API, at half the price within a day.")
]
MaxCalls = Annotated[int | None, typer.Option(min=0, help="Most calls to the model, resumed runs included.")]
MaxTokens = Annotated[int | None, typer.Option(min=0, help="Most tokens, of prompts and answers together.")]
MaxCost = Annotated[float | None, typer.Option(min=0, help="Most money; needs --prices.")]
Prices = Annotated[Path | None, typer.Option(help="Price table (YAML) of your own, see docs/llm.md.")]
Concurrency = Annotated[int, typer.Option(min=1, max=1024, help="Most calls to the model under way at once.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer of the model.")]
Cache = Annotated[
    Path | None, typer.Option(help="File of the model's answers. (default: fiubench/chat.sqlite3 in the cache folder)")
]
KeyEnv = Annotated[str, typer.Option(help="Environment variable with the API key.")]

_LIMITS = ("max_calls", "max_tokens", "max_cost", "prices", "concurrency", "timeout", "cache", "key_env")


def limits(given: Mapping[str, Any]) -> "Limits":
    """The limits that were given as options."""
    from fiubench.builder.pipeline.asking import Limits

    return Limits(**{name: given[name] for name in _LIMITS})


def prepare(config: "Config", limits: "Limits", step: Step | None) -> None:
    """For a build: an estimate, or a step of the Batch API."""
    from fiubench.builder.pipeline.asking import Asking
    from fiubench.builder.pipeline.build import open_build

    asking = Asking(open_build(config), limits)
    if step is None:
        print_estimate(asking.client, asking.estimate())
    else:
        run_batch(asking.client, step, asking.requests)


def print_estimate(client: "ChatClient", estimate: "Estimate") -> None:
    """What is still to be asked."""
    price = client.budget.price
    tokens = estimate.prompt_tokens + estimate.completion_tokens
    typer.echo(f"model     {client.endpoint.model} at {client.endpoint.base_url}")
    typer.echo(f"to ask    {estimate.calls:,} calls; answered before: {estimate.cached:,}")
    typer.echo(
        f"tokens    about {tokens:,}: {estimate.prompt_tokens:,} of prompts, {estimate.completion_tokens:,} of answers"
    )
    if price is not None:
        cost = price.cost(estimate.prompt_tokens, estimate.completion_tokens)
        typer.echo(
            f"cost      about {cost:.2f} {price.currency}, {cost * price.batch:.2f} by batch (prices of {price.as_of})"
        )
    typer.echo(f"so far    {client.spent()}")
    typer.echo("Every answer that fails its checks is asked again, up to four times; no call was made for this.")


def run_batch(client: "ChatClient", step: Step, requests: "Callable[[], Iterable[Request]]") -> None:
    """A step of the Batch API, told. ``requests()`` gives what is to be asked."""
    from fiubench.cli.console import many, table
    from fiubench.support.chat import Batches

    batches = Batches(client)
    if step is Step.collect:
        _collect(batches)
        return
    told = batches.submit(requests()) if step is Step.submit else batches.status()
    if not told:
        typer.echo("Everything is answered: build without --batch." if step is Step.submit else "No batch is out.")
        return
    rows = [("batch", "status", "calls", "done", "failed")]
    rows += [(b.id or "", b.status, str(b.calls), str(b.done), str(b.failed)) for b in told]
    table(rows)
    if step is Step.submit:
        typer.echo(f"{many(sum(b.calls for b in told), 'call')} submitted. See --batch status, then --batch collect.")


def _collect(batches: "Batches") -> None:
    from fiubench.cli.console import many

    collected = batches.collect()
    typer.echo(f"{many(collected.answers, 'answer')} collected; {many(collected.open, 'batch')} not over yet")
    for why, count in sorted(collected.errors.items()):
        typer.echo(f"  {count} not answered: {why}")
    typer.echo("Run the same command without --batch to go on, or with --batch submit for what is missing.")


def print_wordings(wordings: Mapping[str, Any], events: Mapping[str, int]) -> None:
    """What the manifest tells of a model's words, and what happened while it was asked."""
    total = wordings["by_model"] + wordings["by_template"]
    told = f"{wordings['by_model']:,} of {total:,} QA pairs by a model, {wordings['by_template']:,} by templates"
    typer.echo(f"words     {told}")
    if "tokens" in wordings:
        tokens = wordings["tokens"]
        typer.echo(
            f"          {wordings['model']}: {wordings['attempts']:,} answers, {tokens['prompt']:,} + "
            f"{tokens['completion']:,} tokens"
        )
        for what, count in {**wordings["counts"], **events}.items():
            typer.echo(f"          {what}: {count:,}")


def print_events(client: "ChatClient") -> None:
    """What happened at the wire, and what it cost."""
    for what, count in sorted(client.events.items()):
        typer.echo(f"  {what}: {count:,}")
    typer.echo(f"  spent: {client.spent()}")
