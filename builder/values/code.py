"""Codes: letters, digits and signs, one for each identity."""

from math import prod
from typing import Any

from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.builder.values.combinations import combinations

LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789"  # no I and O: they read as 1 and 0


@register
class Code(ValueType):
    """Passport, complaint and licence numbers."""

    name = "code"
    help = "codes of letters and digits"
    generator = "code"
    generator_options = {
        "type": "string",
        "minLength": 1,
        "maxLength": 40,
        "description": "A: letter, #: digit, anything else as it is; \\A and \\# for the characters themselves. "
        "Unique for every identity.",
    }
    identifier = True

    def one_each(self, options: Any) -> bool:
        return options is not None

    def generate(self, drawing: Drawing) -> list[Any]:
        alphabets = code_alphabets(drawing.options)
        sizes, maker = [len(alphabet) for alphabet in alphabets], f"pattern {drawing.options!r} makes"
        places = combinations(drawing, sizes, f"{maker} {prod(sizes)} codes", "Make the pattern longer.")
        columns = [[alphabet[d] for d in digits.tolist()] for alphabet, digits in zip(alphabets, places, strict=True)]
        return ["".join(characters) for characters in zip(*columns, strict=True)]


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
