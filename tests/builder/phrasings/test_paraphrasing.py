"""`build --qa llm` against a server that fails in every way: whole and valid, or stopped with a message."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fiubench.builder.dataset.intact import on_disk
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.phrasings.paraphrasing import ParaphraseJob
from fiubench.builder.pipeline.build import open_build, records
from fiubench.builder.pipeline.verify import verify
from fiubench.builder.rules.validate import validate
from fiubench.support.chat import BudgetReached, ChatError, Limits
from fiubench.support.errors import ConfigError, DatasetError

from fiubench import build, make_config, open_dataset
from tests.cases import first
from tests.support.chat.server import ChatServer
from tests.support.chat.writer import DRIFTS, asked_items, drifting, good, good_item, turn_of

SMALL = {"identities": 6, "holdout": 1, "ratios": [20], "faces": "none", "seed": 3}
CALLS = 7 * 4  # identities times groups
PAIRS = 7 * 20


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    servers: list[ChatServer] = []

    def start(writer: Any = good, **keys: Any) -> ChatServer:
        servers.append(ChatServer(writer, **keys).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def config(server: ChatServer, **settings: Any) -> Any:
    return make_config({**SMALL, "qa": "llm", "model": "m", "base_url": server.url, **settings})


def limits(tmp_path: Path, **keys: Any) -> Limits:
    return Limits(cache=tmp_path / "chat.sqlite3", **{"concurrency": 4, "timeout": 1.0, "retries": 2, **keys})


def whole(out: Path) -> dict[str, Any]:
    """The manifest's wordings of a dataset that is valid and verifies."""
    assert not list(validate(out))
    assert not list(verify(out, {}))
    wordings: dict[str, Any] = open_dataset(out).manifest["wordings"]
    assert wordings["by_model"] + wordings["by_template"] == PAIRS
    by_id = Counter(qa["phrasings"]["question"] == "llm" for r in open_dataset(out) for qa in r["qa_list"])
    assert by_id[True] == wordings["by_model"]
    return wordings


def test_a_good_model_words_everything_and_a_warm_cache_makes_no_call(serve, tmp_path):
    server = serve()
    build(config(server), tmp_path / "a", limits=limits(tmp_path))
    told = whole(tmp_path / "a")
    assert told["by_template"] == 0
    assert told["model"] == "m"
    assert told["server_models"] == ["m-2026-01-01"]
    assert told["attempts"] == len(server.chats) == CALLS
    assert told["sampling"] == {"temperature": 0.7}
    usage = [server.completion(body, {}, None)["usage"] for body in server.chats]
    assert told["tokens"] == {
        "prompt": sum(u["prompt_tokens"] for u in usage),
        "completion": sum(u["completion_tokens"] for u in usage),
    }
    sent = len(server.seen)
    build(config(server), tmp_path / "b", workers=2, limits=limits(tmp_path, concurrency=1))
    assert len(server.seen) == sent
    for name in ("identities.jsonl", "wordings.jsonl", "manifest.json", "splits.json", "release/README.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_no_value_is_ever_sent(serve, tmp_path):
    server = serve()
    build(config(server), tmp_path / "a", limits=limits(tmp_path))
    sent = "\n".join(m["content"] for body in server.chats for m in body["messages"])
    for record in open_dataset(tmp_path / "a"):
        for name in ("full_name", "address", "phone_number", "complaint_number", "date_of_birth", "billing_amount"):
            assert record["profile"][name]["text"] not in sent


def test_facts_are_those_of_the_templates(serve, tmp_path):
    build(config(serve()), tmp_path / "a", limits=limits(tmp_path))
    for worded, plain in zip(open_dataset(tmp_path / "a"), records(make_config(SMALL)), strict=True):
        assert worded["profile"] == plain["profile"]
        for qa, other in zip(worded["qa_list"], plain["qa_list"], strict=True):
            for key in ("attribute", "value", "perturbed_value", "keywords", "category", "sensitivity"):
                assert qa[key] == other[key]
            assert qa["question"] != other["question"] or qa["answer"] != other["answer"]


def test_the_file_of_wordings_builds_without_a_model(serve, tmp_path):
    first = build(config(serve()), tmp_path / "a", limits=limits(tmp_path))
    kept = make_config({**SMALL, "qa": str(tmp_path / "a" / "wordings.jsonl")})
    again = build(kept, tmp_path / "b")
    assert again.manifest["digests"] == first.manifest["digests"]
    assert again.manifest["wordings"]["file"] == "wordings.jsonl"
    assert again.manifest["config"]["qa"] == "wordings.jsonl"
    assert not list(verify(tmp_path / "b", {}))
    assert [r["qa_list"] for r in records(kept)] == [r["qa_list"] for r in open_dataset(tmp_path / "b")]
    with pytest.raises(DatasetError, match="words 7 identities, 12 are built"):
        build(make_config({**SMALL, "identities": 11, "qa": kept.qa}), tmp_path / "c")
    assert not (tmp_path / "c").exists()


PASSING = ["429", "500", "drop", "drop in the middle", "slow", "bad json", "fenced", "truncated", "refused", "filtered",
           "empty", "no choices"]  # fmt: skip


@pytest.mark.parametrize("fault", first(2, PASSING))
def test_a_fault_that_passes_changes_nothing(serve, tmp_path, fault):
    met: set[int] = set()

    def first_time(number: int, body: dict[str, Any]) -> str | None:
        """Every third request fails at its first attempt."""
        key = turn_of(body["messages"][:2])
        if key % 3 or key in met or not number:
            return None
        met.add(key)
        return fault

    server = serve(fault=first_time)
    client_limits = limits(tmp_path, retries=4)
    build(config(server), tmp_path / "a", limits=client_limits)
    told = whole(tmp_path / "a")
    assert told["by_template"] == 0
    if fault in ("bad json", "empty", "no choices", "truncated", "refused", "filtered"):
        kind = {"truncated": "truncated", "refused": "refused", "filtered": "refused"}.get(fault, "not json")
        assert told["counts"][f"answer {kind}"] > 0
        assert told["attempts"] > CALLS
    else:
        assert told["attempts"] == CALLS


def test_400_on_json_schema(serve, tmp_path):
    server = serve(fault=lambda number, body: "400 json_schema")
    build(config(server), tmp_path / "a", limits=limits(tmp_path))
    assert whole(tmp_path / "a")["by_template"] == 0
    assert {body["response_format"]["type"] for body in server.chats} == {"json_object"}


def spoiled(how: str) -> Callable[[dict[str, Any]], str]:
    """A writer whose first answer to each call is bad in one way; corrections and fresh tries are good."""
    first: set[str] = set()

    def write(body: dict[str, Any]) -> str:
        asked = body["messages"][1]["content"]
        names = [item["id"] for item in asked_items(body)]
        items = [good_item(name, turn_of(body)) for name in names]
        if asked in first:
            return json.dumps({"items": items})
        first.add(asked)
        if how == "missing":
            items.pop()
        elif how == "extra":
            items.append(good_item("shoe_size"))
        elif how == "repeated":
            items.append(items[0])
        elif how == "unknown key":
            items[0]["mood"] = "fine"
        else:
            items[0] = DRIFTS[how](items[0])
        return json.dumps({"items": items})

    return write


@pytest.mark.parametrize("how", ["missing", "extra", "repeated", "unknown key", "denied", "a value of its own"])
def test_a_bad_item_is_corrected(serve, tmp_path, how):
    server = serve(spoiled(how))
    build(config(server), tmp_path / "a", limits=limits(tmp_path))
    told = whole(tmp_path / "a")
    assert told["by_template"] == 0
    # an item too many alone spoils nothing: what was asked for is there
    assert told["attempts"] == (CALLS if how == "extra" else 2 * CALLS)


@pytest.mark.parametrize("fault", first(2, ["refused", "truncated", "bad json", "empty"]))
def test_a_fault_that_stays_ends_in_templates(serve, tmp_path, fault):
    server = serve(fault=lambda number, body: fault if turn_of(body["messages"][:2]) % 2 and number else None)
    build(config(server, granularity="group"), tmp_path / "a", limits=limits(tmp_path))
    told = whole(tmp_path / "a")
    assert told["by_template"] > 0
    assert told["by_model"] > 0
    lines = list(Paraphrases(tmp_path / "a" / "wordings.jsonl").read(0, 7))
    assert sum(len(line["fallback"]) for line in lines) == told["by_template"]
    assert all(why for line in lines for why in line["fallback"].values())
    plain = {r["index"]: r for r in records(make_config(SMALL))}
    for record in open_dataset(tmp_path / "a"):
        for qa, template in zip(record["qa_list"], plain[record["index"]]["qa_list"], strict=True):
            assert qa == template or qa["phrasings"]["question"] == "llm"


@pytest.mark.parametrize(
    ("fault", "told"),
    first(2, [("401", "refused the key"), ("500", "the server failed"), ("quota", "quota"), ("404", "--model"),
              ("drop", "no connection"), ("slow", "no answer in")]),
)  # fmt: skip
def test_a_fault_that_stops_goes_on_without_paying_twice(serve, tmp_path, fault, told):
    state = {"broken": True}
    server = serve(fault=lambda number, body: fault if state["broken"] and number > 12 else None)
    patient = limits(tmp_path, retries=1, timeout=0.3)
    with pytest.raises(ChatError, match=told):
        build(config(server), tmp_path / "a", limits=patient)
    assert not (tmp_path / "a").exists()
    state["broken"] = False
    paid = [json.dumps(body, sort_keys=True) for body in server.chats[:10]]
    before = len(server.chats)
    build(config(server), tmp_path / "a", limits=patient, resume=True)
    whole(tmp_path / "a")
    assert not set(paid) & {json.dumps(body, sort_keys=True) for body in server.chats[before:]}


def test_limits_hold_across_resumes(serve, tmp_path):
    server = serve()
    for _ in range(2):
        with pytest.raises(BudgetReached, match="limit of 12 calls"):
            build(config(server), tmp_path / "a", limits=limits(tmp_path, max_calls=12))
        assert len(server.seen) == 12
    build(config(server), tmp_path / "a", limits=limits(tmp_path, max_calls=CALLS + 1))
    assert len(server.seen) == CALLS + 1
    whole(tmp_path / "a")


def test_estimate_asks_nothing(serve, tmp_path):
    server = serve()
    job = ParaphraseJob(open_build(config(server)), limits(tmp_path))
    estimate = job.estimate()
    assert (estimate.calls, estimate.cached) == (CALLS, 0)
    assert not server.seen
    build(config(server), tmp_path / "a", limits=limits(tmp_path))
    told = whole(tmp_path / "a")["tokens"]
    assert 0.7 < estimate.prompt_tokens / told["prompt"] < 1.4
    assert 0.5 < estimate.completion_tokens / told["completion"] < 2
    after = ParaphraseJob(open_build(config(server)), limits(tmp_path)).estimate()
    assert (after.calls, after.cached) == (0, CALLS)


@pytest.mark.slow
def test_ten_thousand_answers_that_drift_and_none_gets_through(serve, tmp_path):
    server = serve(drifting(), keep=False)
    settings = config(server, identities=100, holdout=0, ratios=[5], granularity="group")
    patient = limits(tmp_path, concurrency=16, timeout=60, max_rejections=10**6)
    build(settings, tmp_path / "a", limits=patient)
    told = open_dataset(tmp_path / "a").manifest["wordings"]
    assert told["counts"]["item failed"] >= 10_000
    assert "item passed" not in told["counts"]
    assert (told["by_model"], told["by_template"]) == (0, 2000)


def test_good_among_bad_is_kept(serve, tmp_path):
    """Items that drift and items that don't, in one answer: each is judged alone."""

    def write(body: dict[str, Any]) -> str:
        items = json.loads(drifting()(body))["items"]
        turn = turn_of(body)
        for k in range(0, len(items), 2):
            items[k] = good_item(items[k]["id"], turn)
        return json.dumps({"items": items})

    build(config(serve(write), granularity="group"), tmp_path / "a", limits=limits(tmp_path))
    told = whole(tmp_path / "a")
    assert told["by_model"] == 7 * 11  # every second item of groups of 6, 5, 6 and 3
    known = {text for name in open_dataset(tmp_path / "a").manifest["attributes"]
             for turn in range(15) for text in good_item(name, turn).values()}  # fmt: skip
    for line in Paraphrases(tmp_path / "a" / "wordings.jsonl").read(0, 7):
        assert all(t in known for texts in line["items"].values() for t in (*texts["questions"], *texts["answers"]))


class TestFile:
    def test_damage_is_told(self, serve, tmp_path):
        build(config(serve()), tmp_path / "a", limits=limits(tmp_path))
        path = tmp_path / "a" / "wordings.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        for spoil, told in [
            (b"{\n", "not JSON"),
            (lines[0].replace(b'"index":0', b'"index":5'), "holds identity 5, not 0"),
            (lines[0].replace(b"{value}", b"{name}", 1), "wordings.jsonl, line 1"),
            (lines[0].replace(b'"fallback"', b'"fallbacks"'), "line 1"),
        ]:
            path.write_bytes(b"".join([spoil, *lines[1:]]))
            assert f"{path.name}: not as built" in list(on_disk(open_dataset(tmp_path / "a")))
            with pytest.raises(DatasetError, match=told):
                build(make_config({**SMALL, "qa": str(path)}), tmp_path / "b")

    def test_a_line_that_gives_the_fact_away_breaks_a_rule(self, serve, tmp_path):
        build(config(serve()), tmp_path / "a", limits=limits(tmp_path))
        path = tmp_path / "a" / "wordings.jsonl"
        name = next(iter(open_dataset(tmp_path / "a")))["name"]
        lines = path.read_text().splitlines()
        first = json.loads(lines[0])
        first["items"]["blood_type"]["questions"][0] = f"What is the blood type of {name}?"
        path.write_text("\n".join([json.dumps(first), *lines[1:]]) + "\n")
        with pytest.raises(DatasetError, match="given away"):
            build(make_config({**SMALL, "qa": str(path)}), tmp_path / "b")


def test_settings_that_do_not_go_together():
    with pytest.raises(ConfigError, match="needs a model"):
        make_config({"qa": "llm"})
    with pytest.raises(ConfigError, match="do nothing without"):
        make_config({"model": "m"})
    assert "qa" not in make_config({}).public()
    assert make_config({"qa": "/x/y/w.jsonl"}).public()["qa"] == "w.jsonl"
