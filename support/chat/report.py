"""What people are told of a run: request statistics, what is special about the server, why answers were not used."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_PLACE = re.compile(r"^(?:\w+: )+")
_DETAIL = re.compile(r"(?:: | \().*", re.DOTALL)
_LONGEST = 240  # characters of an example


class Reasons:
    """Why answers were not used: counted by their kind, with an example each."""

    def __init__(self, problems: Iterable[str] = ()) -> None:
        self.counted: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        for problem in problems:
            self.add(problem)

    def add(self, problem: str) -> None:
        """Count a problem; those that differ in quoted words and details alone are of one kind."""
        kind = _DETAIL.sub("", _QUOTED.sub("..", _PLACE.sub("", problem)))
        self.counted[kind] += 1
        self._examples.setdefault(kind, problem[:_LONGEST])

    def most_frequent(self, most: int = 3) -> list[str]:
        """The most frequent ones in words: how often, what, and an example."""
        ordered = sorted(self.counted.items(), key=lambda entry: (-entry[1], entry[0]))[:most]
        return [f"{count:,} x {kind}; for example: {self._examples[kind]}" for kind, count in ordered]


@dataclass
class Report:
    """Of one client."""

    events: Counter[str] = field(default_factory=Counter)  # requests, answers of each kind, calls, retries
    notes: list[str] = field(default_factory=list)  # what was found out about the server, each once
    reasons: Reasons = field(default_factory=Reasons)  # of every answer that was not used

    def note(self, notes: Iterable[str]) -> None:
        """Keep what is new."""
        self.notes += [note for note in notes if note not in self.notes]
