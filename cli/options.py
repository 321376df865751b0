"""Typer options from settings classes: each setting is declared once, in its class."""

import inspect
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from fiubench.support.errors import ConfigError
from fiubench.support.settings import Flag, Settings, described, flag_of


def with_settings(
    settings: type[Settings],
    *,
    only: Iterable[str] | None = None,
    more: Iterable[inspect.Parameter] = (),
    checked: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for every flag of a settings class.

    The command takes ``given``, a dict of the settings that were given as flags, by field; where this parameter stands
    among the others, ``--help`` shows the options.

    Args:
        settings: the class.
        only: the fields that become options; by default all that declare a :class:`Flag`.
        more: further options that end up in ``given`` (see :func:`option`).
        checked: check what is given before the command runs, so that messages name the flag.
    """
    names = [name for name in settings.model_fields if flag_of(settings, name) and (only is None or name in only)]
    generated = _by_panel([*(option_of(settings, name) for name in names), *more])

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command).parameters.values())
        added = [p for p in generated if p.name not in {q.name for q in own}]
        place = [p.name for p in own].index("given")
        parameters = [*own[:place], *added, *own[place + 1 :]]

        @wraps(command)
        def wrapper(**values: Any) -> None:
            flags = {p.name: values.pop(p.name) for p in added}
            given = {n: _split(settings, n, v) for n, v in flags.items() if v is not None and v != []}
            if checked:
                settings.parse(given, flags=given)
            command(given=given, **values)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapper

    return decorate


def _by_panel(options: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """The options in their order, those of one panel together."""
    panels = list(dict.fromkeys(_panel(p) for p in options))
    return sorted(options, key=lambda p: panels.index(_panel(p)))


def _panel(parameter: inspect.Parameter) -> str:
    return str(parameter.annotation.__metadata__[0].rich_help_panel)


def option(name: str, kind: Any, help_text: str, flag: Flag) -> inspect.Parameter:
    """An optional option of a command."""
    spelled = flag.name or f"--{name.replace('_', '-')}"
    shown: dict[str, Any] = {"rich_help_panel": flag.panel, "metavar": flag.metavar or None, "show_default": False}
    declared = typer.Option(spelled, help=help_text, **shown)
    annotation = Annotated[kind | None, declared]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def option_of(settings: type[Settings], name: str) -> inspect.Parameter:
    """The option of a field."""
    field, flag = settings.model_fields[name], flag_of(settings, name)
    assert flag is not None
    kind, choices = _kind(field.annotation, flag)
    default = flag.default or _default_text(field.get_default(call_default_factory=True), flag)
    text = described(settings, name) + (f" (default: {default})" if default else "")
    shown = Flag(flag.panel, flag.name, flag.metavar or "|".join(choices))
    return option(name, kind, text, shown)


def _kind(annotation: Any, flag: Flag) -> tuple[Any, tuple[str, ...]]:
    """The type of an option and the values it may have, where they are listed."""
    parts = [a for a in get_args(annotation) if a is not type(None)]
    if get_origin(annotation) in (Union, UnionType) and len(parts) == 1:
        return _kind(parts[0], flag)
    if get_origin(annotation) is Annotated:
        return _kind(parts[0], flag)
    if get_origin(annotation) is Literal:
        return str, tuple(map(str, parts))
    if get_origin(annotation) is tuple:
        return (str, ()) if flag.separator else (list[_kind(parts[0], flag)[0]], ())  # type: ignore[misc]
    return (annotation if annotation in (int, float, str, bool) else str), ()


def _default_text(value: Any, flag: Flag) -> str:
    if value is None or value is False or (isinstance(value, str | tuple | dict) and not value):
        return ""
    return (flag.separator or ",").join(map(str, value)) if isinstance(value, tuple) else str(value)


def _split(settings: type[Settings], name: str, value: Any) -> Any:
    """``1,5,10`` as a list, where the flag holds several values; numbers as numbers."""
    flag = flag_of(settings, name)
    if flag is None or not flag.separator or not isinstance(value, str):
        return value
    return listed(value, flag.separator)


def listed(text: str, separator: str = ",") -> list[Any]:
    """``1,5,x`` as a list; numbers as numbers."""
    return [_number(part.strip()) for part in text.split(separator)]


def _number(text: str) -> Any:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def named_values(given: Iterable[str]) -> dict[str, Any]:
    """The options of a kind from ``--option NAME=VALUE``: a value is JSON, and text where it is not.

    Raises:
        ConfigError: one has no name, or is given twice.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name or name in values:
            problem = "is given twice" if name in values else f"{text!r} is not of the form NAME=VALUE"
            raise ConfigError(problem, where=f"--option {name}", hint="For example --option alpha=2.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values
