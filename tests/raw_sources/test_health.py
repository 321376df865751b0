"""Healthcare records: every defect of the files in the wild, in rows of their kind."""

import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.raw_sources.sources.health import Health
from fiubench.raw_sources.table import FileTable
from fiubench.support.errors import SourceError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "tables"
AS_OF = date(2025, 6, 1)
HEADER = [
    "Name",
    "Age",
    "Gender",
    "Blood Type",
    "Medical Condition",
    "Date of Admission",
    "Doctor",
    "Hospital",
    "Insurance Provider",
    "Billing Amount",
    "Room Number",
    "Admission Type",
    "Discharge Date",
    "Medication",
    "Test Results",
]
ROW = (
    "mRS. boBBy jacKSOn PhD,30,Female,B-,Cancer,2024-01-31,Matthew Smith MD,Sons and Miller,Blue Cross,"
    "18856.281305978155,328,Urgent,2024-02-02,Lipitor,Inconclusive"
)


def row(**changes: str) -> list[str]:
    cells = dict(zip(HEADER, ROW.split(","), strict=True))
    cells |= {name.replace("_", " "): value for name, value in changes.items()}
    return [cells[name] for name in HEADER]


def written(folder: Path, *rows: list[str], header: list[str] = HEADER) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
    path = folder / "healthcare_dataset.csv"
    path.write_bytes(text.getvalue().encode())
    return path


def read(folder: Path, *rows: list[str]) -> FileTable:
    return Health().read(written(folder, *rows), Context(AS_OF))


def test_a_row_as_it_reads_in_mid_sentence(tmp_path: Path) -> None:
    table = read(tmp_path, row())
    assert table.data.to_pylist() == [
        {
            "record_name": "Bobby Jackson",
            "gender": "female",
            "age": 30,
            "blood_type": "B-",
            "medical_condition": "cancer",
            "admission_date": "2024-01-31",
            "discharge_date": "2024-02-02",
            "doctor": "Matthew Smith",
            "hospital": "Miller and Sons Hospital",
            "insurance_provider": "Blue Cross",
            "billing_amount": 18856.28,
            "room_number": 328,
            "admission_type": "urgent",
            "medication": "Lipitor",
            "test_results": "inconclusive",
        }
    ]
    assert table.types == SOURCES.find("health").columns
    assert table.data.column_names == list(table.types)
    assert (table.origin.source, table.origin.file) == ("health", "healthcare_dataset.csv")
    assert table.report.read == table.report.kept == 1
    assert table.report.repaired == Counter(
        {
            "patient's name in odd case, with title or suffix": 1,
            "doctor's name in odd case, with title or suffix": 1,
            "hospital's name out of order": 1,
            "amount rounded to cents": 1,
        }
    )


def test_nothing_to_repair(tmp_path: Path) -> None:
    clean = row(
        Name="Ruben Burns", Doctor="Diane Jackson", Hospital="Burke, Griffin and Cooper", Billing_Amount="47304.06"
    )
    report = read(tmp_path, clean).report
    assert not report.repaired
    assert not report.dropped


@pytest.mark.parametrize(
    ("column", "raw", "expected"),
    [
        ("medication", "PARACETAMOL", "paracetamol"),
        ("medication", "lipitor", "Lipitor"),
        ("insurance_provider", "unitedhealthcare", "UnitedHealthcare"),
        ("insurance_provider", "Kaiser  Permanente", "Kaiser Permanente"),
        ("test_results", " Abnormal ", "abnormal"),
        ("blood_type", " ab+", "AB+"),
        ("gender", "F", "female"),
        ("gender", "MALE", "male"),
        ("age", "30.0", 30),
        ("age", "110", 110),
        ("room_number", "146.0", 146),
        ("billing_amount", "$37,490.983360", 37490.98),
        ("billing_amount", "-0.001", 0.0),
        ("billing_amount", "1000", 1000.0),
        ("billing_amount", "1.8856281E+04", 18856.28),
        ("admission_date", "1/31/24", "2024-01-31"),
        ("admission_date", "01/31/2024 00:00", "2024-01-31"),
        ("admission_date", "2024-01-31 00:00:00", "2024-01-31"),
        ("admission_date", "12/31/99", "1999-12-31"),
    ],
)
def test_spellings_of_a_cell(tmp_path: Path, column: str, raw: str, expected: object) -> None:
    header = {"admission_date": "Date of Admission"}.get(column, column.replace("_", " ").title())
    values = read(tmp_path, row(**{header: raw})).data[column].to_pylist()
    assert repr(values) == repr([expected])  # 0.0 is not -0.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Billing_Amount": "-502.50781"}, "negative amount"),
        ({"Age": "19"}, "under 20"),
        ({"Age": "13"}, "under 20"),
        ({"Age": "111"}, "age over 110"),
        ({"Age": "999"}, "age over 110"),
        ({"Discharge_Date": "2024-01-30"}, "discharged before admission"),
        ({"Discharge_Date": "2025-06-02"}, "after 2025-06-01"),
        ({"Date_of_Admission": "2026-01-01", "Discharge_Date": "2026-01-02"}, "after 2025-06-01"),
        ({"Date_of_Admission": "1/1/26", "Discharge_Date": "13-Jan-26"}, "after 2025-06-01"),  # not of 1926
        ({"Gender": "Unknown"}, "Gender: blank"),
        ({"Gender": "X"}, "Gender: unreadable"),
        ({"Blood_Type": "C+"}, "Blood Type: unreadable"),
        ({"Blood_Type": "AB"}, "Blood Type: unreadable"),
        ({"Name": ""}, "Name: blank"),
        ({"Name": "Dr."}, "Name: unreadable"),
        ({"Doctor": " "}, "Doctor: blank"),
        ({"Hospital": "and"}, "Hospital: unreadable"),
        ({"Medical_Condition": "NaN"}, "Medical Condition: blank"),
        ({"Medication": "(null)"}, "Medication: blank"),
        ({"Test_Results": "N/A"}, "Test Results: blank"),
        ({"Billing_Amount": "many"}, "Billing Amount: unreadable"),
        ({"Billing_Amount": "37.490,98"}, "Billing Amount: unreadable"),
        ({"Billing_Amount": "nan"}, "Billing Amount: blank"),
        ({"Billing_Amount": "inf"}, "Billing Amount: unreadable"),
        ({"Age": "thirty"}, "Age: unreadable"),
        ({"Age": "-30"}, "Age: unreadable"),
        ({"Room_Number": ""}, "Room Number: blank"),
        ({"Date_of_Admission": "31/31/2024"}, "Date of Admission: unreadable"),
        ({"Date_of_Admission": "2024-02-30"}, "Date of Admission: unreadable"),
        ({"Date_of_Admission": "1015-01-31"}, "Date of Admission: unreadable"),
        ({"Discharge_Date": ""}, "Discharge Date: blank"),
    ],
)
def test_rows_that_can_not_be_used(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    table = read(tmp_path, row(Room_Number="1"), row(**changes))
    assert table.rows == table.report.kept == 1
    assert table.report.dropped == Counter({reason: 1})
    if reason.endswith("unreadable"):
        assert table.report.examples == {reason: next(iter(changes.values()))}
    assert table.report.repaired["amount rounded to cents"] == 1  # of the row that is kept


def test_discharge_on_the_last_day_and_on_the_first(tmp_path: Path) -> None:
    rows = [row(Discharge_Date="2025-06-01"), row(Discharge_Date="2024-01-31"), row(Age="20", Room_Number="1")]
    assert read(tmp_path, *rows).rows == 3


def test_repetitions(tmp_path: Path) -> None:
    rows = [
        row(),
        row(),  # exactly
        row(Name="MRS. Bobby Jackson PHD"),  # exactly but for case
        row(Age="34"),  # but for the age
        row(Room_Number="1", Age="7"),
        row(Room_Number="329"),
    ]
    table = read(tmp_path, *rows)
    assert table.data["age"].to_pylist() == [30, 30]
    assert table.data["room_number"].to_pylist() == [328, 329]
    assert table.report.dropped == Counter(
        {"exact duplicate": 2, "repeats another row but for the age": 1, "under 20": 1}
    )
    assert table.report.kept == 2
    assert table.record_numbers(np.array([0, 1])).tolist() == [1, 6]


def test_snake_case_header_in_another_order(tmp_path: Path) -> None:
    header = [name.lower().replace(" ", "_") for name in reversed(HEADER)]
    assert Health().read(written(tmp_path, row()[::-1], header=header), Context(AS_OF)).rows == 1


def test_nothing_usable_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no row of 2 can be used: 2 under 20"):
        read(tmp_path, row(Age="7"), row(Age="8", Room_Number="1"))


def test_another_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'Name', 'Gender', 'Age'"):
        Health().read(written(tmp_path, ["1"], header=["CMPLNT_NUM"]), Context(AS_OF))


@pytest.mark.skipif(not SHARED.exists(), reason="no sample data beside the repository")
@pytest.mark.parametrize(
    ("file", "dropped", "hospitals_out_of_order"),
    [
        ("healthcare_dataset_v1.csv", {"under 20": 95}, 0),
        ("healthcare_dataset_v2.csv", {"under 20": 356, "negative amount": 19}, 5623),
        ("healthcare_dataset_excel.csv", {"under 20": 24, "negative amount": 1}, 341),
    ],
)
def test_samples(file: str, dropped: dict[str, int], hospitals_out_of_order: int) -> None:
    table = Health().read(SHARED / file, Context(AS_OF))
    figures = {key: n for key, n in table.report.dropped.items() if "public figure" in key}
    # counted with pandas, beside the program
    assert tuple(figures.values()) == {"v1": (15, 20), "v2": (65, 83), "excel": (7, 1)}[file[19:-4]]
    assert table.report.dropped == Counter(dropped) + Counter(figures)
    assert table.report.repaired["hospital's name out of order"] == hospitals_out_of_order
    assert table.rows == table.report.kept
    columns = table.data.to_pydict()
    assert all(name.istitle() or "Mc" in name for name in columns["record_name"])
    assert not [word for name in columns["record_name"] + columns["doctor"] for word in name.split() if "." in word]
    assert all(len(name.split()) == 2 for name in columns["record_name"])
    assert all("Hospital" in name and not name.endswith((",", "and")) for name in columns["hospital"])
    assert all(amount > 0 and round(amount, 2) == amount for amount in columns["billing_amount"])
    assert all(map(str.__le__, columns["admission_date"], columns["discharge_date"]))
    assert max(columns["discharge_date"]) <= AS_OF.isoformat()
    assert min(columns["admission_date"]) >= "2018-01-01"


@pytest.mark.skipif(not SHARED.exists(), reason="no sample data beside the repository")
def test_a_spreadsheet_changes_nothing() -> None:
    saved = Health().read(SHARED / "healthcare_dataset_excel.csv", Context(AS_OF)).data
    original = Health().read(SHARED / "healthcare_dataset_v2.csv", Context(AS_OF)).data.slice(0, saved.num_rows)
    assert saved.drop_columns("billing_amount") == original.drop_columns("billing_amount")
