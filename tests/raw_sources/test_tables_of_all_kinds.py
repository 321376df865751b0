"""Every packing, encoding, delimiter, form of dates and header: read rightly, or refused with what mends it."""

import csv
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fiubench.raw_sources.inspect import inspect
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.support.errors import SourceError

from tests.raw_sources.table_files import (
    ADDRESSES,
    CRIMES,
    DATES,
    HEALTH,
    Rows,
    csv_bytes,
    dated,
    grid,
    gzipped,
    json_lines,
    parquet_bytes,
    saved,
    with_headers,
    workbook,
    zipped,
)

AS_OF = date(2025, 1, 1)
DAYS = {"health": ("Date of Admission", "Discharge Date"), "crimes": ("CMPLNT_FR_DT",), "addresses": ()}
FILES = {"health": HEALTH, "crimes": CRIMES, "addresses": ADDRESSES}
TRUE: dict[str, dict[str, list[Any]]] = {
    "health": {
        "record_name": ["José Núñez", "Lea Terry", "Dan Smith", "Ada Watts"],
        "gender": ["male", "female", "male", "female"],
        "age": [30, 62, 76, 28],
        "blood_type": ["B-", "A+", "O-", "AB+"],
        "medical_condition": ["cancer", "obesity", "arthritis", "asthma"],
        "admission_date": ["2024-01-31", "2019-08-20", "2022-09-05", "2020-11-18"],
        "discharge_date": ["2024-02-12", "2019-08-26", "2022-10-07", "2020-12-18"],
        "doctor": ["Ann Shaw", "Sam Davies", "Tia Moss", "Kim Wells"],
        "hospital": ["Smith Hospital PLC", "Müller Hospital Inc", "Cook Hospital PLC", "Lane Hospital Ltd"],
        "insurance_provider": ["Blue Cross", "Medicare", "Aetna", "Cigna"],
        "billing_amount": [18856.25, 33643.5, 1234.0, 37909.07],
        "room_number": [328, 265, 205, 450],
        "admission_type": ["urgent", "emergency", "elective", "elective"],
        "medication": ["paracetamol", "ibuprofen", "aspirin", "penicillin"],
        "test_results": ["within normal limits", "inconclusive", "within normal limits", "abnormal"],
    },
    "crimes": {
        "offense": ["second-degree harassment", "petit larceny", "robbery"],
        "complaint_number": ["692499668", "100228600", "100228601"],
        "offense_date": ["2010-01-25", "2012-12-03", "2015-07-14"],
        "law_category": ["violation", "misdemeanor", "felony"],
        "premises": ["street", "apartment building", "bank"],
    },
    "addresses": {
        "street": ["208 Michael Ferry, Apt 674", "188 Johnson Views, Suite 079", "9127 Peña Stravenue"],
        "state": ["NE", "CA", "WI"],
    },
}


def as_snake(name: str) -> str:
    return name.lower().replace(" ", "_")


def as_camel(name: str) -> str:
    return name.title().replace(" ", "").replace("_", "")


def typed(rows: Rows, change: Any) -> Rows:
    return [{key: change(value) for key, value in row.items()} for row in rows]


def as_cells(value: Any) -> Any:
    return datetime.combine(value, time()) if isinstance(value, date) else value


def as_floats(value: Any) -> Any:
    return float(value) if isinstance(value, int) and value < 1000 else value


def parts(rows: Rows) -> dict[str, bytes]:
    """A table in every packing and encoding; its name says which."""
    plain, text = dated(rows), typed(dated(rows), str)
    names = list(plain[0])
    ascii_row = next(row for row in plain if repr(row).isascii())
    return {
        "utf-8": csv_bytes(plain),
        "utf-8 bom": csv_bytes(plain, encoding="utf-8-sig"),
        "unix": csv_bytes(plain, end="\n"),
        "quoted": csv_bytes(plain, quoting=csv.QUOTE_ALL),
        "semicolons": csv_bytes(plain, ";", decimal=","),
        "tabs": csv_bytes(plain, "\t"),
        "bars": csv_bytes(plain, "|"),
        "sep comma": csv_bytes(plain, first="sep=,\r\n"),
        "sep semicolon bom": csv_bytes(plain, ";", "utf-8-sig", first="SEP=;\r\n"),
        "sep caret": csv_bytes(plain, "^", first="sep=^\r\n"),
        "utf-16 tabs": csv_bytes(plain, "\t", "utf-16"),
        "utf-16-le without a mark": csv_bytes(plain, encoding="utf-16-le"),
        "utf-16-be without a mark": csv_bytes(plain, encoding="utf-16-be"),
        "utf-16 semicolons": csv_bytes(plain, ";", "utf-16", decimal=","),
        "cp1252": csv_bytes(plain, encoding="cp1252"),
        "cp1252 semicolons": csv_bytes(plain, ";", "cp1252", decimal=","),
        "cp1252 far below": csv_bytes([*([ascii_row] * 2000), *plain], encoding="cp1252"),
        "gzip": gzipped(csv_bytes(plain)),
        "gzip of cp1252": gzipped(csv_bytes(plain, encoding="cp1252")),
        "zip": zipped({"folder/data.csv": csv_bytes(plain)}),
        "zip with litter": zipped(
            {"__MACOSX/._data.csv": b"\0\5\26\7", ".DS_Store": b"x", "data.csv": csv_bytes(plain), "README.md": b"# Hi"}
        ),
        "zip of utf-16": zipped({"data.txt": csv_bytes(plain, encoding="utf-16")}),
        "gzip of zip": gzipped(zipped({"data.csv": csv_bytes(plain)})),
        "zip of xlsx": zipped({"data.xlsx": workbook({"A": grid(plain)})}),
        "xlsx": workbook({"A": grid(plain)}),
        "xlsx with dates": workbook({"A": grid(typed(rows, as_cells))}),
        "xlsx all text": workbook({"Empty": [], "A": grid(text)}),
        "xlsx floats": workbook({"A": grid(typed(plain, as_floats))}),
        "xlsx padded": workbook(
            {"A": [[], [*names, None, ""], *([*row.values(), None, ""] for row in plain), [None] * 3, []]}
        ),
        "parquet": parquet_bytes(rows),
        "parquet text": parquet_bytes(text),
        "parquet dictionary": parquet_bytes(plain, {names[-1]: pa.dictionary(pa.int8(), pa.string())}),
        "json lines": json_lines(plain),
        "json lines bom, other keys": b"\xef\xbb\xbf"
        + json_lines([dict(reversed(row.items())) for row in plain])
        + b"\n",
        "json lines nested elsewhere": json_lines([{"id": {"a": [1]}, **row} for row in plain]),
        "rows padded": csv_bytes([{**row, "": "", " ": ""} for row in plain]),
        "rows padded beyond the header": b"\r\n".join(
            line + b",," * (i > 0) for i, line in enumerate(csv_bytes([*map(flat, plain)]).split(b"\r\n")[:-1])
        )
        if "Address" not in names
        else csv_bytes(plain),
        "empty rows below": csv_bytes([*plain, *[dict.fromkeys(plain[0], "")] * 30]),
        "upper case": csv_bytes(with_headers(plain, str.upper)),
        "snake case": csv_bytes(with_headers(plain, as_snake)),
        "camel case": csv_bytes(with_headers(plain, as_camel)),
        "spaces and dots": csv_bytes(with_headers(plain, lambda name: f"  {name}. ")),
        "delimiter in a header": csv_bytes([{"Total; net, of tax": "1;2,3", **row} for row in plain]),
        "line break in a header": csv_bytes([{"Two\nlines": "a;b", **row} for row in plain]),
    }


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: str(value) for key, value in row.items()}


CASES = [(source, kind, data) for source, rows in FILES.items() for kind, data in parts(rows).items()]


@pytest.mark.parametrize(("source", "kind", "data"), CASES, ids=[f"{s}-{k}" for s, k, _ in CASES])
def test_every_value_is_read_rightly(tmp_path: Path, source: str, kind: str, data: bytes) -> None:
    path = saved(tmp_path, data)
    found = inspect(path, source=None, as_of=AS_OF.isoformat())
    table = SOURCES[source].read(path, Context(AS_OF))
    assert found.source == source
    assert found.report == table.report
    assert found.sample == SOURCES[source].sample(table)
    true, got = TRUE[source], table.data.to_pydict()
    if kind == "cp1252 far below":  # repeats of a row in ASCII stand before it
        assert {name: sorted(got[name]) for name in true} == {name: sorted(values) for name, values in true.items()}
        assert ("Read as cp1252." in table.report.notes) == (source != "crimes")  # whose wanted columns are plain
        return
    assert {name: got[name] for name in true} == true
    empty = 30 if kind == "empty rows below" else 0
    assert table.report.read == len(FILES[source]) + empty
    assert table.report.dropped.total() == empty


FORMS = [(source, form) for source in ("health", "crimes") for form in DATES]


@pytest.mark.parametrize("packing", ["csv", "xlsx", "json lines"])
@pytest.mark.parametrize(("source", "form"), FORMS, ids=[f"{s}-{f}" for s, f in FORMS])
def test_every_form_of_dates(tmp_path: Path, source: str, form: str, packing: str) -> None:
    rows = dated(FILES[source], form)
    data = {"csv": csv_bytes, "json lines": json_lines, "xlsx": lambda rows: workbook({"A": grid(rows)})}[packing](rows)
    path = saved(tmp_path, data)
    if form == "dd.mm.yy":  # of so few rows the year may come first as well
        with pytest.raises(SourceError, match=r"\(day first\) or .* \(year first\).*\n.*--date-order dmy or"):
            SOURCES[source].read(path, Context(AS_OF))
    got = SOURCES[source].read(path, Context(AS_OF, date_order="dmy")).data.to_pydict()
    assert {name: got[name] for name in TRUE[source]} == TRUE[source]


def test_parquet_of_other_types(tmp_path: Path) -> None:
    rows = [{**row, "Billing Amount": Decimal(str(row["Billing Amount"]))} for row in HEALTH]
    types = {
        "Age": pa.float32(),
        "Room Number": pa.uint16(),
        "Billing Amount": pa.decimal128(12, 4),
        "Name": pa.large_string(),
        "Gender": pa.dictionary(pa.int32(), pa.string()),
        "Date of Admission": pa.timestamp("ns", tz="America/New_York"),
        "Discharge Date": pa.date64(),
    }
    midnight_there = {"Date of Admission": None}
    rows = [{**row, "Date of Admission": datetime.combine(row["Date of Admission"], time(12))} for row in rows]
    data = parquet_bytes(rows, {name: kind for name, kind in types.items() if name not in midnight_there} | types)
    got = SOURCES["health"].read(saved(tmp_path, data), Context(AS_OF)).data.to_pydict()
    assert got == TRUE["health"]


def test_nulls_are_blank_cells(tmp_path: Path) -> None:
    rows = [{**row, "Age": None if i == 1 else row["Age"]} for i, row in enumerate(dated(HEALTH))]
    for data in (parquet_bytes(rows), json_lines(rows), workbook({"A": grid(rows)}), csv_bytes(rows)):
        table = SOURCES["health"].read(saved(tmp_path, data), Context(AS_OF))
        assert table.report.dropped == {"Age: blank": 1}
        assert table.data["age"].to_pylist() == [30, 76, 28]


HEADERS = {
    "health": {"Name": "patient", "Gender": "Sex", "Blood Type": "ABO", "Medical Condition": "diagnosis"},
    "crimes": {"CMPLNT_NUM": "Complaint Number", "OFNS_DESC": "Offense Description"},
    "addresses": {"Address": "Full Address (two lines)"},
}


@pytest.mark.parametrize("source", HEADERS)
def test_headers_of_ones_own(tmp_path: Path, source: str) -> None:
    mine = HEADERS[source]
    path = saved(tmp_path, csv_bytes(with_headers(dated(FILES[source]), lambda name: mine.get(name, name)), ";"))
    with pytest.raises(SourceError, match=r"no column .*\n.*--columns"):
        SOURCES[source].read(path, Context(AS_OF))
    with pytest.raises(SourceError, match=r"no known source.*\n.*--columns"):
        inspect(path, source=None, as_of=AS_OF.isoformat())
    for columns in ({source: mine}, {source: {as_snake(ours): theirs.upper() for ours, theirs in mine.items()}}):
        got = SOURCES[source].read(path, Context(AS_OF, columns=columns)).data.to_pydict()
        assert {name: got[name] for name in TRUE[source]} == TRUE[source]
        assert inspect(path, source=None, as_of=AS_OF.isoformat(), columns=columns).source == source


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"Nam": "patient"}, "no column 'Nam' is read from this source\n  Did you mean 'Name'?"),
        ({"Name": "patent"}, "no column 'patent' in the header\n  Did you mean 'patient'?"),
    ],
)
def test_wrong_names_of_columns(tmp_path: Path, columns: dict[str, str], says: str) -> None:
    path = saved(tmp_path, csv_bytes(with_headers(dated(HEALTH), lambda name: "patient" if name == "Name" else name)))
    with pytest.raises(SourceError) as caught:
        SOURCES["health"].read(path, Context(AS_OF, columns={"health": columns}))
    assert says in str(caught.value)


def test_the_exact_header_wins(tmp_path: Path) -> None:
    rows = [{"blood_type": "wrong", **row} for row in dated(HEALTH)]
    table = SOURCES["health"].read(saved(tmp_path, csv_bytes(rows)), Context(AS_OF))
    assert table.data["blood_type"].to_pylist() == TRUE["health"]["blood_type"]
