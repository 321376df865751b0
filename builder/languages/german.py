"""German: 1. November 2024, 12.345 $, articles by the gender of nouns."""

import re
from collections.abc import Callable, Sequence

from fiubench.builder.languages.base import Language, register

MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
          "Dezember")  # fmt: skip
_BETWEEN = re.compile(r" und |, ")
_VOWELS = re.compile(r"[aeiouäöüy]+")
_SHORTEST = 4  # letters of a part of a compound


@register
class German(Language):
    """German as it is written in Germany.

    "sie" and "ihr" reveal no gender: the word Person is feminine, and they may stand for it.
    """

    code, name = "de", "German"
    endings = (".“", '."', "!")
    point, grouping = ",", "."
    months = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
    dated = tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            rf"(?P<day>\d+)\. (?P<month>{'|'.join(MONTHS)}) (?P<year>\d{{4}})",
            r"(?P<day>\d+)\.(?P<month>\d+)\.(?P<year>\d{4})",
        )
    )
    articles = {
        "ein": {"m": "ein", "f": "eine", "n": "ein"},
        "einen": {"m": "einen", "f": "eine", "n": "ein"},
        "einem": {"m": "einem", "f": "einer", "n": "einem"},
        "der": {"m": "der", "f": "die", "n": "das"},
        "den": {"m": "den", "f": "die", "n": "das"},
        "dem": {"m": "dem", "f": "der", "n": "dem"},
    }
    pronouns = {
        "er": ("er", "sie"), "ihn": ("ihn", "sie"), "ihm": ("ihm", "ihr"), "sein": ("sein", "ihr"),
        "seine": ("seine", "ihre"), "seinen": ("seinen", "ihren"), "seinem": ("seinem", "ihrem"),
        "seiner": ("seiner", "ihrer"), "seines": ("seines", "ihres"),
    }  # fmt: skip
    gendered = re.compile(
        r"\b(?:[Ee]r|[Ii]hm|[Ii]hn|[Ss]ein(?=\s+[A-ZÄÖÜ])|[Ss]eine[mnrs]?|Mann(?:es)?|Männer|Frau(?:en)?|Herrn?|Damen?"
        r"|Jungen?|Mädchen|[Mm]ännlich\w*|[Ww]eiblich\w*)\b"
    )
    pronoun = re.compile(r"\b(?:[Ee]r|[Ii]hm|[Ii]hn|[Ss]eine[mnrs]?|[Ss]ein(?=\s+[A-ZÄÖÜ]))\b")
    person = "diese Person"
    marks = frozenset(
        "der das und ist nicht wurde wird mit von für auf eine einer einem einen eines ein dem des sich auch bei zum "  # noqa: SIM905
        "zur nach wie welche welcher welches welchem welchen wann wer wo dieser diese diesem dieses im als über aus "
        "lautet gehört laut ihr ihre unter seit ich es sie zu den".split()
    )
    dictionary, common = "de", 50
    word = re.compile(r"[a-zäöüß]+(?![\w\x00-])(?<![\x00])", re.IGNORECASE)
    # of articles that are relative pronouns, too, one may follow the other: die Person, die die Tür öffnet
    doubled = re.compile(r"\b(?!(?:die|der|das|den|dem)\b)([a-zäöüß]+) \1\b")
    nouns = True
    unfinished = re.compile(r"\b(?:ist|war|wurde|wird|von|mit|für|als|am|im|auf|lautet|eine?|der|die|das)\s*[.!]*$")

    def date(self, iso: str) -> str:
        """ "2024-11-01" as "1. November 2024"."""
        return f"{int(iso[8:10])}. {MONTHS[int(iso[5:7]) - 1]} {int(iso[:4])}"

    def date_parts(self, iso: str) -> dict[str, str]:
        day, _, year = self.date(iso).rpartition(" ")
        return {"day": day, "year": year}

    def date_spellings(self, iso: str) -> Sequence[str]:
        year, month, day = iso[:4].lstrip("0"), int(iso[5:7]), int(iso[8:])
        return tuple(dict.fromkeys((f"{day}.{month}.{year}", f"{day:02}.{month:02}.{year}", iso)))

    def money(self, amount: str) -> str:
        return f"{amount} $"

    def money_spellings(self, amount: str) -> Sequence[str]:
        return (f"{amount} $", f"{amount} Dollar", f"{amount} US-Dollar", f"{amount} USD")

    def join(self, items: Sequence[str]) -> str:
        return " und ".join(filter(None, (", ".join(items[:-1]), items[-1])))

    def split(self, text: str) -> list[str]:
        return _BETWEEN.split(text)

    def spelled_otherwise(self, word: str, is_known: Callable[[str], bool]) -> bool:
        """Whether it is a compound of two words that are in the dictionary, with or without a joining s."""
        for at in range(_SHORTEST, len(word) - _SHORTEST + 1):
            left, right = word[:at], word[at:]
            if is_known(right) and (is_known(left) or (left[-1] == "s" and is_known(left[:-1]))):
                return True
        return False

    def reading_grade(self, sentence: str) -> float:
        """The fourth Wiener Sachtextformel (Bamberger and Vanecek, 1984): 0.2656 words + 0.2744 times the percentage of
        words of three syllables or more - 1.693.
        """
        words = re.findall(r"[a-zäöüß]+", sentence.lower())
        if not words:
            return 0.0
        long = sum(len(_VOWELS.findall(word)) >= 3 for word in words)
        return 0.2656 * len(words) + 27.44 * long / len(words) - 1.693
