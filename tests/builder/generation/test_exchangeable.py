"""Whoever knows everything but the person finds the true value in one of four."""

import numpy as np
import pytest
from fiubench.builder.generation.exchangeable import (
    CIRCLE_WORDS,
    RANGE_WORDS,
    Circles,
    Group,
    TooFew,
    _arcs,
    others_in_range,
    overlapping,
)
from fiubench.support.draws import choose, draw, integers
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

_SURE = 1e-6  # of a false alarm, in each of the examples
_DRAWS = 4_000


def place_of_truth(truth, others):
    """Place of the true value among the four, by size."""
    return (others < truth[:, None]).sum(axis=1)


def is_uniform(places):
    counts = np.bincount(places, minlength=4)
    expected = len(places) / 4
    return ((counts - expected) ** 2 / expected).sum() < chi2.isf(_SURE, 3)


def on_circles(weights, seed, draws=_DRAWS, texts=None, many=16):
    """Truths drawn by their weights, and three others of each."""
    circles = Circles(seed, "test", many)
    group = circles.add("all", Group(texts or [f"value {i:03d}" for i in range(len(weights))], weights))
    index = np.arange(draws)
    truth = choose(seed, "truth", index, weights)
    return truth, circles.others(np.full(draws, group), truth, draw(seed, "others", index, words=CIRCLE_WORDS))


# --- circles


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 100), min_size=4, max_size=40), st.integers(0, 10**6))
def test_the_truth_may_be_any_of_the_four(weights, seed):
    if max(weights) > sum(weights) / 4:
        weights = [*weights, *[max(weights)] * 4]
    truth, others = on_circles(weights, seed)
    assert all(len({t, *three}) == 4 for t, three in zip(truth.tolist(), others.tolist(), strict=True))
    assert is_uniform(place_of_truth(truth, others))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=5, max_size=12), st.integers(0, 10**6))
def test_frequent_values_are_no_more_often_true_than_rare_ones(weights, seed):
    """By their rank in frequency: the constant guess of the most frequent of the four is right in one of four."""
    weights = [*weights, *[max(weights)] * 3]
    truth, others = on_circles(weights, seed)
    rank = np.argsort(np.argsort(np.array(weights), kind="stable"), kind="stable")
    assert is_uniform(place_of_truth(rank[truth], rank[others]))


def test_no_set_of_four_gives_its_truth_away():
    truth, others = on_circles([5, 4, 4, 3, 3, 2, 2, 1], seed=3, draws=60_000, many=2)
    sets: dict[tuple[int, ...], list[int]] = {}
    for t, three in zip(truth.tolist(), others.tolist(), strict=True):
        four = tuple(sorted((t, *three)))
        sets.setdefault(four, [0] * 4)[four.index(t)] += 1
    often = [np.array(counts) for counts in sets.values() if sum(counts) >= 400]
    assert len(often) >= 6
    for counts in often:
        expected = counts.sum() / 4
        assert ((counts - expected) ** 2 / expected).sum() < chi2.isf(_SURE, 3), counts


def test_a_value_of_more_than_a_quarter_is_always_there():
    truth, others = on_circles([60, 10, 10, 10, 5, 5], seed=1)
    assert all(0 in (t, *three) for t, three in zip(truth.tolist(), others.tolist(), strict=True))
    rare = truth != 0  # whoever is left can't be told from the others that stand beside the frequent one
    assert len(set(others[rare].ravel().tolist())) == 6


def test_fillers_stand_in_for_what_is_missing_alone():
    truth, others = on_circles([2, 1, 1, 0, 0], seed=1)
    assert set(truth.tolist()) == {0, 1, 2}
    for t, three in zip(truth.tolist(), others.tolist(), strict=True):
        assert {0, 1, 2} < {t, *three} and len({t, *three}) == 4
    without = on_circles([2, 1, 1, 1, 0, 0], seed=1)[1]
    assert without.max() == 3


def test_a_truth_that_is_none_of_the_values():
    circles = Circles(1, "test")
    group = circles.add("all", Group(list("abcdef"), [1] * 6))
    words = draw(1, "others", np.arange(500), words=CIRCLE_WORDS)
    others = circles.others(np.full(500, group), np.full(500, -1), words)
    assert all(len(set(three)) == 3 for three in others.tolist())
    assert set(others.ravel().tolist()) == set(range(6))


def test_groups_are_the_same_in_any_order():
    a, b = Circles(1, "test"), Circles(1, "test")
    groups = {key: Group([f"{key}{i}" for i in range(n)], [1] * n) for key, n in (("x", 5), ("y", 9))}
    numbers = {key: a.add(key, group) for key, group in groups.items()}
    mirrored = {key: b.add(key, groups[key]) for key in ("y", "x")}
    words = draw(1, "others", np.arange(50), words=CIRCLE_WORDS)
    for key in groups:
        made = [c.others(np.full(50, n[key]), np.arange(50) % 5, words) for c, n in ((a, numbers), (b, mirrored))]
        assert np.array_equal(*made)


def test_values_of_which_one_holds_another_never_come_together():
    texts = ["A+", "A-", "AB+", "AB-", "B+", "B-", "O+", "O-"]
    truth, others = on_circles([1] * 8, seed=2, texts=texts)
    assert is_uniform(place_of_truth(truth, others))
    for t, three in zip(truth.tolist(), others.tolist(), strict=True):
        four = [texts[i] for i in (t, *three)]
        assert not any(a != b and a in b for a in four for b in four)


@given(st.lists(st.integers(0, 100), min_size=4, max_size=40).filter(lambda weights: sum(map(bool, weights)) >= 4))
def test_arcs_make_a_whole_turn_to_the_last_bit(weights):
    lengths = _arcs([[value] for value in range(len(weights))], weights)
    assert lengths.sum() == 1 << 32
    assert lengths.max() <= (1 << 30) + len(weights) and lengths.min() >= 0


def test_overlapping():
    assert overlapping(["rye", "oat", "Oats", "coats", "barley"]) == [[0], [1, 2, 3], [4]]
    assert overlapping(["1", "12", "1 or 12", "2"]) == [[0, 1, 2], [3]]


def test_a_group_in_which_many_hold_each_other_is_loose():
    circles = Circles(1, "test")
    groups = {n: [*(f"{'a' * i}x" for i in range(n)), *"bcdefghi"] for n in (2, 8)}
    numbers = [circles.add(n, Group(texts, [1] * len(texts))) for n, texts in groups.items()]
    assert circles.loose == {numbers[1]}


@pytest.mark.parametrize(("texts", "weights"), [("abc", [1] * 3), ("abc", [1, 1, 0]), ("", [])])
def test_too_few(texts, weights):
    with pytest.raises(TooFew):
        Circles(1, "test").add("all", Group(texts, weights))


# --- ranges


@settings(max_examples=80, deadline=None)
@given(st.integers(4, 10**6), st.sampled_from([1 / 12, 1 / 4, 1 / 3, 1.0]), st.integers(0, 10**6))
def test_the_truth_may_stand_at_any_of_the_four_places(size, share, seed):
    index = np.arange(_DRAWS)
    place = integers(seed, "truth", index, size)
    sizes = np.full(_DRAWS, size)
    others = others_in_range(place, sizes, draw(seed, "others", index, words=RANGE_WORDS), share)
    four = np.sort(np.concatenate([place[:, None], others], axis=1), axis=1)
    assert four.min() >= 0 and four.max() < size
    assert (np.diff(four, axis=1) > 0).all()
    assert is_uniform(place_of_truth(place, others))
    gaps = np.diff(four, axis=1)
    assert is_uniform(place_of_truth(place, others)[np.argsort(gaps[:, 0], kind="stable")[: _DRAWS // 2]])


def test_a_smaller_share_is_nearer():
    index = np.arange(_DRAWS)
    place, sizes = integers(1, "truth", index, 10_000), np.full(_DRAWS, 10_000)
    words = draw(1, "others", index, words=RANGE_WORDS)
    away = [np.abs(others_in_range(place, sizes, words, share) - place[:, None]).mean() for share in (1 / 12, 1 / 4, 1)]
    assert away[0] * 2 < away[1] < away[2] / 2
