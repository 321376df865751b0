"""The dataset card's figures, counted while the identities stream by, and how the card shows them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.builder.audit.attributes import AttributeRow, attribute_rows
from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.measures.guessing import guess_results
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.people import pairs_of
from fiubench.builder.audit.registry import Table
from fiubench.builder.dataset.cells import make_cells
from fiubench.builder.release.markdown import table
from fiubench.schemas.splits import FULL

_LONGEST_VALUE = 40  # characters of a most frequent value that is shown
_HEADER = (
    "attribute", "category", "sensitivity", "a question", "distinct values", "bits", "most frequent",
    "constant guess", "guess from another fact",
)  # fmt: skip


@dataclass(frozen=True)
class AttributeStatistics:
    """One attribute: what it is, and what the audit measures of it."""

    sensitivity: str
    question: str
    measured: AttributeRow


class Statistics:
    """Counts of a whole dataset.

    Attributes:
        cells: who is in which splits.
        people: identities per set of cells that their questions are in.
        pairs: questions per cell.
        example: the first identity of ``full``.
        population: people per gender and date of birth (empty where there is none).
    """

    def __init__(self, splits: Mapping[str, Sequence[str]], forgotten: Sequence[str] = ()) -> None:
        self.cells = make_cells(splits, forgotten)
        self.people: Counter[tuple[int, ...]] = Counter()
        self.pairs: Counter[int] = Counter()
        self.example: Mapping[str, Any] | None = None
        self.population: Counter[tuple[str, str]] = Counter()
        self._members = membership({name: frozenset(ids) for name, ids in splits.items()})
        self._columns = Columns(self._members)
        self._asked: dict[str, tuple[str, str]] = {}  # attribute -> sensitivity, first question

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one identity."""
        pieces = self.cells.pieces(record)
        self.people[tuple(cell for cell, _ in pieces)] += 1
        for cell, piece in pieces:
            self.pairs[cell] += len(piece["qa_list"])
        if self.example is None and FULL in self.cells.splits[pieces[0][0]]:
            self.example = record
        born = record["profile"].get("date_of_birth")
        self.population[record["gender"], born["value"] if born else ""] += 1
        self._columns.add(record["unique_id"], pairs_of(record))
        for pair in record["qa_list"]:
            self._asked.setdefault(pair["attribute"], (pair["sensitivity"], pair["question"]))

    @property
    def applied(self) -> str:
        """The split that guesses are applied to."""
        return self._members.applied

    def attributes(self) -> list[AttributeStatistics]:
        """Per attribute, in the order of the questions."""
        return [AttributeStatistics(*self._asked[row.name], row) for row in attribute_rows(self._columns)]

    def counts(self, name: str) -> tuple[int, int]:
        """Identities and questions of a configuration; of everyone, where no split has the name."""
        cells = self.cells.configs.get(name, range(len(self.cells.labels)))
        people = sum(count for of, count in self.people.items() if not set(cells).isdisjoint(of))
        return people, sum(self.pairs[cell] for cell in cells)


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
