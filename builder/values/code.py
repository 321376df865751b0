"""Codes: letters, digits and signs, one for each identity."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.builder.values.check_digits import CHECKS
from fiubench.builder.values.combinations import combinations
from fiubench.support.errors import PackError

LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789"  # no I and O: they read as 1 and 0
_CHECK = "*"  # where a check digit stands
_PATTERN = {"type": "string", "minLength": 1, "maxLength": 40}


@register
class Code(ValueType):
    """Passport, complaint and licence numbers."""

    name = "code"
    help = "codes of letters and digits"
    generator = "code"
    generator_options = {
        "description": "A: letter, #: digit, anything else as it is; \\A and \\# for the characters themselves. "
        "Unique for every identity. With `check`, * is a check digit.",
        "if": {"type": "object"},
        "then": {
            "required": ["pattern", "check"],
            "additionalProperties": False,
            "properties": {"pattern": _PATTERN, "check": {"enum": list(CHECKS)}},
        },
        "else": _PATTERN,
    }
    identifier = True

    def check_options(self, options: Any, where: object) -> None:
        if isinstance(options, str):
            return
        check, places = CHECKS[options["check"]], _signs(_alphabets(options))
        if places.count(_CHECK) != check.places:
            what = f"generate.code: {places.count(_CHECK)} times * in {options['pattern']!r}"
            raise PackError(what, where=where, hint=f"`check: {options['check']}` wants {_CHECK * check.places} once.")
        if fault := check.fault(places):
            what = f"generate.code: {options['pattern']!r} is no pattern for `check: {options['check']}`"
            raise PackError(what, where=where, hint=f"A pattern with `check: {options['check']}` {fault}.")

    def one_each(self, options: Any) -> bool:
        return options is not None

    def generate(self, drawing: Drawing) -> list[Any]:
        alphabets, options = _alphabets(drawing.options), drawing.options
        pattern = options if isinstance(options, str) else options["pattern"]
        sizes, maker = [len(alphabet) for alphabet in alphabets], f"pattern {pattern!r} makes"
        places = combinations(drawing, sizes, f"{maker} {prod(sizes)} codes", "Make the pattern longer.")
        columns = [[alphabet[d] for d in digits.tolist()] for alphabet, digits in zip(alphabets, places, strict=True)]
        made = ["".join(characters) for characters in zip(*columns, strict=True)]
        return made if isinstance(options, str) else [_with_check(code, options["check"]) for code in made]


def _with_check(code: str, check: str) -> str:
    """A code with its check digits in the place of ``*``."""
    for digit in CHECKS[check].fill("".join(_signs(code))):
        code = code.replace(_CHECK, digit, 1)
    return code


def _signs(places: Sequence[str]) -> list[str]:
    """The places of a code but for spaces and dashes, which only group it."""
    return [place for place in places if place not in (" ", "-")]


def _alphabets(options: str | Mapping[str, str]) -> list[str]:
    """The characters that may stand at each place of a code."""
    if isinstance(options, str):
        return code_alphabets(options)
    without = CHECKS[options["check"]].without
    return [
        "".join(c for c in a if c not in without) if a == LETTERS else a for a in code_alphabets(options["pattern"])
    ]


def code_alphabets(pattern: str) -> list[str]:
    """The characters that may stand at each place of a code pattern."""
    alphabets, escaped = [], False
    for character in pattern:
        if character == "\\" and not escaped:
            escaped = True
            continue
        fixed = escaped or character not in "A#"
        alphabets.append(character if fixed else LETTERS if character == "A" else DIGITS)
        escaped = False
    return alphabets
