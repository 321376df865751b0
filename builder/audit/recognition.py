"""Reading what a foreign dataset asks about, and the value in its answer, from the wording alone."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

from fiubench.builder.values.base import VALUE_TYPES
from fiubench.support.errors import ConfigError
from fiubench.support.yaml_file import load_yaml

_GLUED = re.compile(r"'s(?=[a-z])")
_SPACES = re.compile(r"\s+")
_NAME = re.compile(r"[^\W\d_a-z][\w.-]*(?: [^\W\d_a-z][\w.-]*)+")  # words in a row that begin with a capital
_VERB = re.compile(r"\b(?:is|was|were|are|has|have|had)\b")


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


def impersonal(question: str, answer: str) -> tuple[str, str]:
    """A question by name and its answer with "the person" for the name, as far as capitals show it."""
    for match in _NAME.finditer(question):
        name = match[0]
        if not match.start() and name.count(" ") > 1:  # "Does Ana Vell"
            name = name.partition(" ")[2]
        if name in answer:
            return question.replace(name, "the person"), answer.replace(name, "the person")
    return question, answer


def without_subject(answer: str) -> str:
    """An answer, folded, without what it repeats of its question."""
    return _SPACES.sub(" ", catalogue().subject.sub("", fold(answer))).strip()


def dates_in(answer: str) -> list[str]:
    """The dates in an answer, in ISO form."""
    found = (VALUE_TYPES["date"].parse(match[0]) for match in catalogue().date.finditer(fold(answer)))
    return [day for day in found if day is not None]


def value_in(entry: Entry, answer: str) -> str | None:
    """The value in an answer, folded; ``None`` where none is found."""
    folded = without_subject(answer)
    if match := entry.value.search(folded):
        found = next((group for group in match.groups() if group), "")
    elif VALUE_TYPES[entry.type].worded and not _VERB.search(folded):
        found = folded  # "lisinopril."
    else:
        return None
    return found.strip(' .,;:"') or None
