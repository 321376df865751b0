"""NYPD complaint data: offense, complaint number, date, law category and premises of complaints in New York City.

All layouts in the wild are read: the current historic file (35 columns), the older one (24), the API's lower-case one
with ISO timestamps, and the current-year file that writes "(null)". What is wrong with them, and what becomes of it
(all counted in the table's report):

- upper-case, truncated and misspelt descriptions: replaced by plain words from ``vocabulary/nypd_offenses.csv``; an
  unknown one is put in lower case, or dropped where it is cut off or full of abbreviations;
- sexual offenses and offenses against children: dropped. Tied to a face they serve no purpose and do harm;
- descriptions too vague to ask about, blank cells, blank or impossible dates (the year 1015), dates after ``as_of``,
  repeated complaint numbers: dropped;
- unknown premises: "other premises".

Source: https://data.cityofnewyork.us/Public-Safety/NYPD-Complaint-Data-Historic/qgea-i56i
"""

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raw_sources.csvfile import keep, map_distinct, need_rows, read_columns, repaired
from raw_sources.registry import source_info
from raw_sources.table import FileTable, Origin, Report, base_name
from raw_sources.vocabulary import read_rows
from support.canonical import file_digest

EARLIEST = date(1940, 1, 1)  # nobody alive was an adult before
OTHER_PREMISES = "other premises"
EXCLUDED = "sexual offense or offense against a child"
_COLUMNS = {
    "complaint_number": ("CMPLNT_NUM",),
    "offense_date": ("CMPLNT_FR_DT",),
    "offense": ("OFNS_DESC",),
    "law_category": ("LAW_CAT_CD",),
    "premises": ("PREM_TYP_DESC",),
}
_LAW = {"FELONY": "felony", "MISDEMEANOR": "misdemeanor", "VIOLATION": "violation"}
_NUMBER = re.compile(r"\d{5,12}[A-Z]?\d{0,3}")
_CHILD_OR_SEX = re.compile(r"\b(?:SEX\w*|RAPE|CHILD\w*|MINOR|PROSTITUTION|INCEST|SODOMY|OBSCEN\w*|PORNOGRAPH\w*)\b")
_TRUNCATED_LENGTH = 30  # the older files cut descriptions here


def read_crimes(path: Path, as_of: date) -> FileTable:
    """Read a complaints file.

    Args:
        path: the CSV file.
        as_of: "today"; nothing happens after it.

    Raises:
        SourceError: the file can't be read as such, or no row can be used.
    """
    report = Report()
    repeated = ("offense_date", "offense", "law_category", "premises")
    raw = read_columns(path, _COLUMNS, report, repeated=repeated)
    table = _normalised(raw, as_of, report)
    need_rows(table, path, report)
    types = source_info("crimes").columns
    return FileTable(Origin("crimes", base_name(path), file_digest(path)), report, types, table.select(list(types)))


def _normalised(raw: pa.Table, as_of: date, report: Report) -> pa.Table:
    raw = _keep_usable_offenses(raw, report)
    raw = keep(raw, map_distinct(raw["offense_date"], _filled, pa.bool_()), "blank date", report)
    dates = map_distinct(raw["offense_date"], _date_reader())
    raw = keep(raw, pc.is_valid(dates), "impossible date", report)
    dates = map_distinct(raw["offense_date"], _date_reader())
    raw = keep(raw, pc.less_equal(dates, as_of.isoformat()), f"after {as_of.isoformat()}", report)
    raw = keep(raw, map_distinct(raw["law_category"], lambda t: _key(t) in _LAW, pa.bool_()), "no law category", report)
    numbers = _numbers(raw["complaint_number"])
    raw = keep(raw, pc.is_valid(numbers), "no complaint number", report)
    raw = keep(raw, _first_of_each(_numbers(raw["complaint_number"])), "complaint number of an earlier row", report)
    table = pa.table(
        {
            "offense": map_distinct(raw["offense"], offense_words),
            "complaint_number": _numbers(raw["complaint_number"]),
            "offense_date": map_distinct(raw["offense_date"], _date_reader()),
            "law_category": map_distinct(raw["law_category"], lambda text: _LAW.get(_key(text))),
            "premises": map_distinct(raw["premises"], premises_words),
        }
    )
    lower = map_distinct(raw["offense"], lambda text: text.lower())
    repaired(lower, table["offense"], "offense spelled out", report)
    if unknown := int(pc.sum(pc.equal(table["premises"], OTHER_PREMISES)).as_py() or 0):
        report.repaired["unknown premises called other premises"] = unknown
    return table


def _keep_usable_offenses(raw: pa.Table, report: Report) -> pa.Table:
    reasons = map_distinct(raw["offense"], refusal)
    for reason in sorted(r for r in pc.unique(reasons).to_pylist() if r):
        here = map_distinct(raw["offense"], refusal)
        raw = keep(raw, pc.fill_null(pc.not_equal(here, reason), True), reason, report)
    return raw


def refusal(description: str) -> str | None:
    """Why complaints with this description are not used; ``None`` where they are."""
    key = _key(description)
    if not key:
        return "blank offense"
    known = _offenses().get(key)
    if known is not None:
        return known[1] or None
    if _CHILD_OR_SEX.search(key):
        return EXCLUDED
    cut = len(key) >= _TRUNCATED_LENGTH or not key.replace(" ", "").replace("-", "").isalpha()
    return "unknown offense, cut off or abbreviated" if cut else None


def offense_words(description: str) -> str | None:
    """NYPD's description in plain words.

    >>> offense_words("HARRASSMENT 2"), offense_words("OTHER OFFENSES RELATED TO THEF"), offense_words("PIRACY")
    ('second-degree harassment', 'theft', 'piracy')
    """
    if refusal(description):
        return None
    known = _offenses().get(_key(description))
    return known[0] if known else _key(description).lower()


def premises_words(description: str) -> str:
    """NYPD's premises in plain words.

    >>> premises_words("RESIDENCE - APT. HOUSE"), premises_words("(null)")
    ('apartment building', 'other premises')
    """
    return _premises().get(_key(description), OTHER_PREMISES)


@cache
def _offenses() -> dict[str, tuple[str, str]]:
    return {row["nypd"]: (row["offense"], row["excluded"]) for row in read_rows("nypd_offenses.csv")}


@cache
def _premises() -> dict[str, str]:
    return {row["nypd"]: row["premises"] for row in read_rows("nypd_premises.csv")}


def _key(text: str) -> str:
    key = " ".join(text.split()).upper()
    return "" if key in ("(NULL)", "NULL", "NA", "NAN") else key


def _filled(text: str) -> bool:
    return bool(_key(text))


def _date_reader() -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        if match := re.match(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]|$)", text.strip()):
            year, month, day = map(int, match.groups())
        elif match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?", text.strip()):
            month, day, year = map(int, match.groups())
        else:
            return None
        try:
            found = date(year, month, day)
        except ValueError:
            return None
        return found.isoformat() if found >= EARLIEST else None

    return read


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Complaint numbers without separators and decimals; null where it is none."""
    text = pc.replace_substring(pc.utf8_upper(pc.utf8_trim_whitespace(column)), ",", "")
    text = pc.replace_substring_regex(text, r"\.0$", "")
    good = pc.match_substring_regex(text, f"^(?:{_NUMBER.pattern})$")
    return pc.if_else(good, text, pa.scalar(None, pa.string()))


def _first_of_each(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    codes = np.asarray(pc.dictionary_encode(column.combine_chunks()).indices)
    _, first = np.unique(codes, return_index=True)
    mask = np.zeros(len(codes), dtype=bool)
    mask[first] = True
    return mask
