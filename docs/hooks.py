"""What the documentation site makes of its pages: the help of every command, links and examples that fit the site."""

import os
import posixpath
import re
from typing import Any

import griffe
from typer.testing import CliRunner

MARK = "<!-- every command -->"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put the help of every command where a page asks for it; leave out links to files that the site does not have."""
    folder = posixpath.dirname(page.file.src_uri)

    def inside(link: re.Match[str]) -> str:
        return link[1] if posixpath.normpath(posixpath.join(folder, link[2])).startswith("../") else link[0]

    markdown = re.sub(r"\[([^]]+)\]\((\.\./[^)#]+)\)", inside, markdown)
    return markdown.replace(MARK, _reference()) if MARK in markdown else markdown


class Examples(griffe.Extension):
    """Shows the examples of docstrings as code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence the lines that begin with ``>>>``."""
        if obj.docstring:
            text = re.sub(r"\s+# doctest: \+SKIP", "", obj.docstring.value)
            obj.docstring.value = re.sub(r"(?m)((?:^>>> .*\n?)+)", r"```python\n\1```\n", text)


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
