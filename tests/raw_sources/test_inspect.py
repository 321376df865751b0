"""What a raw file looks like to us."""

from pathlib import Path

import pytest

from raw_sources.inspect import inspect
from support.errors import SourceError

HEALTH = (
    "Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,Billing Amount,"
    "Room Number,Admission Type,Discharge Date,Medication,Test Results\r\n"
    "LesLie TErRy,62,Female,A+,Obesity,2019-08-20,Samantha Davies,Kim Inc,Medicare,33643.327,265,Emergency,2019-08-26,"
    "Ibuprofen,Inconclusive\r\n"
)
CRIMES = "CMPLNT_NUM,CMPLNT_FR_DT,OFNS_DESC,LAW_CAT_CD,PREM_TYP_DESC\n"
CRIMES += "123456789,01/02/2010,PETIT LARCENY,MISDEMEANOR,STREET\n"
ADDRESSES = 'Price,Address\n1.0,"208 Michael Ferry\nLaurabury, NE 37010-5101"\n'


@pytest.mark.parametrize(
    ("text", "source", "column", "value"),
    [
        (HEALTH, "health", "record_name", "Leslie Terry"),
        (CRIMES, "crimes", "offense", "petit larceny"),
        (CRIMES.lower(), "crimes", "complaint_number", "123456789"),
        (ADDRESSES, "addresses", "state", "NE"),
    ],
)
def test_a_file_is_told_by_its_header(tmp_path: Path, text: str, source: str, column: str, value: str) -> None:
    file = tmp_path / "data.csv"
    file.write_text(text)
    found = inspect(file, source=None, as_of="2025-01-01")
    assert found.source == source
    assert found.report.read == found.report.kept == 1
    assert found.sample[0][column] == value
    assert found.origin.file == "data.csv"


def test_a_folder_is_faces(faces: Path) -> None:
    found = inspect(faces, source=None, as_of="2025-01-01")
    assert found.source == "faces"
    assert found.sample[0] == {
        "file": "images/images/SFHQ_pt1_00000000.jpg",
        "unique_id": "00000000",
        "size": "200 x 200",
        "gender": "unknown",
        "age": "unknown",
    }


def test_what_is_none_of_them(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="of no known source: a, b"):
        inspect(file, source=None, as_of="2025-01-01")
    with pytest.raises(SourceError, match="unknown source 'helth'"):
        inspect(file, source="helth", as_of="2025-01-01")
    with pytest.raises(SourceError, match="made by fiubench"):
        inspect(file, source="careers", as_of="2025-01-01")
    with pytest.raises(SourceError, match="is not a date"):
        inspect(file, source="health", as_of="tomorrow")
    with pytest.raises(SourceError, match="Blood Type"):
        inspect(file, source="health", as_of="2025-01-01")
