"""Typed values: how each fact type is written in a sentence, and how values of it are told apart.

A value is kept in its JSON form (see ``schemas/identity.schema.json``): a date is "2022-04-05", money a number of
dollars, an integer a number, an address an object of street, city, state and zip, everything else a string.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fiubench.builder.values.dates import long_form


def _money(value: float) -> str:
    return f"${value:,.2f}"


def _address(value: Mapping[str, str]) -> str:
    return f"{value['street']}, {value['city']}, {value['state']} {value['zip']}"


#: Fact type -> how a value of it reads in the middle of a sentence.
FORMATS: Mapping[str, Callable[[Any], str]] = {
    "address": _address,
    "code": str,
    "date": long_form,
    "enum": str,
    "integer": str,
    "money": _money,
    "name": str,
    "phone": str,
    "text": str,
}


def whole_dollars(value: float) -> str:
    """Money without cents: "$63,480"."""
    return f"${value:,.0f}"


def formatter(kind: str, cents: bool = True) -> Callable[[Any], str]:
    """The text form of a fact type; money can leave its cents out."""
    return whole_dollars if kind == "money" and not cents else FORMATS[kind]


@dataclass(frozen=True)
class Column:
    """One fact of a block of identities: values, their texts, and where each came from."""

    kind: str
    values: list[Any]
    text: list[str]
    origin: list[str]

    @classmethod
    def of(cls, kind: str, values: list[Any], origin: str | list[str], cents: bool = True) -> "Column":
        """Format the values; ``origin`` is one for all or one each."""
        origins = [origin] * len(values) if isinstance(origin, str) else origin
        return cls(kind, values, list(map(formatter(kind, cents), values)), origins)


# Written with a vowel and spoken with a consonant (a unit, a European), and the other way round (an hour, an 8 ...).
_SPOKEN_CONSONANT = re.compile(
    r"uni(?!de|dio|ll|m[aimp]|n|r|ss)|unanim|us[aeu]|ut[aei]|ur[aeiou]|uk|ugand|uy|ubi|eu|ewe|one\b|once\b",
    re.IGNORECASE,
)
_SPOKEN_VOWEL = re.compile(r"hon(?:est|or)|hour|heir|herb(?!ert)|\$?(?:8|1[18](?!\d))", re.IGNORECASE)
_SPELLED_OUT = re.compile(r"([A-Z])[A-Z]{1,4}\b|([A-Z])-")  # HIV, RN, X-ray
_LETTERS_WITH_VOWEL_SOUND = frozenset("AEFHILMNORSX")


def article(noun: str) -> str:
    """ "a" or "an" for the noun phrase, by its sound: an hour, a unit, an HIV test, a UPS driver.

    A small rule with its exceptions: libraries for this cost two CPU-seconds of import and still err.
    """
    if spelled := _SPELLED_OUT.match(noun):
        return "an" if (spelled[1] or spelled[2]) in _LETTERS_WITH_VOWEL_SOUND else "a"
    if _SPOKEN_CONSONANT.match(noun):
        return "a"
    return "an" if _SPOKEN_VOWEL.match(noun) or noun[:1].lower() in tuple("aeiou") else "a"
