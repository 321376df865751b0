"""English, American and British: articles by sound, dates, and spellings of which both are right."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from fiubench.builder.languages.base import Language, register

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
          "November", "December")  # fmt: skip
# Written with a vowel and spoken with a consonant (a unit, a European), and the other way round (an hour, an 8 ...).
_SPOKEN_CONSONANT = re.compile(
    r"uni(?!de|dio|ll|m[aimp]|n|r|ss)|unanim|us[aeu]|ut[aei]|ur[aeiou]|uk|ugand|uy|ubi|eu|ewe|one\b|once\b",
    re.IGNORECASE,
)
_SPOKEN_VOWEL = re.compile(r"hon(?:est|or)|hour|heir|herb(?!ert)|\$?(?:8|1[18](?!\d))", re.IGNORECASE)
_SPELLED_OUT = re.compile(r"([A-Z])[A-Z]{1,4}\b|([A-Z])-")  # HIV, RN, X-ray
_LETTERS_WITH_VOWEL_SOUND = frozenset("AEFHILMNORSX")
_SPACES = str.maketrans(dict.fromkeys("\n.,;:!?()[]{}\"'-/", " "))
_VOWELS = re.compile(r"[aeiouy]+")
_BETWEEN = re.compile(r",? and |, ")
_SUFFIXES = "s|ed|ing|able|ably|ite|ites|ful|fully|less|hood|hoods|er|ers|y|ist|ists|al|ally|ation|ism"
#: British endings and what they are in American English.
_BRITISH = tuple(
    (re.compile(pattern), american)
    for pattern, american in (
        (rf"(?<=[a-z]{{2}})our(?=(?:{_SUFFIXES})?$)", "or"),  # favourite
        (r"is(?=(?:e|es|ed|er|ers|ing|able|ation|ations|ational)$)", "iz"),  # organise
        (r"ys(?=(?:e|es|ed|er|ers|ing)$)", "yz"),  # analyse
        (r"(?<=[bt])re(?=s?$)", "er"),  # centre, fibre
        (r"(?<=en)ce(?=(?:s|less)?$)", "se"),  # defence
        (r"ogue(?=s?$)", "og"),  # catalogue
        (r"ll(?=(?:ed|ing|er|ers|or|ors)$)", "l"),  # travelled
        (r"ae|oe", "e"),  # paediatric, oestrogen
        (r"gramme(?=s?$)", "gram"),
    )
)
_OTHERS = frozenset(
    "aeroplane aluminium artefact cheque chequebook draught gaol grey jewellery kerb manoeuvre maths mould moustache "  # noqa: SIM905
    "mum plough pyjamas sceptical skilful storey tyre whilst wilful woollen yoghurt".split()
)


@lru_cache(maxsize=1 << 15)
def article(noun: str) -> str:
    """ "a" or "an" for the noun phrase, by its sound: an hour, a unit, an HIV test, a UPS driver.

    A small rule with its exceptions: libraries for this cost two CPU-seconds of import and still err.
    """
    if spelled := _SPELLED_OUT.match(noun):
        return "an" if (spelled[1] or spelled[2]) in _LETTERS_WITH_VOWEL_SOUND else "a"
    if _SPOKEN_CONSONANT.match(noun):
        return "a"
    return "an" if _SPOKEN_VOWEL.match(noun) or noun[:1].lower() in tuple("aeiou") else "a"


@lru_cache(maxsize=1 << 17)
def long_form(iso: str) -> str:
    """ "2022-04-05" as "April 5, 2022"."""
    return f"{MONTHS[int(iso[5:7]) - 1]} {int(iso[8:10])}, {int(iso[:4])}"


@lru_cache(maxsize=1 << 15)
def _spellings(iso: str) -> tuple[str, ...]:
    """May 6, 2022 as 6 May 2022, 2022-05-06, 5/6/2022 and the like."""
    year, number, d = iso[:4].lstrip("0"), int(iso[5:7]), int(iso[8:])
    month, suffix = MONTHS[number - 1], "th" if 10 < d < 20 else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")
    short, long = f"{number}/{d}/{year}", f"{number:02}/{d:02}/{year}"
    forms = f"{month} {d}{suffix}, {year}", f"{d} {month} {year}", iso, short
    return forms if short == long else (*forms, long)


@register
class English(Language):
    """English as it is written in the United States; British spelling is as right."""

    code, name = "en", "English"
    endings = ('."', ".”", ".'", "!")
    dated = tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            rf"(?P<month>{'|'.join(MONTHS)}) (?P<day>\d+), (?P<year>\d{{4}})",
            r"(?P<month>\d+)/(?P<day>\d+)/(?P<year>\d{4})",
        )
    )
    months = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
    articles = {"a": {}}
    article_forms = frozenset(("a", "an"))
    pronouns = {"he": ("he", "she"), "him": ("him", "her"), "his": ("his", "her")}
    gendered = re.compile(
        r"\b(?:he|him|his|himself|she|hers?|herself|m[ae]n|wom[ae]n|lady|ladies|gentlem[ae]n|boys?|girls?|mrs?|ms|miss)\b",
        re.IGNORECASE,
    )
    #: Padded words in text without punctuation are found ten times as fast as by a regular expression of them.
    padded = tuple(f" {word} " for word in ("he", "him", "his", "himself", "she", "her", "hers", "herself"))
    marks = frozenset(
        "the of and is were are this that these which what who whom where when how does did do with for from has have "  # noqa: SIM905
        "by to at on be can could you tell me been their it its".split()
    )
    dictionary = "en"
    small = frozenset("a an the of in is to at on by for and was his her my this that with".split())  # noqa: SIM905
    word = re.compile(r"[a-z']+(?![\w\x00])(?<![\x00])", re.IGNORECASE)
    doubled = re.compile(r"\b([a-z]+) \1\b")
    unfinished = re.compile(r"\b(?:is|was|were|are|be|by|of|to|as|with|for|the|an?)\s*[.!]*$")

    def date(self, iso: str) -> str:
        return long_form(iso)

    def date_parts(self, iso: str) -> dict[str, str]:
        day, year = self.date(iso).split(", ")
        return {"day": day, "year": year}

    def date_spellings(self, iso: str) -> Sequence[str]:
        return _spellings(iso)

    def join(self, items: Sequence[str]) -> str:
        return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))

    def split(self, text: str) -> list[str]:
        return _BETWEEN.split(text)

    def article(self, wanted: str, noun: str, gender: str | None) -> str:
        return article(noun)

    def article_fits(self, article_: str, noun: str, gender: str | None) -> bool:
        return article_ == article(noun)

    def revealing(self, text: str) -> Iterator[str]:
        words = f" {text.lower().translate(_SPACES)} "
        return (padded.strip() for padded in self.padded if padded in words)

    def spelled_otherwise(self, word: str, is_known: Callable[[str], bool]) -> bool:
        """Whether it is American English but for its British spelling, or in a short list."""
        if word in _OTHERS or word.removesuffix("s") in _OTHERS:
            return True
        return any(is_known(american) for rule, new in _BRITISH if (american := rule.sub(new, word)) != word)

    def reading_grade(self, sentence: str) -> float:
        """Flesch-Kincaid grade: 0.39 words + 11.8 syllables per word - 15.59 (Kincaid et al., 1975).

        A syllable is a run of vowels, one less for a final silent e.
        """
        words = re.findall(r"[a-z]+", sentence.lower())
        if not words:
            return 0.0
        syllables = sum(
            max(len(_VOWELS.findall(word)) - (word.endswith("e") and not word.endswith("le")), 1) for word in words
        )
        return 0.39 * len(words) + 11.8 * syllables / len(words) - 15.59


@register
class BritishEnglish(English):
    """English as it is written in the United Kingdom: 5 April 2022."""

    code, name = "en-GB", "British English"
    dated = (re.compile(rf"(?P<day>\d+) (?P<month>{'|'.join(MONTHS)}) (?P<year>\d{{4}})", re.IGNORECASE),)

    def date(self, iso: str) -> str:
        return f"{int(iso[8:10])} {MONTHS[int(iso[5:7]) - 1]} {int(iso[:4])}"

    def date_parts(self, iso: str) -> dict[str, str]:
        day, _, year = self.date(iso).rpartition(" ")
        return {"day": day, "year": year}

    def date_spellings(self, iso: str) -> Sequence[str]:
        year, month, day = iso[:4].lstrip("0"), int(iso[5:7]), int(iso[8:])
        name = MONTHS[month - 1]
        return tuple(
            dict.fromkeys((f"{name} {day}, {year}", iso, f"{day}/{month}/{year}", f"{day:02}/{month:02}/{year}"))
        )
