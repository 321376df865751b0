"""Criminal complaints made up for the people they belong to."""

from datetime import date

import numpy as np
from fiubench.raw_sources.embedded import OLDEST, YEAR, Branches, Embedded, Fitting, age_on, birthday, iso_dates, pick
from fiubench.raw_sources.table import People, Values
from fiubench.raw_sources.vocabulary import read_rows
from fiubench.support.draws import Ints, integers, permute

LAW_CATEGORIES = ("felony", "misdemeanor", "violation")
_RECENT, _LONG_AGO = round(15 * YEAR), round(35 * YEAR)
_FIRST_NUMBER = 100_000_000
_NUMBERS = 1 << 28  # a power of four: permuted without walking; three numbers for each still have nine digits


class EmbeddedCrimes(Embedded):
    """One complaint per row: law category and premises fit the offense, the date fits the person's life.

    The offense is between the 18th and the 75th birthday and not after ``as_of``, four times in five within
    the last 15 years of that span. Complaint numbers are unique among the first 2**28 rows.
    """

    source = "crimes"
    files = ("offenses.csv",)

    def __init__(self, seed: int, as_of: date) -> None:
        super().__init__(seed, as_of)
        rows = read_rows("offenses.csv")
        self._offenses = [row["offense"] for row in rows]
        self._categories = [row["law_category"] for row in rows]
        self._fitting = Fitting([row["min_age"] for row in rows], [str(OLDEST)] * len(rows))
        self._premises = Branches([row["premises"].split(";") for row in rows])

    def columns(self, scope: str, rows: Ints, people: People) -> dict[str, Values]:
        """Draw the rows."""
        day = self._offense_day(scope, rows, people)
        age = age_on(people.birth, day)
        offense = self._fitting.draw(self.seed, f"{scope}.offense", rows, age, people.gender)
        number = 3 * permute(self.seed, f"{scope}.number", rows, _NUMBERS)
        number += _FIRST_NUMBER + integers(self.seed, f"{scope}.number", rows, 3)
        return {
            "offense": pick(self._offenses, offense),
            "complaint_number": [str(value) for value in number.tolist()],
            "offense_date": iso_dates(day),
            "law_category": pick(self._categories, offense),
            "premises": self._premises.draw(self.seed, f"{scope}.premises", rows, offense),
        }

    def _offense_day(self, scope: str, rows: Ints, people: People) -> Ints:
        last = np.minimum(self.today, birthday(people.birth, 75))
        first = np.minimum(np.maximum(self.today - _LONG_AGO, birthday(people.birth, 18)), last)
        recent = np.maximum(first, last - _RECENT)
        start = np.where(integers(self.seed, f"{scope}.long_ago", rows, 5) == 0, first, recent)
        return start + integers(self.seed, f"{scope}.offense_date", rows, last - start + 1)
