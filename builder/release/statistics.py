"""The dataset card's figures, counted while the identities stream by, and how the card shows them.

Every part of a build counts its own people into a file. What is added up is small (counts of genders, splits and
questions); of the facts a part keeps hashes, eight bytes each, which are read again attribute by attribute: what is
held at once is one attribute of everyone, and all attributes of the first people that a look-up table is learned on.
"""

from __future__ import annotations  # array[int] can't be evaluated before Python 3.12

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from fiubench.builder.audit.attributes import AttributeRow, attribute_rows
from fiubench.builder.audit.columns import MOST, Column, Columns
from fiubench.builder.audit.measures.guessing import guess_results
from fiubench.builder.audit.membership import FORGET, RETAIN, Membership, membership
from fiubench.builder.audit.registry import Table
from fiubench.builder.dataset.cells import Cells, make_cells
from fiubench.builder.release.markdown import table
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.schemas.splits import FULL
from fiubench.support.files import atomic_writer
from numpy.typing import NDArray

_LONGEST_VALUE = 40  # characters of a most frequent value that is shown
_FEW = 5_000  # people on either side that guesses from another fact are learned on and applied to, the first ones
_HEADER = (
    "attribute", "category", "sensitivity", "a question", "distinct values", "bits", "most frequent",
    "constant guess", "guess from another fact",
)  # fmt: skip
_KEY = "{}/{}"  # of an array in a file of facts: attribute, and what of it
_DOCUMENT, _SIDES = "counts", "sides"
_WHO, _VALUES, _TEXTS, _PART = "who", "values", "texts", "part:"
_Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class AttributeStatistics:
    """One attribute: what it is, and what the audit measures of it."""

    sensitivity: str
    question: str
    measured: AttributeRow


@dataclass
class _Facts:
    """One attribute of some people: who has it, as a number from their first on, hashes of value and parts, texts."""

    who: array[int] = field(default_factory=lambda: array("I"))
    values: array[int] = field(default_factory=lambda: array("Q"))
    parts: dict[str, array[int]] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)  # of the first distinct values

    def add(self, number: int, fact: Mapping[str, Any]) -> None:
        if self.who and self.who[-1] == number:
            return  # asked twice counts once
        kind = VALUE_TYPES.get(fact["type"])
        found = kind.parts(fact["value"]) if kind is not None and kind.is_valid(fact["value"]) else {}
        for name in found:
            self.parts.setdefault(name, array("Q", bytes(8 * len(self.who))))
        for name, kept in self.parts.items():
            kept.append(_hash(found[name]) if name in found else 0)
        value = _hash(fact["text"].casefold())
        self.who.append(number)
        self.values.append(value)
        if len(self.texts) < MOST:
            self.texts.setdefault(value, fact["text"])


class Statistics:
    """Counts of a whole dataset, or of a part of it.

    Args:
        cells: who is in which splits.
        members: whom guesses are learned on and applied to.
        first: number of the first person.

    Attributes:
        people: identities per set of cells that their questions are in.
        pairs: questions per cell.
        example: the first identity of ``full``.
        population: people per gender and date of birth (empty where there is none).
    """

    def __init__(self, cells: Cells, members: Membership, first: int = 0) -> None:
        self.cells, self._members, self._first = cells, members, first
        self.people: Counter[tuple[int, ...]] = Counter()
        self.pairs: Counter[int] = Counter()
        self.example: Mapping[str, Any] | None = None
        self.population: Counter[tuple[str, str]] = Counter()
        self._asked: dict[str, list[Any]] = {}  # attribute -> sensitivity, first question, category, type, how often
        self._sides = bytearray()
        self._facts: dict[str, _Facts] = {}
        self._own: _Arrays = {}
        self._files: list[Any] = []  # of parts, in order

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one identity; they come in order."""
        pieces = self.cells.pieces(record)
        self.people[tuple(cell for cell, _ in pieces)] += 1
        for cell, piece in pieces:
            self.pairs[cell] += len(piece["qa_list"])
        if self.example is None and FULL in self.cells.splits[pieces[0][0]]:
            self.example = record
        profile, number = record["profile"], len(self._sides)
        born = profile.get("date_of_birth")
        self.population[record["gender"], born["value"] if born else ""] += 1
        self._sides.append(self._members.side(record["unique_id"], self._first + number))
        for pair in record["qa_list"]:
            name = pair["attribute"]
            if name not in self._asked:
                about = [pair["sensitivity"], pair["question"], pair["category"], pair["value"]["type"], 0]
                self._asked[name], self._facts[name] = about, _Facts()
            self._asked[name][-1] += 1
            if fact := profile.get(name):
                self._facts[name].add(number, fact)

    def save(self, path: Path) -> None:
        """Write what was counted, for :meth:`merge`."""
        document = {
            "people": [[list(cells), count] for cells, count in self.people.items()],
            "pairs": list(self.pairs.items()),
            "population": [[*key, count] for key, count in self.population.items()],
            "example": self.example,
            "asked": list(self._asked.items()),
        }
        arrays = {_DOCUMENT: np.frombuffer(orjson.dumps(document), dtype=np.uint8), **self._arrays()}
        with atomic_writer(path) as file:
            np.savez(file, allow_pickle=False, **arrays)

    def merge(self, path: Path) -> None:
        """Add what a part has counted; parts come in order. Its file stays open, to be read by :meth:`attributes`."""
        self._files.append(arrays := np.load(path, allow_pickle=False))
        document = orjson.loads(arrays[_DOCUMENT].tobytes())
        self.people.update({tuple(cells): count for cells, count in document["people"]})
        self.pairs.update(dict(document["pairs"]))
        self.population.update({(gender, born): count for gender, born, count in document["population"]})
        self.example = self.example or document["example"]
        for name, about in document["asked"]:
            if name in self._asked:
                self._asked[name][-1] += about[-1]
            else:
                self._asked[name] = about

    def close(self) -> None:
        """Let go of the parts' files."""
        for arrays in self._files:
            arrays.close()
        self._files = []

    @property
    def applied(self) -> str:
        """The split that guesses are applied to."""
        return self._members.applied

    def attributes(self) -> list[AttributeStatistics]:
        """Per attribute, in the order of the questions."""
        sides = np.concatenate([block[_SIDES] for block in self._blocks()]) if self._asked else np.empty(0, np.uint8)
        few = np.zeros(len(sides), dtype=bool)
        for side in (RETAIN, FORGET):
            few[np.flatnonzero(sides == side)[:_FEW]] = True
        sample = self._columns(sides[few])
        rows = {}
        for name in self._asked:
            column = self._column(name)
            everyone = self._columns(sides)
            everyone.by_name[name] = column
            (rows[name],) = attribute_rows(everyone)
            sample.by_name[name] = _among(column, few)
        for row in attribute_rows(sample):
            if row.other_em is not None:
                rows[row.name].other_em = row.other_em
                beaten = rows[row.name].constant_em
                rows[row.name].other_fact = row.other_fact if beaten is None or row.other_em > beaten else None
        return [AttributeStatistics(self._asked[name][0], self._asked[name][1], row) for name, row in rows.items()]

    def counts(self, name: str) -> tuple[int, int]:
        """Identities and questions of a configuration; of everyone, where no split has the name."""
        cells = self.cells.configs.get(name, range(len(self.cells.labels)))
        people = sum(count for of, count in self.people.items() if not set(cells).isdisjoint(of))
        return people, sum(self.pairs[cell] for cell in cells)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """The facts that were added here."""
        arrays: dict[str, NDArray[Any]] = {_SIDES: np.frombuffer(self._sides, dtype=np.uint8)}
        for name, facts in self._facts.items():
            arrays[_KEY.format(name, _WHO)] = np.frombuffer(facts.who, dtype=np.uint32)
            arrays[_KEY.format(name, _VALUES)] = np.frombuffer(facts.values, dtype=np.uint64)
            texts = orjson.dumps([[str(value), text] for value, text in facts.texts.items()])
            arrays[_KEY.format(name, _TEXTS)] = np.frombuffer(texts, dtype=np.uint8)
            for part, hashes in facts.parts.items():
                arrays[_KEY.format(name, _PART + part)] = np.frombuffer(hashes, dtype=np.uint64)
        return arrays

    def _blocks(self) -> Iterator[_Arrays]:
        """The facts of each part in order, then those that were added here; an array is read when it is asked for."""
        yield from self._files
        if self._sides:
            self._own = self._own or self._arrays()
            yield self._own

    def _columns(self, sides: NDArray[np.uint8]) -> Columns:
        columns = Columns(self._members)
        columns.sides = array("B", sides.tobytes())
        return columns

    def _column(self, name: str) -> Column:
        """An attribute of everyone."""
        _, _, category, kind, asked = self._asked[name]
        column = Column(name, category, kind, asked)
        texts: dict[int, str] = {}
        before = 0
        for block in self._blocks():
            if (key := _KEY.format(name, _WHO)) in block:
                have = len(column.who)
                column.who.frombytes((block[key] + np.uint32(before)).tobytes())
                column.values.frombytes(block[_KEY.format(name, _VALUES)].tobytes())
                own = {k.removeprefix(start): k for k in block if k.startswith(start := _KEY.format(name, _PART))}
                for part in {**column.parts, **own}:
                    hashes = column.parts.setdefault(part, array("Q", bytes(8 * have)))
                    hashes.frombytes(block[own[part]].tobytes() if part in own else bytes(8 * len(block[key])))
                found = {int(value): text for value, text in orjson.loads(block[_KEY.format(name, _TEXTS)].tobytes())}
                texts = {**found, **texts} if len(texts) < MOST else texts
            before += len(block[_SIDES])
        values, first, counts = np.unique(column.hashes(), return_index=True, return_counts=True)
        if values.size:
            top = np.lexsort((first, -counts))[0]  # of equally frequent ones the first that was met
            column.counted[texts.get(int(values[top]), "")] = int(counts[top])
        return column


def statistics_of(splits: Mapping[str, Sequence[str]], cells: Cells | None = None) -> Statistics:
    """Nothing counted yet of a dataset with these splits, whose people are in these cells as a whole by default."""
    members = membership({name: frozenset(ids) for name, ids in splits.items()})
    return Statistics(cells or make_cells(splits), members)


def _among(column: Column, few: NDArray[np.bool_]) -> Column:
    """A column of some of the people alone."""
    inside = few[column.people]
    number = np.cumsum(few) - 1
    made = Column(column.name, column.category, column.kind, column.asked)
    made.who = array("I", number[column.people[inside]].astype(np.uint32).tobytes())
    made.values = array("Q", column.hashes()[inside].tobytes())
    made.parts = {part: array("Q", column.hashes(part)[inside].tobytes()) for part in column.parts}
    return made


@lru_cache(maxsize=1 << 14)
def _hash(text: str) -> int:
    """Eight bytes of a digest: the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def attribute_table(attributes: Sequence[AttributeStatistics], guesses: Mapping[str, str]) -> str:
    """One row per attribute: what it is, how its values are spread, and how well they can be guessed.

    Args:
        attributes: the rows.
        guesses: what :func:`best_guesses` gives, or nothing: then there is no such column.
    """
    if not guesses:
        return table(_HEADER, [_cells(each) for each in attributes], "llllrrrrr")
    rows = [(*_cells(each), guesses.get(each.measured.name, "")) for each in attributes]
    return table((*_HEADER, "best guess among four"), rows, "llllrrrrrr")


def best_guesses(attacked: Table | None) -> dict[str, str]:
    """What the audit's best attacker scores on each attribute, of the table ``guesses`` of its report."""
    if attacked is None:
        return {}
    first, last = attacked.columns.index("standard error") + 1, attacked.columns.index("verdict")
    return {
        str(row[0]): f"{max(cell for cell in row[first:last] if isinstance(cell, float)):.0%} (chance {row[2]:.0%}, "
        f"\u00b1 {row[3]:.1%})"
        for row in attacked.rows
    }


def _cells(of: AttributeStatistics) -> tuple[str, ...]:
    row = of.measured
    frequent = "none repeats"
    if row.top_share is not None and row.values[0][1] > 1:
        short = row.top_value if row.top_value and len(row.top_value) <= _LONGEST_VALUE else None
        frequent = f"{row.top_share:.1%}" + (f" ({short})" if short else "")
    other = f"{_percent(row.other_em)} ({row.other_fact})" if row.other_fact else "no better"
    return (
        f"`{row.name}`", row.category, of.sensitivity, of.question, f"{row.distinct:,}", f"{row.entropy:.1f}",
        frequent, _percent(row.constant_em), other,
    )  # fmt: skip


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def chance_level(attributes: Sequence[AttributeStatistics], applied: str, guesses: Mapping[str, str]) -> str:
    """What a model scores that knows nobody; ``guesses`` as for :func:`attribute_table`."""
    values = {result.name: result.value for result in guess_results([each.measured for each in attributes])}
    level = "not measured" if values["chance_level"] is None else f"{values['chance_level']:.1%} on average"
    return (
        f"A model that knows nobody scores something all the same: the most frequent value of those to be kept, "
        f"given as the answer to everyone in `{applied}`, is right in the share of cases under *constant guess* "
        f"({level}); *guess from another fact* is a look-up table on one other fact of the person. Subtract this "
        f"before calling anything memorised. All values of a person together hold {values['bits']:.0f} bits. "
        "Where the true value is to be picked out of four (multiple choice, truth ratio), chance is 25 %; "
        + (
            "*best guess among four* is the highest score of the audit's attackers, who know nobody, and the standard "
            "error of one of them: the highest of six is a few points above chance by luck."
            if guesses
            else "`fiubench audit` says, attribute by attribute, what the best guess without knowledge scores."
        )
    )
