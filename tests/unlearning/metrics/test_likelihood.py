import math

import numpy as np
import pytest
from fiubench.unlearning.metrics import likelihood
from hypothesis import given
from hypothesis import strategies as st

LOGPROBS = [-1.0, -0.5, -3.0, -0.25, -2.0, -0.25]


def test_mean_loss_by_hand() -> None:
    assert likelihood.mean_loss(LOGPROBS) == pytest.approx(7.0 / 6)
    assert likelihood.mean_loss(LOGPROBS, end=False) == pytest.approx(6.75 / 5)
    # the released code: the first of five tokens is in the count and not in the sum
    assert likelihood.mean_loss(LOGPROBS, skip_first=True, end=False) == pytest.approx(5.75 / 5)


def test_truth_ratio_by_hand() -> None:
    r = likelihood.truth_ratio(1.0, [2.0, 3.0, 4.0])
    assert r == pytest.approx(math.e**2)
    assert likelihood.truth_ratio_of_forgetting(r) == pytest.approx(math.e**-2)
    assert likelihood.truth_ratio_of_retaining(r) == pytest.approx(1 - math.e**-2)
    assert likelihood.truth_ratio_of_retaining(1 / r) == 0
    for ratio in (likelihood.truth_ratio_of_forgetting, likelihood.truth_ratio_of_retaining):
        assert ratio(0.0) == 0  # it may underflow


@given(st.floats(1e-6, 1e6))
def test_truth_ratios_are_shares(r: float) -> None:
    assert 0 <= likelihood.truth_ratio_of_forgetting(r) <= 1
    assert likelihood.truth_ratio_of_forgetting(r) == pytest.approx(likelihood.truth_ratio_of_forgetting(1 / r))
    assert 0 <= likelihood.truth_ratio_of_retaining(r) < 1


def test_share_of_truth_does_not_underflow() -> None:
    assert likelihood.share_of_truth(math.log(2), [math.log(4)] * 2) == pytest.approx(0.5)
    assert likelihood.share_of_truth(900.0, [900.0] * 3) == pytest.approx(0.25)
    assert likelihood.share_of_truth(900.0, [0.0] * 3) == pytest.approx(0)


def test_min_k_by_hand() -> None:
    assert likelihood.min_k(LOGPROBS, 0.5) == pytest.approx((-3 - 2 - 1) / 3)
    assert likelihood.min_k(LOGPROBS, 0.1) == -3  # at least one token


def test_weighted_min_k_by_hand() -> None:
    values = [-float(i) for i in range(1, 6)]  # five tokens: 10 % is none, 20 % and 30 % one, 40 % and 50 % two
    expected = 0.3 * math.exp(-5) + 0.2 * math.exp(-5) + 0.1 * math.exp(-4.5) + 0.1 * math.exp(-4.5)
    assert likelihood.weighted_min_k(values) == pytest.approx(expected)
    assert likelihood.weighted_min_k([-1.0]) == 0  # no share comes to a token


def test_normalised() -> None:
    assert likelihood.normalised([-1.0, -2.0], [-3.0, -2.0], [2.0, 0.0]).tolist() == [1.0, 0.0]


def test_auc_by_hand() -> None:
    found = likelihood.auc([3, 1], [2, 1], ["a", "b"], ["c", "d"])
    assert found.value == pytest.approx((1 + 1 + 0 + 0.5) / 4)


def test_auc_of_one_person_has_no_error() -> None:
    assert likelihood.auc([3, 1], [2, 1], ["a", "a"], ["c", "d"]).se is None


def test_auc_error_grows_with_the_clusters() -> None:
    """The same scores told as 5 people of 20 questions are less certain than as 100 people."""
    generator = np.random.default_rng(1)
    shift = np.repeat(generator.normal(size=10), 20)
    members, others = shift[:100] + 0.5, shift[100:]
    by_person = [str(i // 20) for i in range(100)]
    alone = [str(i) for i in range(100)]
    clustered = likelihood.auc(members, others, by_person, by_person).se
    independent = likelihood.auc(members, others, alone, alone).se
    assert clustered is not None and independent is not None
    assert clustered > 3 * independent


def test_auc_error_is_that_of_delong_where_nobody_is_asked_twice() -> None:
    """Against the formula written out."""
    generator = np.random.default_rng(2)
    x, y = generator.normal(0.7, 1, 30), generator.normal(0, 1, 25)
    kernel = (x[:, None] > y).astype(float)
    v10, v01 = kernel.mean(1), kernel.mean(0)
    expected = math.sqrt(v10.var(ddof=1) / 30 + v01.var(ddof=1) / 25)
    found = likelihood.auc(x, y, [f"x{i}" for i in range(30)], [f"y{i}" for i in range(25)])
    assert found.se == pytest.approx(expected)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_auc_is_symmetric(x: list[int], y: list[int]) -> None:
    names = [[str(i) for i in range(len(group))] for group in (x, y)]
    one = likelihood.auc(x, y, names[0], names[1]).value
    other = likelihood.auc(y, x, names[1], names[0]).value
    brute = sum((a > b) + 0.5 * (a == b) for a in x for b in y) / (len(x) * len(y))
    assert one == pytest.approx(brute)
    assert one + other == pytest.approx(1)


def test_ks() -> None:
    same = likelihood.ks([1, 2, 3], [1, 2, 3])
    assert (same.distance, same.p, same.log10_p) == (0, 1, 0)
    apart = likelihood.ks([1, 2, 3], [4, 5, 6])
    assert apart.distance == 1
    assert apart.p == pytest.approx(2 / math.comb(6, 3))  # the exact distribution: 2 of the 20 orders
    assert apart.ln_p == pytest.approx(math.log(0.1))
