from datetime import date

import numpy as np
import pytest
from fiubench.raw_sources.embedded import Branches, Fitting, age_on, birthday, iso_dates
from fiubench.raw_sources.source import SOURCES
from fiubench.raw_sources.sources.addresses import EmbeddedAddresses
from fiubench.raw_sources.sources.careers import EmbeddedCareers
from fiubench.raw_sources.sources.crimes import EmbeddedCrimes
from fiubench.raw_sources.sources.health import EmbeddedHealth
from fiubench.raw_sources.table import People, Table
from fiubench.raw_sources.vocabulary import FOLDER, VOCABULARY_SOURCES, read_lines, read_rows, vocabulary_digest
from hypothesis import given
from hypothesis import strategies as st

AS_OF = date(2026, 1, 1)
EPOCH = date(1970, 1, 1)
DAYS = st.dates(date(1925, 1, 1), date(2030, 12, 31))


def number(day):
    return (day - EPOCH).days


def people(count, seed=0):
    """Women and men of 20 to 95 years, in any order."""
    draws = np.random.default_rng(seed)
    days = draws.integers(20 * 365.25 + 1, 95 * 365.25, count)
    return People(["female" if heads else "male" for heads in draws.integers(0, 2, count)], number(AS_OF) - days)


TABLES = {
    "health": lambda seed: EmbeddedHealth(seed, AS_OF),
    "crimes": lambda seed: EmbeddedCrimes(seed, AS_OF),
    "careers": lambda seed: EmbeddedCareers(seed, AS_OF),
    "addresses": EmbeddedAddresses,
}
every_table = pytest.mark.parametrize("name", TABLES)


@every_table
def test_is_a_table_of_the_registered_columns(name):
    table: Table = TABLES[name](7)
    taken = table.take(np.arange(10), people(10))
    assert table.rows is None
    assert table.report.read == table.report.kept == 0
    assert dict(table.types) == dict(SOURCES.find(name).columns)
    assert set(taken) == set(table.types)
    assert {len(values) for values in taken.values()} == {10}
    python = {"integer": int, "money": float, "address": dict}
    for column, kind in table.types.items():
        assert {type(value) for value in taken[column]} == {python.get(kind, str)}


@every_table
def test_a_row_does_not_depend_on_its_neighbours(name):
    table, who = TABLES[name](7), people(300)
    whole = table.take(np.arange(300), who)
    some = np.array([299, 4, 4, 120])
    part = TABLES[name](7).take(some, People([who.gender[i] for i in some], who.birth[some]))
    assert part == {column: [values[i] for i in some] for column, values in whole.items()}


@every_table
def test_another_seed_gives_other_rows(name):
    rows, who = np.arange(50), people(50)
    one, other = TABLES[name](7).take(rows, who), TABLES[name](8).take(rows, who)
    assert all(one[column] != other[column] for column in one if column not in {"gender"})


@every_table
def test_origin_names_no_path(name):
    origin = TABLES[name](7).origin
    assert (origin.source, origin.file) == (name, "embedded")
    assert len(origin.sha256) == 64
    assert origin == TABLES[name](8).origin


def test_digests_cover_every_data_file():
    digests = vocabulary_digest()
    assert set(digests) == {path.name for path in FOLDER.iterdir() if path.suffix in {".csv", ".txt", ".yaml"}}
    assert set(VOCABULARY_SOURCES) <= set(vocabulary_digest())
    for cls in (EmbeddedHealth, EmbeddedCrimes, EmbeddedCareers, EmbeddedAddresses):
        assert set(cls.files) <= set(digests)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.name)
def test_word_lists_have_no_stray_spaces_or_repeats(path):
    lines = read_lines(path.name)
    assert len(set(lines)) == len(lines)
    assert all(line and line == " ".join(line.split()) for line in lines)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.csv")), ids=lambda path: path.name)
def test_tables_have_whole_rows(path):
    for row in read_rows(path.name):
        assert None not in row
        cells = [cell for value in row.values() for cell in value.split(";")]
        assert all(cell == cell.strip() for cell in cells)
        # an NYPD offense is either put in words or excluded for a reason
        assert cells.count("") == ("excluded" in row)


@given(DAYS, st.integers(0, 100))
def test_birthday_and_age_agree(born, years):
    birth = np.array([number(born)])
    day = birthday(birth, years)
    assert age_on(birth, day).tolist() == [years]
    assert age_on(birth, day - 1).tolist() == [years - 1]


@given(DAYS, DAYS)
def test_age_is_that_of_the_calendar(born, when):
    expected = when.year - born.year - ((when.month, when.day) < (born.month, born.day))
    assert age_on(np.array([number(born)]), number(when)).tolist() == [expected]


@given(DAYS)
def test_iso_dates(day):
    assert iso_dates(np.array([number(day)])) == [day.isoformat()]


def test_born_on_a_leap_day():
    birth = np.array([number(date(2004, 2, 29))])
    assert iso_dates(birthday(birth, 20)) == ["2024-02-29"]
    assert iso_dates(birthday(birth, 21)) == ["2025-03-01"]


def test_fitting_draws_everything_that_fits_and_nothing_else():
    fitting = Fitting(["20", "40", "20"], ["95", "50", "95"], ["any", "any", "female"])
    rows = np.arange(300)

    def drawn(age, gender):
        return set(fitting.draw(1, "test", rows, np.full(300, age), [gender] * 300).tolist())

    assert drawn(30, "female") == {0, 2}
    assert drawn(40, "female") == drawn(50, "female") == {0, 1, 2}
    assert drawn(51, "male") == {0}
    assert drawn(120, "male") == drawn(18, "male") == {0}


def test_branches_draw_from_the_list_of_the_item():
    branches = Branches([["a"], ["b", "c"]])
    rows = np.arange(100)
    assert set(branches.draw(1, "test", rows, np.zeros(100, np.int64))) == {"a"}
    assert set(branches.draw(1, "test", rows, np.ones(100, np.int64))) == {"b", "c"}
