"""Settings: one typed class per command or file.

From such a class come the reader of YAML files (``read``), the JSON Schema (``model_json_schema``) and the flags of the
command line (``cli/options.py``). A field is declared once, with type, default and range; the text below it is its
description:

>>> class Example(Settings):
...     epochs: Annotated[float, Field(gt=0), Flag("Training")] = 3
...     '''Passes over the training split.'''
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.yaml_file import load_yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

_LONGEST = 200
_MOST = 2**63 - 1

__all__ = ["Annotated", "Field", "Flag", "Settings"]


@dataclass(frozen=True)
class Flag:
    """How a field is a flag of the command line."""

    panel: str  # the group in which --help shows it
    name: str = ""  # where it is not the field's with dashes
    metavar: str = ""  # what --help calls its value
    separator: str = ""  # of several values in one flag, as in --ratios 1,5,10; without one, the flag is repeated
    default: str = ""  # what --help says of the default, where the field's own would not be understood


class Settings(BaseModel):
    """Base of all settings: immutable, strict about types, without unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @field_validator("*")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """No number that JSON, Parquet and numpy can't hold."""
        if isinstance(value, int) and not -_MOST <= value <= _MOST:
            raise ValueError(f"should be less than or equal to {_MOST}")
        return value

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: object = "", flags: Collection[str] = ()) -> Self:
        """Checked settings from a document or from flags; lists stand for tuples, and 3.0 for 3.

        Args:
            values: field -> value.
            where: the file, for messages.
            flags: the fields that were given on the command line: messages name the flag.

        Raises:
            ConfigError: an unknown key, a value of another type or outside its range; the key is named.
        """
        try:
            return cls.model_validate(_frozen(values))
        except ValidationError as error:
            raise _readable(cls, error, where, flags) from None

    @classmethod
    def read(cls, file: Path) -> Self:
        """Settings from a YAML file.

        Raises:
            ConfigError: see :meth:`parse`; or the file can't be read.
        """
        document = load_yaml(file, ConfigError)
        if not isinstance(document, dict):
            raise ConfigError("is not a mapping of settings", where=file, hint="Write `name: value` lines.")
        return cls.parse(document, where=file)

    @classmethod
    def flag(cls, field: str) -> str:
        """The flag of a field: ``--image-size`` for ``image_size``."""
        found = flag_of(cls, field)
        return (found.name if found is not None and found.name else "") or f"--{field.replace('_', '-')}"


def flag_of(settings: type[Settings], field: str) -> Flag | None:
    """How a field is a flag; ``None`` for one that files alone may set."""
    info = settings.model_fields.get(field)
    return None if info is None else next((item for item in info.metadata if isinstance(item, Flag)), None)


def _said(value: Any) -> str:
    """A value as its user wrote it, several with commas between; the start of a long one."""
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}.."


def described(settings: type[BaseModel], field: str) -> str:
    """What a field is for, in one line."""
    info = settings.model_fields.get(field)
    return "" if info is None else " ".join((info.description or "").split())


def _frozen(value: Any) -> Any:
    """The same with tuples for lists, text for paths, and integers for whole floats, as YAML and JSON leave them."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _readable(settings: type[Settings], error: ValidationError, where: object, flags: Collection[str]) -> ConfigError:
    """The first problem in words: where, what, and what the field is for."""
    problem = error.errors(include_url=False)[0]
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location)
    owner, description = _owner(settings, location[:-1]), ""
    if problem["type"] == "extra_forbidden":
        return ConfigError(f"unknown setting {key!r}", where=where, hint=did_you_mean(location[-1], owner.model_fields))
    name = settings.flag(location[0]) if location and location[0] in flags else key
    for k in range(len(location), 0, -1):
        if description := described(_owner(settings, location[: k - 1]), location[k - 1]):
            break
    message = problem["msg"].removeprefix("Input ").removeprefix("Value error, ")
    message = message.replace("a valid tuple", "a list").replace("Field required", "is missing")
    given = "" if isinstance(problem["input"], Mapping) else _said(problem["input"])
    if given and message.startswith("should"):
        message = f"{message}, not {given}"
    elif given and str(problem["input"]) not in message:
        message = f"{message}: {given}"
    return ConfigError(f"{name}: {message}" if name else message, where=where, hint=description)


def _owner(settings: type[Settings], location: list[str]) -> type[BaseModel]:
    """The class of the nested settings at a place."""
    owner: type[BaseModel] = settings
    for part in location:
        field = owner.model_fields.get(part)
        if field is None:
            continue
        nested = [t for t in _types(field.annotation) if isinstance(t, type) and issubclass(t, BaseModel)]
        owner = nested[0] if nested else owner
    return owner


def _types(annotation: Any) -> list[Any]:
    """A type with everything that it is made of."""
    return [annotation, *(inner for part in getattr(annotation, "__args__", ()) for inner in _types(part))]
