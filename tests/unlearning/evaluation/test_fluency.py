"""How likely the model before unlearning finds what the model after it says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import QuestionLog, read_log, write_log
from fiubench.unlearning.evaluation import fluency
from fiubench.unlearning.evaluation.fluency import add_fluency
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.definition import load_definitions
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import load

from tests.unlearning import sample_logs
from tests.unlearning.small_runs import make_run

CORRECTED = load_definitions()["corrected"]


@pytest.fixture(scope="module")
def runs(data: Data, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    full = make_run(folder / "full", data, "finetune", "full")
    return {"full": full, "ga": make_run(folder / "ga", data, "unlearn", "forget10", base=full, method="ga")}


@pytest.fixture
def log(data: Data, tmp_path: Path) -> Path:
    """Four answers about people of the dataset: a true one, one that spells a special token, none, one of a control."""
    rows: list[dict[str, Any]] = [dict(row) for row in sample_logs.perfect().rows[:4]]
    for row, sample in zip(rows, data.samples("forget10"), strict=False):
        row |= {"unique_id": sample.unique_id, "question": sample.question, "generated": sample.answer}
    rows[1]["generated"], rows[2]["generated"], rows[3]["control"] = "<image> and <image>", "", "blank"
    write_log(tmp_path / "log.parquet", rows, sample_logs.facts())
    return tmp_path / "log.parquet"


@pytest.mark.parametrize(("run", "judge"), [("ga", "full"), ("full", "full")])
def test_answers_are_shown_to_the_model_before(
    run: str, judge: str, runs: dict[str, Path], data: Data, log: Path
) -> None:
    add_fluency(log, Subject.open(runs[run]), data, device="cpu")
    first, spelled, empty, controlled = read_log(log).rows
    loaded = load(runs[judge], device="cpu")
    turn = Turn(first["question"], data.image(first["unique_id"]), first["generated"])
    expected = Scorer(loaded.model, loaded.processor).score([turn])[0].logprobs
    np.testing.assert_allclose(first["generated_logprobs"], expected, atol=2e-5)
    assert len(spelled["generated_logprobs"]) > 3
    assert empty["generated_logprobs"] == []
    assert controlled["generated_logprobs"] is None


def test_what_is_there_is_not_asked_again(
    runs: dict[str, Path], data: Data, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_fluency(log, Subject.open(runs["ga"]), data, device="cpu")
    written = log.read_bytes()
    monkeypatch.setattr(fluency, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    add_fluency(log, Subject.open(runs["ga"]), data, device="cpu")
    assert log.read_bytes() == written


def test_without_the_model_before_it_is_null_and_told(
    data: Data, runs: dict[str, Path], log: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "ga", data, "unlearn", "forget10", base=runs["full"], method="ga")
    subject = Subject.open(run)
    subject.run.manifest["base"]["target"] = "../nowhere"  # type: ignore[index,union-attr]
    told: list[str] = []
    add_fluency(log, subject, data, device="cpu", report=told.append)
    assert len(told) == 1 and told[0].startswith("no perplexity: the model before unlearning, ")
    assert all(row["generated_logprobs"] is None for row in read_log(log).rows)


def with_logprobs(given: dict[str, list[float] | None]) -> QuestionLog:
    rows = [{**row, "generated_logprobs": given[row["role"]]} for row in sample_logs.perfect().rows]
    return QuestionLog(rows, sample_logs.full_facts())


def test_perplexity_by_hand() -> None:
    found = score(with_logprobs({"forget": [-2.0, -4.0], "retain": [0.0], "holdout": None}), CORRECTED)
    assert found.value("forget.perplexity") == pytest.approx(np.exp(3))
    assert (found.value("retain.perplexity"), found.metrics["retain.perplexity"].se) == (1, 0)


def test_perplexity_that_is_not_there() -> None:
    found = score(with_logprobs({"forget": None, "retain": [], "holdout": None}), CORRECTED)
    assert found.metrics["forget.perplexity"].why == "the answers were not shown to the model before unlearning"
    assert found.metrics["retain.perplexity"].why == "every answer is empty"
