"""Orders and holdouts by strata, held to a second way of making them, one person at a time."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from fiubench.builder.dataset.splits import Population, cut, stratified_holdout, stratified_order
from fiubench.support.draws import draw
from fiubench.support.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st

STRATA = st.lists(st.sampled_from([0, 1, 2, 100, 101]), min_size=1, max_size=60)


def order_of(strata, seed):
    """Each stratum shuffled and spread evenly; by place, then by key."""
    key = [tuple(words) for words in draw(seed, "splits.order", np.arange(len(strata)), words=2).tolist()]
    sizes, placed = Counter(strata), []
    for stratum in sizes:
        own = sorted((i for i, each in enumerate(strata) if each == stratum), key=lambda i: key[i])
        placed += [(Fraction(2 * rank + 1, 2 * sizes[stratum]), key[i], i) for rank, i in enumerate(own)]
    return [i for _, _, i in sorted(placed)]


@given(STRATA, st.integers(0, 5))
def test_the_order(strata, seed):
    assert stratified_order(np.array(strata), seed).tolist() == order_of(strata, seed)


@given(STRATA, STRATA, st.integers(0, 5), st.data())
def test_the_holdout(benchmark, candidates, seed, data):
    """Each place takes the next candidate of its stratum; where there is none, the next who is left over."""
    n, size = len(benchmark), data.draw(st.integers(0, len(candidates)))
    order = order_of(benchmark, seed)
    wanted = [benchmark[order[k % n]] for k in range(size)]
    free = {stratum: [n + i for i, each in enumerate(candidates) if each == stratum] for stratum in set(candidates)}
    chosen = [free[stratum].pop(0) if free.get(stratum) else None for stratum in wanted]
    left = iter(sorted({*range(n, n + len(candidates))} - set(chosen)))
    expected = [next(left) if i is None else i for i in chosen]
    assert stratified_holdout(np.array(benchmark + candidates), n, size, seed).tolist() == expected


def people(strata, holdout=0):
    return Population([f"i{k}" for k in range(len(strata) + holdout)], np.array(strata))


def notes(strata, chosen):
    whole = people(strata)
    return cut(whole, 0, [], "nested", {"05": [whole.ids[k] for k in chosen]}).get("notes", [])


def test_from_ten_people_on_a_set_is_compared():
    everyone = [0] * 100
    assert "too small" in notes(everyone, range(9))[0]
    assert notes(everyone, range(10)) == []


@pytest.mark.parametrize(
    ("strata", "says"),
    [
        ([0] * 50 + [100] * 50, "the share of one gender differs by 11 points"),
        ([0] * 50 + [1] * 50, "the share of one age band differs by 11 points"),
        ([100] * 50 + [101] * 50, "the share of one age band differs by 11 points"),
    ],
)
def test_a_share_may_be_a_tenth_off(strata, says):
    assert notes(strata, [*range(10), *range(50, 58), *range(58, 60)]) == []
    assert notes(strata, [*range(30), *range(50, 70)]) == []
    (note,) = notes(strata, [*range(11), *range(50, 57)])
    assert note == f"forget05 is unlike the population: {says}"


def test_what_splits_say_of_themselves():
    whole = people([0] * 20, holdout=2)
    made = cut(whole, 7, [10, 5], "disjoint")
    assert {key: value for key, value in made.items() if key not in ("splits", "notes")} == {
        "scheme": "disjoint", "seed": 7, "ratios": [5, 10], "stratified_by": ["gender", "age_band"],
    }  # fmt: skip
    order = order_of([0] * 20, 7)
    ids = {name: sorted(int(i[1:]) for i in listed) for name, listed in made["splits"].items()}
    assert ids == {
        "forget05": order[:1],
        "retain95": sorted(order[1:]),
        "retain_eval05": order[-1:],
        "forget10": sorted(order[1:3]),
        "retain90": sorted([order[0], *order[3:]]),
        "retain_eval10": sorted(order[-2:]),
        "holdout": [20, 21],
    }
    frozen = cut(whole, 7, [10, 5], "file", {"10": ["i3", "i1"], "05": ["i4"]})
    assert (frozen["scheme"], frozen["ratios"]) == ("frozen", [5, 10])
    assert frozen["splits"]["forget10"] == ["i1", "i3"]
    for wrong in ([], [f"i{k}" for k in range(20)], ["i20"]):
        with pytest.raises(ConfigError) as told:
            cut(whole, 7, [], "a file", {"10": wrong})
        assert told.value.where == "--split-scheme a file"
    assert cut(whole, 7, [], "file", {"10": [f"i{k}" for k in range(19)]})["splits"]["retain90"] == ["i19"]
