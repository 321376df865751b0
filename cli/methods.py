"""``fiubench methods``: the unlearning methods there are, those of plug-ins included."""

import inspect
import textwrap
from typing import Annotated, Any

import typer
from fiubench.cli.console import table
from fiubench.support.registry import Plugin
from fiubench.unlearning.methods.base import METHODS

app = typer.Typer(no_args_is_help=True, help="List and show unlearning methods and their options.")
_NOTATION = """x: picture and question; y: the true answer; y0: a refusal; ya: a wrong answer of the dataset; yr:
the answer to another question; L: mean of -log p over the answer's tokens; E_F, E_R: mean over the forget set, the
retain set; z: logits; p: the model that learns; p0: the model before unlearning."""
_LIMITS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}


@app.command("list")
def list_methods() -> None:
    """List the methods that `fiubench unlearn --method` takes."""
    rows = [(name, method.help, ", ".join(method.model_fields)) for name, method in METHODS.items()]
    table([("method", "what it does", "options"), *rows])


@app.command("show")
def show_method(name: Annotated[str, typer.Argument(help="The name of a method, such as npo.")]) -> None:
    """Show a method: formula, source, and the options that `fiubench unlearn --option NAME=VALUE` takes."""
    method = METHODS.find(name)
    settings = ", ".join(f"{key} {value}" for key, value in method.defaults.items())
    defaults = f"\n\nwhere the preset gives none: {settings}" if settings else ""
    print_entry(name, method, METHODS.plugin(name), _NOTATION + defaults)


def print_entry(name: str, entry: Any, plugin: Plugin | None, note: str) -> None:
    """A method or an attack: its docstring, a note, the plug-in that it comes from, and its options."""
    typer.echo(f"{name}: {entry.help}\n")
    typer.echo(textwrap.indent(inspect.cleandoc(entry.__doc__ or "").replace("``", ""), "  "))
    typer.echo(f"\n{note}")
    if plugin is not None:
        typer.echo(f"\nplug-in: {plugin} ({plugin.module})")
    typer.echo()
    options = entry.model_json_schema().get("properties", {})
    if not options:
        typer.echo("It has no options.")
        return
    rows = [(key, _type(o), _json(o.get("default")), o.get("description", "")) for key, o in options.items()]
    table([("option", "type", "default", "what it does"), *rows])


def _type(schema: dict[str, Any]) -> str:
    """The type of an option in words, from its JSON Schema: ``number > 0``, ``list of integer``, ``"a" or "b"``."""
    if "enum" in schema:
        return " or ".join(map(_json, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = "".join(f" {sign} {schema[key]:g}" for key, sign in _LIMITS.items() if key in schema)
    return f"{schema.get('type', 'any')}{limits}"


def _json(value: Any) -> str:
    import orjson

    return orjson.dumps(value).decode()
