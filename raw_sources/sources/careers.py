"""Occupations and incomes made up for the people they belong to."""

from datetime import date

import numpy as np
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
        age = age_on(people.birth, self.today)
        occupation = self._fitting.draw(self.seed, self.purpose("occupation"), rows, age, people.gender)
        low, high = self._low[occupation], self._high[occupation]
        income = low + _STEP * self.up_to("annual_income", rows, (high - low) // _STEP + 1)
        return {
            "occupation": pick(self._occupations, occupation),
            "annual_income": income.astype(np.float64).tolist(),
        }
