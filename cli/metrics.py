"""``fiubench metrics``: what evaluated models are measured by."""

import typer

app = typer.Typer(help="List the metrics of evaluation.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    pass


@app.command("list")
def list_metrics() -> None:
    """One line per metric, plug-ins included: its name, the sets of questions it is reported for, what it is."""
    from fiubench.cli.console import table
    from fiubench.unlearning.metrics.base import METRICS, WHOLE_LOG

    rows = [("name", "title", "sets", "what it is")]
    for name, one in sorted(METRICS.items(), key=lambda item: WHOLE_LOG in item[1].sets):
        plugin = METRICS.plugin(name)
        sets = ", ".join(filter(None, one.sets)) or ("controls" if one.controls else "whole log")
        rows.append((name, one.title, sets, one.summary + (f" [{plugin}]" if plugin else "")))
    table(rows)
