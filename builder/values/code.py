"""Codes: letters, digits and signs, one for each identity."""

from collections.abc import Sequence
from math import prod
from typing import Any

from fiubench.builder.values.base import WRONG, Altering, Drawing, ValueType, register
from fiubench.builder.values.combinations import combinations
from fiubench.support.errors import PackError

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
    perturb_keys = ()
    identifier = True

    def one_each(self, options: Any) -> bool:
        return options is not None

    def generate(self, drawing: Drawing) -> list[Any]:
        alphabets = code_alphabets(drawing.options)
        sizes, maker = [len(alphabet) for alphabet in alphabets], f"pattern {drawing.options!r} makes"
        places = combinations(drawing, sizes, f"{maker} {prod(sizes)} codes", "Make the pattern longer.")
        columns = [[alphabet[d] for d in digits.tolist()] for alphabet, digits in zip(alphabets, places, strict=True)]
        return ["".join(characters) for characters in zip(*columns, strict=True)]

    def perturb(self, values: Sequence[Any], altering: Altering) -> list[list[Any]]:
        """Change up to three characters. One place takes three distinct wrong characters, so no two are alike."""
        words = altering.words(4 * WRONG).tolist()
        return [_wrong_codes(code, row, altering) for code, row in zip(values, words, strict=True)]


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


def _wrong_codes(code: str, words: list[int], altering: Altering) -> list[str]:
    places = _variable_places(code, altering.generated)
    if not places:
        raise PackError(f"code {code!r} has no digit that could be another", where=altering.where)
    (first, alphabet), *others = [places[k] for k in _few(words[:3], len(places))]
    made = []
    for k, turn in enumerate(_few(words[3:6], len(alphabet) - 1)):
        characters = list(code)
        characters[first] = alphabet[(alphabet.index(code[first]) + 1 + turn) % len(alphabet)]
        for word, (place, letters) in zip(words[6 + 2 * k :], others, strict=False):
            characters[place] = letters[word * len(letters) >> 32]
        made.append("".join(characters))
    return made


def _few(words: list[int], bound: int) -> list[int]:
    """Distinct numbers below ``bound``, one a word as far as they last (``draws.distinct`` for a single row)."""
    left = list(range(bound))
    return [left.pop(word * len(left) >> 32) for word in words[:bound]]


def _variable_places(code: str, pattern: str | None) -> list[tuple[int, str]]:
    """Places of a code that may change, each with its alphabet: a pattern's wildcards, else every digit but a first."""
    if pattern is not None:
        alphabets = code_alphabets(pattern)
        return [(i, alphabet) for i, alphabet in enumerate(alphabets) if alphabet in (LETTERS, DIGITS)]
    return [(i, DIGITS) for i, c in enumerate(code) if c in DIGITS and (i or len(code) == 1)]
