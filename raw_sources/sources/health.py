"""Kaggle ``prasad22/healthcare-dataset``: synthetic patient records, in either version or re-saved by a spreadsheet.

What is wrong with the files, and what becomes of it (all counted in the table's report; repairs for kept rows only):

- names in odd case, with titles or suffixes: cleaned;
- a test result "Normal": "within normal limits", for "normal" would stand in "abnormal" (not counted);
- hospitals that are company names with words out of order ("and Sons Smith"): put in order, called a hospital;
- amounts with up to 15 decimals: rounded to cents; negative ones: dropped, since a slip of the sign and a refund
  look alike, and a bill is not negative;
- exact duplicates, and rows that repeat another but for the age: the first is kept;
- people under 20: dropped, the benchmark holds adults only;
- patients and doctors with the name of a public figure (``vocabulary/public_figures.txt``): dropped;
- dates in any usual form, the order of day and month being that of the column (``reading/dates.py``); a decimal comma
  where the column shows it (``reading/amounts.py``);
- discharges before admission or after ``as_of``, unknown genders and blood types, blank or unreadable cells: dropped.

Source: https://www.kaggle.com/datasets/prasad22/healthcare-dataset
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.raw_sources.drawn import Anew, Drawn, Options, Range, alike, nobody
from fiubench.raw_sources.embedded import YEAR, Branches, Embedded, Fitting, age_on, birthday, iso_dates, pick
from fiubench.raw_sources.names import GENDERS, full_names, given_names, is_public_figure, name_list, surnames
from fiubench.raw_sources.reading.amounts import amounts
from fiubench.raw_sources.reading.csvfile import (
    Check,
    count_repaired,
    filled,
    first_of_each,
    is_blank,
    map_distinct,
    not_empty,
    passing,
    read_columns,
)
from fiubench.raw_sources.reading.dates import iso_dates as read_dates
from fiubench.raw_sources.source import Context, Kaggle, Source, register
from fiubench.raw_sources.table import FileTable, People, Report, Values
from fiubench.raw_sources.vocabulary import read_lines, read_rows
from fiubench.raw_sources.wording import hospital_name, is_company_in_order, person_name
from fiubench.support.draws import Ints

YOUNGEST, OLDEST = 20, 110
_BRANDS = {"lipitor": "Lipitor"}  # a brand keeps its capital; generic names have none
_INSURERS = {name.casefold(): name for name in ("Aetna", "Blue Cross", "Cigna", "Medicare", "UnitedHealthcare")}
_GENDERS = {"female": "female", "f": "female", "male": "male", "m": "male"}
_HEADER = (
    "name,age,gender,blood type,medical condition,date of admission,doctor,hospital,insurance provider,"
    "billing amount,room number,admission type,discharge date,medication,test results"
)
_BLOOD = re.compile(r"(?:A|B|AB|O)[+-]")


def _unless_blank(read: Callable[[str], object]) -> Callable[[str], object]:
    """A reader that gives ``None`` for what stands for nothing, and never an empty text."""
    return lambda text: None if is_blank(text) else (None if (value := read(text)) == "" else value)


def _gender(text: str) -> str | None:
    return _GENDERS.get(text.strip().casefold())


def _blood(text: str) -> str | None:
    found = text.strip().upper()
    return found if _BLOOD.fullmatch(found) else None


def _whole(text: str) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,6})(?:\.0*|,00?)?\s*", text)
    return int(match[1]) if match else None


def _common(text: str) -> str:
    return " ".join(text.split()).lower()


def _insurer(text: str) -> str:
    name = " ".join(text.split())
    return _INSURERS.get(name.casefold(), name)


def _drug(text: str) -> str:
    name = _common(text)
    return _BRANDS.get(name, name)


def _result(text: str) -> str:
    """A test result; "normal" would stand in "abnormal"."""
    result = _common(text)
    return "within normal limits" if result == "normal" else result


#: Column -> its name in the file, its value type, and how a cell is read; dates and amounts are read by the column.
_COLUMNS: dict[str, tuple[str, str, Callable[[str], object] | None]] = {
    "record_name": ("Name", "name", person_name),
    "gender": ("Gender", "enum", _gender),
    "age": ("Age", "integer", _whole),
    "blood_type": ("Blood Type", "enum", _blood),
    "medical_condition": ("Medical Condition", "enum", _common),
    "admission_date": ("Date of Admission", "date", None),
    "discharge_date": ("Discharge Date", "date", None),
    "doctor": ("Doctor", "name", person_name),
    "hospital": ("Hospital", "text", hospital_name),
    "insurance_provider": ("Insurance Provider", "enum", _insurer),
    "billing_amount": ("Billing Amount", "money", None),
    "room_number": ("Room Number", "integer", _whole),
    "admission_type": ("Admission Type", "enum", _common),
    "medication": ("Medication", "enum", _drug),
    "test_results": ("Test Results", "enum", _result),
}


@register
class Health(Source):
    """Synthetic patient records (v1 has 10,000 rows, v2 has 55,500)."""

    name = "health"
    title = "Healthcare Dataset"
    license = "CC0-1.0"
    url = "https://www.kaggle.com/datasets/prasad22/healthcare-dataset"
    citation = "P. Patil. Healthcare Dataset. Kaggle, 2023."
    embedded = "Records generated by fiubench; medication, age and test result fit the condition."
    expects = "healthcare_dataset.csv, either version, also re-saved by a spreadsheet."
    columns = {name: kind for name, (_, kind, _) in _COLUMNS.items()}
    marks = frozenset(["blood type", "date of admission", "medical condition"])
    header = frozenset(_HEADER.split(","))
    drawn_with = {
        "admission_date": "discharge_date",
        "admission_type": "medical_condition",
        "discharge_date": "admission_date",
        "medication": "medical_condition",
        "record_name": "gender",
        "test_results": "medical_condition",
    }
    kaggle = Kaggle("prasad22/healthcare-dataset", 2, "healthcare_dataset.csv")
    always = True
    place = 2

    def read(self, path: Path, context: Context) -> FileTable:
        """The usable rows, repaired as the module says."""
        report = Report()
        wanted = {name: (header,) for name, (header, _, _) in _COLUMNS.items()}
        repeated = [name for name, kind in self.columns.items() if kind in ("enum", "integer", "date")]
        raw = read_columns(path, wanted, report, repeated=repeated, renamed=context.renamed(self.name))
        fresh = passing(_repetition(raw), raw.num_rows, report)
        raw = raw.filter(fresh)
        billed = amounts(raw["billing_amount"], _COLUMNS["billing_amount"][0], path, report)
        table = _normalised(raw, billed, path, context, report)
        good = passing(_usable(raw, table, context.as_of), table.num_rows, report)
        count_repaired(_repairs(raw, table, billed), good, report)
        return FileTable.of_file(
            self.name, self.columns, path, report, table.filter(good), np.flatnonzero(fresh)[good] + 1
        )

    def generate(self, context: Context) -> "EmbeddedHealth":
        """See :class:`EmbeddedHealth`."""
        return EmbeddedHealth(context.seed, context.as_of)


def _normalised(raw: pa.Table, billed: pa.Array, path: Path, context: Context, report: Report) -> pa.Table:
    columns = {}
    for name, (header, kind, read) in _COLUMNS.items():
        if kind == "date":
            columns[name] = read_dates(raw[name], header, path, context, report)
        elif read is None:
            columns[name] = pa.array(map(_to_cents, billed.to_pylist()), pa.float64())
        else:
            columns[name] = map_distinct(raw[name], _unless_blank(read), pa.int64() if kind == "integer" else None)
    return pa.table(columns)


def _to_cents(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 2) + 0.0  # -0.0 becomes 0.0


def _repetition(raw: pa.Table) -> Iterator[Check]:
    yield not_empty(raw)
    for reason, left_out in (("exact duplicate", ""), ("repeats another row but for the age", "age")):
        texts = [pc.utf8_lower(raw[name].cast(pa.string())) for name in _COLUMNS if name != left_out]
        yield reason, first_of_each(pc.binary_join_element_wise(*texts, "\x1f").combine_chunks())


def _usable(raw: pa.Table, table: pa.Table, as_of: date) -> Iterator[Check]:
    for name, (header, _, _) in _COLUMNS.items():
        yield from filled(header, raw[name], table[name])
    yield "negative amount", pc.greater_equal(table["billing_amount"], 0), raw["billing_amount"]
    yield f"under {YOUNGEST}", pc.greater_equal(table["age"], YOUNGEST)
    yield f"age over {OLDEST}", pc.less_equal(table["age"], OLDEST), raw["age"]
    discharged = table["discharge_date"]
    yield "discharged before admission", pc.less_equal(table["admission_date"], discharged), raw["discharge_date"]
    yield f"after {as_of.isoformat()}", pc.less_equal(discharged, as_of.isoformat()), raw["discharge_date"]
    for who, column in (("patient", "record_name"), ("doctor", "doctor")):
        yield (
            f"{who} with the name of a public figure",
            map_distinct(pc.fill_null(table[column], ""), lambda name: not is_public_figure(name), pa.bool_()),
        )


def _repairs(raw: pa.Table, table: pa.Table, billed: pa.Array) -> dict[str, pa.Array]:
    return {
        "patient's name in odd case, with title or suffix": pc.not_equal(raw["record_name"], table["record_name"]),
        "doctor's name in odd case, with title or suffix": pc.not_equal(raw["doctor"], table["doctor"]),
        "hospital's name out of order": map_distinct(raw["hospital"], lambda t: not is_company_in_order(t), pa.bool_()),
        "amount rounded to cents": pc.not_equal(billed, table["billing_amount"]),
    }


# All types alike, as in the Kaggle healthcare set: with the true shares "O+" would be right for 38 %.
_BLOOD_TYPES = ["A+", "A-", "AB+", "AB-", "B+", "B-", "O+", "O-"]
_WINDOW = round(5 * YEAR)
_FIRST_ROOM, _ROOMS = 101, 899
_RATES = 450_000  # cents a day beyond the lowest


class EmbeddedHealth(Embedded):
    """One hospital stay per row: the condition fits the person; drug, test result and length fit it.

    Admission is within the five years before ``as_of`` and not before the person's 20th birthday, or, for those who
    turned 20 in the last month, a month before ``as_of``.
    """

    info = Health
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
        self._of_condition = {
            column: Branches([row[header].split(";") for row in rows])
            for column, header in (
                ("admission_type", "admission_types"),
                ("medication", "medications"),
                ("test_results", "test_results"),
            )
        }
        places = read_lines("hospital_places.txt")
        self._alike = {
            "blood_type": _BLOOD_TYPES,
            "hospital": [form.format(place) for form in read_lines("hospital_forms.txt") for place in places],
            "insurance_provider": read_lines("insurers.txt"),
        }

    def take(self, rows: Ints, people: People) -> dict[str, Values]:
        """The columns of the given rows, made for these people."""
        up_to, stay = self.up_to, self._stays(rows, people)
        return {
            "record_name": self._patients(rows, people.gender),
            "gender": list(people.gender),
            "age": stay.age.tolist(),
            "medical_condition": pick(self._conditions, stay.condition),
            "admission_date": iso_dates(stay.admitted),
            "discharge_date": iso_dates(stay.admitted + stay.days),
            "doctor": self._doctors(rows),
            **{column: pick(words, up_to(column, rows, len(words))) for column, words in self._alike.items()},
            "billing_amount": self._amounts(rows, stay.days, up_to("daily_rate", rows, _RATES)),
            "room_number": (_FIRST_ROOM + up_to("room", rows, _ROOMS)).tolist(),
            **{
                column: branches.draw(self.seed, self.purpose(column), rows, stay.condition)
                for column, branches in self._of_condition.items()
            },
        }

    def drawn(self, column: str, rows: Ints, people: People) -> Drawn:
        """What fits the person and the condition.

        Of the two dates of a stay the other one stays where it is, and how long the stay was is drawn as for the
        condition: to know one of them does not help to tell the other.
        """
        if column in self._alike:
            return Options(np.zeros(len(rows), np.int64), lambda _: alike(self._alike[column]))
        if column == "doctor":
            return Anew(lambda turn: self._doctors(nobody(rows, turn)))
        if column == "record_name":
            return Anew(lambda turn: self._patients(nobody(rows, turn), people.gender))
        stay = self._stays(rows, people)
        if column == "medical_condition":
            return self._fitting.options(self._conditions, stay.age, people.gender)
        if column in self._of_condition:
            return self._of_condition[column].options(stay.condition)
        return self._numbers(column, rows, stay)

    def _numbers(self, column: str, rows: Ints, stay: "_Stays") -> Range:
        """Of dates, amounts and numbers."""
        lengths = stay.longest - stay.shortest + 1
        match column:
            case "admission_date":
                left, most = stay.admitted + stay.days, stay.longest
                return Range(most - stay.days, lengths, lambda who, at: iso_dates((left - most)[who] + at))
            case "discharge_date":
                first = stay.admitted + stay.shortest
                return Range(stay.days - stay.shortest, lengths, lambda who, at: iso_dates(first[who] + at))
            case "billing_amount":
                rate = self.up_to("daily_rate", rows, _RATES)

                def amounts(who: Ints, at: Ints) -> list[float]:
                    return self._amounts(nobody(rows[who], at), stay.days[who], at)

                return Range(rate, np.full_like(rows, _RATES), amounts)
        room = self.up_to("room", rows, _ROOMS)
        return Range(room, np.full_like(rows, _ROOMS), lambda who, at: (_FIRST_ROOM + at).tolist())

    def _stays(self, rows: Ints, people: People) -> "_Stays":
        """The hospital stay of each row."""
        last = self.today - int(self._max_days.max())  # so that everyone has gone home by today
        first = np.minimum(np.maximum(self.today - _WINDOW, birthday(people.birth, 20)), last)
        admitted = first + self.up_to("admission", rows, last - first + 1)
        age = age_on(people.birth, admitted)
        condition = self._fitting.draw(self.seed, self.purpose("condition"), rows, age, people.gender)
        shortest, longest = self._min_days[condition], self._max_days[condition]
        days = shortest + self.up_to("days", rows, longest - shortest + 1)
        return _Stays(admitted, age, condition, days, shortest, longest)

    def _amounts(self, rows: Ints, days: Ints, rate: Ints) -> list[float]:
        """Bills of stays of so many days, at a rate beyond the lowest one (cents a day)."""
        cents = 120_000 + (1 + days) * (150_000 + rate) + self.up_to("extras", rows, 20_000)
        amounts: list[float] = (cents / 100).tolist()
        return amounts

    def _patients(self, rows: Ints, gender: list[str]) -> list[str]:
        """The name on the record, unique among a million rows of one gender."""
        places = rows % min(name_list(kind).span for kind in GENDERS)
        return full_names(self.seed, gender, places, self.purpose("record_name")).full

    def _doctors(self, rows: Ints) -> list[str]:
        given, family = [name for kind in GENDERS for name in given_names(kind)], surnames()
        first = pick(given, self.up_to("doctor.given", rows, len(given)))
        last = pick(family, self.up_to("doctor.family", rows, len(family)))
        names = [f"{a} {b}" for a, b in zip(first, last, strict=True)]
        for i in [i for i, name in enumerate(names) if is_public_figure(name)]:
            names[i] = next(other for b in family if not is_public_figure(other := f"{first[i]} {b}"))
        return names


class _Stays(NamedTuple):
    """Hospital stays: day of admission, age on it, position of the condition, days, and how few and many it takes."""

    admitted: Ints
    age: Ints
    condition: Ints
    days: Ints
    shortest: Ints
    longest: Ints
