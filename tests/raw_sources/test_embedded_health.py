import re
from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from fiubench.raw_sources.sources.health import EmbeddedHealth
from fiubench.raw_sources.table import People
from fiubench.raw_sources.vocabulary import read_lines, read_rows

AS_OF = date(2026, 1, 1)
TODAY = (AS_OF - date(1970, 1, 1)).days
CONDITIONS = {row["condition"]: row for row in read_rows("conditions.csv")}
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
        assert record["age"] >= 20
        assert admitted < discharged <= AS_OF
        assert admitted >= date(2020, 12, 31)
        assert discharged - admitted <= timedelta(days=30)


def test_the_condition_fits_the_person_and_the_rest_fits_the_condition(who, records):
    for record, gender in zip(records, who.gender, strict=True):
        row = CONDITIONS[record["medical_condition"]]
        assert record["gender"] == gender
        assert row["gender"] in {"any", gender}
        assert int(row["min_age"]) <= record["age"] <= int(row["max_age"])
        for column, values in [
            ("medication", "medications"),
            ("test_results",) * 2,
            ("admission_type", "admission_types"),
        ]:
            assert record[column] in row[values].split(";")
        if (discharged := date.fromisoformat(record["discharge_date"])) < AS_OF:
            stay = (discharged - date.fromisoformat(record["admission_date"])).days
            assert int(row["min_days"]) <= stay <= int(row["max_days"])


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


@pytest.mark.parametrize("days_since", [0, 1, 2, 40])
def test_people_who_have_just_turned_20(days_since):
    birth = (date(2006, 1, 1) - timedelta(days=days_since) - date(1970, 1, 1)).days
    columns = EmbeddedHealth(3, AS_OF).take(np.arange(200), People(["female"] * 200, np.full(200, birth)))
    assert set(columns["age"]) == {20}
    turned = (AS_OF - timedelta(days=days_since)).isoformat()
    for admitted, discharged in zip(columns["admission_date"], columns["discharge_date"], strict=True):
        assert turned <= admitted <= discharged <= AS_OF.isoformat()


def test_vocabulary_of_conditions():
    assert len(CONDITIONS) >= 40
    for row in CONDITIONS.values():
        drugs, results = row["medications"].split(";"), row["test_results"].split(";")
        assert len(set(drugs)) == len(drugs) >= 3
        assert len(set(results)) == len(results) >= 4
        assert not [text for text in results if re.match(r"(an?|the) ", text)]
        assert set(row["admission_types"].split(";")) <= {"elective", "urgent", "emergency"}
        assert 1 <= int(row["min_days"]) <= int(row["max_days"]) <= 30
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
