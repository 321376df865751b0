"""What the documentation site generates: the help of every command, from the commands themselves."""

import os
from typing import Any

from typer.testing import CliRunner

MARK = "<!-- every command -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the help of every command where a page asks for it."""
    return markdown.replace(MARK, _reference()) if MARK in markdown else markdown


def _reference() -> str:
    from fiubench.cli.main import COMMANDS

    parts = []
    for panel, entries in COMMANDS.items():
        parts.append(f"## {panel}")
        for name, entry in entries.items():
            parts.append(f"### fiubench {name}\n\n{_help(name)}")
            parts += [
                f"#### fiubench {name} {sub}\n\n{_help(name, sub)}" for sub in _subcommands(entry.module, entry.name)
            ]
    return "\n\n".join(parts)


def _help(*words: str) -> str:
    from fiubench.cli.main import app

    os.environ["COLUMNS"] = os.environ["TERMINAL_WIDTH"] = "100"
    result = CliRunner().invoke(app, [*words, "--help"])
    if result.exit_code:
        raise RuntimeError(f"fiubench {' '.join(words)} --help failed: {result.output}")
    return f"```text\n{result.output.strip()}\n```"


def _subcommands(module: str, name: str) -> list[str]:
    import importlib

    import typer

    defined = getattr(importlib.import_module(f"fiubench.cli.{module}"), name)
    if not isinstance(defined, typer.Typer):
        return []
    return [command.name or command.callback.__name__.replace("_", "-") for command in defined.registered_commands]
