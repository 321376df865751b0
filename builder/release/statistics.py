"""What the dataset card tells in numbers, counted while the identities stream by."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.builder.audit.attributes import AttributeRow, attribute_rows
from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.people import pairs_of


@dataclass(frozen=True)
class AttributeStatistics:
    """One attribute: what it is, and what the audit measures of it."""

    sensitivity: str
    question: str
    measured: AttributeRow


class Statistics:
    """Counts of a whole dataset.

    Args:
        splits: split name -> unique ids.

    Attributes:
        people: identities per set of cells that their questions are in.
        pairs: questions per cell.
        example: the first identity of ``full``.
    """

    def __init__(self, splits: Mapping[str, Sequence[str]]) -> None:
        self.people: Counter[tuple[int, ...]] = Counter()
        self.pairs: Counter[int] = Counter()
        self.example: Mapping[str, Any] | None = None
        self._members = membership({name: frozenset(ids) for name, ids in splits.items()})
        self._columns = Columns(self._members)
        self._told: dict[str, tuple[str, str]] = {}

    def add(self, record: Mapping[str, Any], pieces: Sequence[tuple[int, Mapping[str, Any]]], *, in_full: bool) -> None:
        """Count one identity, whose questions are in the cells of its pieces."""
        self.people[tuple(cell for cell, _ in pieces)] += 1
        for cell, piece in pieces:
            self.pairs[cell] += len(piece["qa_list"])
        if in_full and self.example is None:
            self.example = record
        self._columns.add(record["unique_id"], pairs_of(record))
        for pair in record["qa_list"]:
            self._told.setdefault(pair["attribute"], (pair["sensitivity"], pair["question"]))

    @property
    def applied(self) -> str:
        """The split that guesses are applied to."""
        return self._members.applied

    def attributes(self) -> list[AttributeStatistics]:
        """Per attribute, in the order of the questions."""
        return [AttributeStatistics(*self._told[row.name], row) for row in attribute_rows(self._columns)]

    def counts(self, cells: list[int]) -> tuple[int, int]:
        """Identities and questions of a list of cells."""
        people = sum(count for of, count in self.people.items() if not set(cells).isdisjoint(of))
        return people, sum(self.pairs[cell] for cell in cells)
