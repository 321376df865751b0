"""Health records made up for the people they belong to."""

from datetime import date

import numpy as np
from fiubench.raw_sources.embedded import YEAR, Branches, Embedded, Fitting, age_on, birthday, iso_dates, pick
from fiubench.raw_sources.names import GENDERS, capacity, full_names, given_names, surnames
from fiubench.raw_sources.table import People, Values
from fiubench.raw_sources.vocabulary import read_lines, read_rows
from fiubench.support.draws import Ints, integers

# All types alike, as in the Kaggle healthcare set: with the true shares "O+" would be right for 38 %.
BLOOD_TYPES = ("A+", "A-", "AB+", "AB-", "B+", "B-", "O+", "O-")
ADMISSION_TYPES = ("elective", "emergency", "urgent")
_WINDOW = round(5 * YEAR)
_FIRST_ROOM, _ROOMS = 101, 899


class EmbeddedHealth(Embedded):
    """One hospital stay per row: the condition fits the person; drug, test result and length fit it.

    Admission is within the five years before ``as_of`` and not before the person's 20th birthday.
    """

    source = "health"
    files = (
        "conditions.csv",
        "hospital_forms.txt",
        "hospital_places.txt",
        "insurers.txt",
        "names_female.txt",
        "names_male.txt",
        "public_figures.txt",
        "surnames.txt",
    )

    def __init__(self, seed: int, as_of: date) -> None:
        super().__init__(seed, as_of)
        rows = read_rows("conditions.csv")
        self._conditions = [row["condition"] for row in rows]
        bounds = [[row[column] for row in rows] for column in ("min_age", "max_age", "gender")]
        self._fitting = Fitting(*bounds)
        self._min_days, self._max_days = (
            np.array([int(row[column]) for row in rows]) for column in ("min_days", "max_days")
        )
        self._admission_types, self._medications, self._results = (
            Branches([row[column].split(";") for row in rows])
            for column in ("admission_types", "medications", "test_results")
        )
        self._insurers = read_lines("insurers.txt")
        places = read_lines("hospital_places.txt")
        self._hospitals = [form.format(place) for form in read_lines("hospital_forms.txt") for place in places]

    def columns(self, scope: str, rows: Ints, people: People) -> dict[str, Values]:
        """Draw the rows."""

        def up_to(field: str, bound: Ints | int) -> Ints:
            return integers(self.seed, f"{scope}.{field}", rows, bound)

        admitted = self._admission(scope, rows, people)
        age = age_on(people.birth, admitted)
        condition = self._fitting.draw(self.seed, f"{scope}.condition", rows, age, people.gender)
        shortest, longest = self._min_days[condition], self._max_days[condition]
        # Whoever came in these last days has gone home by today.
        days = np.minimum(shortest + up_to("days", longest - shortest + 1), self.today - admitted)
        cents = 120_000 + (1 + days) * (150_000 + up_to("daily_rate", 450_000)) + up_to("extras", 20_000)
        return {
            "record_name": self._patients(scope, rows, people.gender),
            "gender": list(people.gender),
            "age": age.tolist(),
            "blood_type": [BLOOD_TYPES[i] for i in up_to("blood_type", len(BLOOD_TYPES)).tolist()],
            "medical_condition": pick(self._conditions, condition),
            "admission_date": iso_dates(admitted),
            "discharge_date": iso_dates(admitted + days),
            "doctor": self._doctors(scope, rows),
            "hospital": pick(self._hospitals, up_to("hospital", len(self._hospitals))),
            "insurance_provider": pick(self._insurers, up_to("insurer", len(self._insurers))),
            "billing_amount": (cents / 100).tolist(),
            "room_number": (_FIRST_ROOM + up_to("room", _ROOMS)).tolist(),
            "admission_type": self._admission_types.draw(self.seed, f"{scope}.admission_type", rows, condition),
            "medication": self._medications.draw(self.seed, f"{scope}.medication", rows, condition),
            "test_results": self._results.draw(self.seed, f"{scope}.test_results", rows, condition),
        }

    def _admission(self, scope: str, rows: Ints, people: People) -> Ints:
        """Day of admission: yesterday at the latest, unless the person turns 20 today."""
        first = np.minimum(np.maximum(self.today - _WINDOW, birthday(people.birth, 20)), self.today)
        last = np.maximum(first, self.today - 1)
        return first + integers(self.seed, f"{scope}.admission", rows, last - first + 1)

    def _patients(self, scope: str, rows: Ints, gender: list[str]) -> list[str]:
        """The name on the record, unique among a million rows of one gender."""
        ranks = rows % min(capacity(kind) for kind in GENDERS)
        given, family = full_names(self.seed, gender, ranks, f"{scope}.record_name")
        return [f"{first} {last}" for first, last in zip(given, family, strict=True)]

    def _doctors(self, scope: str, rows: Ints) -> list[str]:
        given, family = [name for kind in GENDERS for name in given_names(kind)], surnames()
        first = pick(given, integers(self.seed, f"{scope}.doctor.given", rows, len(given)))
        last = pick(family, integers(self.seed, f"{scope}.doctor.family", rows, len(family)))
        return [f"{a} {b}" for a, b in zip(first, last, strict=True)]
