"""The JSON Schemas (draft 2020-12) of every document that fiubench reads or writes, and readable violations."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson

try:
    import jsonschema_rs
except ImportError:  # no wheel for this machine: the reference implementation serves, a hundred times as slow
    jsonschema_rs = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Violation:
    """One place where a document breaks its schema."""

    path: str  # "qa_list[3].keywords"
    message: str
    keyword: str
    location: tuple[str | int, ...]


def names() -> list[str]:
    """Names of the schemas, for example ``identity``."""
    suffix = ".schema.json"
    return sorted(f.name.removesuffix(suffix) for f in resources.files(__name__).iterdir() if f.name.endswith(suffix))


@cache
def load(name: str) -> dict[str, Any]:
    """The schema as an object, completed by what is registered (see :func:`complete`)."""
    document: dict[str, Any] = orjson.loads(resources.files(__name__).joinpath(f"{name}.schema.json").read_bytes())
    if name in _COMPLETING:
        _COMPLETING[name](document)
    return document


_COMPLETING: dict[str, Callable[[dict[str, Any]], None]] = {}


def complete(name: str, function: Callable[[dict[str, Any]], None]) -> None:
    """Have a function add to a schema what registered kinds (value types) bring, whenever it is loaded."""
    _COMPLETING[name] = function
    forget()


def forget() -> None:
    """Load and compile anew what is asked for next: something was registered."""
    load.cache_clear()
    validator.cache_clear()


def compiled(schema: Mapping[str, Any]) -> Any:
    """A validator that checks formats (dates) too."""
    if jsonschema_rs is not None:
        return jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
    import jsonschema  # noqa: PLC0415

    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["date"]))


@cache
def validator(name: str) -> Any:
    """The :func:`compiled` validator of a schema. Compiled once a process."""
    return compiled(load(name))


def is_valid(name: str) -> Callable[[Any], bool]:
    """The quick yes or no, for the many documents that are right."""
    valid: Callable[[Any], bool] = validator(name).is_valid
    return valid


def violations(schema: str | dict[str, Any], document: Any) -> Iterator[Violation]:
    """Every violation of a schema, given by name or as an object, in the document, in document order."""
    checker = validator(schema) if isinstance(schema, str) else compiled(schema)
    for error in checker.iter_errors(document):
        location = _location(error.instance_path if jsonschema_rs is not None else error.absolute_path, document)
        keyword = str(error.schema_path[-1]) if error.schema_path else ""
        yield Violation(readable_path(location), _shorten(error.message), keyword, location)


def _location(path: Iterable[str | int], document: Any) -> tuple[str | int, ...]:
    """A path in a document; jsonschema-rs takes a key of digits for the place in a list."""
    found: list[str | int] = []
    for step in path:
        taken = isinstance(document, dict) and step not in document
        found.append(next(k for k in document if k.isdecimal() and int(k) == step) if taken else step)
        document = document[found[-1]]
    return tuple(found)


def readable_path(location: tuple[str | int, ...]) -> str:
    """("qa_list", 3, "keywords") as ``qa_list[3].keywords``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "(top level)"


def _shorten(message: str, limit: int = 240) -> str:
    return message if len(message) <= limit else f"{message[:limit]} ..."
