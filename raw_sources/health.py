"""Kaggle ``prasad22/healthcare-dataset``: synthetic patient records, in either version or re-saved by a spreadsheet.

What is wrong with the files, and what becomes of it (all counted in the table's report):

- names in odd case, with titles or suffixes: cleaned;
- hospitals that are company names with words out of order ("and Sons Smith"): put in order, called a hospital;
- amounts with up to 15 decimals: rounded to cents; negative ones: dropped, a bill is not negative;
- exact duplicates, and rows that repeat another but for the age: the first is kept;
- people under 20: dropped, the benchmark holds adults only;
- dates in M/D/YY: read; discharges before admission or after ``as_of``, unknown genders and blood types, blank or
  unreadable cells: dropped.

Source: https://www.kaggle.com/datasets/prasad22/healthcare-dataset
"""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raw_sources.csvfile import keep, map_distinct, need_rows, read_columns, repaired
from raw_sources.registry import source_info
from raw_sources.table import FileTable, Origin, Report, base_name
from raw_sources.wording import hospital_name, is_company_in_order, person_name
from support.canonical import file_digest

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
    "insurance_provider",
    "room_number",
    "admission_type",
    "medication",
    "test_results",
)
_BRANDS = {"lipitor": "Lipitor"}  # a brand keeps its capital; generic names have none
_BLOOD = re.compile(r"(?:A|B|AB|O)[+-]")


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
    raw = _without_repetition(raw, report)
    table = _normalised(raw, as_of, report)
    need_rows(table, path, report)
    types = source_info("health").columns
    return FileTable(Origin("health", base_name(path), file_digest(path)), report, types, table.select(list(types)))


def _normalised(raw: pa.Table, as_of: date, report: Report) -> pa.Table:
    names, doctors, hospitals = (raw.column(c) for c in ("record_name", "doctor", "hospital"))
    clean_names, clean_doctors = map_distinct(names, person_name), map_distinct(doctors, person_name)
    repaired(names, clean_names, "patient's name in odd case, with title or suffix", report)
    repaired(doctors, clean_doctors, "doctor's name in odd case, with title or suffix", report)
    disordered = map_distinct(hospitals, lambda text: not is_company_in_order(text), pa.bool_())
    if count := int(pc.sum(disordered).as_py()):
        report.repaired["hospital's name out of order"] = count
    cents = map_distinct(raw.column("billing_amount"), _amount, pa.float64())
    if count := int(pc.sum(map_distinct(raw.column("billing_amount"), _has_more_than_cents, pa.bool_())).as_py()):
        report.repaired["amount rounded to cents"] = count
    read_date = _date_reader(as_of)
    table = pa.table(
        {
            "record_name": clean_names,
            "gender": map_distinct(raw.column("gender"), _gender),
            "age": map_distinct(raw.column("age"), _whole, pa.int64()),
            "blood_type": map_distinct(raw.column("blood_type"), lambda t: t if _BLOOD.fullmatch(t) else None),
            "medical_condition": map_distinct(raw.column("medical_condition"), _common),
            "admission_date": map_distinct(raw.column("admission_date"), read_date),
            "discharge_date": map_distinct(raw.column("discharge_date"), read_date),
            "doctor": clean_doctors,
            "hospital": map_distinct(hospitals, hospital_name),
            "insurance_provider": map_distinct(raw.column("insurance_provider"), _proper),
            "billing_amount": cents,
            "room_number": map_distinct(raw.column("room_number"), _whole, pa.int64()),
            "admission_type": map_distinct(raw.column("admission_type"), _common),
            "medication": map_distinct(raw.column("medication"), _drug),
            "test_results": map_distinct(raw.column("test_results"), _common),
        }
    )
    return _usable(table, as_of, report)


def _usable(table: pa.Table, as_of: date, report: Report) -> pa.Table:
    filled = np.ones(table.num_rows, dtype=bool)
    for name in table.column_names:
        column = table.column(name)
        valid = pc.is_valid(column)
        if pa.types.is_string(column.type):
            valid = pc.and_(valid, pc.not_equal(pc.fill_null(column, ""), ""))
        filled &= np.asarray(valid)
    table = keep(table, filled, "a cell is blank or unreadable", report)
    table = keep(table, pc.greater_equal(table["billing_amount"], 0), "negative amount", report)
    table = keep(table, pc.greater_equal(table["age"], YOUNGEST), f"under {YOUNGEST}", report)
    table = keep(table, pc.less_equal(table["age"], OLDEST), f"age over {OLDEST}", report)
    in_order = pc.less_equal(table["admission_date"], table["discharge_date"])
    table = keep(table, in_order, "discharged before admission", report)
    return keep(table, pc.less_equal(table["discharge_date"], as_of.isoformat()), f"after {as_of.isoformat()}", report)


def _without_repetition(raw: pa.Table, report: Report) -> pa.Table:
    raw = keep(raw, _first_of(raw, list(_COLUMNS)), "exact duplicate", report)
    return keep(raw, _first_of(raw, [c for c in _COLUMNS if c != "age"]), "repeats another row but for the age", report)


def _first_of(raw: pa.Table, columns: list[str]) -> np.ndarray[Any, Any]:
    """Whether each row is the first with these cells."""
    texts = [pc.utf8_lower(pc.cast(raw.column(name), pa.string())) for name in columns]
    keys = pc.binary_join_element_wise(*texts, "\x1f").combine_chunks()
    codes = np.asarray(pc.dictionary_encode(keys).indices)
    _, first = np.unique(codes, return_index=True)
    mask = np.zeros(len(codes), dtype=bool)
    mask[first] = True
    return mask


def _date_reader(as_of: date) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", text.strip())
        if match:
            year, month, day = map(int, match.groups())
        elif match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})", text.strip()):
            month, day, year = map(int, match.groups())
            if len(match[3]) == 2:
                year += 2000 if year <= as_of.year % 100 else 1900
        else:
            return None
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return None

    return read


def _gender(text: str) -> str | None:
    return {"female": "female", "f": "female", "male": "male", "m": "male"}.get(text.strip().casefold())


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\s*\d{1,6}\s*", text) else None


def _amount(text: str) -> float | None:
    try:
        value = float(text.replace("$", "").replace(",", ""))
    except ValueError:
        return None
    return round(value, 2) if abs(value) < 1e9 else None


def _has_more_than_cents(text: str) -> bool:
    return len(text.partition(".")[2].rstrip("0")) > 2


def _common(text: str) -> str:
    return " ".join(text.split()).lower()


def _proper(text: str) -> str:
    return " ".join(text.split())


def _drug(text: str) -> str:
    name = _common(text)
    return _BRANDS.get(name, name)
