"""What a forget set of a size can show: the formula against experiments, false positives, pilots, the command."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.metrics.statistics import chance_to_find, detectable, paired_test
from fiubench.unlearning.reporting.power import spread_of
from scipy.stats import ttest_1samp

import fiubench

QUESTIONS, CORRELATION = 20, 0.15
TRIALS = {4: 4000, 20: 4000, 40: 3000, 100: 1200}
pytestmark = pytest.mark.filterwarnings("ignore:Precision loss")  # people who do not differ at all


def _beta(generator: Any, mean: Any, correlation: float) -> Any:
    """Probabilities around a mean, of which two answers correlate."""
    if correlation == 0:
        return mean
    mean = np.clip(mean, 1e-9, 1 - 1e-9)
    return generator.beta(mean * (1 / correlation - 1), (1 - mean) * (1 / correlation - 1))


def answers(rate: float, trials: int, people: int, *, seeds: int, stability: float, seed: int) -> Any:
    """Right or wrong, shape (trials, people, questions): people differ, their questions differ, and seeds do."""
    generator = np.random.default_rng(seed)
    of_person = _beta(generator, np.full((trials, people, 1), rate), CORRELATION)
    of_question = _beta(
        generator, np.repeat(of_person, QUESTIONS, axis=2), (stability - CORRELATION) / (1 - CORRELATION)
    )
    return (generator.random((seeds, *of_question.shape)) < of_question).mean(axis=0)


def found(differences: Any) -> float:
    """Share of experiments whose paired test finds a difference: of equally many questions a person a plain t test."""
    return float((ttest_1samp(differences.mean(axis=2), 0, axis=1).pvalue < 0.05).mean())


def test_the_simulated_test_is_the_one_of_comparisons() -> None:
    differences = answers(0.3, 1, 6, seeds=1, stability=0.5, seed=1)
    scores = {(str(p), str(q)): float(differences[0, p, q]) for p in range(6) for q in range(QUESTIONS)}
    test = paired_test(scores, dict.fromkeys(scores, 0.0))
    assert test is not None
    assert test.p == pytest.approx(ttest_1samp(differences[0].mean(axis=1), 0).pvalue)


@pytest.mark.parametrize("people", [4, 20, 40, 100])
@pytest.mark.parametrize(("seeds", "effect"), [(1, 0.1), (3, 0.1), (1, 0.2)])
def test_power_is_that_of_experiments(people: int, seeds: int, effect: float) -> None:
    arguments: dict[str, Any] = {"trials": TRIALS[people], "people": people, "seeds": seeds, "stability": 0.5}
    low, high = (answers(rate, seed=n, **arguments) for n, rate in enumerate((0.12, 0.12 + effect)))
    size = fiubench.power(people=[people], seeds=seeds, effect=effect).sizes[0]
    assert size.power == pytest.approx(found(high - low), abs=0.03)


@pytest.mark.parametrize("people", [4, 20, 40, 100])
def test_false_positives(people: int) -> None:
    one, other = (
        answers(0.3, 2 * TRIALS[people] if people < 100 else 4000, people, seeds=1, stability=0.5, seed=n)
        for n in (1, 2)
    )
    assert 0.04 <= found(one - other) <= 0.06


def test_what_is_detectable_is_found_by_the_share_asked_for() -> None:
    for people in (2, 4, 40):
        assert chance_to_find(detectable(0.2, people, 0.9), 0.2, people) == pytest.approx(0.9)
    report = fiubench.power()
    needed = report.people_needed
    assert needed is not None
    fewer, enough = fiubench.power(people=[needed - 1, needed]).sizes
    assert fewer.power < 0.8 <= enough.power
    assert enough.detectable <= 0.1 < fewer.detectable


def test_more_seeds_and_agreement_help_and_questions_do_not_replace_people() -> None:
    def of(**settings: Any) -> float:
        return fiubench.power(people=[20], **settings).sizes[0].power

    assert of() < of(seeds=3) < of(seeds=3, agreement=0.5)
    assert of(questions=1000) < fiubench.power(people=[40], questions=20).sizes[0].power
    assert of(seeds=3, stability=1.0) == of()


def test_a_pilot_shows_how_differences_vary() -> None:
    """Of a large pilot, the variance and correlation that it was made with."""
    low, high = (answers(rate, 1, 3000, seeds=1, stability=0.5, seed=n) for n, rate in enumerate((0.12, 0.22)))
    differences = (high - low)[0]
    made = {(f"{p:04}", f"{q:02}"): float(differences[p, q]) for p in range(3000) for q in range(QUESTIONS)}
    spread = spread_of(made)
    assert spread.questions == QUESTIONS
    assert spread.variance == pytest.approx(0.277, abs=0.01)
    assert spread.correlation == pytest.approx(CORRELATION, abs=0.02)
    alternating = {(str(p), str(q)): float(q % 2) for p in range(5) for q in range(4)}
    assert spread_of(alternating).correlation == 0


def test_too_small_a_pilot() -> None:
    for few in ({("a", "x"): 0.1, ("a", "y"): 0.2}, {("a", "x"): 0.1, ("b", "x"): 0.2}):
        with pytest.raises(DatasetError, match="do not show how differences vary"):
            spread_of(few)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rate": 0.95}, "--rate"),
        ({"seeds": 2, "stability": 0.1}, "--stability"),
        ({"people": [1]}, "people"),
        ({"effect": 0}, "effect"),
    ],
)
def test_settings_that_can_not_be(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        fiubench.power(**settings)


def test_one_run_is_no_pilot(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Name two evaluated runs, or none"):
        fiubench.power(tmp_path)
