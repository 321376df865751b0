import math

import numpy as np
import pytest
from fiubench.unlearning.metrics import statistics
from hypothesis import given
from hypothesis import strategies as st


def test_clustered_error_by_hand() -> None:
    found = statistics.clustered_mean([1, 1, 0, 0], ["a", "a", "b", "b"])
    # two clusters with sums of deviations +1 and -1: sqrt(2 / 1 * 2) / 4
    assert (found.value, found.n, found.identities) == (0.5, 4, 2)
    assert found.se == pytest.approx(0.5)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30))
def test_without_clusters_it_is_the_plain_error(values: list[float]) -> None:
    found = statistics.clustered_mean(values, [str(i) for i in range(len(values))])
    assert found.se == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)), abs=1e-9)


def test_one_person_gives_no_error_and_nobody_no_mean() -> None:
    assert statistics.clustered_mean([1, 0], ["a", "a"]).se is None
    assert statistics.clustered_mean([], []).value is None


def test_over_seeds() -> None:
    found = statistics.over_seeds([1.0, 2.0, 3.0])
    assert found.mean == 2
    assert found.high is not None
    assert found.high == pytest.approx(2 + 4.302653 / math.sqrt(3))
    assert statistics.over_seeds([1.0]) == statistics.OverSeeds(1.0, None, None, 1)
    assert statistics.over_seeds([1.0, None]).mean is None


def test_paired_test_is_student_where_nobody_is_asked_twice() -> None:
    from scipy.stats import ttest_rel

    a, b = [0.9, 0.4, 0.8, 0.3], [0.5, 0.5, 0.2, 0.1]
    keys = [(str(i), "room") for i in range(4)]
    found = statistics.paired_test(dict(zip(keys, a, strict=True)), dict(zip(keys, b, strict=True)))
    assert found is not None
    assert found.p == pytest.approx(ttest_rel(a, b).pvalue)
    assert found.difference == pytest.approx(np.mean(a) - np.mean(b))


def test_paired_test_at_the_edges() -> None:
    assert statistics.paired_test({("a", "x"): 1.0}, {("b", "x"): 1.0}) is None
    alone = statistics.paired_test({("a", "x"): 1.0}, {("a", "x"): 0.0})
    assert alone is not None and alone.p is None
    same = {("a", "x"): 1.0, ("b", "x"): 0.0}
    equal = statistics.paired_test(same, same)
    assert equal is not None and equal.p == 1


def test_few_people_show_little_however_alike_they_are() -> None:
    ones = {(str(i), "x"): 1.0 for i in range(3)}
    found = statistics.paired_test(ones, dict.fromkeys(ones, 0.0))
    assert found is not None and found.p == 0.25


def test_holm() -> None:
    assert statistics.holm([0.04, None, 0.01, 0.03]) == [
        pytest.approx(0.06),
        None,
        pytest.approx(0.03),
        pytest.approx(0.06),
    ]


def test_interval() -> None:
    assert statistics.interval(statistics.Estimate(0.5, None, 4, 1)) is None
    low, high = statistics.interval(statistics.Estimate(0.5, 0.1, 40, 3)) or (0, 0)
    assert (low, high) == (pytest.approx(0.5 - 0.4302653), pytest.approx(0.5 + 0.4302653))


def estimate(value: float, se: float, identities: int = 10) -> statistics.Estimate:
    return statistics.Estimate(value, se, 40, identities)


def test_a_rate_has_wilsons_interval() -> None:
    # of independent yes-or-no questions it is Wilson's own, with Student's quantile
    n, p, t = 20, 0.9, 2.0930240544
    middle, half = (p + t**2 / (2 * n)), t * math.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    found = statistics.interval(estimate(p, math.sqrt(p * (1 - p) / n), 20), statistics.SHARE)
    assert found == pytest.approx(((middle - half) / (1 + t**2 / n), (middle + half) / (1 + t**2 / n)))


def test_nobody_of_few_people_is_not_nobody_for_sure() -> None:
    low, high = statistics.interval(estimate(0, 0, 2), statistics.SHARE) or (None, None)
    assert low == 0 and high == pytest.approx(12.7062**2 / (2 + 12.7062**2), abs=1e-4)
    assert statistics.interval(estimate(1, 0, 20), statistics.SHARE) == (pytest.approx(0.82, abs=5e-3), 1)


@given(
    st.floats(0, 1),
    st.floats(0, 1),
    st.integers(2, 40),
    st.sampled_from([statistics.SHARE, (-1.0, 1.0), (0.0, math.inf)]),
)
def test_intervals_stay_within_bounds(value: float, se: float, identities: int, bounds: statistics.Bounds) -> None:
    low, high = statistics.interval(estimate(value, se, identities), bounds) or (None, None)
    assert low is not None and high is not None
    assert bounds[0] <= low <= value <= high <= bounds[1]


def test_a_value_beyond_a_bound_keeps_the_other() -> None:
    plain = statistics.interval(estimate(1.1, 0.1))
    assert plain is not None and plain[0] > 0
    assert statistics.interval(estimate(1.1, 0.1), statistics.SHARE) == plain
    wide = statistics.interval(estimate(1.1, 1.0), statistics.SHARE)
    assert wide is not None and wide[0] == 0 and wide[1] > 3


@given(st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_intervals_over_seeds_stay_within_bounds(values: list[float]) -> None:
    found = statistics.over_seeds(values, bounds=statistics.SHARE)
    assert found.mean is not None and found.low is not None and found.high is not None
    assert 0 <= found.low <= found.mean + 1e-12 and found.mean - 1e-12 <= found.high <= 1
    assert all(type(number) is float for number in (found.mean, found.low, found.high))


def test_runs_from_one_model_of_stage_1_are_not_independent() -> None:
    values, bases = [0.1, 0.2, 0.6, 0.7], ["a", "a", "b", "b"]
    nested = statistics.over_seeds(values, bases)
    assert (nested.mean, nested.runs) == (pytest.approx(0.4), 4)
    assert (nested.low, nested.high) == (pytest.approx(0.4 - 12.7062 * 0.25, abs=1e-4), pytest.approx(3.5766, abs=1e-4))
    # one model, or as many as runs: the seeds as they are
    assert statistics.over_seeds(values, ["a"] * 4) == statistics.over_seeds(values)
    assert statistics.over_seeds(values, ["a", "b", "c", "d"]) == statistics.over_seeds(values)
