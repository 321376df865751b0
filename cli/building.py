"""``fiubench build`` and ``fiubench preview``."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.builder.config import DATA, Config
from fiubench.cli import llm
from fiubench.cli.console import many, print_identity, print_reader_notes, print_split_notes, progress, table
from fiubench.cli.options import with_settings
from fiubench.cli.sources import file_flags
from fiubench.raw_sources.source import in_order
from fiubench.support.errors import ConfigError

import fiubench

if TYPE_CHECKING:
    from fiubench.builder.pipeline.build import Summary

RUNNING = "Running"


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="Read settings from this YAML file; options on the command line win over it."
    ),
]


Workers = Annotated[
    int,
    typer.Option(
        min=1,
        max=1024,
        metavar="N",
        rich_help_panel=RUNNING,
        help="Work with this many processes in parallel; the result is the same.",
    ),
]


@with_settings(Config, more=[*file_flags(), *llm.limit_flags()])
def build(
    *,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Build the dataset in this folder.")],
    config: ConfigFile = None,
    given: dict[str, Any],
    workers: Workers = 1,
    executor: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            rich_help_panel=RUNNING,
            help="Let these do the work: processes here (local), or workers of another engine (datatrove, ray); the "
            "result is the same.",
        ),
    ] = "local",
    resume: Annotated[
        bool, typer.Option("--resume", rich_help_panel=RUNNING, help="Continue the interrupted build in --out.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", rich_help_panel=RUNNING, help="Replace the dataset that is in --out.")
    ] = False,
    audit: Annotated[
        bool | None,
        typer.Option(
            rich_help_panel=RUNNING,
            help="Measure the quality of the text at the end. (default: for up to 5,000 identities)",
        ),
    ] = None,
    dry_run: llm.DryRun = False,
    batch: llm.BatchStep = None,
) -> None:
    """Build a dataset: faces, records, questions and answers, splits, and a release that `datasets` loads."""
    limits = llm.take_limits(given)
    settings = fiubench.read_config(config, given)
    if settings.qa == "llm" and (dry_run or batch):
        llm.prepare(settings, limits, batch)
        return
    if dry_run or batch:
        hint = "Add --qa llm, or leave them out: a build without a model costs nothing."
        raise ConfigError("--dry-run and --batch are for --qa llm", hint=hint)
    with progress() as step:
        summary = fiubench.build(
            settings,
            out,
            workers=workers,
            executor=executor,
            resume=resume,
            overwrite=overwrite,
            progress=step,
            limits=limits,
        )
    print_summary(summary)
    if audit or (audit is None and summary.manifest["counts"]["identities"] <= _AUDITED):
        _print_audit(summary)
    if settings.qa == "llm":
        worded = summary.manifest["wordings"]
        share = worded["by_model"] / (worded["by_model"] + worded["by_template"])
        llm.require_usable(share, limits, "the questions and answers of the model", summary.reasons)


_PREVIEWED = (
    "seed", "as_of", "names", "attributes", "language", "questions", "tables", "columns", "date_order", "match",
    "unknown_ages", "most_under_20", "follow_links", "select",
)  # fmt: skip


@with_settings(Config, only=_PREVIEWED, more=file_flags())
def preview(
    *,
    identities: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", rich_help_panel=DATA, help="Show this many identities.")
    ] = 3,
    config: ConfigFile = None,
    given: dict[str, Any],
) -> None:
    """Build a few identities and show them, without writing anything."""
    from fiubench.builder.pipeline.build import few

    settings = fiubench.read_config(config, given | few(identities))
    if settings.qa == "llm":
        typer.echo("The questions are phrased by templates here: only `build` calls the model.\n", err=True)
    for record in fiubench.preview(settings, identities):
        print_identity(record)
        typer.echo()


_AUDITED = 5_000  # identities; a larger build would take twice as long


def _print_audit(summary: "Summary") -> None:
    from fiubench.cli.auditing import print_findings

    with progress() as step:
        report = fiubench.audit(summary.directory, faces=False, attacks=False, progress=step)
    typer.echo()
    print_findings(report)
    more = f"`fiubench audit {summary.directory}` looks at faces and wrong answers too"
    typer.echo(f"audit     {report.verdict_line}; {more}")


def print_summary(summary: "Summary") -> None:
    """What was built, from what, and how to load it."""
    from fiubench.raw_sources.table import with_example

    manifest, counts = summary.manifest, summary.manifest["counts"]
    size = f"{many(counts['identities'], 'identity')} and {counts['holdout']} in the holdout"
    asked = f"{many(counts['questions'], 'question')} each, {many(counts['qa_pairs'], 'QA pair')}"
    typer.echo(f"{summary.directory}: {size}, {asked}, {many(counts['images'], 'image')}\n")
    rows: list[tuple[str, ...]] = [("source", "from", "read", "kept", "what was repaired, dropped or is to be known")]
    for name, source in in_order(manifest["sources"]).items():
        notes = [f"repaired {count}: {why}" for why, count in source["repaired"].items()]
        examples = source.get("examples", {})
        notes += [f"dropped {count}: {with_example(why, examples)}" for why, count in source["dropped"].items()]
        notes += source["notes"]
        notes = [line for note in notes for line in textwrap.wrap(note, 76)]
        made = source["file"] == "embedded"
        read, kept = ("-", "-") if made else (str(source["read"]), str(source["kept"]))
        rows.append((name, source["file"], read, kept, notes[0] if notes else "made by rule" if made else "nothing"))
        rows += [("", "", "", "", note) for note in notes[1:]]
    table(rows)
    typer.echo()
    splits = summary.dataset.splits
    typer.echo("splits    " + ", ".join(f"{name} {len(ids)}" for name, ids in splits.items()))
    print_split_notes(summary.dataset.split_notes)
    print_reader_notes(summary.dataset)
    if "wordings" in manifest:
        llm.print_paraphrases(manifest["wordings"], summary.events, summary.notes)
    typer.echo(f"digest    {manifest['digests']['identities']}")
    typer.echo(f'load it   datasets.load_dataset("{summary.directory / "release"}", "{next(iter(splits))}")')
