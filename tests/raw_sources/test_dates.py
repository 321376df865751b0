"""The order of day, month and year: from all values of a column, never guessed."""

import doctest
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from fiubench.raw_sources.reading import amounts, dates
from fiubench.raw_sources.reading.dates import STRAY, iso_dates, readings
from fiubench.raw_sources.source import Context
from fiubench.raw_sources.table import Report
from fiubench.support.errors import SourceError
from hypothesis import given
from hypothesis import strategies as st

AS_OF = date(2025, 6, 1)
WHERE = Path("file.csv")


def read(texts: list[str], order: str | None = None, report: Report | None = None) -> list[str | None]:
    context = Context(AS_OF, date_order=order)
    column = pa.chunked_array([pa.array(texts, pa.string())])
    found: list[str | None] = iso_dates(column, "Day", WHERE, context, report or Report()).to_pylist()
    return found


def refusal(texts: list[str], order: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        read(texts, order)
    assert caught.value.where == "file.csv" and caught.value.hint and caught.value.what.startswith("Day: ")
    return str(caught.value)


def test_examples_of_the_documentation() -> None:
    assert doctest.testmod(dates).failed == doctest.testmod(amounts).failed == 0


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-31",
        "2024-1-31 ",
        "2024/01/31",
        "2024-01-31T00:00:00.000",
        "2024-01-31 23:59:59.123456+00:00",
        "2024-01-31T05:00:00Z",
        "1/31/2024",
        "01/31/2024 00:00",
        "1/31/24 11:30 PM",
        "31/01/2024",
        "31.1.2024",
        "31-01-2024",
        "31-Jan-24",
        "31-JAN-2024 10:00",
        "31 January 2024",
        "31st of January 2024".replace("of ", ""),
        "Jan 31, 2024",
        "January 31 2024",
        "45322",
        "45322.0",
        "45322.75",
    ],
)
def test_forms_of_one_day(text: str) -> None:
    assert read([text]) == ["2024-01-31"]


@pytest.mark.parametrize(
    "text",
    ["", "31", "2024", "31/31/2024", "2024-02-30", "30.02.2024", "12/2010", "31-Jam-24", "1015-01-31", "01/01/1015",
     "31/01.2024", "1/31/2024 and more", "14610", "2024-01-31T99", "1/31/124", "31 janvier 2024", "999999"],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    assert read([text]) == [None]


@given(st.dates(date(1940, 1, 1), date(2060, 12, 31)))
def test_every_day_is_among_its_readings(day: date) -> None:
    for text, order in ((f"{day:%m/%d/%Y}", "mdy"), (f"{day.day}.{day.month}.{day.year}", "dmy"), (str(day), "mdy")):
        assert readings(text, AS_OF)[order] == day
    if date(AS_OF.year - 79, 1, 1) <= day <= date(AS_OF.year + 20, 12, 31):
        for form, order in (("%m/%d/%y", "mdy"), ("%d.%m.%y", "dmy"), ("%y-%m-%d", "ymd"), ("%d-%b-%y", "dmy")):
            assert readings(f"{day:{form}}", AS_OF)[order] == day


@given(st.text("0123456789/-.T: ", max_size=12))
def test_a_reading_is_a_day(text: str) -> None:
    assert all(date(1940, 1, 1) <= day for day in readings(text, AS_OF).values())


days = st.lists(st.dates(date(1990, 1, 1), date(2025, 5, 31)), min_size=1, max_size=40)
FORMS = {"mdy": "%m/%d/%Y", "dmy": "%d/%m/%Y"}


@given(days, st.sampled_from(["mdy", "dmy"]))
def test_read_rightly_or_refused(column: list[date], order: str) -> None:
    texts = [f"{day:{FORMS[order]}}" for day in column]
    true = [day.isoformat() for day in column]
    assert read(texts, order) == true
    if all(day.day == day.month for day in column) or any(day.day > 12 for day in column):
        assert read(texts) == true
    else:
        assert "--date-order mdy or --date-order dmy" in refusal(texts)


@given(
    st.lists(st.dates(date(1990, 1, 1), date(2035, 12, 31)), min_size=1, max_size=40),
    st.sampled_from(["%m/%d/%y", "%d.%m.%y", "%y-%m-%d"]),
)
def test_years_of_two_digits_are_read_rightly_or_refused(column: list[date], form: str) -> None:
    texts = [f"{day:{form}}" for day in column]
    try:
        assert read(texts) == [day.isoformat() for day in column]
    except SourceError as error:
        assert "--date-order" in str(error) or "two kinds" in str(error)


SPREAD = [date(2019, 1, 1) + timedelta(days=9 * i) for i in range(230)]


@pytest.mark.parametrize("form", ["%m/%d/%y", "%d.%m.%y", "%y-%m-%d", "%y/%m/%d"])
def test_years_of_two_digits_in_a_whole_column(form: str) -> None:
    assert read([f"{day:{form}}" for day in SPREAD]) == [day.isoformat() for day in SPREAD]


def test_an_ambiguous_column_says_both_readings_and_the_option() -> None:
    told = refusal(["05/04/2024", "06/06/2024"])
    assert "'05/04/2024' can be 2024-05-04 (month first) or 2024-04-05 (day first)" in told
    assert "--date-order mdy or --date-order dmy" in told
    assert "--date-order ymd" in refusal(["01-02-03"])
    assert "2024-01-31 (day first) or 2031-01-24 (year first)" in refusal(["31.01.24"])
    assert read(["31.01.24"], "dmy") == ["2024-01-31"]


def test_the_option_decides_what_is_open_and_nothing_else() -> None:
    assert read(["05/04/2024"], "dmy") == ["2024-04-05"]
    assert read(["05/04/2024"], "mdy") == ["2024-05-04"]
    assert read(["01-02-03"], "ymd") == ["2001-02-03"]
    assert read(["05/14/2024", "05/04/2024"], "dmy") == ["2024-05-14", "2024-05-04"]
    assert "--date-order mdy" in refusal(["05/04/2024"], "ymd")


def test_where_both_readings_agree_nothing_is_ambiguous() -> None:
    assert read(["01/01/2010"] * 5 + ["02.02.11"]) == ["2010-01-01"] * 5 + ["2011-02-02"]


def test_two_kinds_are_refused_with_samples() -> None:
    told = refusal(["01/31/2024", "02/03/2024", "28/02/2024"])
    assert "1 rows can only be read with the month first, such as '01/31/2024'" in told
    assert "1 only with the day first, such as '28/02/2024'" in told
    assert "YYYY-MM-DD" in told
    assert "two kinds" in refusal(["01/31/2024", "28/02/2024"], "mdy")


@pytest.mark.parametrize(("form", "slip"), [("%m/%d/%Y", "31/01/2020"), ("%d/%m/%Y", "01/31/2020")])
def test_a_few_slips_are_dropped_and_flip_nothing(form: str, slip: str) -> None:
    texts = [f"{day:{form}}" for day in SPREAD] * 10
    told = [day.isoformat() for day in SPREAD] * 10
    few = int(STRAY * len(texts) * 0.5)
    assert few > 3
    assert read([*texts, *[slip] * few]) == [*told, *[None] * few]
    assert "two kinds" in refusal([*texts, *[slip] * (4 * few)])


def test_slips_do_not_decide() -> None:
    column = ["05/04/2024"] * 10_000
    assert "no value of the column tells which" in refusal([*column, *["31/01/2020"] * 3])
    assert read([*column, "31/01/2020"], "mdy") == ["2024-05-04"] * 10_000 + [None]


def test_rows_count_and_not_distinct_values() -> None:
    many, few = ["01/31/2024"] * 10_000, [f"{day:%d/%m/%Y}" for day in SPREAD if day.day > 12][:20]
    assert read([*many, *few]) == ["2024-01-31"] * 10_000 + [None] * 20


def test_days_that_a_spreadsheet_swapped_are_refused() -> None:
    """ "03/04/2024" became the 4th of March; "31/01/2024" could not, and stayed text."""
    swapped = [day.replace(day=day.month, month=day.day).isoformat() for day in SPREAD if day.day <= 12]
    kept = [f"{day:%d/%m/%Y}" for day in SPREAD if day.day > 12]
    assert "day and month may be swapped" in refusal([*swapped, *kept])
    serials = [str((date.fromisoformat(day) - date(1899, 12, 30)).days) for day in swapped]
    assert "day and month may be swapped" in refusal([*serials, *kept])
    fine = [day.isoformat() for day in SPREAD]
    assert read([*fine, *kept])[: len(fine)] == fine  # days beyond the 12th are dates too: nothing was swapped


def test_day_before_month_after_the_year_is_refused() -> None:
    assert "'2019-19-01' have the day before the month" in refusal([f"{day:%Y-%d-%m}" for day in SPREAD])


def test_a_note_says_which_order_was_found() -> None:
    for texts, notes in (
        (["31/01/2024"], ["Day: dates are read with the day first."]),
        (["01/31/2024", "2024-01-15"], []),
        (["2024-01-31", "31-Jan-24"], []),
    ):
        report = Report()
        read(texts, report=report)
        assert report.notes == notes


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (["1,234.50", "37,490", "5"], [1234.5, 37490, 5]),
        (["1.234,50", "37.490", "5"], [1234.5, 37490, 5]),
        (["18856,281", "856,281"], [18856.281, 856.281]),
        (["18856.281", "856.281"], [18856.281, 856.281]),
        (["$1,234.5", "€ 7", "-2"], [1234.5, 7, -2]),
        (["37 490,98", "1\u00a0000,5"], [37490.98, 1000.5]),
        (["12,345", "1,000"], [12345, 1000]),
        (["0.001", "1.8856281E+04"], [0.001, 18856.281]),
        (["37,490,98", "1,23,456", "1_000", "nan", "inf", "1e99", ""], [None] * 7),
        (["1.5", "2.5", "1,5"], [1.5, 2.5, None]),
    ],
)
def test_amounts(texts: list[str], numbers: list[float | None]) -> None:
    assert read_amounts(texts, Report()) == numbers


def read_amounts(texts: list[str], report: Report) -> list[float | None]:
    column = pa.chunked_array([pa.array(texts)])
    found: list[float | None] = amounts.amounts(column, "Bill", WHERE, report).to_pylist()
    return found


def test_amounts_with_two_decimal_signs_are_refused_where_one_could_be_either() -> None:
    with pytest.raises(SourceError, match=r"Bill: some amounts have a decimal point .* so '1,234' can be either"):
        read_amounts(["1.5", "1,5", "1,234"], Report())
    assert read_amounts([*["1.5"] * 1000, "1,5", "1,234"], Report())[-2:] == [None, 1234]


def test_amounts_that_leave_the_sign_open_are_noted() -> None:
    report = Report()
    assert read_amounts(["12,345", "7"], report) == [12345, 7]
    assert report.notes == ["Bill: '12,345' is read as 12345.0."]
