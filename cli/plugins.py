"""``fiubench plugins``: what is there beyond fiubench's own."""

from typing import Any

import typer
from fiubench.cli.console import table
from fiubench.raw_sources.source import SOURCES
from fiubench.support.registry import Registry
from fiubench.unlearning.metrics.base import METRICS


def registries() -> list[Registry[Any]]:
    """The registry of every kind that can be added to."""
    from fiubench.builder.audit import MEASURES
    from fiubench.builder.dataset.adapter import ADAPTERS
    from fiubench.builder.exports import FORMATS
    from fiubench.builder.languages.base import LANGUAGES
    from fiubench.builder.pipeline.executing import EXECUTORS
    from fiubench.builder.values.base import VALUE_TYPES
    from fiubench.unlearning.attacks.base import ATTACKS
    from fiubench.unlearning.methods.base import METHODS

    return [SOURCES, VALUE_TYPES, LANGUAGES, MEASURES, FORMATS, ADAPTERS, EXECUTORS, METHODS, METRICS, ATTACKS]


def plugins() -> None:
    """List the plug-ins in use: what each adds, where it was loaded from, and the digest that manifests record.

    A plug-in is an installed distribution with an entry point in one of the groups below, or a file given with
    `fiubench --plugin FILE.py COMMAND ..`.
    """
    rows: list[tuple[str, ...]] = [("kind", "name", "plug-in", "module", "sha256")]
    for registry in registries():
        for name in registry:
            if (plugin := registry.plugin(name)) is not None:
                rows.append((registry.kind, name, str(plugin), plugin.module, plugin.sha256[:12]))
    if len(rows) > 1:
        table(rows)
        typer.echo()
    else:
        typer.echo("No plug-in is loaded.")
    typer.echo("Entry point groups:")
    for registry in registries():
        typer.echo(f"  {registry.group:24} {len(registry)} {registry.kind}s")
