"""What the values of a file were drawn from: the other rows.

How frequent a value is that comes back is counted over all rows. A value that is one row's alone comes from a row that
no identity has, and for nobody else, as long as the file has four rows for each identity: so nobody can rule one out
as being somebody else's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from fiubench.builder.generation.profiles import Block
from fiubench.builder.values import dates
from fiubench.builder.values.base import VALUE_TYPES, WRONG, ValueType
from fiubench.raw_sources.drawn import Anew, Drawn, Options, Range, Weighted, weighted
from fiubench.raw_sources.table import FileTable
from fiubench.support.draws import Ints

_SELDOM = 64  # a value of one row in so many is seldom enough to be told by its place alone
_SAMPLE = 1 << 16  # rows that are looked at to see what a column is like
_FEWEST = 8  # rows of a stratum, below which all are taken


class Frequencies:
    """The rows of a file.

    Args:
        table: the file.
        spare: rows in the reverse order of their use.
        drawn_with: column -> the column that it goes with, as its source says.
    """

    def __init__(self, table: FileTable, spare: Ints, drawn_with: Mapping[str, str]) -> None:
        self.table, self.spare, self.drawn_with = table, spare, drawn_with
        self.columns = table.take(spare[: min(max(len(spare) // 2, _SELDOM), _SAMPLE)], None)  # type: ignore[arg-type]
        self._counted: dict[tuple[str, str | None], dict[int, Weighted]] = {}

    def drawn(self, column: str, rows: Ints, truths: Sequence[Any], within: str | None, block: Block) -> Drawn:
        """What a column of the given rows was drawn from.

        Args:
            column: of the table.
            rows: of each identity.
            truths: the column's values there.
            within: column of which the others have the same value; the source's own where it says nothing else.
            block: the identities.
        """
        kind = VALUE_TYPES[self.table.types[column]]
        other = within or self.drawn_with.get(column)
        if other and kind.dated and self.table.types[other] == kind.name:
            return self._apart(column, other, rows)
        sample = self.columns[column]
        if kind.ordered and (drawn := by_rank(kind, truths, sample)) is not None:
            return drawn
        texts = list(map(kind.write, sample))
        if len(set(texts)) > len(texts) // 2:  # nearly one for each row
            return self._own(column, other, rows, block)
        groups = self._groups(column, other)
        keys = self._codes(other)[rows] if other else np.zeros(len(rows), np.int64)
        return Options(keys, groups.__getitem__)

    def _apart(self, column: str, other: str, rows: Ints) -> Drawn:
        """Dates as far from another one of the row as they are in other rows."""
        days, base = (dates.to_days(self.table.array(name).tolist()) for name in (column, other))
        apart = days - base
        there = _with_neighbours(*weighted(apart.tolist()))
        return Options(
            np.zeros(len(rows), np.int64),
            lambda _: there,
            truth=apart[rows].tolist(),
            make=lambda who, gaps: dates.to_isos(base[rows[who]] + np.array(gaps, np.int64)),
        )

    def _own(self, column: str, other: str | None, rows: Ints, block: Block) -> Drawn:
        """Values of rows that nobody has, three for each identity; of the same stratum where that has enough."""
        group, place = np.full(len(rows), -1), block.index
        if other is not None:
            codes = self._codes(other)
            spare, mine = codes[self.spare], codes[rows]
            enough = np.bincount(spare, minlength=int(codes.max()) + 1) >= _FEWEST
            group = np.where(enough[mine], mine, -1)
            place = block.name_rank if other == "gender" else place  # its place among those of the stratum
        stacks = {g: self.spare if g < 0 else self.spare[spare == g] for g in np.unique(group).tolist()}

        def make(turn: int) -> list[Any]:
            picked = [
                int(stacks[g][(WRONG * i + turn) % len(stacks[g])])
                for g, i in zip(group.tolist(), place.tolist(), strict=True)
            ]
            return list(self.table.beside(column, rows, np.array(picked, np.int64), block.people))

        return Anew(make)

    def _codes(self, column: str) -> Ints:
        """A number for each row's value of a column."""
        values = self.table.data.column(column).combine_chunks()
        if pa.types.is_nested(values.type):  # addresses: Arrow can't tell which of them are the same
            texts = map(VALUE_TYPES[self.table.types[column]].write, values.to_pylist())
            values = pa.array(texts, pa.string())
        return np.asarray(values.dictionary_encode().indices, np.int64)

    def _groups(self, column: str, other: str | None) -> dict[int, Weighted]:
        """Values of a column with their counts, by the code of the other column (0 without one)."""
        if (column, other) not in self._counted:
            codes = self._codes(column)
            within = self._codes(other) if other is not None else np.zeros_like(codes)
            size = int(codes.max()) + 1
            pairs, first, counts = np.unique(within * size + codes, return_index=True, return_counts=True)
            values = self.table.data.column(column).take(pa.array(first)).to_pylist()
            counted = zip((pairs // size).tolist(), values, counts.tolist(), strict=True)
            groups: dict[int, tuple[list[Any], list[float]]] = {}
            for group, value, count in sorted(counted, key=lambda entry: str(entry[1])):
                options, weights = groups.setdefault(group, ([], []))
                options.append(value)
                weights.append(float(count))
            self._counted[column, other] = dict(groups)
        return self._counted[column, other]


def _with_neighbours(lengths: Sequence[int], weights: Sequence[float]) -> Weighted:
    """Lengths in days, and those near them, which stand in where there are fewer than four."""
    near = {length + step for length in lengths for step in range(-WRONG, WRONG + 1)} - set(lengths)
    same_side = sorted(length for length in near - {0} if length * sum(lengths) >= 0)
    return [*lengths, *same_side], [*weights, *[0.0] * len(same_side)]


def by_rank(kind: ValueType, truths: Sequence[Any], sample: Sequence[Any]) -> Range | None:
    """A range in which a value's place is its rank among those of a sample; ``None`` where many have the same.

    The truth is one more of the sample, drawn as those were, so that its rank is any with equal probability.
    """
    ranked = sorted(sample, key=kind.number)
    numbers = np.array([kind.number(value) for value in ranked])
    _, counts = np.unique(numbers, return_counts=True)
    if len(ranked) < _SELDOM or counts.max() > max(len(ranked) // _SELDOM, 1):
        return None
    place = np.searchsorted(numbers, [kind.number(value) for value in truths])

    def make(who: Ints, at: Ints) -> list[Any]:
        return [ranked[k] for k in np.clip(at - (at > place[who]), 0, len(ranked) - 1).tolist()]

    return Range(place, np.full(len(place), len(ranked) + 1), make)
