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


@settings(max_examples=6, deadline=None)
@given(weights, weights, st.integers(0, 10**6))
def test_choices_that_depend_on_another_fact(places, of_women, of_men, seed):
    """The rank by how likely a value is for the person: wrong values are drawn from the same distribution."""
    cases = {
        gender: {word: min(weight, max(sum(drawn) // 8, 1)) for word, weight in zip(words, drawn, strict=False)}
        for gender, drawn, words in (("female", of_women, _WORDS), ("male", of_men, _WORDS[::-1]))
    }

    def rank(word):
        return max(cases["female"].get(word, 0), 0) - cases["male"].get(word, 0), word

    choose = {"by": "gender", "cases": cases}
    assert places(seed, rank, type="enum", choose=choose) < chi2.isf(_SURE, 3)
    choose = {"by": "month(date_of_birth) <= 5", "cases": {"true": cases["female"]}, "otherwise": cases["male"]}
    constraints = [f"month(date_of_birth) % 2 == 0 or thing != {_WORDS[0]!r}"]
    assert places(seed, rank, type="enum", choose=choose, constraints=constraints) < chi2.isf(_SURE, 3)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 400), st.sampled_from([0.01, 0.05, 0.1]), st.sampled_from(["near", "far"]), st.integers(0, 10**6))
def test_decimals(places, low, step, distance, seed):
    options = {"min": low / 100, "max": low / 100 + 100 * step, "step": step}
    keys = {"generate": {"decimal": options}, "perturb": {"distance": distance}, "digits": 2, "unit": "kg"}
    constraints = [f"month(date_of_birth) > 3 or thing <= {low / 100 + 50 * step}"]
    assert places(seed, float, type="decimal", constraints=constraints, **keys) < chi2.isf(_SURE, 3)


@settings(max_examples=4, deadline=None)
@given(weights, st.integers(1, 4), st.integers(0, 2), st.integers(0, 10**6))
def test_lists(places, drawn, fewest, more, seed):
    """By how common the things are that stand in a list: those of the truth are no more so than of the others."""
    of = dict(zip(_WORDS, drawn, strict=False))
    generate = {"list": {"of": of, "count": {"min": fewest, "max": fewest + more}}}
    constraints = [f"gender == 'male' or not ({_WORDS[0]!r} in thing)"]

    def common(items):
        return sum(of[item] for item in items), items

    assert places(seed, common, type="list", generate=generate, constraints=constraints) < chi2.isf(_SURE, 3)


@settings(max_examples=4, deadline=None)
@given(st.integers(90, 110), st.integers(6, 50), weights, st.integers(0, 10**6))
def test_values_made_of_parts(places, low, room, drawn, seed):
    words = dict(zip(_WORDS, drawn, strict=False))
    parts = {"format": "{a}/{b} {c}", "a": {"min": low, "max": low + room}, "b": {"min": 0, "max": 2, "step": 0.5}}
    constraints = [f"number(thing) <= {low + room} - month(date_of_birth) // 3"]
    generate = {"parts": {**parts, "c": words}}

    def size(text):
        return words[text.split()[1]], text

    assert places(seed, size, type="parts", generate=generate, constraints=constraints) < chi2.isf(_SURE, 3)
