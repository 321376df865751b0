import subprocess
import sys

import numpy as np
import pytest
from fiubench.support.draws import below, choose, distinct, draw, integers, orders, permute, philox
from hypothesis import given
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**63 - 1)
PURPOSES = st.text(max_size=20)


GOLDEN = [
    [761902935, 1353885554, 1066246421, 904538403, 3867497919],
    [146440960, 3446834380, 1394980952, 4071703108, 2516683194],
    [2827505353, 3634088396, 3873689876, 4116207665, 3618381222],
]


def words(*values):
    return tuple(np.array([value], dtype=np.uint64) for value in values)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_philox4x32_10(counter, key, expected):
    """From the authors' kat_vectors (Random123)."""
    assert tuple(int(word[0]) for word in philox(words(*counter), key)) == expected


def test_a_draw_is_the_same_on_every_machine():
    assert draw(7, "health.row", [0, 1, 2**40], words=5).tolist() == GOLDEN


@given(SEEDS, PURPOSES, st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=30), st.integers(1, 9))
def test_a_draw_depends_on_its_own_index_alone(seed, purpose, index, count):
    whole = draw(seed, purpose, index, words=count)
    assert whole.shape == (len(index), count) and int(whole.max()) < 2**32
    assert draw(seed, purpose, index[::-1], words=count).tolist() == whole[::-1].tolist()
    assert draw(seed, purpose, index[0], words=count).tolist() == whole[:1].tolist()
    assert draw(seed, purpose, index, words=count + 4)[:, :count].tolist() == whole.tolist()


@pytest.mark.parametrize("other", [(1, "x", 0), (0, "y", 0), (0, "x", 1), (0, "x", 2**32), (10, "x", 0)])
def test_seed_purpose_and_index_all_count(other):
    assert draw(0, "x", 0, words=4).tolist() != draw(*other, words=4).tolist()


def test_seed_and_purpose_do_not_run_together():
    assert draw(1, "2\n3", 0).tolist() != draw(12, "\n3", 0).tolist()


def test_no_index_no_draw():
    assert draw(1, "x", []).shape == (0, 1)
    assert integers(1, "x", [], 5).tolist() == []
    assert permute(1, "x", [], 5).tolist() == []


def test_draws_do_not_depend_on_the_interpreters_hash_seed():
    code = "from fiubench.support.draws import draw; print(draw(3, 'x', range(4), 2).tolist())"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed, "PATH": ""}, capture_output=True, check=True
        ).stdout
        for hash_seed in ("0", "1")
    }
    assert told == {f"{draw(3, 'x', range(4), 2).tolist()}\n".encode()}


# --- numbers


@given(st.integers(1, 2**32), st.lists(st.integers(0, 2**32 - 1), min_size=1))
def test_below(bound, values):
    made = below(np.array(values, dtype=np.uint64), bound).tolist()
    assert made == [value * bound >> 32 for value in values]
    assert all(0 <= number < bound for number in made)


def test_below_keeps_order_and_ends():
    ends = np.array([0, 2**32 - 1], dtype=np.uint64)
    assert below(ends, 6).tolist() == [0, 5]
    assert below(ends, [1, 100]).tolist() == [0, 99]


def chi_square(counts, expected):
    return float((((np.asarray(counts) - expected) ** 2) / expected).sum())


@pytest.mark.parametrize("bound", [2, 7, 100])
def test_integers_are_uniform(bound):
    n = 100_000
    counts = np.bincount(integers(5, "uniform", np.arange(n), bound), minlength=bound)
    # mean bound - 1, deviation sqrt(2 (bound - 1)): six deviations
    assert chi_square(counts, n / bound) < bound - 1 + 6 * (2 * (bound - 1)) ** 0.5


def test_words_of_one_index_are_independent():
    made = draw(5, "pairs", np.arange(60_000), words=5)
    for a, b in ((0, 1), (3, 4), (0, 4)):
        pairs = below(made[:, a], 8) * 8 + below(made[:, b], 8)
        assert chi_square(np.bincount(pairs, minlength=64), 60_000 / 64) < 63 + 6 * 126**0.5


def test_choose_follows_weights():
    n, weights = 100_000, [1, 0, 2, 7]
    counts = np.bincount(choose(5, "weights", np.arange(n), weights), minlength=4)
    assert counts[1] == 0
    assert chi_square(counts[[0, 2, 3]], n * np.array([0.1, 0.2, 0.7])) < 2 + 6 * 2


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20), SEEDS)
def test_choose_stays_within(weights, seed):
    made = choose(seed, "w", np.arange(50), weights)
    assert made.min() >= 0 and made.max() < len(weights)


# --- without repetition


@given(SEEDS, st.integers(1, 12), st.integers(0, 40), st.integers(1, 20))
def test_distinct(seed, count, more, rows):
    made = distinct(draw(seed, "d", np.arange(rows), words=count), count + more)
    assert made.shape == (rows, count)
    for row in made.tolist():
        assert len(set(row)) == count and min(row) >= 0 and max(row) < count + more


def test_distinct_takes_a_bound_for_each_row():
    bounds = np.array([3, 4, 50] * 100)
    made = distinct(draw(1, "d", np.arange(300), words=3), bounds)
    assert (made < bounds[:, None]).all() and (np.diff(np.sort(made, axis=1), axis=1) > 0).all()
    assert {tuple(sorted(row)) for row in made[::3].tolist()} == {(0, 1, 2)}


def test_distinct_is_uniform_over_ordered_picks():
    made = distinct(draw(1, "u", np.arange(60_000), words=2), 5)
    counts = np.bincount(made[:, 0] * 5 + made[:, 1], minlength=25).reshape(5, 5)
    assert counts.trace() == 0
    assert chi_square(counts[~np.eye(5, dtype=bool)], 3000) < 19 + 6 * 38**0.5


@given(SEEDS, st.integers(1, 9), st.integers(0, 8))
def test_orders(seed, size, length):
    length = min(length, size)
    whole = orders(seed, "o", np.arange(5), size)
    assert all(sorted(row) == list(range(size)) for row in whole.tolist())
    if length:
        assert orders(seed, "o", np.arange(5), size, length).tolist() == whole[:, :length].tolist()


@given(SEEDS, PURPOSES, st.integers(1, 3000))
def test_permute_is_a_bijection(seed, purpose, size):
    assert sorted(permute(seed, purpose, np.arange(size), size).tolist()) == list(range(size))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 255, 256, 257, 1 << 16])
def test_permute_at_the_edges(size):
    made = permute(1, "p", np.arange(size), size)
    assert np.array_equal(np.sort(made), np.arange(size))


@given(SEEDS, st.integers(2, 10**15), st.integers(1, 50))
def test_permute_is_evaluated_where_it_is_asked(seed, size, count):
    index = np.arange(min(count, size))
    whole = permute(seed, "p", index, size)
    assert permute(seed, "p", index[::-1], size).tolist() == whole[::-1].tolist()
    assert permute(seed, "p", index[-1], size).tolist() == whole[-1:].tolist()
    assert len(set(whole.tolist())) == len(index) and whole.min() >= 0 and whole.max() < size


def test_permute_refuses_what_is_outside():
    with pytest.raises(ValueError, match="index 5 is outside a permutation of 5"):
        permute(1, "p", [0, 5], 5)


def test_permute_is_spread_evenly():
    size, seeds = 10, 1500
    first = np.array([permute(seed, "p", [0, 1], size) for seed in range(seeds)])
    assert chi_square(np.bincount(first[:, 0], minlength=size), seeds / size) < 9 + 6 * 18**0.5
    pairs = np.bincount(first[:, 0] * size + first[:, 1], minlength=size * size).reshape(size, size)
    off = pairs[~np.eye(size, dtype=bool)]
    assert pairs.trace() == 0 and chi_square(off, seeds / 90) < 89 + 6 * 178**0.5


def test_permute_depends_on_purpose_and_size():
    index = np.arange(100)
    assert permute(1, "a", index, 100).tolist() != permute(1, "b", index, 100).tolist()
    assert permute(1, "a", index, 1000).tolist() != permute(1, "a", index, 1001).tolist()
