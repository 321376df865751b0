"""NYPD complaints: every layout and every defect of the files in the wild, in rows of their kind."""

import csv
import doctest
import io
import re
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.source import SOURCES, Context
from fiubench.raw_sources.sources import crimes
from fiubench.raw_sources.sources.crimes import (
    EXCLUDED,
    UNREADABLE,
    VAGUE,
    Crimes,
    offense_words,
    premises_words,
    refusal,
)
from fiubench.raw_sources.table import FileTable, People
from fiubench.raw_sources.vocabulary import read_rows
from fiubench.support.errors import SourceError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "tables"
AS_OF = date(2025, 6, 1)

HISTORIC = """\
CMPLNT_NUM,CMPLNT_FR_DT,CMPLNT_FR_TM,CMPLNT_TO_DT,CMPLNT_TO_TM,ADDR_PCT_CD,RPT_DT,KY_CD,OFNS_DESC,PD_CD,PD_DESC,\
CRM_ATPT_CPTD_CD,LAW_CAT_CD,BORO_NM,LOC_OF_OCCUR_DESC,PREM_TYP_DESC,JURIS_DESC,JURISDICTION_CODE,PARKS_NM,HADEVELOPT,\
HOUSING_PSA,X_COORD_CD,Y_COORD_CD,SUSP_AGE_GROUP,SUSP_RACE,SUSP_SEX,TRANSIT_DISTRICT,Latitude,Longitude,Lat_Lon,\
PATROL_BORO,STATION_NAME,VIC_AGE_GROUP,VIC_RACE,VIC_SEX
692499668,01/01/2010,17:30:00,01/01/2010,18:00:00,107,01/01/2010,351,CRIMINAL MISCHIEF & RELATED OF,259,\
"CRIMINAL MISCHIEF,UNCLASSIFIED 4",COMPLETED,MISDEMEANOR,QUEENS,INSIDE,RESIDENCE - PUBLIC HOUSING,\
N.Y. HOUSING POLICE,2,NA,POMONOK,1233,"1,035,836","206,042",25-44,BLACK,M,,40.73207216,-73.813869293,\
"(40.73207216, -73.813869293)",PATROL BORO QUEENS SOUTH,,45-64,BLACK,F
"""
OLDER = """\
CMPLNT_NUM,CMPLNT_FR_DT,CMPLNT_FR_TM,CMPLNT_TO_DT,CMPLNT_TO_TM,RPT_DT,KY_CD,OFNS_DESC,PD_CD,PD_DESC,CRM_ATPT_CPTD_CD,\
LAW_CAT_CD,JURIS_DESC,BORO_NM,ADDR_PCT_CD,LOC_OF_OCCUR_DESC,PREM_TYP_DESC,PARKS_NM,HADEVELOPT,X_COORD_CD,Y_COORD_CD,\
Latitude,Longitude,Lat_Lon
692499668,01/01/2010,23:45:00,,,12/31/2015,113,CRIMINAL MISCHIEF & RELATED OF,729,"CRIMINAL MISCHIEF 4TH, GRAFFIT",\
COMPLETED,MISDEMEANOR,N.Y. POLICE DEPT,BRONX,44,INSIDE,RESIDENCE - PUBLIC HOUSING,,,1007314,241257,40.828848333,\
-73.916661142,"(40.828848333, -73.916661142)"
"""
API = """\
,addr_pct_cd,boro_nm,cmplnt_fr_dt,cmplnt_fr_tm,cmplnt_num,law_cat_cd,loc_of_occur_desc,ofns_desc,pd_cd,prem_typ_desc
0,23,QUEENS,2010-01-01T00:00:00.000,14:12:00,692499668,MISDEMEANOR,INSIDE,CRIMINAL MISCHIEF & RELATED OF,321.0,\
RESIDENCE - PUBLIC HOUSING
"""
CURRENT = """\
CMPLNT_NUM,ADDR_PCT_CD,BORO_NM,CMPLNT_FR_DT,CMPLNT_FR_TM,CMPLNT_TO_DT,HADEVELOPT,LAW_CAT_CD,OFNS_DESC,PREM_TYP_DESC,\
STATION_NAME,VIC_SEX
692499668,107,(null),01/01/2010,17:30:00,(null),(null),MISDEMEANOR,CRIMINAL MISCHIEF & RELATED OF,\
RESIDENCE - PUBLIC HOUSING,(null),F
246325416H1,44,BRONX,03/14/2024,01:00:00,(null),(null),FELONY,MURDER & NON-NEGL. MANSLAUGHTER,(null),(null),M
692499670,44,BRONX,03/14/2024,01:00:00,(null),(null),FELONY,(null),STREET,(null),M
"""
OTHER = "100228602"
VAGUE_WORDS = re.compile(
    r"\b(other|unknown|misc|miscellaneous|various|offenses?|crimes?|laws?|codes?|acts?|unclassified|violation|infraction)\b"
)
HEADER = ["CMPLNT_NUM", "CMPLNT_FR_DT", "OFNS_DESC", "LAW_CAT_CD", "PREM_TYP_DESC"]


def distinct(table: FileTable, column: str) -> list[str]:
    return sorted(set(table.data[column].to_pylist()))


def row(
    number: str = "100228600",
    day: str = "12/28/2010",
    offense: str = "PETIT LARCENY",
    law: str = "MISDEMEANOR",
    premises: str = "STREET",
) -> list[str]:
    return [number, day, offense, law, premises]


def read(folder: Path, *rows: list[str]) -> FileTable:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return read_text(folder, text.getvalue())


def read_text(folder: Path, text: str) -> FileTable:
    path = folder / "NYPD_Complaint_Data_Historic.csv"
    path.write_text(text, "utf-8")
    return Crimes().read(path, Context(AS_OF))


def test_examples_of_the_documentation() -> None:
    assert doctest.testmod(crimes).failed == 0


@pytest.mark.parametrize("text", [HISTORIC, OLDER, API, "\ufeff" + HISTORIC.replace("\n", "\r\n")])
def test_layouts(tmp_path: Path, text: str) -> None:
    table = read_text(tmp_path, text)
    assert table.data.to_pylist() == [
        {
            "offense": "criminal mischief",
            "complaint_number": "692499668",
            "offense_date": "2010-01-01",
            "law_category": "misdemeanor",
            "premises": "public housing building",
        }
    ]
    assert table.types == SOURCES.find("crimes").columns
    assert table.report.read == table.report.kept == 1
    assert table.report.repaired == Counter({"offense spelled out": 1})
    assert (table.origin.source, table.origin.file) == ("crimes", "NYPD_Complaint_Data_Historic.csv")


def test_current_year_writes_null(tmp_path: Path) -> None:
    table = read_text(tmp_path, CURRENT)
    assert table.data["complaint_number"].to_pylist() == ["692499668", "246325416H1"]
    assert table.data["offense"].to_pylist() == ["criminal mischief", "murder"]
    assert table.data["premises"].to_pylist() == ["public housing building", "other premises"]
    assert table.report.dropped == Counter({"blank offense": 1})
    assert table.report.repaired == Counter({"offense spelled out": 2, "unknown premises called other premises": 1})


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("692,499,668", "692499668"),
        (" 692499668.0 ", "692499668"),
        ("18888h1", "18888H1"),
        ("261037137H8152", "261037137H8152"),
    ],
)
def test_complaint_numbers(tmp_path: Path, raw: str, number: str) -> None:
    assert read(tmp_path, row(raw)).data["complaint_number"].to_pylist() == [number]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (row(OTHER, offense=""), "blank offense"),
        (row(OTHER, offense=" (null)"), "blank offense"),
        (row(OTHER, offense="RAPE"), EXCLUDED),
        (row(OTHER, offense="SEX CRIMES"), EXCLUDED),
        (row(OTHER, offense="OFFENSES RELATED TO CHILDREN"), EXCLUDED),
        (row(OTHER, offense="FOR OTHER AUTHORITIES"), "vague offense"),
        (row(OTHER, offense="OTHER OFFENSES REGARDING PUBLI"), UNREADABLE),
        (row(OTHER, day=""), "CMPLNT_FR_DT: blank"),
        (row(OTHER, day="(null)"), "CMPLNT_FR_DT: blank"),
        (row(OTHER, day="01/01/1015"), "CMPLNT_FR_DT: unreadable"),
        (row(OTHER, day="1015-01-01T00:00:00.000"), "CMPLNT_FR_DT: unreadable"),
        (row(OTHER, day="02/30/2010"), "CMPLNT_FR_DT: unreadable"),
        (row(OTHER, day="12/2010"), "CMPLNT_FR_DT: unreadable"),
        (row(OTHER, day="06/13/2025"), "after 2025-06-01"),
        (row(OTHER, law=""), "LAW_CAT_CD: blank"),
        (row(OTHER, law="INFRACTION"), "LAW_CAT_CD: unreadable"),
        (row(""), "CMPLNT_NUM: blank"),
        (row("6.92E+08"), "CMPLNT_NUM: unreadable"),
        (row("100,228,600", day="01/01/2011"), "complaint number of an earlier row"),
        (row(OTHER, offense="MISCELLANEOUS PENAL LAW", law="FELONY"), VAGUE),
        (row(OTHER, offense="FELONY ASSAULT"), "called a felony, but of another law category"),
        (row(OTHER, offense="UNLAWFUL VIOLATION", law="FELONY"), "called a violation, but of another law category"),
    ],
)
def test_rows_that_can_not_be_used(tmp_path: Path, changed: list[str], reason: str) -> None:
    table = read(tmp_path, row(), changed, row("100228603", day="06/01/2025"))
    assert table.data["complaint_number"].to_pylist() == ["100228600", "100228603"]
    assert table.report.dropped == Counter({reason: 1})
    assert table.report.kept == 2


def test_the_first_usable_row_of_a_number_is_kept(tmp_path: Path) -> None:
    rows = [row(day=""), row(day="01/02/2011"), row(day="01/03/2011"), row("100228600H1"), row("100228600H1")]
    table = read(tmp_path, *rows)
    assert table.data["offense_date"].to_pylist() == ["2011-01-02", "2010-12-28"]
    assert table.report.dropped == Counter({"CMPLNT_FR_DT: blank": 1, "complaint number of an earlier row": 2})


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("HARRASSMENT 2", "second-degree harassment"),
        ("harrassment  2 ", "second-degree harassment"),
        ("ASSAULT 3 & RELATED OFFENSES", "third-degree assault"),
        ("CRIMINAL MISCHIEF & RELATED OF", "criminal mischief"),
        ("CRIMINAL MISCHIEF & RELATED OFFENSES", "criminal mischief"),
        ("MURDER & NON-NEGL. MANSLAUGHTE", "murder"),
        ("MURDER & NON-NEGL. MANSLAUGHTER", "murder"),
        ("HOMICIDE-NEGLIGENT,UNCLASSIFIE", "negligent homicide"),
        ("UNLAWFUL POSS. WEAP. ON SCHOOL GROUNDS", "unlawful possession of a weapon on school grounds"),
        ("POSSESSION OF STOLEN PROPERTY 5", "fifth-degree possession of stolen property"),
        ("LOITERING/GAMBLING (CARDS, DICE, ETC)", "loitering for gambling"),
        ("DANGEROUS DRUGS", "possession or sale of dangerous drugs"),
        ("CANNABIS RELATED OFFENSES", "possession or sale of cannabis"),
        # one offense in several spellings
        ("FRAUDS", "fraud"),
        ("FRAUD", "fraud"),
        ("THEFT-FRAUD", "fraud"),
        ("BURGLARS TOOL", "possession of burglar's tools"),
        ("KIDNAPPING AND RELATED OFFENSES", "kidnapping"),
        ("INTOXICATED & IMPAIRED DRIVING", "driving while intoxicated"),
        ("INTOXICATED/IMPAIRED DRIVING", "driving while intoxicated"),
        # not in the table
        ("PIRACY", "piracy"),
        ("CRIMINAL CONTEMPT 1", "first-degree criminal contempt"),
        ("MENACING & RELATED OFFENSES", "menacing"),
        ("BRIBERY,UNCLASSIFIED", "bribery"),
        ("HARRASSMENT 1", "first-degree harassment"),
        ("AGG. HARASSMENT & STALKING", "aggravated harassment and stalking"),
    ],
)
def test_offenses_in_plain_words(raw: str, words: str) -> None:
    assert refusal(raw) is None
    assert offense_words(raw) == words


@pytest.mark.parametrize(
    "raw",
    [
        "FELONY SEX CRIMES",
        "FORCIBLE TOUCHING",
        "PROSTITUTION & RELATED OFFENSES",
        "LOITERING FOR PROSTITUTION OR TO PATRONIZE",
        "CHILD ABANDONMENT/NON SUPPORT 1",
        "F.C.A. P.I.N.O.S.",
        # not in the table
        "SEXUAL MISCONDUCT",
        "PATRONIZING A PROSTITUTE",
        "ENDANGERING A MINOR",
        "SALE OF LIQUOR TO CHILDREN",
        "PUBLIC LEWDNESS",
        "INDECENT EXPOSURE",
        "LEWDNESS,PUBLIC",
        "CARNAL KNOWLEDGE",
        "HUMAN TRAFFICKING",
        "UNLAWFUL SURVEILLANCE",
        "CUSTODIAL INTERFERENCE 1",
        "KIDNAP JUV",
    ],
)
def test_no_sexual_offense_and_none_against_children(raw: str) -> None:
    assert refusal(raw) == EXCLUDED
    assert offense_words(raw) is None


@pytest.mark.parametrize(
    "raw", ["OFFENSES CONCERNING THE", "THEFT &", "A.B.C. LAW", "TAX LAW (CIG", "3RD PARTY", "ABC", "X"]
)
def test_what_can_not_be_spelled_out_is_dropped(raw: str) -> None:
    assert refusal(raw) == UNREADABLE
    assert offense_words(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        # not in the table
        "OTHER OFFENSE",
        "UNKNOWN OFFENSES",
        "CRIMES",
        "LABOR LAW",
        "PATRIOT ACT",
        "MISCELLANEOUS CONDUCT",
        # in the table
        "MISCELLANEOUS PENAL LAW",
        "NYS LAWS-UNCLASSIFIED FELONY",
        "ADMINISTRATIVE CODES",
        "OFF. AGNST PUB ORD SENSBLTY & RGHTS TO PRIV",
        "OFFENSES AGAINST PUBLIC ADMINISTRATION",
        "OTHER OFFENSES RELATED TO THEFT",
        "OTHER STATE LAWS (NON PENAL LAW)",
        "MOVING INFRACTIONS",
    ],
)
def test_what_names_no_offense_is_dropped(raw: str) -> None:
    assert refusal(raw) == VAGUE
    assert offense_words(raw) is None


def test_degree_of_what_is_refused_is_refused() -> None:
    assert refusal("ABORTION 1") == refusal("ABORTION") == "offense too private to ask about"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("RESIDENCE - APT. HOUSE", "apartment building"),
        ("transit - nyc subway", "subway station"),
        ("ATM", "ATM"),
        ("SMOKE SHOP", "smoke shop"),
        ("(null)", "other premises"),
        ("", "other premises"),
    ],
)
def test_premises_in_plain_words(raw: str, words: str) -> None:
    assert premises_words(raw) == words


def test_tables_are_sound() -> None:
    offenses = read_rows("nypd_offenses.csv")
    assert len({entry["nypd"] for entry in offenses}) == len(offenses)
    for entry in offenses:
        assert entry["nypd"] == " ".join(entry["nypd"].split()).upper()
        assert bool(entry["offense"]) != bool(entry["excluded"])
        assert offense_words(entry["nypd"]) == (entry["offense"] or None)
        assert refusal(entry["nypd"]) == (entry["excluded"] or None)
        assert not VAGUE_WORDS.search(entry["offense"])
        assert re.fullmatch(r"[a-z]+(?:[ '-][a-z]+)*|", entry["offense"])
        assert not re.match(r"(?:a [aeiou]|an [^aeiou])", entry["offense"])
    for entry in read_rows("nypd_premises.csv"):
        assert premises_words(entry["nypd"]) == entry["premises"]
        assert re.fullmatch(r"ATM|[a-z]+(?:[ '-][a-z]+)*", entry["premises"])


def test_taken_rows_are_plain_values(tmp_path: Path) -> None:
    rows = [
        row("100228601", offense="ROBBERY", law="FELONY"),
        row("100228602"),
        row("100228603", offense="PETIT LARCENY "),
    ]
    table = read(tmp_path, *rows)
    taken = table.take(np.array([2, 0]), People([], np.empty(0, dtype=np.int64)))
    assert taken["offense"] == ["petit larceny", "robbery"]
    assert taken["complaint_number"] == ["100228603", "100228601"]
    assert distinct(table, "offense") == ["petit larceny", "robbery"]
    assert distinct(table, "law_category") == ["felony", "misdemeanor"]


def test_nothing_usable_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no row of 1 can be used: 1 sexual offense"):
        read(tmp_path, row(offense="RAPE"))


def test_another_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'CMPLNT_FR_DT', 'OFNS_DESC', 'LAW_CAT_CD', 'PREM_TYP_DESC'"):
        read_text(tmp_path, "CMPLNT_NUM,OFFENSE\n1,2\n")


def test_an_offense_has_one_name() -> None:
    """Two names are never the same but for the number, small words or "theft" for "larceny"."""
    for file in ("nypd_offenses.csv", "offenses.csv"):
        plain: dict[str, str] = {}
        for offense in sorted({entry["offense"] for entry in read_rows(file)} - {""}):
            words = re.findall(r"[a-z]+", offense.replace("'", "").replace("theft", "larceny"))
            key = " ".join(word.removesuffix("s") for word in words if word not in ("a", "an", "the", "and", "or"))
            assert plain.setdefault(key, offense) == offense
    assert len({crimes._bare(e["nypd"]) for e in read_rows("nypd_offenses.csv")}) == len(read_rows("nypd_offenses.csv"))


def test_embedded_offenses_do_not_contradict_their_law_category() -> None:
    for entry in read_rows("offenses.csv"):
        # to violate an order is no "violation" in the sense of the law category
        words = set(entry["offense"].replace("violation of a restraining order", "").split())
        assert words & {"felony", "misdemeanor", "violation"} <= {entry["law_category"]}


@pytest.mark.skipif(not SHARED.exists(), reason="no sample data beside the repository")
@pytest.mark.parametrize(
    ("file", "rows", "dropped"),
    [
        ("NYPD_Complaint_Data_Historic.csv", 1314, {EXCLUDED: 75, "blank offense": 1, VAGUE: 210}),
        ("nypd_soda.csv", 7, {EXCLUDED: 1}),
    ],
)
def test_samples(file: str, rows: int, dropped: dict[str, int]) -> None:
    table = Crimes().read(SHARED / file, Context(AS_OF))
    assert table.rows == table.report.kept == rows
    assert table.report.dropped == Counter(dropped)
    assert all(re.fullmatch(r"[a-z]+(?:[ '-][a-z]+)*", offense) for offense in distinct(table, "offense"))
    assert not any(map(VAGUE_WORDS.search, distinct(table, "offense")))
    assert set(distinct(table, "law_category")) == {"felony", "misdemeanor", "violation"}
    assert (
        not set(distinct(table, "premises"))
        - {entry["premises"] for entry in read_rows("nypd_premises.csv")}
        - {"other premises"}
    )
    assert len(distinct(table, "complaint_number")) == rows
