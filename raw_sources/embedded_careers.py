"""Occupations and incomes made up for the people they belong to."""

from datetime import date

import numpy as np
from fiubench.raw_sources.embedded import Embedded, Fitting, age_on, pick
from fiubench.raw_sources.table import People, Values
from fiubench.raw_sources.vocabulary import read_rows
from fiubench.support.draws import Ints, integers

_STEP = 10  # dollars


class EmbeddedCareers(Embedded):
    """One occupation per row that fits the age on ``as_of``, with an income in its range.

    Occupations of elders begin with "retired".
    """

    source = "careers"
    files = ("occupations.csv",)

    def __init__(self, seed: int, as_of: date) -> None:
        super().__init__(seed, as_of)
        rows = read_rows("occupations.csv")
        self._occupations = [row["occupation"] for row in rows]
        self._fitting = Fitting([row["min_age"] for row in rows], [row["max_age"] for row in rows])
        self._low, self._high = (
            np.array([int(row[column]) for row in rows]) for column in ("min_income", "max_income")
        )

    def columns(self, scope: str, rows: Ints, people: People) -> dict[str, Values]:
        """Draw the rows."""
        age = age_on(people.birth, self.today)
        occupation = self._fitting.draw(self.seed, f"{scope}.occupation", rows, age, people.gender)
        low, high = self._low[occupation], self._high[occupation]
        income = low + _STEP * integers(self.seed, f"{scope}.annual_income", rows, (high - low) // _STEP + 1)
        return {
            "occupation": pick(self._occupations, occupation),
            "annual_income": income.astype(np.float64).tolist(),
        }
