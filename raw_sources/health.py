"""Kaggle ``prasad22/healthcare-dataset``: synthetic patient records, in either version or re-saved by a spreadsheet.

What is wrong with the files, and what becomes of it (all counted in the table's report; repairs for kept rows only):

- names in odd case, with titles or suffixes: cleaned;
- hospitals that are company names with words out of order ("and Sons Smith"): put in order, called a hospital;
- amounts with up to 15 decimals: rounded to cents; negative ones: dropped, since nothing tells a slip of the sign
  from a refund, and a bill is not negative;
- exact duplicates, and rows that repeat another but for the age: the first is kept;
- people under 20: dropped, the benchmark holds adults only;
- dates in M/D/YY: read, the century being the one that puts the year nearest to ``as_of``; discharges before
  admission or after ``as_of``, unknown genders and blood types, blank or unreadable cells: dropped.

Source: https://www.kaggle.com/datasets/prasad22/healthcare-dataset
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.raw_sources.csvfile import (
    Mask,
    count_repaired,
    first_of_each,
    map_distinct,
    need_rows,
    passing,
    read_columns,
)
from fiubench.raw_sources.registry import source_info
from fiubench.raw_sources.table import FileTable, Origin, Report, base_name
from fiubench.raw_sources.wording import hospital_name, is_company_in_order, person_name
from fiubench.support.canonical import file_digest

YOUNGEST, OLDEST = 20, 110
_COLUMNS = {
    "record_name": "Name",
    "age": "Age",
    "gender": "Gender",
    "blood_type": "Blood Type",
    "medical_condition": "Medical Condition",
    "admission_date": "Date of Admission",
    "doctor": "Doctor",
    "hospital": "Hospital",
    "insurance_provider": "Insurance Provider",
    "billing_amount": "Billing Amount",
    "room_number": "Room Number",
    "admission_type": "Admission Type",
    "discharge_date": "Discharge Date",
    "medication": "Medication",
    "test_results": "Test Results",
}
_REPEATED = (
    "age",
    "gender",
    "blood_type",
    "medical_condition",
    "admission_date",
    "discharge_date",
    "insurance_provider",
    "room_number",
    "admission_type",
    "medication",
    "test_results",
)
_BRANDS = {"lipitor": "Lipitor"}  # a brand keeps its capital; generic names have none
_INSURERS = {name.casefold(): name for name in ("Aetna", "Blue Cross", "Cigna", "Medicare", "UnitedHealthcare")}
_GENDERS = {"female": "female", "f": "female", "male": "male", "m": "male"}
_BLOOD = re.compile(r"(?:A|B|AB|O)[+-]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?:\D|$))")  # "37,490.98", not the decimals of "37.490,98"
_BLANK = {"", "-", "?", "n/a", "na", "nan", "none", "null", "(null)", "unknown"}
_EARLIEST = date(1940, 1, 1)


def read_health(path: Path, as_of: date) -> FileTable:
    """Read a healthcare file.

    Args:
        path: the CSV file.
        as_of: "today"; nothing happens after it.

    Raises:
        SourceError: the file can't be read as such, or no row can be used.
    """
    report = Report()
    spellings = {ours: (theirs, theirs.replace(" ", "_")) for ours, theirs in _COLUMNS.items()}
    raw = read_columns(path, spellings, report, repeated=_REPEATED)
    fresh = passing(_repetition(raw), raw.num_rows, report)
    raw = raw.filter(fresh)
    table = _normalised(raw, as_of)
    good = passing(_usable(table, as_of), table.num_rows, report)
    count_repaired(_repairs(raw, table), good, report)
    table = table.filter(good)
    need_rows(table, path, report)
    types = source_info("health").columns
    origin = Origin("health", base_name(path), file_digest(path))
    return FileTable(origin, report, types, table.select(list(types)), np.flatnonzero(fresh)[good] + 1)


def _normalised(raw: pa.Table, as_of: date) -> pa.Table:
    read_date = _date_reader(as_of)
    readers: dict[str, tuple[Callable[[str], object], pa.DataType]] = {
        "record_name": (person_name, pa.string()),
        "gender": (lambda text: _GENDERS.get(text.strip().casefold()), pa.string()),
        "age": (_whole, pa.int64()),
        "blood_type": (_blood, pa.string()),
        "medical_condition": (_common, pa.string()),
        "admission_date": (read_date, pa.string()),
        "discharge_date": (read_date, pa.string()),
        "doctor": (person_name, pa.string()),
        "hospital": (hospital_name, pa.string()),
        "insurance_provider": (_insurer, pa.string()),
        "billing_amount": (_amount, pa.float64()),
        "room_number": (_whole, pa.int64()),
        "admission_type": (_common, pa.string()),
        "medication": (_drug, pa.string()),
        "test_results": (_common, pa.string()),
    }
    return pa.table(
        {name: map_distinct(raw[name], _unless_blank(read), kind) for name, (read, kind) in readers.items()}
    )


def _repetition(raw: pa.Table) -> Iterator[tuple[str, Mask]]:
    for reason, left_out in (("exact duplicate", ""), ("repeats another row but for the age", "age")):
        texts = [pc.utf8_lower(raw[name].cast(pa.string())) for name in _COLUMNS if name != left_out]
        yield reason, first_of_each(pc.binary_join_element_wise(*texts, "\x1f").combine_chunks())


def _usable(table: pa.Table, as_of: date) -> Iterator[tuple[str, pa.Array]]:
    filled = np.ones(table.num_rows, dtype=np.bool_)
    for column in table.columns:
        filled &= np.asarray(pc.is_valid(column))
    yield "a cell is blank or unreadable", filled
    yield "negative amount", pc.greater_equal(table["billing_amount"], 0)
    yield f"under {YOUNGEST}", pc.greater_equal(table["age"], YOUNGEST)
    yield f"age over {OLDEST}", pc.less_equal(table["age"], OLDEST)
    yield "discharged before admission", pc.less_equal(table["admission_date"], table["discharge_date"])
    yield f"after {as_of.isoformat()}", pc.less_equal(table["discharge_date"], as_of.isoformat())


def _repairs(raw: pa.Table, table: pa.Table) -> dict[str, pa.Array]:
    return {
        "patient's name in odd case, with title or suffix": pc.not_equal(raw["record_name"], table["record_name"]),
        "doctor's name in odd case, with title or suffix": pc.not_equal(raw["doctor"], table["doctor"]),
        "hospital's name out of order": map_distinct(raw["hospital"], lambda t: not is_company_in_order(t), pa.bool_()),
        "amount rounded to cents": map_distinct(raw["billing_amount"], _has_more_than_cents, pa.bool_()),
    }


def _unless_blank(read: Callable[[str], object]) -> Callable[[str], object]:
    """A reader that gives ``None`` for what stands for nothing, and never an empty text."""
    return lambda text: None if text.strip().casefold() in _BLANK else (None if (value := read(text)) == "" else value)


def _date_reader(as_of: date) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        if match := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", text.strip()):
            year, month, day = map(int, match.groups())
        elif match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?: .*)?", text.strip()):
            month, day, year = map(int, match.groups())
            if len(match[3]) == 2:
                year += 100 * round((as_of.year - year) / 100)
        else:
            return None
        try:
            found = date(year, month, day)
        except ValueError:
            return None
        return found.isoformat() if found >= _EARLIEST else None

    return read


def _blood(text: str) -> str | None:
    found = text.strip().upper()
    return found if _BLOOD.fullmatch(found) else None


def _whole(text: str) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,6})(?:\.0*)?\s*", text)
    return int(match[1]) if match else None


def _amount(text: str) -> float | None:
    try:
        value = float(_THOUSANDS.sub("", text.replace("$", "")))
    except ValueError:
        return None
    return round(value, 2) + 0.0 if abs(value) < 1e9 else None  # -0.0 becomes 0.0


def _has_more_than_cents(text: str) -> bool:
    return len(text.partition(".")[2].rstrip("0")) > 2


def _common(text: str) -> str:
    return " ".join(text.split()).lower()


def _insurer(text: str) -> str:
    name = " ".join(text.split())
    return _INSURERS.get(name.casefold(), name)


def _drug(text: str) -> str:
    name = _common(text)
    return _BRANDS.get(name, name)
