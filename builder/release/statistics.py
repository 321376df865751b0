"""What the dataset card tells in numbers, counted while the identities stream by."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Distinct values counted exactly per attribute. Beyond it the number is a lower bound: memory stays flat.
MOST_DISTINCT = 20_000


@dataclass
class AttributeStatistics:
    """One attribute over the identities of ``full``: what it is, and how its values are spread."""

    category: str
    sensitivity: str
    question: str
    pairs: int = 0
    values: Counter[str] = field(default_factory=Counter)
    capped: bool = False

    def add(self, value: str) -> None:
        """Count one value."""
        self.pairs += 1
        if value in self.values or len(self.values) < MOST_DISTINCT:
            self.values[value] += 1
        else:
            self.capped = True

    @property
    def distinct(self) -> int:
        """Number of distinct values; at least that many where ``capped``."""
        return len(self.values)

    @property
    def most_frequent(self) -> tuple[str, float]:
        """The most frequent value and its share: what guessing it for everyone would score."""
        value, count = max(self.values.items(), key=lambda item: (item[1], item[0]))
        return value, count / self.pairs


@dataclass
class Statistics:
    """Counts of a whole dataset.

    Attributes:
        people: identities per cell.
        pairs: questions per cell.
        attributes: per attribute, in the order of the questions.
        example: the first identity of ``full``.
    """

    people: Counter[int] = field(default_factory=Counter)
    pairs: Counter[int] = field(default_factory=Counter)
    attributes: dict[str, AttributeStatistics] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None

    def add(self, record: Mapping[str, Any], cell: int, *, in_full: bool) -> None:
        """Count one identity; values are counted for those in ``full``."""
        self.people[cell] += 1
        self.pairs[cell] += len(record["qa_list"])
        if not in_full:
            return
        if self.example is None:
            self.example = record
        for pair in record["qa_list"]:
            name = pair["attribute"]
            if name not in self.attributes:
                self.attributes[name] = AttributeStatistics(pair["category"], pair["sensitivity"], pair["question"])
            self.attributes[name].add(record["profile"][name]["text"])

    def counts(self, cells: list[int]) -> tuple[int, int]:
        """Identities and questions of a list of cells."""
        return sum(self.people[cell] for cell in cells), sum(self.pairs[cell] for cell in cells)
