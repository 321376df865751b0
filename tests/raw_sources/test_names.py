import re

import numpy as np
import pytest
from fiubench.raw_sources.names import (
    GENDERS,
    capacity,
    full_names,
    given_names,
    name_list,
    other_places,
    places_of,
    surnames,
)
from fiubench.raw_sources.vocabulary import read_lines
from fiubench.support.errors import ConfigError
from hypothesis import given, settings
from hypothesis import strategies as st

FULL_NAME = re.compile(r"(De|Mc|Mac|O'|La)?[A-Z][a-z]+")


def test_lists_are_long_clean_and_disjoint():
    female, male = (given_names(gender) for gender in GENDERS)
    assert len(female) >= 400
    assert len(male) >= 400
    assert len(surnames()) >= 1500
    assert not set(female) & set(male)
    for names in (female, male, surnames()):
        assert names == sorted(set(names))
        assert not [name for name in names if not FULL_NAME.fullmatch(name)]


@pytest.mark.parametrize("gender", GENDERS)
def test_the_first_200_000_names_are_unique_and_nobody_famous(gender):
    count = 200_000
    first, last, _ = full_names(5, [gender] * count, np.arange(count))
    names = set(zip(first, last, strict=True))
    assert len(names) == count
    assert not names & {tuple(figure.split(" ", 1)) for figure in read_lines("public_figures.txt")}
    assert all(a != b for a, b in names)
    # No part of the lists is left out.
    assert len(set(first)) == len(given_names(gender))
    assert len(set(last)) == len(surnames())


def test_a_hundred_million_names_of_each_gender():
    """With middle initials where pairs run out: the last one is a name, and the next is refused."""
    for gender in GENDERS:
        most = capacity(gender)
        assert most >= 10**8
        ranks = np.array([0, 262_143, 262_144, 300_000, most // 2, most - 1])
        women = [gender] * len(ranks)
        names = full_names(5, women, places_of(women, ranks))
        assert len(set(names.full)) == len(ranks)
        middle = [full[len(g) : -len(f)].strip() for g, f, full in zip(*names, strict=True)]
        assert middle[:2] == ["", ""] and middle[2:4] == ["A.", "A."] and middle[-1] == "Z. Z."
        assert all(FULL_NAME.fullmatch(part) for part in (*names.given, *names.family))
        with pytest.raises(ConfigError, match=f"{gender} names"):
            full_names(5, [gender], places_of([gender], np.array([most])))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 180_000_000), min_size=1, max_size=30, unique=True), st.sampled_from(GENDERS))
def test_wrong_names_have_the_form_of_the_true_one_and_are_nobodys(ranks, gender):
    genders, rank = [gender] * len(ranks), np.array(ranks)
    places = places_of(genders, rank)
    others = [other_places(genders, places, turn) for turn in range(3)]
    assert len({*places.tolist(), *np.concatenate(others).tolist()}) == 4 * len(ranks)
    span = name_list(gender).span
    for turn in others:
        assert (turn // span == places // span).all()
        assert (turn % span >= span // 4).all()  # names below are handed out


def test_unfit_pairs_are_skipped_one_by_one():
    names = name_list("female")
    full = len(names.given) * len(names.family)
    assert names.size == full - len(names.unfit)
    assert len(names.unfit) > 100
    assert names.span <= names.size < 2 * names.span


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(GENDERS), st.integers(0, 100_000)), min_size=1, max_size=40),
    st.integers(0, 2**31),
)
def test_a_name_depends_on_seed_gender_and_rank_alone(people, seed):
    genders, ranks = [gender for gender, _ in people], np.array([rank for _, rank in people])
    together = list(zip(*full_names(seed, genders, ranks), strict=True))
    alone = [next(zip(*full_names(seed, [gender], ranks[i : i + 1]), strict=True)) for i, gender in enumerate(genders)]
    assert together == alone
    for gender, (first, last, full) in zip(genders, together, strict=True):
        assert full == f"{first} {last}"
        assert first in given_names(gender)
        assert last in surnames()


def test_seed_and_purpose_change_names():
    ranks, women = np.arange(50), ["female"] * 50
    assert full_names(1, women, ranks) != full_names(2, women, ranks)
    assert full_names(1, women, ranks) != full_names(1, women, ranks, "elsewhere")
