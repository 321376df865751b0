"""Paraphrasing against servers as they are: with each the model's words arrive, or one clear refusal comes first."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.phrasings.paraphrasing import ParaphraseJob
from fiubench.builder.pipeline.build import open_build
from fiubench.support.chat import ChatError, Limits

from fiubench import make_config
from tests.cases import first
from tests.support.chat.profiles import PROFILES, Profile
from tests.support.chat.server import ChatServer
from tests.support.chat.writer import good

PEOPLE, PAIRS = 3, 60


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    servers: list[ChatServer] = []

    def start(profile: Profile, **keys: Any) -> ChatServer:
        servers.append(ChatServer(good, profile=profile, **keys).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def worded(server: ChatServer, tmp_path: Path, **keys: Any) -> tuple[int, ParaphraseJob]:
    """How many QA pairs a fixed set of requests has reworded, and the job."""
    settings = {"identities": PEOPLE, "holdout": 0, "ratios": [34], "faces": "none", "seed": 3}
    config = make_config({**settings, "qa": "llm", "model": "m", "base_url": server.url})
    limits = Limits(cache=tmp_path / "chat.sqlite3", concurrency=4, timeout=5.0, retries=2, **keys)
    job = ParaphraseJob(open_build(config), limits)
    try:
        job.write(tmp_path / "wordings.jsonl")
    finally:
        job.client.close()
    lines = (tmp_path / "wordings.jsonl").read_text().splitlines()
    return sum(len(json.loads(line)["items"]) for line in lines), job


@pytest.mark.parametrize("name", first(6, [name for name, profile in PROFILES.items() if not profile.hopeless]))
def test_the_models_words_arrive(serve, tmp_path, name):
    server = serve(PROFILES[name])
    count, job = worded(server, tmp_path)
    assert count >= 0.9 * PAIRS, job.client.report
    sent = len(server.seen)
    again, job = worded(server, tmp_path)
    assert (again, len(server.seen)) == (count, sent)  # what was found out about the server is kept, with the answers


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.hopeless])
def test_or_one_clear_refusal_before_the_second_call(serve, tmp_path, name):
    server = serve(PROFILES[name])
    with pytest.raises(ChatError) as refused:
        worded(server, tmp_path)
    assert not server.chats  # the probe alone
    assert any(hint in str(refused.value) for hint in ("--model", "--max-output-tokens", "right key"))


@pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if profile.hopeless])
def test_a_server_that_is_mended_needs_no_new_cache(serve, tmp_path, name):
    server = serve(PROFILES[name])
    with pytest.raises(ChatError):
        worded(server, tmp_path)
    server.profile = PROFILES["openai chat"]
    assert worded(server, tmp_path)[0] == PAIRS


@pytest.mark.parametrize("broken", ["400 for each call", "empty", "spent"])
def test_what_breaks_after_the_probe_and_is_mended_is_asked_again(serve, tmp_path, broken):
    fine = PROFILES["openai chat"]

    def refuses(body: dict[str, Any]) -> Any:
        return (400, {"error": {"message": "no"}}) if "ready" not in json.dumps(body["messages"]) else None

    def says(text: str, body: dict[str, Any]) -> Any:
        if "ready" in text:
            return fine.says(text, body)
        return {"role": "assistant", "content": None}, "length" if broken == "spent" else "stop"

    bad = replace(fine, refuses=refuses) if broken.startswith("400") else replace(fine, says=says)
    server = serve(bad)
    count, job = worded(server, tmp_path, max_rejections=10**6)
    assert count == 0
    assert job.client.report.reasons.most_frequent()
    server.profile = fine
    assert worded(server, tmp_path)[0] == PAIRS


def test_a_capability_is_told_once(serve, tmp_path):
    server = serve(PROFILES["refuses seed and temperature"])
    _, job = worded(server, tmp_path)
    assert job.client.report.notes == ["seed is refused: left out", "temperature is refused: left out"]
    assert not any({"seed", "temperature"} & set(body) for body in server.chats)
    assert not worded(server, tmp_path)[1].client.report.notes


def test_what_the_user_asked_for_is_never_dropped(serve, tmp_path):
    server = serve(Profile("strict", PROFILES["tgi strict"].refuses))
    with pytest.raises(ChatError, match="reasoning_effort") as refused:
        worded(server, tmp_path, reasoning_effort="low")
    assert "Leave reasoning_effort out" in str(refused.value)
    assert not server.chats


def test_the_budget_of_a_reasoning_model_is_raised_once_and_within_the_limit(serve, tmp_path):
    server = serve(PROFILES["openai reasoning"])
    worded(server, tmp_path, max_output_tokens=5000, reasoning_effort="low", extra_body={"verbosity": "low"})
    assert {body["max_completion_tokens"] for body in server.chats} == {5000}
    assert {(body["reasoning_effort"], body["verbosity"]) for body in server.chats} == {("low", "low")}
    with pytest.raises(ChatError, match="spent its tokens before it began to answer"):
        worded(serve(PROFILES["openai reasoning"]), tmp_path, max_output_tokens=2000)


def test_at_least_fourteen_profiles():
    assert sum(not profile.hopeless for profile in PROFILES.values()) >= 14
