"""How much is asked in one call: as much as a model can do, down to one sentence."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.phrasings.paraphrasing import ParaphraseJob
from fiubench.builder.pipeline.build import open_build
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.support.chat import ChatError, Limits

from fiubench import build, make_config, open_dataset
from tests.cases import first
from tests.support.chat.server import ChatServer
from tests.support.chat.writer import asked_items, drifting_sentence, good, good_sentence

SMALL = {"identities": 2, "holdout": 0, "ratios": [50], "faces": "none", "seed": 3, "qa": "llm", "model": "m"}
PAIRS = 40


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    servers: list[ChatServer] = []

    def start(writer: Any = good) -> ChatServer:
        servers.append(ChatServer(writer).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def limits(tmp_path: Path, **keys: Any) -> Limits:
    return Limits(cache=tmp_path / "chat.sqlite3", concurrency=4, **keys)


def told(server: ChatServer, out: Path, tmp_path: Path, granularity: str = "auto", **keys: Any) -> dict[str, Any]:
    """The manifest's wordings of a dataset that is valid and verifies."""
    config = make_config({**SMALL, "base_url": server.url, "granularity": granularity})
    build(config, out, limits=limits(tmp_path, **keys))
    assert not list(validate(out))
    assert not list(verify(out, {}))
    wordings: dict[str, Any] = open_dataset(out).manifest["wordings"]
    return wordings


def up_to(most: int) -> Callable[[dict[str, Any]], str]:
    """A model that can do so many items in one call; 0: sentences alone."""

    def write(body: dict[str, Any]) -> str:
        is_sentence = body["messages"][-1]["content"].startswith("Reword: ")
        return good(body) if is_sentence or len(asked_items(body)) <= most else "I am not sure what to do."

    return write


@pytest.mark.parametrize(("most", "granularity"), first(1, [(1, "item"), (6, "group"), (0, "sentence")]))
def test_the_request_shrinks_with_the_model(serve, tmp_path, most, granularity):
    server = serve(up_to(most))
    first = told(server, tmp_path / "a", tmp_path)
    assert (first["granularity"], first["by_model"]) == (granularity, PAIRS)
    sent = len(server.seen)
    assert told(server, tmp_path / "b", tmp_path) == first  # from the cache, the choice too
    assert len(server.seen) == sent


@pytest.mark.parametrize("granularity", ["group", "item", "sentence"])
def test_a_perfect_model_words_everything(serve, tmp_path, granularity):
    server = serve()
    assert told(server, tmp_path / "a", tmp_path, granularity)["by_template"] == 0
    for record in open_dataset(tmp_path / "a"):
        for qa in record["qa_list"]:
            assert qa["phrasings"] == {"question": "llm", "answer": "llm", "paraphrased_answer": "llm",
                                       "paraphrased_question": ["llm"] * 3}  # fmt: skip
    if granularity == "sentence":
        assert not any("response_format" in body for body in server.chats)
        assert all("{" not in m["content"] for body in server.chats for m in body["messages"])


def test_no_sentence_that_drifts_gets_through(serve, tmp_path):
    wordings = told(serve(drifting_sentence), tmp_path / "a", tmp_path, "sentence", max_rejections=10**6)
    assert wordings["counts"]["sentence failed"] == PAIRS * (12 + 8)
    assert "sentence passed" not in wordings["counts"]
    assert (wordings["by_model"], wordings["by_template"]) == (0, PAIRS)


def test_what_passes_stands_beside_templates(serve, tmp_path):
    """Of each pair's sentences one question and one answer at most are good."""

    def write(body: dict[str, Any]) -> str:
        return good_sentence({**body, "seed": 3}) if body["seed"] % 2 else drifting_sentence(body)

    wordings = told(serve(write), tmp_path / "a", tmp_path, "sentence")
    assert wordings["by_model"] == PAIRS
    lines = list(Paraphrases(tmp_path / "a" / "wordings.jsonl").read(0, 2))
    kept = [texts["questions"] for line in lines for texts in line["items"].values()]
    assert all(questions[0] and questions[1:] == [None] * 3 for questions in kept)
    for record in open_dataset(tmp_path / "a"):
        for qa in record["qa_list"]:
            assert qa["phrasings"]["question"] == "llm"
            assert "llm" not in qa["phrasings"]["paraphrased_question"]
            assert len({qa["question"], *qa["paraphrased_question"]}) == 4


def test_the_reason_is_in_the_next_try(serve, tmp_path):
    server = serve(drifting_sentence)
    told(server, tmp_path / "a", tmp_path, "sentence", max_rejections=10**6)
    systems = [body["messages"][0]["content"] for body in server.chats]
    assert sum("The last try can't be used: " in text for text in systems) == PAIRS * (11 + 7)


def test_a_run_stops_after_rejections_in_a_row(serve, tmp_path):
    server = serve(drifting_sentence)
    with pytest.raises(ChatError, match="nothing of the last 12 answers could be used") as stopped:
        told(server, tmp_path / "a", tmp_path, "sentence", max_rejections=12)
    assert str(stopped.value).count("for example: ") == 3
    assert len(server.chats) < 12 + 4


@pytest.mark.slow
def test_retry_failed_asks_for_those_alone(serve, tmp_path):
    server = serve(lambda body: "no" if len(asked_items(body)) == 3 else good(body))
    first = told(server, tmp_path / "a", tmp_path, "group")
    assert first["by_template"] == 2 * 3
    server.writer = good
    sent = len(server.seen)
    assert told(server, tmp_path / "b", tmp_path, "group")["by_template"] == 6  # nothing is asked again by itself
    assert len(server.seen) == sent
    mended = told(server, tmp_path / "c", tmp_path, "group", retry_failed=True)
    assert (mended["by_template"], len(server.seen) - sent) == (0, 2)
    assert {len(asked_items(body)) for body in server.chats[-2:]} == {3}
    assert told(server, tmp_path / "d", tmp_path, "group") == mended  # and stays so
    assert len(server.seen) == sent + 2


def test_an_estimate_asks_nothing_and_knows_what_was_tried(serve, tmp_path):
    server = serve(up_to(0))
    config = make_config({**SMALL, "base_url": server.url})
    assert ParaphraseJob(open_build(config), limits(tmp_path)).estimate().calls == 2 * 4
    assert not server.seen
    told(server, tmp_path / "a", tmp_path)
    estimate = ParaphraseJob(open_build(config), limits(tmp_path)).estimate()
    assert (estimate.calls, estimate.cached) == (0, PAIRS * 2)


def test_an_estimate_counts_every_sentence(serve, tmp_path):
    server = serve(good_sentence)
    config = make_config({**SMALL, "base_url": server.url, "granularity": "sentence"})
    estimate = ParaphraseJob(open_build(config), limits(tmp_path)).estimate()
    attempts = told(server, tmp_path / "a", tmp_path, "sentence")["attempts"]
    assert 0 <= attempts - estimate.calls < 0.02 * attempts  # where two sentences are the same, one is asked again


def test_answers_are_kept_line_by_line(serve, tmp_path):
    def several(body: dict[str, Any]) -> str:
        lines = [good_sentence({**body, "seed": k}) for k in range(7)]
        return "\n".join(f'{number}. "{line}"' for number, line in enumerate(lines, 1))

    wordings = told(serve(several), tmp_path / "a", tmp_path, "sentence")
    assert (wordings["by_template"], wordings["attempts"]) == (0, 2 * PAIRS)
    assert json.dumps(wordings["sampling"]) == '{"temperature": 0.7}'
