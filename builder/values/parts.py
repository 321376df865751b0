"""Values made of parts, each drawn from its own range or list: a blood pressure of 128/79, 50 mg twice a day."""

import re
from collections.abc import Mapping
from math import prod
from typing import Any

from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.builder.values.decimal import STEPS, count, digits_of, steps
from fiubench.builder.values.numbers import check_range
from fiubench.support.draws import choose, integers
from fiubench.support.errors import PackError

_PART = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_FEWEST = 4  # values: the true one and three wrong ones


@register
class Parts(ValueType):
    """A text with numbers or words in it, each from its own range or list."""

    name = "parts"
    help = "values made of parts"
    generator = "parts"
    wrong = "other parts within their ranges"
    generator_options = {
        "type": "object",
        "required": ["format"],
        "minProperties": 2,
        "properties": {"format": {"type": "string", "minLength": 1, "maxLength": 100}},
        "additionalProperties": {
            "if": {"type": "object", "propertyNames": {"enum": list(STEPS["properties"])}},
            "then": {**STEPS, "required": ["min", "max"]},
            "else": {"$ref": "#/$defs/weighted"},
        },
    }

    def check_options(self, options: Any, where: object) -> None:
        named, parts = _PART.findall(options["format"]), _parts(options)
        if (rest := _PART.sub("", options["format"])) and ("{" in rest or "}" in rest):
            what = f"generate.parts: a brace that is no part in {options['format']!r}"
            raise PackError(what, where=where, hint="Write {part} in the format, where `part` is a key beside it.")
        for name in named:
            if name not in parts:
                hint = f"Add `{name}: {{min: .., max: ..}}` or a list beside `format`."
                raise PackError(f"generate.parts: the format's {{{name}}} is not declared", where=where, hint=hint)
        for name, part in parts.items():
            if named.count(name) != 1:
                what, hint = f"generate.parts: the format has {{{name}}} {named.count(name)} times", "Use it once."
                raise PackError(what, where=where, hint=hint)
            if _is_range(part):
                check_range(f"parts.{name}", part, part.get("step", 1), "Narrow it.", where)
        if prod(count({"step": 1, **part}) if _is_range(part) else len(part) for part in parts.values()) < _FEWEST:
            raise PackError("generate.parts: fewer than four values", where=where, hint="Widen a part.")

    def generate(self, drawing: Drawing) -> list[Any]:
        columns = {name: _drawn(drawing, name, part) for name, part in _parts(drawing.options).items()}
        form = drawing.options["format"]
        return [form.format_map(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _parts(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in sorted(options.items()) if name != "format"}


def _is_range(part: Any) -> bool:
    """Whether it is one of numbers: words with weights have at least two that are no ends."""
    return isinstance(part, dict) and {"min", "max"} <= part.keys() <= {"min", "max", "step"}


def _drawn(drawing: Drawing, name: str, part: Any) -> list[str]:
    purpose = f"{drawing.purpose}.{name}"
    if _is_range(part):
        options = {"step": 1, **part}
        digits = digits_of(options["min"], options["step"])
        places = integers(drawing.seed, purpose, drawing.index, count(options))
        return [f"{value:.{digits}f}" for value in steps(options, places)]
    weights = dict(sorted(part.items())) if isinstance(part, dict) else dict.fromkeys(sorted(part), 1)
    words = list(weights)
    return [words[i] for i in choose(drawing.seed, purpose, drawing.index, list(weights.values())).tolist()]
