"""Evaluation in several processes, and what it would take."""

import re
from pathlib import Path

import pytest
from fiubench.support.errors import ConfigError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.evaluation.controls import load_controls
from fiubench.unlearning.evaluation.estimate import estimate
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.evaluation.workers import answering
from fiubench.unlearning.evaluation.workflow import evaluate as whole_evaluation

from tests.unlearning.small_runs import make_run


@pytest.fixture(scope="module")
def run(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "full", data, "finetune", "full")


@pytest.mark.slow
def test_two_processes_write_the_log_of_one(run: Path, data: Data, tmp_path: Path) -> None:
    subject, small = Subject.open(run), data.limited(10, "forget10", ("blood_type", "occupation"))
    seen: list[tuple[int, int]] = []
    logs = [
        evaluate(
            subject, small, "forget10", tmp_path / str(workers), controls=load_controls(["flip", "name"]),
            workers=workers, device="cpu", progress=lambda _, done, total: seen.append((done, total)),
        )
        for workers in (1, 2)
    ]  # fmt: skip
    assert logs[0].read_bytes() == logs[1].read_bytes()
    assert len(read_log(logs[1]).rows) == 2 * (1 + 1 + 1 + 1 + 1 + 1 + 1)
    ends = [done for done, total in seen if done == total]
    assert len(ends) == 2  # all of it was counted in both


@pytest.mark.slow
def test_what_ends_a_worker_is_told(tmp_path: Path) -> None:
    broken = answering(str(tmp_path / "none"), "cpu", "float32", 4, 2)
    with pytest.raises(ConfigError, match="cannot be loaded"), broken as model:
        model.token_limit(["Yes."])


def test_processes_of_a_launcher_are_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="--workers N"):
        whole_evaluation(run, forget="forget10")


def test_what_it_would_take(run: Path, data: Data) -> None:
    before = sorted(run.rglob("*"))
    lines: list[str] = []
    assert whole_evaluation(run, forget="forget10", device="cpu", dry_run=True, report=lines.append) == []
    assert sorted(run.rglob("*")) == before
    text = "\n".join(lines)
    # one person each to be forgotten and retained, with 4 questions and 5 answers for each of 20; three of the holdout
    assert "220 answers to be generated, 260 to be scored" in text
    assert re.search(r"measured on the first \d+ questions: 0\.", text) and "estimate: " in text and "MB" in text
    assert "benchmarks" not in text
    lines.clear()
    estimate(
        Subject.open(run), data.limited(10, "forget10", ("blood_type",)), "forget10", workers=2, report=lines.append
    )
    assert "9 answers to be generated, 11 to be scored" in lines[0]
    assert "in 2 processes" in lines[-1]


def test_a_log_needs_no_estimate(run: Path) -> None:
    with pytest.raises(ConfigError, match="--dry-run"):
        whole_evaluation(from_log=run, dry_run=True)
