"""NYPD complaint data: offense, complaint number, date, law category and premises of complaints in New York City.

All layouts in the wild are read: the current historic file (35 columns), the older one (24), the API's lower-case one
with ISO timestamps, and the current-year file that writes "(null)". What is wrong with them, and what becomes of it
(all counted in the table's report; repairs for kept rows only):

- upper-case, truncated and misspelt descriptions: replaced by plain words from ``vocabulary/nypd_offenses.csv``; an
  unknown one is spelled out by rule, or dropped where it is cut off or can't be spelled out;
- sexual offenses and offenses against children: dropped. Tied to a face they serve no purpose and do harm;
- descriptions too vague or too private to ask about, blank cells, blank or impossible dates (the year 1015), dates
  after ``as_of``, repeated complaint numbers: dropped;
- unknown premises: "other premises".

Source: https://data.cityofnewyork.us/Public-Safety/NYPD-Complaint-Data-Historic/qgea-i56i
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fiubench.raw_sources.csvfile import (
    Mask,
    count_repaired,
    first_of_each,
    map_distinct,
    need_rows,
    passing,
    read_columns,
)
from fiubench.raw_sources.registry import source_info
from fiubench.raw_sources.table import FileTable, Origin, Report, base_name
from fiubench.raw_sources.vocabulary import read_rows
from fiubench.support.canonical import file_digest

EARLIEST = date(1940, 1, 1)  # nobody alive was an adult before
OTHER_PREMISES = "other premises"
EXCLUDED = "sexual offense or offense against a child"
UNREADABLE = "unknown offense, cut off or abbreviated"
VAGUE = "vague offense"
_COLUMNS = {
    "complaint_number": ("CMPLNT_NUM",),
    "offense_date": ("CMPLNT_FR_DT",),
    "offense": ("OFNS_DESC",),
    "law_category": ("LAW_CAT_CD",),
    "premises": ("PREM_TYP_DESC",),
}
_LAW = {"FELONY": "felony", "MISDEMEANOR": "misdemeanor", "VIOLATION": "violation"}
_BLANK = {"(NULL)", "NULL", "NA", "N/A", "NAN", "NONE"}
_PLAIN_NUMBER, _NUMBER = r"^\d{5,12}$", r"^\d{5,12}(?:[A-Z][0-9A-Z]{0,8})?$"  # a few end like 8888H1
_CHILD_OR_SEX = re.compile(
    r"\b(?:SEX\w*|RAPE\w*|CHILD\w*|MINORS?|INFANT\w*|JUV\w*|TEEN\w*|UNDER ?AGED?|UNDER 1\d|PROSTITUT\w*|PATRONIZ\w*"
    r"|INCEST|SODOMY|TOUCHING|LEWD\w*|MOLEST\w*|EXPOSURE|INDECEN\w*|VOYEUR\w*|OBSCEN\w*|PORN\w*|CARNAL|INTIMATE"
    r"|ABUSE|SURVEILLANCE|CUSTOD\w*|HUMAN TRAFFICKING|TRAFFICKING (?:IN|OF) \w+)\b"
)
# Words that say that there was an offense, but not which.
_NO_OFFENSE = re.compile(r"\b(?:OTHER|UNKNOWN|MISC\w*|VARIOUS|OFFENSES?|CRIMES?|LAWS?|CODES?|ACTS?|UNCLASS\w*)\b")
_CUT = 30  # the files before 2020 cut descriptions to this length
_OPEN_END = re.compile(r"(?:[&,/(-]|\b(?:AND|OR|OF|THE|TO|FOR|IN|BY|WITH))$")
_REMAINDER = re.compile(r"(?: & RELATED OFFENSES| AND RELATED OFFENSES|[ ,-]+UNCLASSIFIED)$")
_SHORT = {
    "harrassment": "harassment",
    "&": "and",
    "poss.": "possession",
    "weap.": "weapon",
    "agg.": "aggravated",
    "unauth.": "unauthorized",
}
_DEGREES = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth"}


def read_crimes(path: Path, as_of: date) -> FileTable:
    """Read a complaints file.

    Args:
        path: the CSV file.
        as_of: "today"; nothing happens after it.

    Raises:
        SourceError: the file can't be read as such, or no row can be used.
    """
    report = Report()
    # Few distinct values, so that millions of rows take a few bytes each.
    repeated = ("offense_date", "offense", "law_category", "premises")
    raw = read_columns(path, _COLUMNS, report, repeated=repeated)
    table = _normalised(raw)
    good = passing(_usable(raw, table, as_of), table.num_rows, report)
    first = _first_of_each_number(table["complaint_number"].filter(good))
    good[good] = passing([("complaint number of an earlier row", first)], len(first), report)
    count_repaired(_repairs(raw, table), good, report)
    table = table.filter(good)
    need_rows(table, path, report)
    types = source_info("crimes").columns
    origin = Origin("crimes", base_name(path), file_digest(path))
    return FileTable(origin, report, types, table.select(list(types)), np.flatnonzero(good) + 1)


def refusal(description: str) -> str | None:
    """Why complaints with this description are not used; ``None`` where they are.

    >>> refusal("RAPE"), refusal("OTHER OFFENSES REGARDING PUBLI"), refusal("ROBBERY")
    ('sexual offense or offense against a child', 'unknown offense, cut off or abbreviated', None)
    """
    key = _key(description)
    if not key:
        return "blank offense"
    known = _known_offense(key)
    if known is not None:
        return known["excluded"] or None
    # "ABORTION 1" is refused like "ABORTION".
    if excluded := (_known_offense(key.rstrip(" 12345")) or {}).get("excluded"):
        return excluded
    if _CHILD_OR_SEX.search(key):
        return EXCLUDED
    if not _spelled_out(key):
        return UNREADABLE
    return VAGUE if _NO_OFFENSE.search(_REMAINDER.sub("", key)) else None


def offense_words(description: str) -> str | None:
    """NYPD's description in plain words that fit "charged with ..."; ``None`` where it is not used.

    >>> offense_words("HARRASSMENT 2"), offense_words("OTHER OFFENSES RELATED TO THEF"), offense_words("PIRACY 2")
    ('second-degree harassment', 'theft', 'second-degree piracy')
    """
    if refusal(description):
        return None
    key = _key(description)
    known = _known_offense(key)
    return known["offense"] if known else _spelled_out(key)


def premises_words(description: str) -> str:
    """NYPD's premises in plain words.

    >>> premises_words("RESIDENCE - APT. HOUSE"), premises_words("(null)")
    ('apartment building', 'other premises')
    """
    return _premises().get(_key(description), OTHER_PREMISES)


def _normalised(raw: pa.Table) -> pa.Table:
    return pa.table(
        {
            "offense": map_distinct(raw["offense"], offense_words, encoded=True),
            "complaint_number": _numbers(raw["complaint_number"]),
            "offense_date": map_distinct(raw["offense_date"], _iso_date, encoded=True),
            "law_category": map_distinct(raw["law_category"], lambda text: _LAW.get(_key(text)), encoded=True),
            "premises": map_distinct(raw["premises"], premises_words, encoded=True),
        }
    )


def _usable(raw: pa.Table, table: pa.Table, as_of: date) -> Iterator[tuple[str, pa.Array]]:
    for reason in sorted({refusal(text) for text in _distinct(raw["offense"])} - {None}, key=str):
        yield str(reason), map_distinct(raw["offense"], _differs_from(reason), pa.bool_())
    yield "blank date", map_distinct(raw["offense_date"], lambda text: bool(_key(text)), pa.bool_())
    yield "impossible date", pc.is_valid(table["offense_date"])
    today = as_of.isoformat()
    yield f"after {today}", map_distinct(table["offense_date"], lambda day: day <= today, pa.bool_())
    yield "no law category", pc.is_valid(table["law_category"])
    yield "no complaint number", pc.is_valid(table["complaint_number"])


def _differs_from(reason: str | None) -> Callable[[str], bool]:
    return lambda text: refusal(text) != reason


def _repairs(raw: pa.Table, table: pa.Table) -> dict[str, pa.Array]:
    def reworded(text: str) -> bool:
        return offense_words(text) != text.lower()

    return {
        "offense spelled out": map_distinct(raw["offense"], reworded, pa.bool_()),
        "unknown premises called other premises": pc.equal(table["premises"], OTHER_PREMISES),
    }


def _known_offense(key: str) -> dict[str, str] | None:
    """A description is known in full or as the older files cut it."""
    return _offenses().get(key) or _offenses().get(key[:_CUT].rstrip())


def _spelled_out(key: str) -> str | None:
    """An unknown description by rule; ``None`` where it is cut off, full of signs or no word of some length."""
    if len(key) in (_CUT - 1, _CUT) or _OPEN_END.search(key):
        return None
    words = [_SHORT.get(word, word) for word in _REMAINDER.sub("", key).lower().split()]
    degree = _DEGREES.get(words[-1])
    text = f"{degree}-degree {' '.join(words[:-1])}" if degree and len(words) > 1 else " ".join(words)
    return text if re.fullmatch(r"(?=.*[a-z]{5})[a-z]+(?:[ '-][a-z]+)*", text) else None


@cache
def _offenses() -> dict[str, dict[str, str]]:
    return {row["nypd"]: row for row in read_rows("nypd_offenses.csv")}


@cache
def _premises() -> dict[str, str]:
    return {row["nypd"]: row["premises"] for row in read_rows("nypd_premises.csv")}


def _key(text: str) -> str:
    key = " ".join(text.split()).upper()
    return "" if key in _BLANK else key


def _iso_date(text: str) -> str | None:
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


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Complaint numbers without separators and decimals; null where it is none."""
    if pc.all(pc.match_substring_regex(column, _PLAIN_NUMBER)).as_py():
        return column
    text = pc.replace_substring(pc.utf8_upper(pc.utf8_trim_whitespace(column)), ",", "")
    text = pc.replace_substring_regex(text, r"\.0$", "")
    return pc.if_else(pc.match_substring_regex(text, _NUMBER), text, pa.scalar(None, pa.string()))


def _first_of_each_number(numbers: pa.ChunkedArray) -> Mask:
    """Whether each row is the first with its number; millions of them are compared as integers, not as texts."""
    plain = pc.match_substring_regex(numbers, _PLAIN_NUMBER)
    integers = np.asarray(pc.cast(pc.if_else(plain, numbers, "0"), pa.int64()))
    lettered = ~np.asarray(plain, dtype=np.bool_)
    mask = np.zeros(len(integers), dtype=np.bool_)
    mask[np.unique(integers, return_index=True)[1]] = True
    mask[lettered] = first_of_each(numbers.filter(lettered).combine_chunks())
    return mask


def _distinct(column: pa.ChunkedArray) -> list[str]:
    return list(column.unify_dictionaries().chunk(0).dictionary.to_pylist())
