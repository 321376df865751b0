"""Small tables of invented records, saved in every form that people bring."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = list[dict[str, Any]]  # of one file: header -> value; dates are dates
HEADER = (
    "Name|Age|Gender|Blood Type|Medical Condition|Date of Admission|Doctor|Hospital|Insurance Provider|Billing Amount|"
    "Room Number|Admission Type|Discharge Date|Medication|Test Results"
)
HEALTH: Rows = [
    dict(zip(HEADER.split("|"), row, strict=True))
    for row in (
        ("José Núñez", 30, "Male", "B-", "Cancer", date(2024, 1, 31), "Ann Shaw", "Smith PLC", "Blue Cross", 18856.25,
         328, "Urgent", date(2024, 2, 12), "Paracetamol", "Normal"),
        ("Lea Terry", 62, "Female", "A+", "Obesity", date(2019, 8, 20), "Sam Davies", "Müller Inc", "Medicare", 33643.5,
         265, "Emergency", date(2019, 8, 26), "Ibuprofen", "Inconclusive"),
        ("Dan Smith", 76, "Male", "O-", "Arthritis", date(2022, 9, 5), "Tia Moss", "Cook PLC", "Aetna", 1234.0,
         205, "Elective", date(2022, 10, 7), "Aspirin", "Normal"),
        ("Ada Watts", 28, "Female", "AB+", "Asthma", date(2020, 11, 18), "Kim Wells", "Lane Ltd", "Cigna", 37909.07,
         450, "Elective", date(2020, 12, 18), "Penicillin", "Abnormal"),
    )
]  # fmt: skip
CRIMES: Rows = [
    {
        "CMPLNT_NUM": number,
        "CMPLNT_FR_DT": day,
        "OFNS_DESC": offense,
        "LAW_CAT_CD": law,
        "PREM_TYP_DESC": premises,
        "Note": "Peña; y" if number == 692499668 else "x",
    }
    for number, day, offense, law, premises in (
        (692499668, date(2010, 1, 25), "HARRASSMENT 2", "VIOLATION", "STREET"),
        (100228600, date(2012, 12, 3), "PETIT LARCENY", "MISDEMEANOR", "RESIDENCE - APT. HOUSE"),
        (100228601, date(2015, 7, 14), "ROBBERY", "FELONY", "BANK"),
    )
]
ADDRESSES: Rows = [
    {"Price": price, "Address": address}
    for price, address in (
        (105.5, "208 Michael Ferry Apt. 674\nLaurabury, NE 37010-5101"),
        (150.25, "188 Johnson Views Suite 079\nLake Kathleen, CA 48958"),
        (99.0, "9127 Peña Stravenue\nDanieltown, WI 06482-3489"),
    )
]

#: How people write a day.
DATES: dict[str, Callable[[date], Any]] = {
    "iso": date.isoformat,
    "iso time": lambda d: f"{d}T00:00:00.000",
    "iso space": lambda d: f"{d} 13:45",
    "m/d/y": lambda d: f"{d.month}/{d.day}/{d.year}",
    "mm/dd/yyyy": lambda d: f"{d:%m/%d/%Y}",
    "m/d/yy time": lambda d: f"{d.month}/{d.day}/{d:%y} 12:00 AM",
    "dd/mm/yyyy": lambda d: f"{d:%d/%m/%Y}",
    "d.m.y": lambda d: f"{d.day}.{d.month}.{d.year}",
    "dd.mm.yy": lambda d: f"{d:%d.%m.%y}",
    "d-m-y": lambda d: f"{d:%d-%m-%Y}",
    "yyyy/mm/dd": lambda d: f"{d:%Y/%m/%d}",
    "31-Jan-24": lambda d: f"{d:%d-%b-%y}",
    "31 January 2024": lambda d: f"{d.day} {d:%B %Y}",
    "January 31, 2024": lambda d: f"{d:%B} {d.day}, {d.year}",
    "serial": lambda d: (d - date(1899, 12, 30)).days,
    "serial with time": lambda d: (d - date(1899, 12, 30)).days + 0.75,
}


def dated(rows: Rows, form: str = "iso") -> Rows:
    """The rows with every day written in a form."""
    return [{k: DATES[form](v) if isinstance(v, date) else v for k, v in row.items()} for row in rows]


def with_headers(rows: Rows, rename: Callable[[str], str]) -> Rows:
    return [{rename(name): value for name, value in row.items()} for row in rows]


def csv_bytes(
    rows: Iterable[Mapping[str, Any]],
    delimiter: str = ",",
    encoding: str = "utf-8",
    end: str = "\r\n",
    first: str = "",
    decimal: str = ".",
    quoting: Any = csv.QUOTE_MINIMAL,
) -> bytes:
    def shown(value: Any) -> Any:
        return str(value).replace(".", decimal) if isinstance(value, float) else value

    text = io.StringIO()
    rows = list(rows)
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(rows[0])
    writer.writerows([shown(value) for value in row.values()] for row in rows)
    return (first + text.getvalue()).encode(encoding)


def zipped(members: Mapping[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def json_lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows).encode()


def parquet_bytes(rows: Rows, types: Mapping[str, pa.DataType] | None = None) -> bytes:
    table = pa.Table.from_pylist(rows)
    for name, kind in (types or {}).items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(kind))
    data = io.BytesIO()
    pq.write_table(table, data)
    return data.getvalue()


def workbook(sheets: Mapping[str, list[list[Any]]]) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def grid(rows: Rows) -> list[list[Any]]:
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def saved(folder: Path, data: bytes, name: str = "table") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
