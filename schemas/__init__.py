"""The JSON Schemas (draft 2020-12) of every document that fiubench reads or writes, and readable violations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import orjson

try:
    import jsonschema_rs
except ImportError:  # no wheel for this machine: the reference implementation serves, a hundred times as slow
    jsonschema_rs = None


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
    """The schema as an object."""
    document: dict[str, Any] = orjson.loads(resources.files(__name__).joinpath(f"{name}.schema.json").read_bytes())
    return document


@cache
def validator(name: str) -> Any:
    """A compiled validator that checks formats (dates) too. Compiled once a process."""
    if jsonschema_rs is not None:
        return jsonschema_rs.Draft202012Validator(load(name), validate_formats=True)
    import jsonschema  # noqa: PLC0415

    return jsonschema.Draft202012Validator(load(name), format_checker=jsonschema.FormatChecker(["date"]))


def is_valid(name: str) -> Callable[[Any], bool]:
    """The quick yes or no, for the many documents that are right."""
    return validator(name).is_valid


def violations(name: str, document: Any) -> Iterator[Violation]:
    """Every violation of the schema in the document, in document order."""
    for error in validator(name).iter_errors(document):
        location = tuple(error.instance_path if jsonschema_rs is not None else error.absolute_path)
        keyword = str(error.schema_path[-1]) if error.schema_path else ""
        yield Violation(readable_path(location), _shorten(error.message), keyword, location)


def readable_path(location: tuple[str | int, ...]) -> str:
    """("qa_list", 3, "keywords") as ``qa_list[3].keywords``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "(top level)"


def _shorten(message: str, limit: int = 240) -> str:
    return message if len(message) <= limit else f"{message[:limit]} ..."
