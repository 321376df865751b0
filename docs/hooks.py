"""What the documentation site makes of its pages: the help of every command, links and examples that fit the site."""

import importlib
import json
import os
import posixpath
import re
from typing import Any

import griffe
from typer.testing import CliRunner

MARK = "<!-- every command -->"
SETTINGS = re.compile(r"<!-- settings (\w+) of ([\w.]+) -->")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put help and tables of settings where a page asks for them; leave out links that lead out of the site."""
    folder = posixpath.dirname(page.file.src_uri)

    def inside(link: re.Match[str]) -> str:
        return link[1] if posixpath.normpath(posixpath.join(folder, link[2])).startswith("../") else link[0]

    markdown = re.sub(r"\[([^]]+)\]\((\.\./[^)#]+)\)", inside, markdown)
    markdown = SETTINGS.sub(lambda named: settings_table(named[2], named[1]), markdown)
    return markdown.replace(MARK, _reference()) if MARK in markdown else markdown


def settings_table(module: str, name: str) -> str:
    """Every setting of a class as a table: what it may be, its default, and what it is for."""
    settings = getattr(importlib.import_module(module), name)
    schema = settings.model_json_schema()
    rows = ["| setting | value | default | what it is |", "|---|---|---|---|"]
    for field, about in schema["properties"].items():
        default = "needed" if field in schema.get("required", ()) else _default(about.get("default"))
        cells = (f"`{field}`", _value(about, schema), default, " ".join(about.get("description", "").split()))
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(rows)


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return "-"
    shown = "its own" if isinstance(value, dict) else value if isinstance(value, str) else json.dumps(value)
    return shown if shown == "its own" else f"`{shown}`"


def _value(about: dict[str, Any], schema: dict[str, Any]) -> str:
    """What a setting may be, in words: from its JSON Schema."""
    if "$ref" in about:
        about = schema["$defs"][about["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in about or "oneOf" in about:
        kinds = [_value(each, schema) for each in about.get("anyOf") or about["oneOf"]]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    kind = about.get("type", "anything")
    if kind == "array":
        return f"list of {_value(about.get('items', {}), schema)}"
    names = {"object": "mapping", "string": "text", "boolean": "`true`, `false`", "integer": "whole number"}
    limits = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    limited = [f"{word} {about[key]:.12g}" for key, word in limits.items() if key in about]
    return " ".join([names.get(kind, kind), *limited])


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
    import typer

    defined = getattr(importlib.import_module(f"fiubench.cli.{module}"), name)
    if not isinstance(defined, typer.Typer):
        return []
    return [command.name or command.callback.__name__.replace("_", "-") for command in defined.registered_commands]
