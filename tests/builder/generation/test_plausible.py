"""Wrong values are possible for their person: counted from the word lists, not with what made them."""

import csv
from datetime import date
from pathlib import Path

import pytest
from fiubench.builder.pipeline.build import records
from fiubench.raw_sources.places import load_places

from fiubench import make_config

WORDS = Path(__file__).resolve().parents[3] / "raw_sources" / "vocabulary"


def table(name):
    with (WORDS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def age(born, day):
    return int(day[:4]) - int(born[:4]) - (day[5:] < born[5:])


def days_between(first, last):
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


@pytest.fixture(scope="module", params=[("population", 0), ("population", 3), ("members", 0)], ids=str)
def people(request):
    wrong, seed = request.param
    config = make_config({"faces": "none", "identities": 400, "questions": 25, "seed": seed, "wrong": wrong})
    return list(records(config))


@pytest.fixture
def values(people):
    """Value of a fact, and each value given to the question about it, of everyone."""

    def of(name):
        for record in people:
            facts = {fact: entry["value"] for fact, entry in record["profile"].items()}
            qa = next(qa for qa in record["qa_list"] if qa["attribute"] == name)
            yield facts, [qa["value"]["value"], *qa["perturbed_value"]]

    return of


def test_occupations_fit_the_age(values):
    rows = {row["occupation"]: (int(row["min_age"]), int(row["max_age"])) for row in table("occupations.csv")}
    for facts, four in values("occupation"):
        years = age(facts["date_of_birth"], "2025-01-01")
        assert all(rows[job][0] <= years <= max(rows[job][1], years * (job.startswith("retired"))) for job in four)


def test_incomes_fit_the_occupation(values):
    rows = {row["occupation"]: (int(row["min_income"]), int(row["max_income"])) for row in table("occupations.csv")}
    for facts, four in values("annual_income"):
        low, high = rows[facts["occupation"]]
        assert all(low <= income <= high for income in four)


def test_conditions_fit_age_and_gender(values):
    rows = {row["condition"]: row for row in table("conditions.csv")}
    for facts, four in values("medical_condition"):
        years = age(facts["date_of_birth"], facts["admission_date"])
        for condition in four:
            row = rows[condition]
            assert row["gender"] in ("any", facts["gender"])
            assert int(row["min_age"]) <= max(years, 20) <= int(row["max_age"])


@pytest.mark.parametrize(
    ("name", "column"),
    [("medication", "medications"), ("test_results", "test_results"), ("admission_type", "admission_types")],
)
def test_they_fit_the_condition(values, name, column):
    rows = {row["condition"]: row[column].split(";") for row in table("conditions.csv")}
    for facts, four in values(name):
        fitting = rows[facts["medical_condition"]]
        assert sum(value in fitting for value in four) == min(len(fitting), 4)


def test_stays_are_as_long_as_for_the_condition(values):
    rows = {row["condition"]: (int(row["min_days"]), int(row["max_days"])) for row in table("conditions.csv")}
    for name in ("admission_date", "discharge_date"):
        for facts, four in values(name):
            shortest, longest = rows[facts["medical_condition"]]
            for day in four:
                first, last = (day, facts["discharge_date"]) if name[0] == "a" else (facts["admission_date"], day)
                assert shortest <= days_between(first, last) <= longest
                assert last <= "2025-01-01"


def test_offenses_fit_the_age(values):
    rows = {row["offense"]: int(row["min_age"]) for row in table("offenses.csv")}
    for facts, four in values("offense"):
        years = age(facts["date_of_birth"], facts["offense_date"])
        assert all(rows[offense] <= max(years, 18) for offense in four)


def test_nobody_is_charged_as_a_child(values):
    for facts, four in values("offense_date"):
        assert all(age(facts["date_of_birth"], day) >= 18 and day <= "2025-01-01" for day in four)
    for facts, four in values("date_of_birth"):
        assert all(age(born, "2025-01-01") >= 20 for born in four)
        assert all(age(born, facts["offense_date"]) >= 18 for born in four)
        assert all(born < facts["admission_date"] for born in four)


def test_addresses_are_in_real_places(values):
    places = load_places()
    for _, four in values("address"):
        for address in four:
            at = places.find(address["zip"])
            assert at is not None
            assert (places.city[at], places.state[at]) == (address["city"], address["state"])


def test_premises_fit_the_offense(values):
    rows = {row["offense"]: row["premises"].split(";") for row in table("offenses.csv")}
    for facts, four in values("premises"):
        fitting = rows[facts["offense"]]
        assert sum(value in fitting for value in four) == min(len(fitting), 4)
