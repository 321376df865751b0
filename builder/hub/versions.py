"""Semantic versions of datasets: reading them, and which one a change calls for.

patch: wording only. minor: identities or attributes added. major: a fact of an existing identity changed, or somebody
moved between splits. So results measured on v1.2.0 can be compared with those on v1.2.1; on v1.3.0 they can for the
attributes and people that v1.2.0 had; on v2.0.0 they can't.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from fiubench.builder.dataset.compare import Difference, compare
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.support.errors import ConfigError, Refused

_FORM = re.compile(r"v?(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})", re.ASCII)
LEVELS = ("patch", "minor", "major")
#: Kinds of difference (see ``builder/dataset/compare.py``) that call for a major version whichever way they go.
_MAJOR = {"name", "gender", "image"}


class Version(NamedTuple):
    """A semantic version; ``str()`` gives the tag."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}.{self.patch}"

    def raised(self, level: str) -> "Version":
        """The next version of a level."""
        match level:
            case "major":
                return Version(self.major + 1, 0, 0)
            case "minor":
                return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + 1)


def parse_version(text: str, where: str = "--version") -> Version:
    """A version from ``v1.2.3`` or ``1.2.3``.

    Raises:
        ConfigError: it has another form.
    """
    match = _FORM.fullmatch(text)
    if not match:
        raise ConfigError(f"{text!r} is no semantic version", where=where, hint="For example v1.0.0.")
    return Version(*map(int, match.groups()))


def versions_of(tags: Iterable[str]) -> list[Version]:
    """The versions among tags, oldest first. Other tags are somebody's own."""
    matches = [match for tag in tags if tag.startswith("v") and (match := _FORM.fullmatch(tag))]
    return sorted(Version(*map(int, match.groups())) for match in matches)


def check_order(version: Version, published: list[Version], repo: str) -> None:
    """Nothing, if a version may follow those that are published.

    Raises:
        Refused: it goes backwards.
    """
    if published and version < published[-1]:
        hint = f"Versions go up: {', '.join(str(published[-1].raised(level)) for level in LEVELS)}."
        raise Refused(f"{version} would come after {published[-1]}", where=repo, hint=hint)


@dataclass
class Changes:
    """What a dataset changes against an earlier one."""

    level: str = "patch"  # what it calls for, of LEVELS
    sentences: list[str] = field(default_factory=list)  # the changes in words, for a changelog

    def call_for(self, level: str) -> None:
        """Raise the level, if this one is higher."""
        self.level = max(self.level, level, key=LEVELS.index)


def changes_between(old: Path, new: Path) -> Changes:
    """Compare two dataset directories (pictures need not be there).

    Raises:
        DatasetError: one of them is damaged.
    """
    changes = Changes()
    counts: Counter[tuple[str, str]] = Counter()
    for difference in compare(old, new):
        if difference.kind == "split":
            continue
        what = _what(difference)
        counts[what, difference.attribute] += 1
        changes.call_for(_level(what))
    changes.sentences += _sentences(counts)
    _compare_splits(open_dataset(old), open_dataset(new), changes)
    if not changes.sentences:
        changes.sentences.append("No identity, question or split changed.")
    return changes


def _what(difference: Difference) -> str:
    kind = difference.kind
    if kind in ("identity", "fact", "question", "pictures"):
        return f"{kind} " + ("added" if not difference.a else "removed" if not difference.b else "changed")
    return kind


def _level(what: str) -> str:
    if what.endswith((" changed", " removed")) or what in _MAJOR:
        return "major"
    return "minor" if what.endswith(" added") else "patch"


def _sentences(counts: Counter[tuple[str, str]]) -> list[str]:
    """One sentence for every kind of change, with the attributes it is about."""
    by_kind: dict[str, list[tuple[str, int]]] = {}
    for (what, attribute), count in counts.items():
        by_kind.setdefault(what, []).append((attribute, count))
    sentences = []
    for what, found in by_kind.items():
        people = max(count for _, count in found)
        names = ", ".join(dict.fromkeys(name for name, _ in found if name))
        match what:
            case "identity added" | "identity removed":
                sentences.append(f"Identities {what.split()[1]}: {people}.")
            case "pictures added" | "pictures removed":
                sentences.append(f"Pictures {what.split()[1]}: of {people} people.")
            case "question added":
                sentences.append(f"Attributes added: {names}.")
            case "question removed":
                sentences.append(f"Attributes no longer asked about: {names}.")
            case "fact added" | "fact removed":
                if not _is_implied(found, by_kind, what):
                    sentences.append(f"Facts {what.split()[1]}: {names}.")
            case "fact changed":
                sentences.append(f"Facts changed: {names} (of up to {people} people).")
            case _:
                who = "1 person" if people == 1 else f"{people} people"
                sentences.append(f"Changed: {what}" + (f" of {names}" if names else "") + f" ({who}).")
    return sentences


def _is_implied(found: list[tuple[str, int]], by_kind: dict[str, list[tuple[str, int]]], what: str) -> bool:
    """Whether the facts are those of attributes whose questions came or went with them."""
    asked = {name for name, _ in by_kind.get(what.replace("fact", "question"), ())}
    return all(name in asked for name, _ in found)


def _compare_splits(old: Dataset, new: Dataset, changes: Changes) -> None:
    before, after = old.splits, new.splits
    known = {entry[0] for entry in old.manifest["identities"]}
    moved = [name for name in before if name in after and set(before[name]) != set(after[name]) & known]
    grown = [name for name in before if name in after and name not in moved and set(after[name]) - known]
    gone, come = [n for n in before if n not in after], [n for n in after if n not in before]
    if (old.forget_attributes, old.own_attributes) != (new.forget_attributes, new.own_attributes):
        changes.call_for("major")
        about = ", ".join(new.forget_attributes) or "everything that is known of their people"
        about += ", of each person what `splits.json` says" if new.own_attributes else ""
        changes.sentences.append(f"The forget sets are now about {about}.")
    for names, level, words in (
        (moved, "major", "Other people in"),
        (gone, "major", "Splits removed:"),
        (come, "minor", "Splits added:"),
        (grown, "minor", "More people in"),
    ):
        if names:
            changes.call_for(level)
            changes.sentences.append(f"{words} {', '.join(names)}.")
