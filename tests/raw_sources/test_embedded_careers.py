import re
from collections import Counter
from datetime import date

import numpy as np
import pytest
from fiubench.raw_sources.embedded import age_on
from fiubench.raw_sources.sources.careers import EmbeddedCareers
from fiubench.raw_sources.table import People
from fiubench.raw_sources.vocabulary import read_rows

AS_OF = date(2026, 1, 1)
TODAY = (AS_OF - date(1970, 1, 1)).days
OCCUPATIONS = {row["occupation"]: row for row in read_rows("occupations.csv")}
COUNT = 4000


@pytest.fixture(scope="module")
def who():
    days = np.random.default_rng(1).integers(20 * 365.25 + 1, 95 * 365.25, COUNT)
    return People(["female", "male"] * (COUNT // 2), TODAY - days)


@pytest.fixture(scope="module")
def careers(who):
    return EmbeddedCareers(3, AS_OF).take(np.arange(COUNT), who)


def test_occupation_fits_the_age_and_the_income_fits_the_occupation(who, careers):
    ages = age_on(who.birth, TODAY).tolist()
    for age, occupation, income in zip(ages, careers["occupation"], careers["annual_income"], strict=True):
        row = OCCUPATIONS[occupation]
        assert int(row["min_age"]) <= age <= int(row["max_age"])
        assert int(row["min_income"]) <= income <= int(row["max_income"])
        assert income % 10 == 0


def test_elders_are_retired_and_the_young_are_not(who, careers):
    for age, occupation in zip(age_on(who.birth, TODAY).tolist(), careers["occupation"], strict=True):
        assert not (occupation.startswith("retired") and age < 60)
        assert occupation.startswith("retired") or age <= 90


def test_a_constant_guess_is_worth_little(careers):
    for column, limit in [("occupation", 0.02), ("annual_income", 0.005)]:
        (_, count), *_ = Counter(careers[column]).most_common(1)
        assert count / COUNT < limit


def test_vocabulary_of_occupations():
    assert len(OCCUPATIONS) >= 150
    for occupation, row in OCCUPATIONS.items():
        assert re.fullmatch(r"[a-z]+([ -][a-z]+)*", occupation)
        assert 20 <= int(row["min_age"]) < int(row["max_age"]) <= 95
        low, high = int(row["min_income"]), int(row["max_income"])
        assert high - low >= 8000
        assert low % 10 == high % 10 == 0
    for age in range(20, 96):
        assert sum(int(row["min_age"]) <= age <= int(row["max_age"]) for row in OCCUPATIONS.values()) >= 50
