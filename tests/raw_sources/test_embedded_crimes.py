import re
from collections import Counter
from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest
from fiubench.raw_sources.sources.crimes import EmbeddedCrimes
from fiubench.raw_sources.table import People
from fiubench.raw_sources.vocabulary import read_rows

AS_OF = date(2026, 1, 1)
EPOCH = date(1970, 1, 1)
OFFENSES = {row["offense"]: row for row in read_rows("offenses.csv")}
COUNT = 4000


@pytest.fixture(scope="module")
def who():
    days = np.random.default_rng(1).integers(20 * 365.25 + 1, 95 * 365.25, COUNT)
    return People(["female", "male"] * (COUNT // 2), (AS_OF - EPOCH).days - days)


@pytest.fixture(scope="module")
def complaints(who):
    columns = EmbeddedCrimes(3, AS_OF).take(np.arange(COUNT), who)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def test_everything_fits_the_offense_and_the_person(who, complaints):
    for complaint, birth in zip(complaints, who.birth, strict=True):
        row = OFFENSES[complaint["offense"]]
        assert complaint["law_category"] == row["law_category"]
        assert complaint["premises"] in row["premises"].split(";")
        born, when = EPOCH + timedelta(days=int(birth)), date.fromisoformat(complaint["offense_date"])
        age = when.year - born.year - ((when.month, when.day) < (born.month, born.day))
        assert int(row["min_age"]) <= age <= 75
        assert date(1990, 12, 31) <= when <= AS_OF


def test_most_offenses_are_recent_for_those_who_are_not_old(who, complaints):
    young = [c for c, birth in zip(complaints, who.birth, strict=True) if birth > (date(1950, 1, 2) - EPOCH).days]
    assert sum(complaint["offense_date"] >= "2011-01-01" for complaint in young) > 0.8 * len(young)
    assert any(complaint["offense_date"] < "2011-01-01" for complaint in young)


def test_numbers_have_nine_digits_and_are_unique(complaints):
    numbers = [complaint["complaint_number"] for complaint in complaints]
    assert all(re.fullmatch(r"[1-9]\d{8}", number) for number in numbers)
    assert len(set(numbers)) == COUNT


def test_a_constant_guess_is_worth_little(complaints):
    for column, limit in [("offense", 0.04), ("offense_date", 0.01), ("premises", 0.25)]:
        (_, count), *_ = Counter(complaint[column] for complaint in complaints).most_common(1)
        assert count / COUNT < limit


def test_vocabulary_of_offenses():
    assert len(OFFENSES) >= 45
    assert {row["law_category"] for row in OFFENSES.values()} == {"felony", "misdemeanor", "violation"}
    banned = re.compile(r"\b(sex\w*|rape|child\w*|minor|lewd\w*|indecen\w*|prostitut\w*|porn\w*)\b")
    for offense, row in OFFENSES.items():
        assert offense == offense.lower()
        assert not banned.search(offense)
        assert 18 <= int(row["min_age"]) <= 30
        premises = row["premises"].split(";")
        assert len(set(premises)) == len(premises) >= 1
        assert not [pair for pair in permutations(premises, 2) if pair[0] in pair[1]]  # "park" and "parking lot"
    # one is "charged with" it, so that most take none; right answers need not have it (test_keywords.py)
    assert [offense for offense in OFFENSES if re.match(r"(an?|the) ", offense)] == ["a scheme to defraud"]
