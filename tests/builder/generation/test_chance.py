"""Whatever a pack draws from, and whatever its constraints are, the true value may be any of the four."""

import json

import numpy as np
import pytest
from fiubench.builder.config import make_config
from fiubench.builder.pipeline.build import records
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from tests.builder.conftest import ANSWERS, QUESTIONS

_PEOPLE = 600
_SURE = 1e-7  # of a false alarm, in each of the examples
_WORDS = [f"{letter}{vowel}k" for letter in "bdfghjlm" for vowel in "aeiou"]

weights = st.lists(st.integers(1, 9), min_size=12, max_size=40)
bounds = st.tuples(st.integers(100, 400), st.integers(40, 600))


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Place of the true value among the four, in the order of a key, for everyone with an attribute of a pack."""
    folder = tmp_path_factory.mktemp("packs")

    def of(seed, key, **keys):
        entry = {"name": "thing", "category": "own", "sensitivity": "low", "questions": QUESTIONS, "answers": ANSWERS}
        (folder / "mine.yaml").write_text(json.dumps({"pack": "mine", "attributes": [{**entry, **keys}]}))
        given = {"faces": "none", "identities": _PEOPLE, "holdout": 0, "questions": 1, "seed": seed}
        counts = np.zeros(4)
        for record in records(make_config({**given, "attributes": [str(folder / "mine.yaml")]})):
            qa = record["qa_list"][-1]
            counts[sum(key(wrong) < key(qa["value"]["value"]) for wrong in qa["perturbed_value"])] += 1
        return ((counts - _PEOPLE / 4) ** 2 / (_PEOPLE / 4)).sum()

    return of


@settings(max_examples=6, deadline=None)
@given(weights, st.sets(st.integers(0, 11), max_size=3), st.integers(0, 10**6))
def test_weighted_choices_under_a_constraint(places, drawn, kept_from_women, seed):
    most = sum(drawn) // 8
    choose = {word: min(weight, max(most, 1)) for word, weight in zip(_WORDS, drawn, strict=False)}
    constraints = [f"gender == 'male' or thing != {_WORDS[i]!r}" for i in sorted(kept_from_women)]
    rank = sorted(choose, key=lambda word: (choose[word], word)).index
    assert places(seed, rank, type="enum", choose=choose, constraints=constraints) < chi2.isf(_SURE, 3)


@settings(max_examples=6, deadline=None)
@given(bounds, st.integers(1, 12), st.sampled_from(["near", "medium", "far"]), st.integers(0, 10**6))
def test_numbers_under_a_constraint(places, bounds, month, distance, seed):
    low, room = bounds
    constraints = [
        f"thing <= {low + room} - month(date_of_birth)",
        f"month(date_of_birth) != {month} or thing % 2 == 0",
    ]
    keys = {"generate": {"integer": {"min": low, "max": low + room}}, "perturb": {"distance": distance}}
    assert places(seed, int, type="integer", constraints=constraints, **keys) < chi2.isf(_SURE, 3)
