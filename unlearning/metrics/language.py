"""Whether a text is language at all: loops, different word pairs, letters. Pure functions of strings.

No dictionary and no language is assumed: what is looked for is what texts of no language have.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

_LONGEST = 100  # characters that come again and again in a loop, at most
# Units of a few letters and longer ones apart: "aaab aaab aaab" is a loop of five characters and one of "a".
_LOOPS = (re.compile(r"(.{1,3}?)\1{2,}"), re.compile(rf"(.{{4,{_LONGEST}}}?)\1{{2,}}"))
# What makes a text gibberish. Answers have numbers such as 555-5555 and 1,000,000,000, and typing errors.
_TIMES, _LENGTH = 4, 12  # a loop comes at least so often, and is so many characters long
_WORDS, _DISTINCT = 12, 0.5  # of at least so many words, fewer than this share of the pairs are different
_LETTERS = 1 / 3  # fewer than this share of the characters are letters or digits


@dataclass(frozen=True)
class Loop:
    """The same characters three times on end, or more."""

    start: int  # in the text as :func:`_folded` makes it
    text: str
    times: int


@lru_cache(maxsize=1 << 14)
def repetition(text: str) -> float:
    """Share of a text's characters, spaces aside, that stand in a loop of three rounds or more; 0 of an empty text."""
    folded = _folded(text)
    inside = {i for loop in _loops(folded) for i in range(loop.start, loop.start + len(loop.text))}
    places = [i for i, character in enumerate(folded) if character != " "]
    return sum(i in inside for i in places) / len(places) if places else 0.0


@lru_cache(maxsize=1 << 14)
def distinct_pairs(text: str) -> float:
    """Different pairs of neighbouring words / all pairs (distinct-2: Li et al., 2016); 1 for a single word, 0 for none.

    "TheThe" is two words: capitals begin one.
    """
    words = _words(text)
    pairs = list(pairwise(words))
    return len(set(pairs)) / len(pairs) if pairs else float(bool(words))


def is_gibberish(text: str, like: Iterable[str] = ()) -> bool:
    """Whether a text is no language.

    That is, one of these holds of it and of none of the texts ``like`` it:

    - fewer than a third of its characters, spaces aside, are letters or digits; so of an empty text;
    - the same characters, a letter or digit among them, come four times on end, 12 characters in all or more;
    - it has 12 words or more, and fewer than half of the pairs of neighbouring words are different.
    """
    return bool(found := _signs(text)) and not found <= {sign for other in like for sign in _signs(other)}


@lru_cache(maxsize=1 << 16)
def _signs(text: str) -> frozenset[str]:
    """Which of the signs of gibberish a text has."""
    folded, words = _folded(text), _words(text)
    solid = folded.replace(" ", "")
    loops = (one for one in _loops(folded) if one.times >= _TIMES and len(one.text) >= _LENGTH)
    signs = {
        "letters": sum(map(_is_letter, solid)) < _LETTERS * len(solid) or not solid,
        "loop": any(any(map(_is_letter, one.text)) for one in loops),
        "pairs": len(words) >= _WORDS and distinct_pairs(text) < _DISTINCT,
    }
    return frozenset(name for name, there in signs.items() if there)


def _loops(folded: str) -> Iterator[Loop]:
    for pattern in _LOOPS:
        for found in pattern.finditer(folded):
            yield Loop(found.start(), found[0], len(found[0]) // len(found[1]))


def _folded(text: str) -> str:
    # with spaces around it the first and the last round of "B+ B+ B+" are rounds too
    return f" {' '.join(unicodedata.normalize('NFKC', text).casefold().split())} "


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> list[str]:
    made, before = [], ""
    for character in unicodedata.normalize("NFKC", text):
        parted = not _is_letter(character) or (character.isupper() and before.islower())
        made.append(" " if not _is_letter(character) else f" {character}" if parted else character)
        before = character
    return "".join(made).casefold().split()


@cache
def _is_letter(character: str) -> bool:
    """A letter, a digit, or a mark that belongs to one, of any script."""
    return unicodedata.category(character)[0] in "LMN"
