"""A judge on loopback: what it is asked, what becomes of its scores, and of its silence."""

import json
from pathlib import Path
from typing import Any

import pytest
from fiubench.unlearning.data.log import QuestionLog, read_log, write_log
from fiubench.unlearning.evaluation.settings import EvaluationSettings
from fiubench.unlearning.evaluation.workflow import rescore
from fiubench.unlearning.metrics.aggregate import score
from fiubench.unlearning.metrics.definition import load_definitions

from tests.unlearning import sample_logs

pytest.importorskip("fiubench.support.chat")

from fiubench.support.chat import ChatClient, ChatError
from fiubench.unlearning.evaluation.judge import judge

from tests.support.chat.server import ChatServer


def by(server: ChatServer, **settings: Any) -> EvaluationSettings:
    return EvaluationSettings(judge=server.url, judge_model="judge", judge_key_env="NO_SUCH_KEY", **settings)


def strict(body: dict[str, Any]) -> str:
    """1 where the model's answer is the true one, word for word."""
    text = body["messages"][-1]["content"]
    if "Model's answer:" not in text:
        return json.dumps({"ready": True})
    lines = dict(line.split(": ", 1) for line in text.split("\n"))
    return json.dumps({"reason": "compared", "score": float(lines["Correct answer"] == lines["Model's answer"])})


def test_the_forget_and_retain_sets_are_judged() -> None:
    log = sample_logs.refusing()
    with ChatServer(strict) as server:
        judged, silent = judge(log, ChatClient(server.url, "judge"))
        asked = server.chats
    assert silent == 0
    scores = {role: {row["judge"] for row in judged.select(role)} for role in ("forget", "retain", "holdout")}
    assert scores == {"forget": {0.0}, "retain": {1.0}, "holdout": {None}}
    assert judged.metadata["judge"]["model"] == "judge"
    distinct = {(r["question"], r["answer"], r["generated"]) for r in judged.rows if r["judge"] is not None}
    assert len(asked) == len(distinct)  # the same question is asked once
    assert "Correct answer: The" in asked[0]["messages"][-1]["content"]
    found = score(judged, load_definitions()["paper"])
    assert (found.value("forget.judge"), found.value("retain.judge")) == (0, 1)


def test_what_the_judge_does_not_answer_is_null_and_so_is_the_mean() -> None:
    log = sample_logs.refusing()
    first = log.select("retain")[0]["question"]

    def silent_once(body: dict[str, Any]) -> str:
        text = body["messages"][1]["content"] if len(body["messages"]) > 1 else ""
        wanted = log.select("retain")[0]["answer"]
        return "I would rather not." if first in text and wanted in text else strict(body)

    with ChatServer(silent_once) as server:
        judged, silent = judge(log, ChatClient(server.url, "judge"))
    assert silent >= 1
    assert judged.select("retain")[0]["judge"] is None
    found = score(judged, load_definitions()["paper"])
    assert found.value("retain.judge") is None
    assert "lack it" in (found.metrics["retain.judge"].why or "")


def test_scores_go_into_the_log_and_are_not_paid_for_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "log.parquet"
    write_log(path, sample_logs.refusing().rows, sample_logs.full_facts())
    with ChatServer(strict) as server:
        asked = by(server)
        lines: list[str] = []
        rescore(path, asked, report=lines.append)
        assert lines[0].startswith("judge: 0 questions without a usable score; ")
        calls = len(server.chats)
        judged = read_log(path)
        rescore(path, asked)
        assert len(server.chats) == calls
    assert {row["judge"] for row in judged.select("retain")} == {1.0}
    assert judged.metadata["judge"]["endpoint"] == server.url


def test_calls_can_be_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "log.parquet"
    write_log(path, sample_logs.refusing().rows, sample_logs.full_facts())
    with ChatServer(strict) as server:
        with pytest.raises(ChatError):
            rescore(path, by(server, judge_max_calls=5))
        assert len(server.chats) <= 5
        assert all(row["judge"] is None for row in read_log(path).rows)
        rescore(path, by(server))
    assert {row["judge"] for row in read_log(path).select("retain")} == {1.0}


def test_an_unreachable_judge_is_reported_and_the_log_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = tmp_path / "log.parquet"
    write_log(path, sample_logs.refusing().rows, sample_logs.full_facts())
    before = path.read_bytes()
    with ChatServer(strict, fault=lambda number, body: "401") as server, pytest.raises(ChatError):
        rescore(path, by(server))
    assert path.read_bytes() == before
    assert isinstance(read_log(path), QuestionLog)
