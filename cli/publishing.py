"""``fiubench publish``, ``releases`` and ``pull``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from fiubench.builder.hub.settings import HubSettings, PublishSettings
from fiubench.cli.console import many, print_step, progress, table
from fiubench.cli.options import with_settings
from fiubench.cli.sources import about_flags

import fiubench

if TYPE_CHECKING:
    from fiubench.builder.hub.publish import Plan


@with_settings(PublishSettings, checked=True, more=about_flags("Sources"))
def publish(
    directory: Annotated[Path, typer.Argument(help="The dataset folder to publish.")],
    repo: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Publish in this repository on the hub.")],
    version: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Give the release this version and tag, for example v1.0.0. (default: that of the metadata file)",
        ),
    ] = None,
    *,
    given: dict[str, Any],
) -> None:
    """Publish a dataset as a version: one commit, one tag. Exit code 1 if it is refused. Safe to repeat."""
    done = fiubench.publish(directory, repo, version, show=_print_plan, step=print_step, **given)
    if "stage" in given:
        typer.echo(f"\nstaged in {given['stage']}")
    typer.echo("\nnothing was sent (--dry-run)" if given.get("dry_run") else f"\n{done}")


def _print_plan(plan: "Plan") -> None:
    typer.echo(f"{plan.repo} {plan.version}: {many(len(plan.files), 'file')}, {_size(sum(plan.files.values()))}\n")
    table([("file", "size"), *((path, _size(size)) for path, size in plan.files.items())])
    typer.echo()
    suggested = plan.suggested and f"{plan.suggested} (a {plan.changes.level} change)"
    for label, lines in (
        ("proved", plan.proofs),
        ("kept", [f"{path} (not of the release)" for path in plan.left_alone]),
        ("removed", plan.removed),
        ("against", [plan.against]),
        ("changes", plan.changes.sentences),
        ("suggested", [suggested]),
    ):
        for number, line in enumerate(filter(None, lines)):
            typer.echo(f"{label if not number else '':10}{line}")


@with_settings(HubSettings, checked=True)
def releases(
    repo: Annotated[str, typer.Argument(help="The repository on the hub, as OWNER/NAME.")],
    *,
    given: dict[str, Any],
) -> None:
    """List the published versions of a dataset, newest first."""
    found = fiubench.releases(repo, step=print_step, **given)
    if not found:
        typer.echo(f"{repo} has no release")
        return
    rows = [("version", "date", "identities", "size", "digest of the identities", "commit")]
    for r in found:
        people, content = (str(r.identities), r.digest[:16]) if r.digest else ("-", "(not made by fiubench)")
        rows.append((r.version, r.date.strftime("%Y-%m-%d %H:%M"), people, _size(r.size), content, r.commit[:12]))
    table(rows)


@with_settings(HubSettings, checked=True)
def pull(
    repo: Annotated[str, typer.Argument(help="The repository on the hub, as OWNER/NAME.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Make this folder for the dataset.")],
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Download this version. (default: the highest one)")
    ] = None,
    *,
    given: dict[str, Any],
) -> None:
    """Download a release as a dataset folder that verify, diff, audit and split accept; every digest is checked."""
    with progress() as step:
        made = fiubench.pull(repo, out, version=version, progress=step, step=print_step, **given)
    typer.echo(f"{out}: {repo} {made.manifest['published']['version']}, every digest agrees")


def _size(count: int) -> str:
    """Bytes for people."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
