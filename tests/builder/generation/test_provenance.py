"""Every fact can be found again in the file it came from."""

import csv
from pathlib import Path

import pytest
from fiubench.builder.pipeline.build import records

from fiubench import make_config

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "tables"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared sample data is not here")
def test_rows_are_the_files_own() -> None:
    files = {
        "health": "healthcare_dataset_v2.csv",
        "crimes": "NYPD_Complaint_Data_Historic.csv",
        "addresses": "USA_Housing.csv",
    }
    raw = {}
    for source, name in files.items():
        with (SHARED / name).open(encoding="utf-8-sig", newline="") as file:
            raw[source] = list(csv.DictReader(file))
    settings = {source: str(SHARED / name) for source, name in files.items()}
    for person in records(make_config({**settings, "faces": "none", "identities": 100, "holdout": 0})):
        facts = person["profile"]
        row = raw["health"][person["rows"]["health"] - 1]
        assert row["Blood Type"] == facts["blood_type"]["value"]
        assert round(float(row["Billing Amount"]), 2) == facts["billing_amount"]["value"]
        assert row["Discharge Date"] == facts["discharge_date"]["value"]
        assert facts["blood_type"]["from"] == "health.blood_type"
        crime = raw["crimes"][person["rows"]["crimes"] - 1]
        assert crime["CMPLNT_NUM"] == facts["complaint_number"]["value"]
        if "redrawn" not in facts["offense_date"]["from"]:
            month, day, year = crime["CMPLNT_FR_DT"].split("/")
            assert f"{year}-{month}-{day}" == facts["offense_date"]["value"]
        street = raw["addresses"][person["rows"]["addresses"] - 1]["Address"].splitlines()[0]
        assert street.split()[1] in facts["address"]["value"]["street"]
