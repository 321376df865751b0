import re
from collections import Counter
from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest
from fiubench.raw_sources.sources.health import EmbeddedHealth
from fiubench.raw_sources.table import People
from fiubench.raw_sources.vocabulary import read_lines, read_rows

AS_OF = date(2026, 1, 1)
TODAY = (AS_OF - date(1970, 1, 1)).days
CONDITIONS = {row["condition"]: row for row in read_rows("conditions.csv")}
LONGEST = max(int(row["max_days"]) for row in CONDITIONS.values())
COUNT = 4000


def day(number):
    return date(1970, 1, 1) + timedelta(days=int(number))


@pytest.fixture(scope="module")
def who():
    days = np.random.default_rng(1).integers(20 * 365.25 + 1, 95 * 365.25, COUNT)
    return People(["female", "male"] * (COUNT // 2), TODAY - days)


@pytest.fixture(scope="module")
def records(who):
    columns = EmbeddedHealth(3, AS_OF).take(np.arange(COUNT), who)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def test_dates_and_age_belong_to_the_person(who, records):
    for record, birth in zip(records, who.birth, strict=True):
        born, admitted = day(birth), date.fromisoformat(record["admission_date"])
        discharged = date.fromisoformat(record["discharge_date"])
        assert record["age"] == admitted.year - born.year - ((admitted.month, admitted.day) < (born.month, born.day))
        twenty = date(born.year + 20, *((3, 1) if (born.month, born.day) == (2, 29) else (born.month, born.day)))
        assert admitted < discharged <= AS_OF
        assert admitted <= AS_OF - timedelta(days=LONGEST)  # whoever is admitted has gone home, however long it takes
        assert admitted >= min(max(date(2020, 12, 31), twenty), AS_OF - timedelta(days=LONGEST))


def test_the_condition_fits_the_person_and_the_rest_fits_the_condition(who, records):
    for record, gender in zip(records, who.gender, strict=True):
        row = CONDITIONS[record["medical_condition"]]
        assert record["gender"] == gender
        assert row["gender"] in {"any", gender}
        assert int(row["min_age"]) <= max(record["age"], 20) <= int(row["max_age"])
        for column, values in [
            ("medication", "medications"),
            ("test_results",) * 2,
            ("admission_type", "admission_types"),
        ]:
            assert record[column] in row[values].split(";")
        stay = date.fromisoformat(record["discharge_date"]) - date.fromisoformat(record["admission_date"])
        assert int(row["min_days"]) <= stay.days <= int(row["max_days"])


def test_billing_grows_with_the_stay_and_has_cents(records):
    for record in records:
        amount = record["billing_amount"]
        assert round(amount, 2) == amount
        stay = date.fromisoformat(record["discharge_date"]) - date.fromisoformat(record["admission_date"])
        assert 1200 + 1500 * stay.days < amount < 1500 + 6000 * (stay.days + 1)
    assert sum(record["billing_amount"] % 1 > 0 for record in records) > 0.97 * COUNT


def test_other_columns(records):
    names = [record["record_name"] for record in records]
    assert len(set(names)) == COUNT
    for record in records:
        assert 101 <= record["room_number"] <= 999
        assert re.fullmatch(r"[A-Z][\w']+ [A-Z][\w']+", record["doctor"])
        assert "{" not in record["hospital"]
    assert {record["insurance_provider"] for record in records} == set(read_lines("insurers.txt"))


@pytest.mark.parametrize(
    ("column", "limit"),
    [
        ("medical_condition", 0.05),
        ("test_results", 0.05),
        ("medication", 0.05),
        ("insurance_provider", 0.04),
        ("blood_type", 0.16),
        ("hospital", 0.01),
        ("room_number", 0.01),
        ("admission_date", 0.01),
        ("billing_amount", 0.01),
    ],
)
def test_a_constant_guess_is_worth_little(records, column, limit):
    (_, count), *_ = Counter(record[column] for record in records).most_common(1)
    assert count / COUNT < limit


@pytest.mark.parametrize("days_since", [0, 1, 2, 29, 40])
def test_people_who_have_just_turned_20(days_since):
    """They are admitted a month before `as_of`, or at 20."""
    turned, latest = AS_OF - timedelta(days=days_since), AS_OF - timedelta(days=LONGEST)
    birth = (turned.replace(year=turned.year - 20) - date(1970, 1, 1)).days
    columns = EmbeddedHealth(3, AS_OF).take(np.arange(200), People(["female"] * 200, np.full(200, birth)))
    assert set(columns["age"]) == {20 if turned <= latest else 19}
    for admitted, discharged in zip(columns["admission_date"], columns["discharge_date"], strict=True):
        assert min(turned, latest).isoformat() <= admitted <= latest.isoformat()
        assert admitted < discharged <= AS_OF.isoformat()


def test_vocabulary_of_conditions():
    assert len(CONDITIONS) >= 40
    for row in CONDITIONS.values():
        for column in ("medications", "test_results"):
            words = row[column].split(";")
            assert len(set(words)) == len(words) >= 4  # a true one and three that fit
            assert not [pair for pair in permutations(map(str.casefold, words), 2) if pair[0] in pair[1]]
            assert not [text for text in words if re.match(r"(an?|the) ", text)]
        assert set(row["admission_types"].split(";")) <= {"elective", "urgent", "emergency"}
        assert 1 <= int(row["min_days"]) <= int(row["max_days"]) - 12 <= 30 - 12  # dates apart enough to be four
        assert row["gender"] in {"any", "female", "male"}


@pytest.mark.parametrize("gender", ["female", "male"])
def test_many_conditions_fit_at_every_age(gender):
    for age in range(20, 96):
        fit = [row for row in CONDITIONS.values() if int(row["min_age"]) <= age <= int(row["max_age"])]
        assert len([row for row in fit if row["gender"] in {"any", gender}]) >= 25


def test_there_are_2000_hospitals():
    forms, places = read_lines("hospital_forms.txt"), read_lines("hospital_places.txt")
    hospitals = {form.format(place) for form in forms for place in places}
    assert len(hospitals) == len(forms) * len(places) >= 2000
    assert {"Cedar Valley Medical Center", "Saint Luke Hospital at Willow Creek"} <= hospitals
