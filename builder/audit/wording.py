"""Faults of a sentence that can be seen without knowing what it is about."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from fiubench.builder.languages.base import Language
from fiubench.builder.languages.english import English

if TYPE_CHECKING:
    from spellchecker import SpellChecker

#: Stands for a value that was taken out of a sentence.
VALUE = "\x00"

_ENGLISH: Language = English()
_GLUED = re.compile(r"^([a-z]+'s)([a-z]+)$")
_SHORTEST = 5  # letters of a word that is corrected


class Faults(NamedTuple):
    """What is wrong with the words of a sentence: the offending piece, or ``None``."""

    doubled: str | None
    glued: str | None
    misspelled: str | None


def template(sentence: str, *values: str | None) -> str:
    """The sentence without its values, in whatever case they are written."""
    folded = sentence.lower()  # casefold() makes two letters of a German ß, and places move
    for value in values:
        if value and (at := folded.find(value.lower())) >= 0 and len(folded) == len(sentence):
            sentence = sentence[:at] + VALUE + sentence[at + len(value) :]
            folded = sentence.lower()
    return sentence


@lru_cache(maxsize=1 << 15)
def faults(words: str, known: frozenset[str] = frozenset(), language: Language = _ENGLISH) -> Faults:
    """Doubled, glued and misspelled words of a sentence without its values (a few thousand differ in a dataset).

    Args:
        words: the sentence.
        known: words in lower case that are right, whatever the dictionary says.
        language: of the sentence.
    """
    doubled = language.doubled.search(words.lower())
    glued = misspelled = None
    for match in language.word.finditer(words) if language.dictionary else ():
        word = match[0]
        if word[0].isupper() and match.start() and not language.nouns:  # a name inside the sentence
            continue
        lower = word.lower().strip("'")
        kind, piece = ("", "") if lower.removesuffix("'s") in known else _look_at(lower, language)
        if kind == "glued":
            glued = glued or piece
        elif kind == "misspelled":
            misspelled = misspelled or piece
    return Faults(doubled[0] if doubled else None, glued, misspelled)


@lru_cache(maxsize=1 << 15)
def _look_at(word: str, language: Language) -> tuple[str, str]:
    """("glued" or "misspelled" or "", what it should be) for a lower-case word."""
    if language.small and (match := _GLUED.match(word)):
        return "glued", f"{word} ({match[1]} {match[2]})"
    bare = word.removesuffix("'s").replace("'", "")
    dictionary = _dictionary(language.dictionary)
    if (
        len(bare) < 3
        or bare in dictionary
        or word in dictionary
        or language.spelled_otherwise(bare, dictionary.__contains__)
    ):
        return "", ""
    near = [other for other in dictionary.edit_distance_1(bare) if dictionary[other] >= language.common]
    nearest = max(near, key=lambda other: (dictionary[other], other)) if near and len(bare) >= _SHORTEST else ""
    parts = _parts(bare, language)
    # "preson" is not "pres on", but "acrime" is "a crime"
    if parts and (nearest == parts[1] or dictionary[nearest] <= dictionary[parts[1]]):
        return "glued", f"{word} ({parts[0]})"
    return ("misspelled", f"{word} ({nearest})") if nearest else ("", "")


def _parts(word: str, language: Language) -> tuple[str, str] | None:
    """The two words that it is made of, one of them small, and the other one."""
    for at in range(1, len(word)):
        left, right = word[:at], word[at:]
        for small, other in ((left, right), (right, left)):
            if small in language.small and len(other) > 2 and other in _dictionary(language.dictionary):
                return f"{left} {right}", other
    return None


@cache
def _dictionary(name: str) -> "SpellChecker":
    from spellchecker import SpellChecker  # noqa: PLC0415

    return SpellChecker(language=name)


def outer_spaces(sentence: str) -> bool:
    """Whether it begins or ends with white space, or has two spaces in a row."""
    return sentence != sentence.strip() or "  " in sentence


def badly_ended(sentence: str, *, question: bool, language: Language = _ENGLISH) -> bool:
    """Whether the final mark is another than it should be, or a mark within is."""
    bare = sentence.rstrip()
    ends = language.question_mark if question else (language.full_stop, *language.endings)
    return not bare.endswith(ends) or language.badly_marked(sentence)


def unfinished(sentence: str, language: Language = _ENGLISH) -> bool:
    """Whether nothing follows its last verb or preposition ("The second language is .")."""
    return language.unfinished.search(sentence.rstrip()) is not None
