"""The real tables re-saved in forms that people bring: every value is that of the original file."""

from datetime import date
from pathlib import Path

import pytest
from fiubench.raw_sources.inspect import inspect
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.raw_sources.table import FileTable

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
AS_OF = date(2025, 1, 1)
RENAMED = {
    "CMPLNT_NUM": "Complaint Number",
    "CMPLNT_FR_DT": "Complaint From Date",
    "OFNS_DESC": "Offense Description",
    "LAW_CAT_CD": "Level Of Offense",
    "PREM_TYP_DESC": "Premises",
}
DAY_FIRST = [f"{name}: dates are read with the day first." for name in ("Date of Admission", "Discharge Date")]

pytestmark = pytest.mark.skipif(not (SHARED / "odd").exists(), reason="no sample data beside the repository")


def whole(source: str) -> FileTable:
    names = {"health": "healthcare_dataset_v2.csv", "crimes": "NYPD_Complaint_Data_Historic.csv"}
    table = SOURCES[source].read(SHARED / "tables" / names[source], Context(AS_OF))
    assert isinstance(table, FileTable)
    return table


@pytest.mark.parametrize(
    ("file", "rows", "notes"),
    [
        ("archive.zip", 800, ["Read as 'healthcare_dataset.csv' of a zip archive."]),
        ("hc.csv.gz", 800, ["Read as a gzip archive."]),
        ("hc.parquet", 800, ["Read as Parquet."]),
        ("hc.xlsx", 800, ["Read as a spreadsheet, sheet 'Sheet1'."]),
        ("hc_ddmm.csv", 300, DAY_FIRST),
        ("hc_latin1.csv", 300, ["Read as cp1252."]),
        ("hc_semi.csv", 300, ["Read as CSV, fields separated by semicolons."]),
        ("hc_sepline.csv", 299, []),
        ("hc_utf16.csv", 300, ["Read as UTF-16, fields separated by tabs."]),
        ("ny_excel.csv", 300, []),
        ("ny_renamed.csv", 300, []),
    ],
)
def test_values_are_those_of_the_original(file: str, rows: int, notes: list[str]) -> None:
    source = "crimes" if file.startswith("ny") else "health"
    columns = {"crimes": RENAMED} if file == "ny_renamed.csv" else {}
    found = inspect(SHARED / "odd" / file, source=None, as_of=AS_OF.isoformat(), columns=columns)
    table = SOURCES[source].read(SHARED / "odd" / file, Context(AS_OF, columns=columns))
    assert (found.source, found.report) == (source, table.report)
    assert table.report.read == rows
    assert table.report.notes == notes
    true = whole(source).data.slice(0, table.rows).to_pydict()
    if file == "hc_latin1.csv":  # two cells were given letters that UTF-8 writes otherwise
        true["doctor"][5], true["hospital"][7] = "José Núñez", "Müller-Lüdenscheidt Hospital"
    assert table.data.to_pydict() == true
