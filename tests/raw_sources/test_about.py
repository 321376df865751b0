"""Which file is the one that a source is named after, and what is said of another."""

from pathlib import Path

import pytest
from fiubench.raw_sources.about import described, said_of
from fiubench.raw_sources.source import SOURCES

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
HEALTH = (
    "Name,Age,Gender,Blood Type,Medical Condition,Date of Admission,Doctor,Hospital,Insurance Provider,Billing Amount,"
    "Room Number,Admission Type,Discharge Date,Medication,Test Results"
)
HOUSING = (
    "Avg. Area Income,Avg. Area House Age,Avg. Area Number of Rooms,Avg. Area Number of Bedrooms,Area Population,Price,"
    "Address"
)


def file_of(folder: Path, header: str) -> Path:
    path = folder / "records.csv"
    path.write_text(f"{header}\n{','.join('x' for _ in header.split(','))}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "header", "original"),
    [
        ("health", HEALTH, True),
        ("health", HEALTH.upper(), True),
        ("health", f"Unnamed: 0,{HEALTH}", True),
        ("health", HEALTH.replace("Name", "Patient name"), False),
        ("health", HEALTH.removesuffix(",Test Results"), False),
        ("addresses", HOUSING, True),
        ("addresses", "Address", False),
        ("addresses", HOUSING.replace("Price", "Cost"), False),
        ("crimes", "CMPLNT_NUM,CMPLNT_FR_DT,OFNS_DESC,LAW_CAT_CD,PREM_TYP_DESC", False),
    ],
)
def test_a_file_is_the_original_by_its_whole_header(tmp_path: Path, source: str, header: str, original: bool) -> None:
    about = described(SOURCES[source], file_of(tmp_path, header), None, {})
    assert (about["title"] == SOURCES[source].title) is original
    assert (about["license"] == SOURCES[source].license) is original
    assert about.get("own", False) is not original
    if not original:
        assert about["title"] == "Records of the file records.csv"
        assert not about["license"] and not about["citation"] and not about["url"] and not about["description"]


def test_the_file_beside_a_table(tmp_path: Path) -> None:
    path = file_of(tmp_path, "Address")
    assert said_of(path) == {}
    (tmp_path / "source.yaml").write_text("title: All of them\n")
    assert said_of(path) == {"title": "All of them"}
    (tmp_path / "records.source.yaml").write_text("title: This one\nlicense: MIT\n")
    assert said_of(path) == {"title": "This one", "license": "MIT"}
    about = described(SOURCES["addresses"], path, None, said_of(path))
    assert (about["title"], about["license"], about["own"]) == ("This one", "MIT", True)


@pytest.mark.skipif(not SHARED.exists(), reason="no sample data beside the repository")
@pytest.mark.parametrize(
    ("file", "source", "original"),
    [
        ("tables/healthcare_dataset_v1.csv", "health", True),
        ("tables/healthcare_dataset_v2.csv", "health", True),
        ("tables/healthcare_dataset_excel.csv", "health", True),
        ("tables/USA_Housing.csv", "addresses", True),
        ("tables/NYPD_Complaint_Data_Historic.csv", "crimes", True),
        ("tables/nypd_soda.csv", "crimes", True),
        ("odd/ny_renamed.csv", "crimes", False),
    ],
)
def test_real_files(file: str, source: str, original: bool) -> None:
    assert ("own" in described(SOURCES[source], SHARED / file, None, {})) is not original
