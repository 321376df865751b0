"""What a raw file looks like to us."""

import hashlib
from pathlib import Path

import pytest
from fiubench.raw_sources.inspect import inspect
from fiubench.support.errors import SourceError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
AS_OF = "2025-01-01"
HEALTH = (
    "Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,Billing Amount,"
    "Room Number,Admission Type,Discharge Date,Medication,Test Results\r\n"
    "LesLie TErRy,62,Female,A+,Obesity,2019-08-20,Samantha Davies,Kim Inc,Medicare,33643.327,265,Emergency,2019-08-26,"
    "Ibuprofen,Inconclusive\r\n"
)
CRIMES = "CMPLNT_NUM,CMPLNT_FR_DT,OFNS_DESC,LAW_CAT_CD,PREM_TYP_DESC\n"
CRIMES += "123456789,01/02/2010,PETIT LARCENY,MISDEMEANOR,STREET\n"
ADDRESSES = 'Price,Address\n1.0,"208 Michael Ferry\nLaurabury, NE 37010-5101"\n'


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "data.csv"
    file.write_text(text, newline="", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "source", "column", "value"),
    [
        (HEALTH, "health", "record_name", "Leslie Terry"),
        ("\ufeff" + HEALTH, "health", "billing_amount", "33643.33"),
        (CRIMES, "crimes", "offense", "petit larceny"),
        (CRIMES.lower(), "crimes", "complaint_number", "123456789"),
        (ADDRESSES, "addresses", "state", "NE"),
    ],
)
def test_a_file_is_told_by_its_header(tmp_path: Path, text: str, source: str, column: str, value: str) -> None:
    file = write(tmp_path, text)
    found = inspect(file, source=None, as_of=AS_OF)
    assert found.source == source
    assert found.report.read == found.report.kept == 1
    assert found.sample[0][column] == value
    assert (found.origin.file, found.origin.sha256) == ("data.csv", hashlib.sha256(file.read_bytes()).hexdigest())
    assert inspect(file, source=source, as_of=AS_OF) == found


def test_an_address_is_shown_as_text(tmp_path: Path) -> None:
    row = inspect(write(tmp_path, ADDRESSES), source=None, as_of=AS_OF).sample[0]
    assert row["address"] == f"208 Michael Ferry, {row['city']}, NE, {row['zip']}"


def test_the_sample_is_short(tmp_path: Path) -> None:
    rows = "".join(CRIMES.splitlines(keepends=True)[1].replace("123456789", str(100000000 + i)) for i in range(9))
    found = inspect(write(tmp_path, CRIMES.splitlines(keepends=True)[0] + rows), source=None, as_of=AS_OF)
    assert found.report.kept == 9
    assert [row["complaint_number"] for row in found.sample] == [str(100000000 + i) for i in range(5)]


def test_nothing_happens_after_today(tmp_path: Path) -> None:
    file = write(tmp_path, CRIMES + CRIMES.splitlines()[1].replace("2010", "2020").replace("1234", "2234") + "\n")
    assert inspect(file, source=None, as_of=AS_OF).report.kept == 2
    assert inspect(file, source=None, as_of="2015-01-01").report.dropped.total() == 1


def test_a_source_that_is_named_is_believed(tmp_path: Path) -> None:
    file = write(tmp_path, HEALTH.replace("Test Results", "Address"))  # could be either
    with pytest.raises(SourceError, match="'Test Results'"):
        inspect(file, source="health", as_of=AS_OF)
    file = write(tmp_path, HEALTH.replace(",Age,", ",Address,"))
    with pytest.raises(SourceError, match="'Age'"):
        inspect(file, source=None, as_of=AS_OF)
    assert inspect(write(tmp_path, ADDRESSES), source="addresses", as_of=AS_OF).source == "addresses"


def test_a_folder_is_faces(faces: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    found = inspect(faces, source=None, as_of=AS_OF, progress=lambda *step: steps.append(step))
    assert found.source == "faces"
    assert (found.report.read, found.report.kept, len(found.sample)) == (12, 12, 5)
    assert found.sample[0] == {
        "file": "images/images/SFHQ_pt1_00000000.jpg",
        "unique_id": "00000000",
        "size": "200 x 200",
        "gender": "unknown",
        "age": "unknown",
    }
    assert steps[-1] == ("Checking faces", 12, 12)


def test_a_header_that_is_none_of_them(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        inspect(write(tmp_path, "Rooms,Area\n1,2\n"), source=None, as_of=AS_OF)
    text = str(caught.value)
    assert "data.csv" in text
    assert "Rooms, Area" in text
    for expected in ("--source", "health: blood type", "crimes: cmplnt_fr_dt", "addresses: address"):
        assert expected in text


@pytest.mark.parametrize(
    ("source", "as_of", "says"),
    [
        ("helth", AS_OF, "unknown source 'helth'\n  Did you mean 'health'"),
        ("careers", AS_OF, "made by fiubench"),
        ("person", AS_OF, "made by fiubench"),
        ("health", "tomorrow", "'tomorrow' is not a date"),
        ("health", "2025-02-30", "--as-of"),
        ("health", AS_OF, "Blood Type"),
        ("faces", AS_OF, "a file, not a folder"),
    ],
)
def test_what_can_not_be(tmp_path: Path, source: str, as_of: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        inspect(write(tmp_path, "a,b\n1,2\n"), source=source, as_of=as_of)


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"PK\x03\x04" + b"x" * 90, "zip archive"), (b"Name;Age\n1;2\n", "no known source: Name;Age")],
)
def test_what_is_no_table(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "data.csv"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        inspect(file, source=None, as_of=AS_OF)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
@pytest.mark.parametrize(
    ("file", "source", "read"),
    [
        ("healthcare_dataset_v1.csv", "health", 3000),
        ("healthcare_dataset_v2.csv", "health", 12000),
        ("healthcare_dataset_excel.csv", "health", 766),
        ("USA_Housing.csv", "addresses", 3000),
        ("NYPD_Complaint_Data_Historic.csv", "crimes", 1600),
        ("nypd_soda.csv", "crimes", 8),
    ],
)
def test_real_files_are_told(file: str, source: str, read: int) -> None:
    found = inspect(SHARED / "tables" / file, source=None, as_of=AS_OF)
    assert (found.source, found.report.read) == (source, read)
    assert 0 < found.report.kept == read - found.report.dropped.total()
    assert len(found.sample) == 5
    assert all(value for row in found.sample for value in row.values())
