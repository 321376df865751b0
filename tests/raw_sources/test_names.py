import re

import numpy as np
import pytest
from fiubench.raw_sources.names import GENDERS, capacity, full_names, given_names, name_list, surnames
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
    first, last = full_names(5, [gender] * count, np.arange(count))
    names = set(zip(first, last, strict=True))
    assert len(names) == count
    assert not names & {tuple(figure.split(" ", 1)) for figure in read_lines("public_figures.txt")}
    assert all(a != b for a, b in names)
    # No part of the lists is left out.
    assert len(set(first)) == len(given_names(gender))
    assert len(set(last)) == len(surnames())


def test_the_last_rank_has_a_name_and_the_next_has_none():
    last = capacity("male") - 1
    first_names, _ = full_names(5, ["male"], np.array([last]))
    assert first_names[0] in given_names("male")
    with pytest.raises(ConfigError, match="male names"):
        full_names(5, ["male"], np.array([last + 1]))


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
    for gender, (first, last) in zip(genders, together, strict=True):
        assert first in given_names(gender)
        assert last in surnames()


def test_seed_and_purpose_change_names():
    ranks, women = np.arange(50), ["female"] * 50
    assert full_names(1, women, ranks) != full_names(2, women, ranks)
    assert full_names(1, women, ranks) != full_names(1, women, ranks, "elsewhere")
