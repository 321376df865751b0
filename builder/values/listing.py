"""Lists: several things of a kind, as the allergies of a person."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from math import comb
from typing import Any

from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.builder.values.english import words_of
from fiubench.raw_sources.drawn import Anew, Drawn, nobody
from fiubench.support.draws import draw, integers
from fiubench.support.errors import PackError

_MOST = 8  # of a list
_FEWEST = 4  # lists of each length: the true one and three wrong ones
_SCALE = 1 << 20  # of weights, as whole numbers
_ALL_ORDERS = 4  # longer lists are looked for as they are written
_COUNT = {"type": "integer", "minimum": 1, "maximum": _MOST}


@register
class List(ValueType):
    """Things of a kind, none twice, in alphabetical order: "latex, penicillin and wheat"."""

    name = "list"
    help = "lists of things"
    json_type = {
        "type": "array",
        "minItems": 1,
        "maxItems": _MOST,
        "uniqueItems": True,
        "items": {"type": "string", "minLength": 1},
    }
    hint = "A list is generated, chosen or read."
    generator = "list"
    generator_options = {
        "type": "object",
        "required": ["of", "count"],
        "additionalProperties": False,
        "properties": {
            "of": {"$ref": "#/$defs/weighted"},
            "count": {
                "if": {"type": "object"},
                "then": {
                    "required": ["min", "max"],
                    "additionalProperties": False,
                    "properties": {"min": _COUNT, "max": _COUNT},
                },
                "else": _COUNT,
            },
        },
    }
    worded = True
    in_parts = True
    translated = True
    wrong = "lists of the same length"

    def write(self, value: Any) -> str:
        return self.language.join(value)

    def parse(self, text: str) -> list[str] | None:
        items = sorted(filter(None, map(str.strip, self.language.split(text))))
        return items if items and len(set(items)) == len(items) <= _MOST else None

    def word_forms(self, value: Any) -> list[list[str]]:
        orders = permutations(value) if len(value) <= _ALL_ORDERS else [value]
        return [words_of(self.write(order)) for order in orders]

    def keyword_parts(self, value: Any) -> dict[str, str]:
        return {f"item {number}": item for number, item in enumerate(value, 1)}

    def check_options(self, options: Any, where: object) -> None:
        fewest, most = _counts(options)
        if most < fewest:
            raise PackError(f"generate.list: max {most} is less than min {fewest}", where=where, hint="Exchange them.")
        for item in options["of"]:
            if "," in item or len(self.language.split(item)) > 1:
                what, hint = f"generate.list: {item!r} reads as two", "Leave out commas and `and`."
                raise PackError(what, where=where, hint=hint)
        for count in (fewest, most):
            if comb(len(options["of"]), count) < _FEWEST:
                what = f"generate.list: {len(options['of'])} things make fewer than {_FEWEST} lists of {count}"
                raise PackError(what, where=where, hint="Lengthen `of`, so that there are wrong answers.")

    def generate(self, drawing: Drawing) -> list[Any]:
        fewest, most = _counts(drawing.options)
        more = integers(drawing.seed, f"{drawing.purpose}.count", drawing.index, most - fewest + 1)
        return _lists(drawing, (fewest + more).tolist())

    def drawn(self, values: Sequence[Any], drawing: Drawing) -> Drawn:
        """Lists of the same length."""
        counts = list(map(len, values))

        def make(turn: int) -> list[Any]:
            return _lists(replace(drawing, index=nobody(drawing.index, turn)), counts)

        return Anew(make, own=False)


def _counts(options: Mapping[str, Any]) -> tuple[int, int]:
    count = options["count"]
    return (count, count) if isinstance(count, int) else (count["min"], count["max"])


def _lists(drawing: Drawing, counts: Sequence[int]) -> list[list[str]]:
    """So many things for each identity, one after the other, by the weights of those that are left."""
    of = drawing.options["of"]
    weights = of if isinstance(of, dict) else dict.fromkeys(of, 1)
    items, largest = sorted(weights), max(weights.values())
    whole = [max(1, round(weights[item] / largest * _SCALE)) for item in items]
    made = []
    for count, words in zip(
        counts, draw(drawing.seed, drawing.purpose, drawing.index, words=_MOST).tolist(), strict=True
    ):
        left = list(range(len(items)))
        for word in words[:count]:
            point = word * sum(whole[i] for i in left) >> 32
            for i in left:
                point -= whole[i]
                if point < 0:
                    left.remove(i)
                    break
        made.append([item for i, item in enumerate(items) if i not in left])
    return made
