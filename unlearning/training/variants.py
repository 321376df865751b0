"""Variants of unlearning methods: named ones with settings of their own, and those that lists of values make.

>>> [variant.name for variant in variants({"hot": {"method": "npo", "epochs": 2}}, {"learning_rate": (1e-4, 1e-3)})]
['hot-learning_rate=0.0001', 'hot-learning_rate=0.001']
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, get_args, get_origin

from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.settings import Settings
from fiubench.unlearning.methods.base import METHODS
from fiubench.unlearning.training.settings import Stage

_LONGEST = 200  # characters of a variant's name; file systems end at 255, and a seed follows
_NAME = re.compile(r"\w[\w.+=-]{0,99}")


@dataclass(frozen=True)
class Variant:
    """A method under a name, with the settings that differ from the preset's."""

    name: str  # in run folders, tables and the report
    method: str
    settings: Mapping[str, Any]


def variants(
    methods: Sequence[str] | Mapping[str, Mapping[str, Any] | None], common: Mapping[str, Any], where: object = ""
) -> list[Variant]:
    """The variants of an experiment, in the order of its file; a list of values makes one variant for each value.

    Args:
        methods: names of methods, or names with settings; ``method`` among these says which method a name stands for.
        common: settings of all of them, which those of one win over.
        where: the file, for messages.

    Raises:
        ConfigError: a setting that can't be, a name that can't be a folder's, or one that stands for two variants.
    """
    named = methods if isinstance(methods, Mapping) else dict.fromkeys(methods)
    found = [
        variant
        for name, own in named.items()
        for variant in _of(name, own or {}, common, f"{where}: {name}" if where else name)
    ]
    names = [variant.name for variant in found]
    if long := next((name for name in names if len(name) > _LONGEST), None):
        hint = "Sweep over fewer settings at once, or write named variants."
        raise ConfigError(f"{long} is too long to name a folder", where=where, hint=hint)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f"two variants are called {twice}", where=where, hint="Give each value of a list once.")
    return found


def _of(name: str, own: Mapping[str, Any], common: Mapping[str, Any], where: str) -> Iterator[Variant]:
    if not _NAME.fullmatch(name):
        hint = "Letters, digits and . + = - _, at most 100: it names a folder."
        raise ConfigError(f"{name!r} can't be the name of a variant", where=where, hint=hint)
    method = _method(name, own, where)
    merged = {**common, **{key: value for key, value in own.items() if key != "method"}}
    options = [layer.get("options") or {} for layer in (common, own)]
    if not all(isinstance(each, Mapping) for each in options):
        raise ConfigError("options: should be a mapping", where=where, hint="For example options: {retain_weight: 5}.")
    flat: dict[tuple[str, ...], Any] = {(key,): value for key, value in merged.items() if key != "options"}
    flat |= {("options", key): value for layer in options for key, value in layer.items()}
    declared: dict[str, type[Settings]] = {"": Stage, "options": METHODS[method]}
    swept = {
        key: value
        for key, value in flat.items()
        if isinstance(value, tuple) and not _is_list(declared["".join(key[:-1])], key[-1])
    }
    for key, values in swept.items():
        if not values or any(isinstance(value, tuple | Mapping) for value in values):
            hint = "Give numbers or words, or write a named variant for each."
            raise ConfigError(
                f"{'.'.join(key)}: a list here makes variants, and needs plain values", where=where, hint=hint
            )
    for values in product(*swept.values()):
        chosen = dict(zip(swept, values, strict=True))
        label = "".join(f"-{key[-1]}={_text(value)}" for key, value in chosen.items())
        given = _nested({**flat, **chosen})
        yield Variant(name + label, method, Stage.parse(given, where=where).given())


def _method(name: str, own: Mapping[str, Any], where: str) -> str:
    method = own.get("method", name)
    if not isinstance(method, str):
        raise ConfigError(f"method: should be the name of a method, not {method!r}", where=where)
    if method not in METHODS:
        hint = did_you_mean(method, METHODS) + (
            "" if "method" in own else " Or say what it is one of: {method: ga, ..}."
        )
        raise ConfigError(f"unknown method {method!r}", where=where, hint=hint)
    return method


def _is_list(owner: type[Settings], name: str) -> bool:
    """Whether a setting holds several values by itself, such as names of loggers or of layers."""
    field = owner.model_fields.get(name)
    kinds = () if field is None else (field.annotation, *get_args(field.annotation))
    return any(get_origin(kind) is tuple for kind in kinds)


def _nested(flat: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    settings = {key[0]: value for key, value in flat.items() if len(key) == 1}
    options = {key[1]: value for key, value in flat.items() if len(key) == 2}
    return {**settings, **({"options": options} if options else {})}


def _text(value: Any) -> str:
    """A value as part of a name: short, and without what a folder's name can't have."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^\w.+-]", "_", text)
