"""Reading what a foreign dataset asks about, and the value in its answer, from the wording alone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from fiubench.builder.values import dates
from fiubench.support.errors import ConfigError
from fiubench.support.yaml_file import load_yaml

_GLUED = re.compile(r"'s(?=[a-z])")
_SPACES = re.compile(r"\s+")
_VERB = re.compile(r"\b(?:is|was|were|are|has|have|had)\b")
_MONTHS = {name.lower(): number for number, name in enumerate(dates.MONTHS, 1)}
_WORDED = ("name", "enum", "text", "address")


@dataclass(frozen=True)
class Entry:
    """An attribute as ``recognition.yaml`` declares it."""

    attribute: str
    category: str
    type: str
    question: re.Pattern[str]
    value: re.Pattern[str]
    sourced: bool


@dataclass(frozen=True)
class Catalogue:
    """All entries, in the order in which they are tried."""

    subject: re.Pattern[str]
    date: re.Pattern[str]
    entries: tuple[Entry, ...]


@cache
def catalogue() -> Catalogue:
    """The entries of ``recognition.yaml`` (read once a process)."""
    document = load_yaml(Path(str(resources.files("fiubench.builder.audit").joinpath("recognition.yaml"))), ConfigError)
    entries = tuple(
        Entry(
            entry["attribute"],
            entry["category"],
            entry["type"],
            re.compile(entry["question"]),
            re.compile(entry.get("value") or document["types"][entry["type"]]),
            entry.get("source") != "none",
        )
        for entry in document["attributes"]
    )
    subject = re.compile("|".join(document["subject"]))
    return Catalogue(subject, re.compile(document["types"]["date"]), entries)


def fold(text: str) -> str:
    """Lower case, single spaces, and a space after "'s" where none is."""
    return _GLUED.sub("'s ", _SPACES.sub(" ", text.lower()).strip())


@lru_cache(maxsize=1 << 16)
def asked_about(question: str) -> Entry | None:
    """What a question asks about; ``None`` if no entry knows it."""
    folded = fold(question)
    return next((entry for entry in catalogue().entries if entry.question.search(folded)), None)


def without_subject(answer: str) -> str:
    """An answer, folded, without what it repeats of its question."""
    return _SPACES.sub(" ", catalogue().subject.sub("", fold(answer))).strip()


def dates_in(answer: str) -> list[str]:
    """The dates in an answer, in ISO form."""
    found = (typed("date", match[0]) for match in catalogue().date.finditer(fold(answer)))
    return [day for day in found if day is not None]


def value_in(entry: Entry, answer: str) -> str | None:
    """The value in an answer, folded; ``None`` where none is found."""
    folded = without_subject(answer)
    if match := entry.value.search(folded):
        found = next((group for group in match.groups() if group), "")
    elif entry.type in _WORDED and not _VERB.search(folded):
        found = folded  # "lisinopril."
    else:
        return None
    return found.strip(' .,;:"') or None


def typed(kind: str, text: str) -> Any:
    """A folded value in the JSON form of its type; ``None`` where it is not of that type."""
    reader = _READERS.get(kind)
    return text if reader is None else reader(text)


_LONG_DATE = re.compile(rf"({'|'.join(dates.MONTHS).lower()}) (\d+), (\d+)")


def _date(text: str) -> str | None:
    if match := _LONG_DATE.fullmatch(text):
        month, day, year = _MONTHS[match[1]], int(match[2]), int(match[3])
    elif match := re.fullmatch(r"(\d+)/(\d+)/(\d+)", text):
        month, day, year = (int(match[k]) for k in (1, 2, 3))
    else:
        year, month, day = (int(part) for part in text.split("-"))
    try:
        return date(year, month, day).isoformat()
    except ValueError:  # February 30
        return None


def _money(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


_ADDRESS = re.compile(r"(?P<street>.*?),? ?(?P<city>[^,\d]*),? (?P<state>[a-z]{2}) (?P<zip>\d{5})(?:-\d{4})?")


def _address(text: str) -> dict[str, str] | None:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    parts = {name: found.strip() for name, found in match.groupdict().items()}
    return {**parts, "city": parts["city"].title(), "state": parts["state"].upper()}


def _integer(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _phone(text: str) -> str:
    digits = "".join(c for c in text if c.isdigit())[-10:]
    return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"


_READERS: dict[str, Callable[[str], Any]] = {
    "address": _address,
    "date": _date,
    "integer": _integer,
    "money": _money,
    "phone": _phone,
}
