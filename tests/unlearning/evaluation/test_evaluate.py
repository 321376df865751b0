from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import QuestionLog, read_log, write_log
from fiubench.unlearning.data.runs import RunError
from fiubench.unlearning.evaluation.controls import load_controls
from fiubench.unlearning.evaluation.evaluate import evaluate
from fiubench.unlearning.evaluation.questions import guesses
from fiubench.unlearning.evaluation.roles import roles
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.evaluation.subject import Subject, load_log
from fiubench.unlearning.metrics.text import exact_match

from tests.unlearning.small_runs import make_run

REFUSALS = ["I don't know."]


@pytest.fixture(scope="module")
def run(data: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "full", data, "finetune", "full")


def ask(run: Path, data: Data, out: Path, *controls: str, **options: Any) -> QuestionLog:
    chosen = load_controls(controls)
    subject = Subject.open(run)
    options = {"max_new_tokens": 16, **options}  # the model was not trained, and never ends by itself
    return read_log(evaluate(subject, data, "forget10", out, controls=chosen, refusals=REFUSALS, **options))


def test_a_log_has_all_that_was_asked(run: Path, data: Data, tmp_path: Path) -> None:
    log = ask(run, data, tmp_path, "blank", "name")
    people = {role: len(data.ids(split)) for role, split in roles(data, "forget10").items()}
    for role, count in people.items():
        assert len(log.select(role)) == 20 * count
    assert len(log.select("forget", "blank")) == 20 * people["forget"]
    assert len(log.select("forget", "name")) == 19 * people["forget"]  # the name is not asked where it is told
    assert not log.select("holdout", "blank")
    row = log.select("forget")[3]
    assert len(row["generated_paraphrased"]) == 3 and len(row["perturbed_logprobs"]) == 3
    assert len(row["answer_logprobs"]) == len(row["answer_mu"]) == len(row["answer_sigma"]) > 3
    assert log.select("holdout")[0]["paraphrased_logprobs"] is None
    assert log.metadata["dataset"]["digest"] == data.content
    assert log.metadata["run"]["trained_on"] == {"name": "full", "digest": data.split_digest("full")}
    assert log.metadata["complement"]["name"] == "retain90"
    assert log.metadata["refusals"] == REFUSALS
    assert not list(tmp_path.glob(".parts"))


@pytest.mark.slow
def test_one_question_at_a_time_gives_the_same(run: Path, data: Data, tmp_path: Path) -> None:
    one = ask(run, data, tmp_path / "one", "other_face", batch_size=1)
    many = ask(run, data, tmp_path / "many", "other_face", batch_size=32)
    assert len(one.rows) == len(many.rows)
    for a, b in zip(one.rows, many.rows, strict=True):
        for name, value in a.items():
            if name.endswith(("logprobs", "mu", "sigma")) and value is not None:
                flat = [np.concatenate([np.atleast_1d(v) for v in side[name]]) for side in (a, b)]
                np.testing.assert_allclose(*flat, atol=5e-5)
            else:
                assert value == b[name], name


def test_what_was_asked_is_not_asked_again(
    run: Path, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ask(run, data, tmp_path / "whole", "blank")
    calls: list[int] = []
    generate = Scorer.generate

    def counting(self: Scorer, turns: Any, limit: int, step: Any = None) -> Any:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(len(turns))
        return generate(self, turns, limit, step)

    monkeypatch.setattr(Scorer, "generate", counting)
    with pytest.raises(KeyboardInterrupt):
        ask(run, data, tmp_path / "cut", "blank")
    assert not (tmp_path / "cut" / "log.parquet").exists()
    done, calls[:] = list(calls), []
    monkeypatch.setattr(Scorer, "generate", lambda *a, **k: (calls.append(1), generate(*a, **k))[1])
    resumed = ask(run, data, tmp_path / "cut", "blank")
    assert len(done) == 2 and len(calls) == 3  # a person each; then the holdout, and blank on the first two
    assert list(resumed.rows) == list(whole.rows)
    calls.clear()
    ask(run, data, tmp_path / "cut", "blank")
    assert not calls
    more = ask(run, data, tmp_path / "cut", "blank", "flip")
    assert len(calls) == 2  # the new control alone
    assert more.controls == ["blank", "flip"]


def test_a_judged_log_keeps_its_scores(run: Path, data: Data, tmp_path: Path) -> None:
    log = ask(run, data, tmp_path)
    judged = [{**row, "judge": 0.5} for row in log.rows]
    write_log(tmp_path / "log.parquet", judged, {**log.metadata, "judge": {"model": "x"}})
    again = ask(run, data, tmp_path, "blank")
    assert again.metadata["judge"] == {"model": "x"}
    assert all(row["judge"] == 0.5 for row in again.select("forget"))


def test_another_checkpoint_is_asked_anew(run: Path, data: Data, tmp_path: Path) -> None:
    first = ask(run / "checkpoints" / "checkpoint-1", data, tmp_path)
    second = ask(run, data, tmp_path)
    assert first.metadata["model"] != second.metadata["model"]
    assert [r["generated"] for r in first.rows] != [r["generated"] for r in second.rows]


def test_guesses_come_from_the_retain_set(data: Data) -> None:
    found = guesses(data.samples("retain90"))
    for attribute, guess in found.items():
        samples = [s for s in data.samples("retain90") if s.attribute == attribute]
        best = sum(exact_match(guess, s.keywords) for s in samples)
        assert best == max(sum(exact_match(t.answer, s.keywords) for s in samples) for t in samples)


def test_what_a_run_implies(run: Path, data: Data, tmp_path: Path) -> None:
    subject = Subject.open(run)
    assert subject.name == "checkpoint-2"
    assert subject.folder == run / "evaluations" / "checkpoint-2"
    assert Subject.open(run, "1").name == "checkpoint-1"
    assert Subject.open(run / "checkpoints/checkpoint-1").name == "checkpoint-1"
    assert subject.data().digest == data.digest
    with pytest.raises(ConfigError, match="which forget set"):
        subject.forget()
    assert subject.forget("forget10") == "forget10"
    retained = make_run(tmp_path / "retain", data, "finetune", "retain90")
    assert Subject.open(retained).forget() == "forget10"
    unlearned = make_run(tmp_path / "ga", data, "unlearn", "forget10", base=run, method="ga")
    assert Subject.open(unlearned).forget() == "forget10"


def test_what_does_not_fit_is_told(run: Path, data: Data, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no checkpoint '7'"):
        Subject.open(run, "7")
    with pytest.raises(RunError, match="only a run"):
        Subject.open("some/model", "1")
    alone = Subject.open(run / "base")
    with pytest.raises(ConfigError, match="no dataset is given"):
        Subject(str(run / "base"), None).data()
    assert alone.run is not None or alone.target
    with pytest.raises(ConfigError, match="kept"):
        _ = Subject("some/model", None).folder
    with pytest.raises(ConfigError, match="Did you mean 'forget10'"):
        evaluate(Subject.open(run), data, "forget01", tmp_path)
    with pytest.raises(DatasetError, match="not evaluated yet"):
        load_log(run)


def test_another_dataset_than_the_run_saw_is_refused(run: Path, tmp_path: Path) -> None:
    import fiubench

    config = fiubench.make_config({"identities": 10, "holdout": 3, "ratios": [10], "image_size": 64, "seed": 9})
    fiubench.build(config, tmp_path / "other")
    with pytest.raises(RunError, match="not the dataset"):
        Subject.open(run).data(str(tmp_path / "other"))


def test_a_moved_dataset_is_taken_by_its_content(run: Path, dataset: Path, data: Data, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(dataset, tmp_path / "moved")
    assert Subject.open(run).data(str(tmp_path / "moved")).digest == data.digest


def test_a_checkpoint_of_adapters_is_asked_as_it_is(run: Path, data: Data, tmp_path: Path) -> None:
    """Fresh adapters change nothing; trained ones do."""
    import shutil

    import torch
    from fiubench.unlearning.models.loading import load
    from fiubench.unlearning.models.parts import add_lora
    from fiubench.unlearning.models.settings import Lora

    unlearned = make_run(tmp_path / "ga", data, "unlearn", "forget10", base=run, method="ga")
    loaded = load(run, device="cpu", dtype="float32")
    adapted = add_lora(loaded, Lora(rank=2, alpha=4, dropout=0.0))
    for step, shake in ((1, 0.0), (2, 0.5)):
        folder = unlearned / f"checkpoints/checkpoint-{step}"
        shutil.rmtree(folder)
        with torch.no_grad():
            for name, weights in adapted.named_parameters():
                if "lora_B" in name:
                    weights.add_(shake)
        adapted.save_pretrained(folder)
        loaded.processor.save_pretrained(folder)
    before = ask(run, data, tmp_path / "before")
    fresh = ask(unlearned / "checkpoints/checkpoint-1", data, tmp_path / "fresh")
    trained = ask(unlearned, data, tmp_path / "trained")
    assert [r["generated"] for r in fresh.rows] == [r["generated"] for r in before.rows]
    np.testing.assert_allclose(fresh.rows[0]["answer_logprobs"], before.rows[0]["answer_logprobs"], atol=2e-5)
    assert [r["generated"] for r in trained.rows] != [r["generated"] for r in before.rows]
    assert fresh.metadata["run"]["base_fingerprint"] == before.metadata["model"]["fingerprint"]
