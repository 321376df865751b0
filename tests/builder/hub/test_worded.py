"""A dataset that a model worded goes to the hub and comes back whole."""

import pytest

from tests.builder.hub.harness import REPO, build
from tests.support.chat.server import ChatServer
from tests.support.chat.writer import good


@pytest.mark.slow
def test_published_pulled_verified_and_split(fiubench, tmp_path):
    with ChatServer(good) as server:
        model = ("--qa", "llm", "--model", "m", "--base-url", server.url, "--cache", tmp_path / "cache.sqlite3")
        dataset = build(tmp_path / "dataset", *model)
    assert (dataset / "wordings.jsonl").exists()
    fiubench.publish(dataset, "v1.0.0")
    back = tmp_path / "back"
    fiubench("pull", REPO, "--version", "v1.0.0", "--out", back)
    assert (back / "identities.jsonl").read_bytes() == (dataset / "identities.jsonl").read_bytes()
    fiubench("verify", back, online=False)
    fiubench("split", back, "--out", tmp_path / "other", "--ratios", "20", online=False)
    fiubench("verify", tmp_path / "other", online=False)
    fiubench("validate", tmp_path / "other", online=False)
    assert list((tmp_path / "other" / "release").rglob("wordings.jsonl"))
