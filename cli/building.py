"""``fiubench build`` and ``fiubench preview``."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.cli import llm
from fiubench.support.errors import ConfigError

if TYPE_CHECKING:
    from fiubench.builder.pipeline.build import Summary

# One declaration per setting, used by both commands. Defaults live in builder.config: `None` here means "not given".
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file with these settings; flags win over it.")]
Seed = Annotated[int | None, typer.Option(help="Key of every draw: another seed, another dataset. [default: 0]")]
AsOf = Annotated[str | None, typer.Option(help="The day that counts as today, YYYY-MM-DD. [default: 2025-01-01]")]
Faces = Annotated[
    str | None,
    typer.Option(help="Folder of face images, 'embedded' (drawn portraits) or 'none'. [default: embedded]"),
]
Health = Annotated[str | None, typer.Option(help="Healthcare CSV file, or 'embedded'. [default: embedded]")]
Crimes = Annotated[str | None, typer.Option(help="NYPD complaints CSV file, or 'embedded'. [default: embedded]")]
Addresses = Annotated[str | None, typer.Option(help="USA housing CSV file, or 'embedded'. [default: embedded]")]
Names = Annotated[
    str | None,
    typer.Option(help="'generated' from name lists, or the health 'record's own. [default: generated]"),
]
Packs = Annotated[
    list[str] | None,
    typer.Option("--attributes", help="Attribute pack (YAML) beyond the built-in one; repeatable."),
]
Questions = Annotated[
    int | None, typer.Option(help="Questions from the built-in pack; own packs come on top. [default: 20]")
]
Holdout = Annotated[int | None, typer.Option(help="Identities beyond them that no split trains on. [default: 40]")]
Match = Annotated[
    str | None, typer.Option(help="Face and record agree on: none, gender, gender+age. [default: gender+age]")
]
Ratios = Annotated[str | None, typer.Option(help="Forget sets in percent of the identities. [default: 1,5,10]")]
Scheme = Annotated[
    str | None,
    typer.Option(help="nested, disjoint, or a JSON file with frozen membership. [default: nested]"),
]
Select = Annotated[str | None, typer.Option(help="Choice among many faces: all, k-means, k-center. [default: all]")]
ImageSize = Annotated[int | None, typer.Option(help="Longest side in pixels. [default: 256 drawn, 512 from a folder]")]
QA = Annotated[
    str | None,
    typer.Option(help="Who words the questions: 'template', 'llm', or a wordings.jsonl. [default: template]"),
]
Model = Annotated[str | None, typer.Option(help="For --qa llm: the model's name at its server.")]
BaseUrl = Annotated[str | None, typer.Option(help="For --qa llm: OpenAI-compatible server, mostly ending in /v1.")]
Temperature = Annotated[float | None, typer.Option(help="For --qa llm: sampling temperature. [default: 0.7]")]


def build(
    out: Annotated[Path, typer.Option(help="Folder to build the dataset in.")],
    identities: Annotated[int | None, typer.Option(help="Identities in the benchmark. [default: 400]")] = None,
    holdout: Holdout = None,
    seed: Seed = None,
    as_of: AsOf = None,
    faces: Faces = None,
    health: Health = None,
    crimes: Crimes = None,
    addresses: Addresses = None,
    names: Names = None,
    attributes: Packs = None,
    questions: Questions = None,
    match: Match = None,
    ratios: Ratios = None,
    split_scheme: Scheme = None,
    select: Select = None,
    image_size: ImageSize = None,
    qa: QA = None,
    model: Model = None,
    base_url: BaseUrl = None,
    temperature: Temperature = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes. The bytes do not depend on it.")] = 1,
    config: ConfigFile = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an unfinished build in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the dataset in --out.")] = False,
    audit: Annotated[
        bool | None, typer.Option(help="End with a short audit of the text. [default: up to 5,000 identities]")
    ] = None,
    dry_run: llm.DryRun = False,
    batch: llm.BatchStep = None,
    max_calls: llm.MaxCalls = None,
    max_tokens: llm.MaxTokens = None,
    max_cost: llm.MaxCost = None,
    prices: llm.Prices = None,
    concurrency: llm.Concurrency = 16,
    timeout: llm.Timeout = 120.0,
    cache: llm.Cache = None,
    key_env: llm.KeyEnv = "OPENAI_API_KEY",
) -> None:
    """Build a dataset: faces, records, questions and answers, splits, and a release that `datasets` loads."""
    from fiubench.cli.console import progress

    import fiubench

    settings = fiubench.read_config(config, _flags(locals()))
    limits = llm.limits(locals()) if settings.qa == "llm" else None
    if limits and (dry_run or batch):
        llm.prepare(settings, limits, batch)
        return
    if dry_run or batch:
        raise ConfigError("--dry-run and --batch are for --qa llm", hint="A build without a model costs nothing.")
    with progress() as step:
        summary = fiubench.build(
            settings, out, workers=workers, resume=resume, overwrite=overwrite, progress=step, limits=limits
        )
    _print_summary(summary)
    if audit or (audit is None and summary.manifest["counts"]["identities"] <= _AUDITED):
        _print_audit(summary)


def preview(
    identities: Annotated[int, typer.Option(min=1, max=1000, help="How many to show.")] = 3,
    seed: Seed = None,
    as_of: AsOf = None,
    faces: Faces = None,
    health: Health = None,
    crimes: Crimes = None,
    addresses: Addresses = None,
    names: Names = None,
    attributes: Packs = None,
    questions: Questions = None,
    match: Match = None,
    select: Select = None,
    config: ConfigFile = None,
) -> None:
    """Build a few identities and show them, without writing anything."""
    from fiubench.builder.pipeline.build import few
    from fiubench.cli.console import print_identity

    import fiubench

    settings = fiubench.read_config(config, _flags(locals()) | few(identities))
    if settings.qa == "llm":
        typer.echo("The words are the templates': only `build` asks a model.\n", err=True)
    for record in fiubench.preview(settings, identities):
        print_identity(record)
        typer.echo()


_SETTINGS = (
    "identities",
    "holdout",
    "seed",
    "as_of",
    "faces",
    "health",
    "crimes",
    "addresses",
    "names",
    "attributes",
    "questions",
    "match",
    "ratios",
    "split_scheme",
    "select",
    "image_size",
    "qa",
    "model",
    "base_url",
    "temperature",
)

_AUDITED = 5_000  # identities; a larger build would take twice as long


def _flags(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were given as flags."""
    flags = {name: given[name] for name in _SETTINGS if given.get(name) is not None}
    if "ratios" in flags:
        flags["ratios"] = parse_ratios(flags["ratios"])
    return flags


def parse_ratios(text: str) -> list[int]:
    """The numbers of ``1,5,10``."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a list of whole percentages",
            where="--ratios",
            hint="For example --ratios 1,5,10.",
        ) from None


def _print_audit(summary: "Summary") -> None:
    from fiubench.builder.audit.terminal import verdict_line
    from fiubench.cli.auditing import print_findings
    from fiubench.cli.console import progress

    import fiubench

    with progress() as step:
        report = fiubench.audit(summary.directory, faces=False, progress=step)
    typer.echo()
    print_findings(report)
    typer.echo(f"audit     {verdict_line(report)}; `fiubench audit {summary.directory}` looks at the faces too")


def _print_summary(summary: "Summary") -> None:
    from fiubench.cli.console import many, table
    from fiubench.raw_sources.registry import in_order

    manifest, counts = summary.manifest, summary.manifest["counts"]
    size = f"{many(counts['identities'], 'identity')} and {counts['holdout']} in the holdout"
    asked = f"{many(counts['questions'], 'question')} each, {many(counts['qa_pairs'], 'QA pair')}"
    typer.echo(f"{summary.directory}: {size}, {asked}, {many(counts['images'], 'image')}\n")
    rows: list[tuple[str, ...]] = [("source", "from", "read", "kept", "what was repaired, dropped or is to be known")]
    for name, source in in_order(manifest["sources"]).items():
        notes = [f"repaired {count}: {why}" for why, count in source["repaired"].items()]
        notes += [f"dropped {count}: {why}" for why, count in source["dropped"].items()]
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
    if "wordings" in manifest:
        llm.print_wordings(manifest["wordings"], summary.events)
    typer.echo(f"digest    {manifest['digests']['identities']}")
    typer.echo(f'load it   datasets.load_dataset("{summary.directory / "release"}", "{next(iter(splits))}")')
