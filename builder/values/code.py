"""Codes: letters, digits and signs, one for each identity."""

from typing import Any

import numpy as np
from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.raw_sources.drawn import NOBODY
from fiubench.support.draws import Ints, below, draw, permute
from fiubench.support.errors import PackError

LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789"  # no I and O: they read as 1 and 0
_LARGEST_SPACE = 1 << 62


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
    one_each = True
    identifier = True

    def generate(self, drawing: Drawing) -> list[Any]:
        alphabets, index = code_alphabets(drawing.options), drawing.index
        space = 1
        for alphabet in alphabets:
            space *= len(alphabet)
        last = int(index.max()) if len(index) else 0
        if last < NOBODY and space <= last:
            raise PackError(
                f"pattern {drawing.options!r} makes {space} codes, and {last + 1} identities need one each",
                where=drawing.where,
                hint="Make the pattern longer.",
            )
        if last < NOBODY and space < _LARGEST_SPACE:
            number = permute(drawing.seed, drawing.purpose, index, space)
            places: list[Ints] = []
            for alphabet in reversed(alphabets):
                number, digit = np.divmod(number, len(alphabet))
                places.insert(0, digit)
        else:  # so many codes that two alike will not be met, or the reference population, where that does no harm
            words = draw(drawing.seed, drawing.purpose, index, words=len(alphabets))
            places = [below(words[:, k], len(alphabet)) for k, alphabet in enumerate(alphabets)]
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
