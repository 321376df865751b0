"""What commands share in printing: a progress bar that appears only when it is worth it, and a record on screen."""

import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from fiubench.builder.dataset.reading import Dataset

_PATIENCE = 1.0  # seconds before a bar appears


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback (what, done, total) that draws a bar on a terminal's stderr once the work has taken a second.

    What follows a colon in ``what`` ("Wording: 120 calls") is a running note on the same bar.
    """
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(file=sys.stderr)  # by value: kept while a client's own bar is silenced
    bar = Progress(*columns, console=console, transient=True)
    tasks: dict[str, Any] = {}
    began = time.monotonic()

    def step(what: str, done: int, total: int) -> None:
        if time.monotonic() - began < _PATIENCE:
            return
        bar.start()
        name = what.partition(":")[0]
        if name not in tasks:
            for task in tasks.values():
                bar.update(task, visible=False)
            tasks[name] = bar.add_task(what, total=total)
        bar.update(tasks[name], description=what, completed=done, total=total)

    try:
        yield step
    finally:
        bar.stop()


def print_identity(record: dict[str, Any], splits: list[str] | None = None) -> None:
    """An identity as a reader wants it: profile with provenance, then each QA pair with its variants."""
    from fiubench.builder.dataset.rows import picture_values

    heading = f"{record['name']} ({record['unique_id']}, identity {record['index']}, {record['gender']})"
    typer.echo(heading)
    typer.echo("=" * len(heading))
    if record["image_path"]:
        typer.echo(f"image   {record['image_path']}")
    for picture in picture_values(record)[1:]:
        typer.echo(f"        {picture['path']} ({picture['set']}; {picture['from']})")
    if splits is not None:
        typer.echo(f"splits  {', '.join(splits) or 'none'}")
    typer.echo()
    for paragraph in record["caption"].split("\n\n"):
        typer.echo(textwrap.fill(paragraph, 100))
        typer.echo()
    width = max(map(len, record["profile"]))
    asked = [qa["attribute"] for qa in record["qa_list"]]
    # canonical JSON sorts names; a reader wants the order of the questions, and what is not asked first
    for name in sorted(record["profile"], key=lambda name: asked.index(name) if name in asked else -1):
        fact = record["profile"][name]
        source = fact["from"].split(".")[0]
        row = f", row {record['rows'][source]}" if source in record["rows"] else ""
        typer.echo(f"  {name:{width}}  {fact['text']:<44}  {fact['from']}{row}")
    typer.echo()
    for number, qa in enumerate(record["qa_list"], 1):
        typer.echo(f"{number:2}  {qa['attribute']} ({qa['category']}, {qa['sensitivity']} sensitivity)")
        typer.echo(f"    Q  {qa['question']}")
        for question in qa["paraphrased_question"]:
            typer.echo(f"       {question}")
        typer.echo(f"    A  {qa['answer']}")
        typer.echo(f"       {qa['paraphrased_answer']}")
        for sentence in qa["perturbed_answer"]:
            typer.echo(f"    x  {sentence}")
        typer.echo(f"    keywords: {' | '.join(qa['keywords'])}")


def many(count: int, thing: str) -> str:
    """A count with its noun: "1 violation", "440 identities"."""
    plural = f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}es" if thing.endswith("ch") else f"{thing}s"
    return f"{count} {thing if count == 1 else plural}"


def table(rows: Sequence[tuple[str, ...]]) -> None:
    """Left-aligned columns; the first row is the heading."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for i, row in enumerate(rows):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if i == 0:
            typer.echo("  ".join("-" * width for width in widths))


def print_split_notes(notes: Sequence[str]) -> None:
    """What is to be known of the splits, and what to do about it."""
    for note in notes:
        typer.echo(f"          {note}")
    if notes:
        typer.echo("          Where that matters, give larger --ratios or build more --identities.")


def print_reader_notes(dataset: "Dataset") -> None:
    """What the original's loader does not read of a dataset, if anything."""
    from fiubench.builder.release.original import notes

    counts = dataset.manifest["counts"]
    has_images = counts.get("images", 0) > 0
    for note in notes(dataset.splits, dataset.forget_attributes, counts["identities"], has_images=has_images):
        typer.echo(textwrap.fill(note, 110, initial_indent=" " * 10, subsequent_indent=" " * 10))


def print_line(text: object) -> None:
    """Print what may be somebody else's text as one line: whatever could move the cursor is written out."""
    characters = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    typer.echo("".join(characters))


def conclude(target: object, count: int, thing: str, none: str) -> None:
    """The last line of a check: how many things were found, or that none was. Exit code 1 if any."""
    typer.echo(f"{target}: {many(count, thing) if count else none}")
    if count:
        raise typer.Exit(1)


def print_step(what: str) -> None:
    """A line on what is being done, beside the results."""
    typer.echo(f"{what} ...", err=True)
