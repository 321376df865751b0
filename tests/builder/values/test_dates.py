from datetime import date, timedelta

import numpy as np
import pytest
from fiubench.builder.values import dates
from hypothesis import given
from hypothesis import strategies as st

DAYS = st.dates(date(1900, 1, 1), date(2150, 12, 31))
YEARS = st.integers(-99, 99)


@given(DAYS)
def test_day_numbers_are_the_calendar(day):
    iso = day.isoformat()
    number = dates.to_day(iso)
    assert date(1970, 1, 1) + timedelta(days=number) == day
    assert dates.to_iso(number) == iso
    assert dates.to_days([iso]).tolist() == [number]
    assert dates.to_isos(np.array([number])) == [iso]


@given(DAYS, st.integers(-20_000, 20_000))
def test_days_are_added_and_counted(day, count):
    later = dates.add_days(day.isoformat(), count)
    assert date.fromisoformat(later) == day + timedelta(days=count)
    assert dates.days_between(day.isoformat(), later) == count


@given(DAYS, YEARS)
def test_years_are_added_to_the_same_day(day, years):
    made = date.fromisoformat(dates.add_years(day.isoformat(), years))
    assert made.year == day.year + years
    if (day.month, day.day) == (2, 29):
        assert (made.month, made.day) in {(2, 29), (2, 28)}
    else:
        assert (made.month, made.day) == (day.month, day.day)


@pytest.mark.parametrize(
    ("day", "years", "expected"),
    [
        ("2024-02-29", 1, "2025-02-28"),
        ("2024-02-29", 4, "2028-02-29"),
        ("2024-02-29", -124, "1900-02-28"),
        ("2024-02-28", 1, "2025-02-28"),
        ("2023-03-01", 1, "2024-03-01"),
    ],
)
def test_leap_days(day, years, expected):
    assert dates.add_years(day, years) == expected
    assert dates.to_isos(dates.shift_years(dates.to_days([day]), years)) == [expected]


@given(st.lists(st.tuples(DAYS, YEARS), min_size=1, max_size=20))
def test_columns_shift_like_single_dates(pairs):
    days = dates.to_days([day.isoformat() for day, _ in pairs])
    shifted = dates.shift_years(days, np.array([years for _, years in pairs]))
    assert dates.to_isos(shifted) == [dates.add_years(day.isoformat(), years) for day, years in pairs]


@given(DAYS, DAYS)
def test_age_counts_birthdays(birth, day):
    age = dates.age_on(birth.isoformat(), day.isoformat())
    assert age == day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    assert dates.ages_on(dates.to_days([birth.isoformat()]), dates.to_days([day.isoformat()])).tolist() == [age]


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ("2000-06-15", "2020-06-14", 19),
        ("2000-06-15", "2020-06-15", 20),
        ("2000-02-29", "2018-02-28", 17),
        ("2000-02-29", "2018-03-01", 18),
        ("2000-12-31", "2001-01-01", 0),
    ],
)
def test_age_on_the_days_around_a_birthday(birth, day, age):
    assert dates.age_on(birth, day) == age
    assert dates.ages_on(dates.to_days([birth]), dates.to_days([day])).tolist() == [age]


@given(st.integers(0, 400), DAYS)
def test_one_column_and_one_date_broadcast(count, day):
    births = np.arange(count) * 97
    today = dates.to_day(day.isoformat())
    assert dates.ages_on(births, today).tolist() == [
        dates.age_on(dates.to_iso(birth), day.isoformat()) for birth in births.tolist()
    ]
