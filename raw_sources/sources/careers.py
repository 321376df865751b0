"""Occupations and incomes made up for the people they belong to."""

from datetime import date

import numpy as np
from fiubench.raw_sources.drawn import Drawn, Range
from fiubench.raw_sources.embedded import Embedded, Fitting, age_on, pick
from fiubench.raw_sources.source import Context, Source, register
from fiubench.raw_sources.table import People, Values
from fiubench.raw_sources.vocabulary import read_rows
from fiubench.support.draws import Ints

_STEP = 10  # dollars


@register
class Careers(Source):
    """Occupations with income ranges, written for fiubench."""

    name = "careers"
    title = "Careers"
    license = "Apache-2.0"
    embedded = "Occupation fits the age; the annual income lies in the occupation's range."
    columns = {"occupation": "enum", "annual_income": "money"}
    drawn_with = {"annual_income": "occupation"}
    always = True
    place = 5

    def generate(self, context: Context) -> "EmbeddedCareers":
        """See :class:`EmbeddedCareers`."""
        return EmbeddedCareers(context.seed, context.as_of)


class EmbeddedCareers(Embedded):
    """One occupation per row that fits the age on ``as_of``, with an income in its range.

    Occupations of elders begin with "retired".
    """

    info = Careers
    files = ("occupations.csv",)

    def __init__(self, seed: int, as_of: date) -> None:
        super().__init__(seed, as_of)
        rows = read_rows("occupations.csv")
        self._occupations = [row["occupation"] for row in rows]
        self._fitting = Fitting([row["min_age"] for row in rows], [row["max_age"] for row in rows])
        self._low, self._high = (
            np.array([int(row[column]) for row in rows]) for column in ("min_income", "max_income")
        )

    def take(self, rows: Ints, people: People) -> dict[str, Values]:
        """The columns of the given rows, made for these people."""
        occupation, low, high = self._occupation(rows, people)
        income = low + _STEP * self.up_to("annual_income", rows, (high - low) // _STEP + 1)
        return {"occupation": pick(self._occupations, occupation), "annual_income": _dollars(income)}

    def drawn(self, column: str, rows: Ints, people: People) -> Drawn:
        """An occupation of that age; an income of that occupation."""
        if column == "occupation":
            return self._fitting.options(self._occupations, age_on(people.birth, self.today), people.gender)
        _, low, high = self._occupation(rows, people)
        size = (high - low) // _STEP + 1
        place = self.up_to("annual_income", rows, size)
        return Range(place, size, lambda who, at: _dollars(low[who] + _STEP * at))

    def _occupation(self, rows: Ints, people: People) -> tuple[Ints, Ints, Ints]:
        """Position of the occupation of each row, and its range of incomes."""
        age = age_on(people.birth, self.today)
        occupation = self._fitting.draw(self.seed, self.purpose("occupation"), rows, age, people.gender)
        return occupation, self._low[occupation], self._high[occupation]


def _dollars(amounts: Ints) -> list[float]:
    dollars: list[float] = amounts.astype(np.float64).tolist()
    return dollars
