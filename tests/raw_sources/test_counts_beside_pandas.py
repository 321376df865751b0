"""What is dropped of the real files, counted again with pandas: another way to the same numbers."""

import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from fiubench.raw_sources.places import STATES
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.raw_sources.sources.addresses import MILITARY_STATES

TABLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "tables"
AS_OF = date(2023, 6, 1)  # within the years of the health files, so that some records are later
FORMATS = {"excel": "%m/%d/%y", "v1": "%Y-%m-%d", "v2": "%Y-%m-%d"}

pytestmark = pytest.mark.skipif(not TABLES.exists(), reason="no sample data beside the repository")


def counted(checks: dict[str, "pd.Series[bool]"]) -> dict[str, int]:
    """Rows by the first check that they fail."""
    failed = pd.DataFrame(checks)
    first = failed.idxmax(axis=1)[failed.any(axis=1)]
    return {str(reason): int(count) for reason, count in first.value_counts().items()}


@pytest.mark.parametrize("version", FORMATS)
def test_health(version: str) -> None:
    file = TABLES / f"healthcare_dataset_{version}.csv"
    report = SOURCES["health"].read(file, Context(AS_OF)).report
    raw = pd.read_csv(file, dtype=str, keep_default_na=False)
    lower = raw.apply(lambda column: column.str.lower())
    admitted, discharged = (
        pd.to_datetime(raw[name], format=FORMATS[version]) for name in ("Date of Admission", "Discharge Date")
    )
    age = raw["Age"].astype(int)
    ours = counted(
        {
            "exact duplicate": lower.duplicated(),
            "repeats another row but for the age": lower.drop(columns="Age").duplicated(),
            **{f"{name}: blank": raw[name].str.strip().eq("") for name in raw},
            "negative amount": raw["Billing Amount"].astype(float).round(2).lt(0),
            "under 20": age.lt(20),
            "age over 110": age.gt(110),
            "discharged before admission": discharged.lt(admitted),
            "after 2023-06-01": discharged.gt(pd.Timestamp(AS_OF)),
        }
    )
    assert ours["after 2023-06-01"] > 100
    assert {why: n for why, n in report.dropped.items() if "public figure" not in why} == ours
    assert report.read == len(raw)


@pytest.mark.parametrize("file", ["NYPD_Complaint_Data_Historic.csv", "nypd_soda.csv"])
def test_crimes(file: str) -> None:
    report = SOURCES["crimes"].read(TABLES / file, Context(date(2025, 1, 1))).report
    raw = pd.read_csv(TABLES / file, dtype=str, keep_default_na=False)
    raw.columns = raw.columns.str.upper()
    offense = raw["OFNS_DESC"].str.strip()
    ours = counted(
        {
            "blank offense": offense.eq(""),
            "sexual offense or offense against a child": offense.str.contains(
                r"RAPE|SEX|CHILD|PROSTITUTION|KIDNAP JUV"
            ),
            "vague offense": offense.str.replace(r" & RELATED OF.*$", "", regex=True).str.contains(
                r"\b(?:OTHER|MISCELLANEOUS|OFFENSES|OFF\.|LAWS?|CODES?)(?!\w)"
            )
            & ~offense.str.contains("SEX|CHILD"),
            "CMPLNT_FR_DT: blank": raw["CMPLNT_FR_DT"].eq(""),
            "CMPLNT_FR_DT: unreadable": pd.to_datetime(raw["CMPLNT_FR_DT"], errors="coerce").isna(),
            "LAW_CAT_CD: blank": raw["LAW_CAT_CD"].eq(""),
            "CMPLNT_NUM: blank": raw["CMPLNT_NUM"].eq(""),
            "complaint number of an earlier row": raw["CMPLNT_NUM"].duplicated(),
        }
    )
    assert report.dropped == ours
    assert report.read == len(raw)


def test_addresses() -> None:
    report = SOURCES["addresses"].read(TABLES / "USA_Housing.csv", Context(date(2025, 1, 1))).report
    raw = pd.read_csv(TABLES / "USA_Housing.csv", dtype=str, keep_default_na=False)["Address"]
    state = raw.str.extract(r"\b([A-Z]{2}) \d{5}(?:-\d{4})?$")[0]
    military = state.isin(MILITARY_STATES)
    ours = counted(
        {
            "Address: blank": raw.str.strip().eq(""),
            "military address": military,
            "not in the 50 states or DC": ~military & ~state.isin(STATES),
            "street line repeats another": raw.str.split("\n").str[0].where(state.isin(STATES)).dropna().duplicated()
            .reindex(raw.index, fill_value=False),
        }
    )  # fmt: skip
    assert report.dropped == ours
    assert re.search("military|50 states", " ".join(report.examples))
