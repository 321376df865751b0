"""Faults of a sentence that can be seen without knowing what it is about."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from fiubench.builder.audit.british import is_british

if TYPE_CHECKING:
    from spellchecker import SpellChecker

#: Stands for a value that was taken out of a sentence.
VALUE = "\x00"

_DOUBLED = re.compile(r"\b([a-z]+) \1\b")
_WORDS = re.compile(r"[a-z']+(?![\w\x00])(?<![\x00])", re.IGNORECASE)
_GLUED = re.compile(r"^([a-z]+'s)([a-z]+)$")
_SMALL = frozenset(
    "a an the of in is to at on by for and was his her my this that with".split()  # noqa: SIM905
)
_SPACE_BEFORE_MARK = re.compile(r"\s[.,;:?!](?:\s|$)")
_FULL_STOP = (".", '."', ".”", ".'", "!")
_UNFINISHED = re.compile(r"\b(?:is|was|were|are|be|by|of|to|as|with|for|the|an?)\s*[.!]*$")
_VOWELS = re.compile(r"[aeiouy]+")
_SHORTEST, _KNOWN_WELL = 5, 100  # letters of a word that is corrected; occurrences of what it is corrected to


class Faults(NamedTuple):
    """What is wrong with the words of a sentence: the offending piece, or ``None``."""

    doubled: str | None
    glued: str | None
    misspelled: str | None


def template(sentence: str, *values: str | None) -> str:
    """The sentence without its values, in whatever case they are written."""
    folded = sentence.casefold()
    for value in values:
        if value and (at := folded.find(value.casefold())) >= 0 and len(folded) == len(sentence):
            sentence = sentence[:at] + VALUE + sentence[at + len(value) :]
            folded = sentence.casefold()
    return sentence


@lru_cache(maxsize=1 << 15)
def faults(words: str, known: frozenset[str] = frozenset()) -> Faults:
    """Doubled, glued and misspelled words of a sentence without its values (a few thousand differ in a dataset).

    Args:
        words: the sentence.
        known: words in lower case that are right, whatever the dictionary says.
    """
    doubled = _DOUBLED.search(words.lower())
    glued = misspelled = None
    for match in _WORDS.finditer(words):
        word = match[0]
        if word[0].isupper() and match.start():  # a name inside the sentence
            continue
        lower = word.lower().strip("'")
        kind, piece = ("", "") if lower.removesuffix("'s") in known else _look_at(lower)
        if kind == "glued":
            glued = glued or piece
        elif kind == "misspelled":
            misspelled = misspelled or piece
    return Faults(doubled[0] if doubled else None, glued, misspelled)


@lru_cache(maxsize=1 << 15)
def _look_at(word: str) -> tuple[str, str]:
    """("glued" or "misspelled" or "", what it should be) for a lower-case word."""
    if match := _GLUED.match(word):
        return "glued", f"{word} ({match[1]} {match[2]})"
    bare = word.removesuffix("'s").replace("'", "")
    dictionary = _dictionary()
    if len(bare) < 3 or bare in dictionary or word in dictionary or is_british(bare, dictionary.__contains__):
        return "", ""
    near = [other for other in dictionary.edit_distance_1(bare) if dictionary[other] >= _KNOWN_WELL]
    nearest = max(near, key=lambda other: (dictionary[other], other)) if near and len(bare) >= _SHORTEST else ""
    parts = _parts(bare)
    # "preson" is not "pres on", but "acrime" is "a crime"
    if parts and (nearest == parts[1] or dictionary[nearest] <= dictionary[parts[1]]):
        return "glued", f"{word} ({parts[0]})"
    return ("misspelled", f"{word} ({nearest})") if nearest else ("", "")


def _parts(word: str) -> tuple[str, str] | None:
    """The two words that it is made of, one of them small, and the other one."""
    for at in range(1, len(word)):
        left, right = word[:at], word[at:]
        for small, other in ((left, right), (right, left)):
            if small in _SMALL and len(other) > 2 and other in _dictionary():
                return f"{left} {right}", other
    return None


@cache
def _dictionary() -> "SpellChecker":
    from spellchecker import SpellChecker  # noqa: PLC0415

    return SpellChecker()


def outer_spaces(sentence: str) -> bool:
    """Whether it begins or ends with white space, or has two spaces in a row."""
    return sentence != sentence.strip() or "  " in sentence


def badly_ended(sentence: str, *, question: bool) -> bool:
    """Whether the final mark is another than it should be, or a mark follows a space."""
    bare = sentence.rstrip()
    ended = bare.endswith("?") if question else bare.endswith(_FULL_STOP)
    return not ended or _SPACE_BEFORE_MARK.search(sentence) is not None


def unfinished(sentence: str) -> bool:
    """Whether nothing follows its last verb or preposition ("The second language is .")."""
    return _UNFINISHED.search(sentence.rstrip()) is not None


@lru_cache(maxsize=1 << 16)
def reading_grade(sentence: str) -> float:
    """Flesch-Kincaid grade of one sentence: 0.39 words + 11.8 syllables per word - 15.59 (Kincaid et al., 1975).

    A syllable is a run of vowels, one less for a final silent e.
    """
    words = re.findall(r"[a-z]+", sentence.lower())
    if not words:
        return 0.0
    syllables = sum(
        max(len(_VOWELS.findall(word)) - (word.endswith("e") and not word.endswith("le")), 1) for word in words
    )
    return 0.39 * len(words) + 11.8 * syllables / len(words) - 15.59
