"""The facts of everyone as columns of numbers: a few bytes a fact, so that 100,000 people fit."""

from __future__ import annotations  # array[int] can't be evaluated before Python 3.12

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from fiubench.builder.audit.membership import FORGET, RETAIN, Membership
from fiubench.builder.audit.people import Pair
from fiubench.builder.audit.wording import template
from fiubench.builder.values.base import VALUE_TYPES
from numpy.typing import NDArray

#: Distinct values and answers counted exactly per attribute; beyond, what is rare is not kept.
MOST = 5_000
_MASK = (1 << 64) - 1
_BINS = 5  # a number is kept as a fifth of the range of ranks

Codes = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass
class Column:
    """One attribute of everyone who is asked about it.

    Attributes:
        who: numbers of the people, ascending; a person asked twice counts once.
        values: hash of each value.
        parts: name of a part ("ZIP code") -> hash of it; ``""`` where a value has none.
        numbers: the values as numbers, for dates, amounts and integers.
        questions, answers: hash of each.
        shapes: hash of each answer without its value.
        counted: the most frequent values.
        retained: the most frequent answers of the retain set.
        asked_of: answers of the forget set, at most ``MOST``.
    """

    name: str
    category: str
    kind: str
    asked: int = 0
    who: array[int] = field(default_factory=lambda: array("I"))
    values: array[int] = field(default_factory=lambda: array("Q"))
    parts: dict[str, array[int]] = field(default_factory=dict)
    numbers: array[float] = field(default_factory=lambda: array("d"))
    asked_who: array[int] = field(default_factory=lambda: array("I"))
    questions: array[int] = field(default_factory=lambda: array("Q"))
    shapes: array[int] = field(default_factory=lambda: array("Q"))
    answers: array[int] = field(default_factory=lambda: array("Q"))
    counted: Counter[str] = field(default_factory=Counter)
    retained: Counter[str] = field(default_factory=Counter)
    asked_of: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.who)

    def hashes(self, part: str = "") -> Hashes:
        """Hashes of the values, or of one of their parts."""
        return np.frombuffer(self.parts[part] if part else self.values, dtype=np.uint64)

    @property
    def people(self) -> Codes:
        """Numbers of the people whose value is known."""
        return np.frombuffer(self.who, dtype=np.uint32).astype(np.int64)

    @property
    def people_asked(self) -> Codes:
        """Number of the person of each question."""
        return np.frombuffer(self.asked_who, dtype=np.uint32).astype(np.int64)

    @property
    def entropy(self) -> float:
        """Of the values, in bits."""
        _, counts = np.unique(self.hashes(), return_counts=True)
        shares = counts / max(len(self), 1)
        return abs(float((shares * np.log2(shares)).sum()))

    @property
    def distinct(self) -> int:
        """Different values."""
        return int(np.unique(self.hashes()).size)

    @property
    def phrasings(self) -> int:
        """Different phrasings of the question."""
        return int(np.unique(np.frombuffer(self.questions, dtype=np.uint64)).size)

    def fifths(self) -> Codes:
        """Which fifth of all, in order of size, each number belongs to."""
        numbers = np.frombuffer(self.numbers, dtype=np.float64)
        edges = np.quantile(numbers, np.arange(1, _BINS) / _BINS)
        return np.searchsorted(edges, numbers, side="right").astype(np.int64)


class Columns:
    """All attributes, in the order in which they are met, and the side each person is on."""

    def __init__(self, membership: Membership) -> None:
        self.membership = membership
        self.sides = array("B")
        self.by_name: dict[str, Column] = {}

    def add(self, unique_id: str, pairs: Iterable[Pair]) -> int:
        """Keep the facts of a person; gives the person's side."""
        number = len(self.sides)
        side = self.membership.side(unique_id, number)
        self.sides.append(side)
        for pair in pairs:
            if pair.attribute is None:
                continue
            column = self.by_name.get(pair.attribute)
            if column is None:
                column = self.by_name[pair.attribute] = Column(pair.attribute, pair.category, pair.kind)
            self._add_words(column, pair, number, side)
            if pair.text is not None and not (column.who and column.who[-1] == number):
                self._add_value(column, pair, number)
        return side

    def _add_words(self, column: Column, pair: Pair, number: int, side: int) -> None:
        column.asked += 1
        column.asked_who.append(number)
        column.questions.append(hash(pair.question) & _MASK)
        column.shapes.append(hash(template(pair.answer, pair.text)) & _MASK)
        column.answers.append(hash(" ".join(pair.answer.casefold().split())) & _MASK)
        if side == FORGET and len(column.asked_of) < MOST:
            column.asked_of.append(pair.answer)
        elif side == RETAIN and (pair.answer in column.retained or len(column.retained) < MOST):
            column.retained[pair.answer] += 1

    def _add_value(self, column: Column, pair: Pair, number: int) -> None:
        text = str(pair.text)
        column.who.append(number)
        column.values.append(hash(text.casefold()) & _MASK)
        if text in column.counted or len(column.counted) < MOST:
            column.counted[text] += 1
        kind = VALUE_TYPES.get(pair.kind)
        valid = kind is not None and kind.is_valid(pair.value)
        parts = kind.parts(pair.value) if kind is not None and valid else {}
        for name in parts:
            if name not in column.parts:
                column.parts[name] = array("Q", [0] * (len(column) - 1))
        for name, kept in column.parts.items():
            kept.append(hash(parts[name]) & _MASK if name in parts else 0)
        column.numbers.append(kind.number(pair.value) if kind is not None and valid else np.nan)

    def side_of_all(self) -> NDArray[np.uint8]:
        """The side of every person, by number."""
        return np.frombuffer(self.sides, dtype=np.uint8)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.by_name.values())
