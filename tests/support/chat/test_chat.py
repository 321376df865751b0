"""The chat client against a real server on loopback that fails in every way a test asks for."""

import asyncio
import json
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.chat import (
    Batches,
    Budget,
    BudgetReached,
    ChatCache,
    ChatClient,
    ChatError,
    Price,
    Request,
    read_prices,
)
from fiubench.support.chat.cache import BatchRow
from fiubench.support.errors import ConfigError

from tests.support.chat.server import FAULTS, ChatServer

SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
SECRET = "sk-test-0123456789abcdef"


def answer(body: dict[str, Any]) -> str:
    """The last word of the first user message, so that each request has its own answer."""
    first = next(m["content"] for m in body["messages"] if m["role"] == "user")
    return json.dumps({"text": "about " + first.split("\n")[0].split()[-1]})


def request(i: int, **keys: Any) -> Request:
    return Request(f"r{i}", [{"role": "user", "content": f"Write about {i}"}], SCHEMA, **keys)


def expect(outcomes: list[Any], count: int) -> None:
    assert [o.request.id for o in outcomes] == [f"r{i}" for i in range(count)]
    assert [o.answer for o in outcomes] == [{"text": f"about {i}"} for i in range(count)]


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("OPENAI_"):
            monkeypatch.delenv(name)


@pytest.fixture
def serve() -> Iterator[Callable[..., ChatServer]]:
    servers: list[ChatServer] = []

    def start(**keys: Any) -> ChatServer:
        servers.append(ChatServer(keys.pop("writer", answer), **keys).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__()


def only(fault: str, *numbers: int) -> Callable[[int, Any], str | None]:
    return lambda number, body: fault if number in numbers else None


def test_answers_come_in_order_and_from_the_cache_the_second_time(serve: Any, tmp_path: Path) -> None:
    slow_first = serve(fault=only("slow", 1))
    client = ChatClient(slow_first.url, "m", cache=tmp_path / "c.sqlite3", concurrency=8)
    expect(list(client.ask_all(map(request, range(40)))), 40)
    assert slow_first.highest > 1
    assert client.events["calls answered"] == 40
    client.close()
    sent = len(slow_first.seen)
    again = ChatClient(slow_first.url, "m", cache=tmp_path / "c.sqlite3")
    outcomes = list(again.ask_all(map(request, range(40))))
    expect(outcomes, 40)
    assert len(slow_first.seen) == sent
    assert outcomes[0].attempts[0].model == "m-2026-01-01"
    assert again.spending.calls == 41  # of the first run, with its probe


def test_nothing_to_ask(serve: Any) -> None:
    assert list(ChatClient(serve().url, "m").ask_all([])) == []


@pytest.mark.parametrize("fault", ["429", "500", "drop", "drop in the middle", "bad json", "fenced", "truncated",
                                   "refused", "filtered", "empty", "no choices", "slow"])  # fmt: skip
def test_a_passing_fault_is_survived(serve: Any, fault: str) -> None:
    server = serve(fault=only(fault, 2, 3, 8))
    client = ChatClient(server.url, "m", concurrency=3, timeout=1.0)
    expect(list(client.ask_all(map(request, range(10)))), 10)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("bad json", "not json"), ("truncated", "truncated"), ("refused", "refused"), ("filtered", "refused"),
     ("empty", "not json"), ("no choices", "not json")],
)  # fmt: skip
def test_an_answer_that_never_is_one_ends_after_five_attempts(serve: Any, fault: str, kind: str) -> None:
    server = serve(fault=lambda number, body: fault if "about 1\n" in body["messages"][0]["content"] + "\n" else None)
    client = ChatClient(server.url, "m", concurrency=2)
    outcomes = list(client.ask_all(map(request, range(3))))
    assert [o.accepted for o in outcomes] == [True, False, True]
    assert {a.kind for a in outcomes[1].attempts} == {kind}
    assert len(outcomes[1].attempts) == (3 if kind in ("truncated", "refused") else 5)
    assert client.events["requests without a usable answer"] == 1
    assert outcomes[1].answer is None


def test_corrections_tell_what_is_wrong_and_fresh_tries_do_not(serve: Any) -> None:
    def check(value: Any) -> list[str]:
        return ["say it with a number"]

    server = serve()
    client = ChatClient(server.url, "m", sampling={"temperature": 0.5})
    outcome = client.ask(request(7, check=check, seed=100))
    assert not outcome.accepted
    asked = server.chats
    assert [len(body["messages"]) for body in asked] == [1, 3, 5, 1, 1]
    assert [body["seed"] for body in asked] == [100, 101, 102, 103, 104]
    assert {body["temperature"] for body in asked} == {0.5}
    assert "- say it with a number" in asked[1]["messages"][2]["content"]
    assert json.loads(asked[1]["messages"][1]["content"]) == {"text": "about 7"}


def test_a_check_with_a_state_gets_answers_in_order_also_from_the_cache(serve: Any, tmp_path: Path) -> None:
    def judged() -> list[int]:
        turns: list[int] = []

        def check(value: Any) -> list[str]:
            turns.append(len(turns))
            return [] if len(turns) == 4 else [f"turn {len(turns)}"]

        outcome = client.ask(request(1, check=check))
        assert outcome.accepted
        return turns

    server = serve()
    client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3")
    assert judged() == judged() == [0, 1, 2, 3]
    assert len(server.chats) == 4


def test_an_answer_that_breaks_the_schema_is_sent_back(serve: Any) -> None:
    turns = iter(['{"text": 1}', '{"text": "x", "more": 1}', '{"text": "about 0"}'])
    client = ChatClient(serve(writer=lambda body: next(turns)).url, "m")
    outcome = client.ask(request(0))
    assert outcome.accepted
    assert [a.kind for a in outcome.attempts] == ["schema", "schema", "fine"]


def test_a_truncated_answer_gets_twice_the_room(serve: Any) -> None:
    server = serve(fault=only("truncated", 1))
    assert ChatClient(server.url, "m").ask(request(0, max_tokens=50)).accepted
    assert [body["max_tokens"] for body in server.chats] == [50, 100]


class TestForms:
    def test_json_schema_first(self, serve: Any) -> None:
        server = serve()
        ChatClient(server.url, "m").ask(request(0))
        form = server.chats[0]["response_format"]
        assert form["type"] == "json_schema"
        assert form["json_schema"]["strict"] is True
        assert form["json_schema"]["schema"] == SCHEMA

    def test_then_json_object_kept_for_later(self, serve: Any, tmp_path: Path) -> None:
        server = serve(fault=lambda number, body: "400 json_schema")
        for _ in range(2):
            client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3")
            expect(list(client.ask_all(map(request, range(3)))), 3)
            client.close()
        assert {body["response_format"]["type"] for body in server.chats} == {"json_object"}
        assert len(server.seen) == 2 + 3  # two probes
        assert json.dumps(SCHEMA, separators=(",", ":")) in server.chats[0]["messages"][0]["content"]

    def test_then_a_fenced_block(self, serve: Any) -> None:
        server = serve(
            writer=lambda body: f"Sure:\n```json\n{answer(body)}\n```",
            fault=lambda number, body: "400" if "response_format" in body else None,
        )
        client = ChatClient(server.url, "m")
        expect(list(client.ask_all(map(request, range(3)))), 3)
        assert not any("response_format" in body for body in server.chats)

    def test_a_form_that_is_taken_and_not_heeded_is_left(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "bad json" if "response_format" in body else None)
        expect(list(ChatClient(server.url, "m").ask_all(map(request, range(2)))), 2)
        assert not any("response_format" in body for body in server.chats)

    def test_a_form_refused_later_is_left_then(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "400 json_schema" if number > 3 else None)
        expect(list(ChatClient(server.url, "m", concurrency=1).ask_all(map(request, range(6)))), 6)
        forms = [body["response_format"]["type"] for body in server.chats]
        assert forms == ["json_schema"] * 4 + ["json_object"] * 3

    def test_the_other_name_of_the_token_limit(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "400 max_tokens")
        expect(list(ChatClient(server.url, "m").ask_all(map(request, range(2)))), 2)
        assert all("max_completion_tokens" in body and "max_tokens" not in body for body in server.chats)

    def test_thoughts_are_passed_over(self, serve: Any) -> None:
        server = serve(writer=lambda body: '<think>{"text": 1}</think>\n' + answer(body))
        assert ChatClient(server.url, "m").ask(request(0)).accepted


class TestStops:
    @pytest.mark.parametrize(
        ("fault", "told"),
        [("401", "refused the key"), ("quota", "quota"), ("404", "--model"), ("429", "too many requests"),
         ("500", "the server failed (500): out of order"), ("drop", "no connection"), ("slow", "no answer in 0.3 s"),
         ("200 error", "no chat completion"), ("not http json", "")],
    )  # fmt: skip
    def test_with_a_message_and_goes_on_without_paying_twice(
        self, serve: Any, tmp_path: Path, fault: str, told: str
    ) -> None:
        broken = True
        server = serve(fault=lambda number, body: fault if broken and number > 10 else None, delay=0.005)
        client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", concurrency=2, timeout=0.3, retries=1)
        began = time.monotonic()
        got = []
        with pytest.raises(ChatError) as stop:
            got += list(client.ask_all(map(request, range(30))))
        assert time.monotonic() - began < 15
        assert told in str(stop.value)
        assert "Traceback" not in str(stop.value)
        client.close()
        broken = False
        known = {json.dumps(b["messages"]) for b in server.chats[:9]}
        before = len(server.seen)
        client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", concurrency=2)
        expect(list(client.ask_all(map(request, range(30)))), 30)
        assert not known & {json.dumps(s.body["messages"]) for s in server.seen[before:]}

    def test_no_server_at_all(self) -> None:
        client = ChatClient("http://127.0.0.1:9/v1", "m")
        began = time.monotonic()
        with pytest.raises(ChatError, match="no connection"):
            client.ask(request(0))
        assert time.monotonic() - began < 5  # no retries: there is nobody to wait for

    def test_a_host_that_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fiubench.support.chat.server._PATIENCE", 0.2)
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            taken = [socket.create_connection(full.getsockname()) for _ in range(1)]
            client = ChatClient(f"http://127.0.0.1:{full.getsockname()[1]}/v1", "m")
            with pytest.raises(ChatError, match=r"no connection: nothing within 0\.2 s"):
                client.ask(request(0))
            for each in taken:
                each.close()

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:99999/v1", "http://[::1/v1", "http://h:port/v1", "http://h:0/v1"]
    )
    def test_addresses_that_are_none(self, url: str) -> None:
        with pytest.raises(ConfigError, match="is not"):
            ChatClient(url, "m")

    def test_a_call_that_the_server_always_fails_on_is_given_up_and_asked_again_next_time(
        self, serve: Any, tmp_path: Path
    ) -> None:
        server = serve(fault=lambda number, body: "500" if "about 3" in body["messages"][0]["content"] else None)
        for run in range(2):
            client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", concurrency=2, retries=1)
            outcomes = list(client.ask_all(map(request, range(6))))
            assert [o.accepted for o in outcomes] == [True, True, True, False, True, True]
            assert "out of order" in outcomes[3].problems[0]
            client.close()
            assert len(server.chats) == 5 + 2 + 2 * run

    def test_a_call_that_the_server_does_not_take_is_given_up(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "400" if "about 3" in body["messages"][0]["content"] else None)
        outcomes = list(ChatClient(server.url, "m").ask_all(map(request, range(6))))
        assert [o.accepted for o in outcomes] == [True, True, True, False, True, True]
        assert outcomes[3].attempts[0].kind == "no answer"

    def test_a_caller_that_leaves(self, serve: Any) -> None:
        server = serve(delay=0.05)
        outcomes = ChatClient(server.url, "m", concurrency=2).ask_all(map(request, range(1000)))
        assert next(outcomes).accepted
        outcomes.close()
        assert len(server.seen) < 20

    def test_an_error_in_the_requests_is_the_callers(self, serve: Any) -> None:
        def requests() -> Iterator[Request]:
            yield request(0)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            list(ChatClient(serve().url, "m").ask_all(requests()))


class TestConcurrency:
    def test_a_server_that_takes_fewer_calls_answers_all_in_the_end(self, serve: Any) -> None:
        server = serve(most_at_once=4, delay=0.02)
        client = ChatClient(server.url, "m", concurrency=16)
        expect(list(client.ask_all(map(request, range(120)))), 120)
        # a call that used up its retries waits for another's answer instead, which is no retry
        assert client.events["responses with status 429"] >= client.events["retries"] > 0
        assert server.answered == 120 + 1  # with the probe

    def test_a_call_that_used_up_its_retries_goes_on_while_others_are_answered(self, serve: Any) -> None:
        server = serve(most_at_once=2, delay=0.05, retry_after="0.01")
        client = ChatClient(server.url, "m", concurrency=6, retries=1)
        expect(list(client.ask_all(map(request, range(30)))), 30)
        assert server.answered == 30 + 1

    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_is_never_above_the_limit(self, serve: Any, concurrency: int) -> None:
        server = serve(delay=0.1, fault=lambda number, body: "500" if number % 7 == 3 else None)
        client = ChatClient(server.url, "m", concurrency=concurrency)
        expect(list(client.ask_all(map(request, range(15)))), 15)
        assert server.highest == concurrency

    def test_waits_as_long_as_the_server_asks(self, serve: Any) -> None:
        server = serve(fault=only("429", 1), retry_after="1")
        expect(list(ChatClient(server.url, "m", concurrency=1).ask_all(map(request, range(3)))), 3)
        gap = server.seen[2].at - server.seen[1].at
        assert gap >= 1.0

    def test_a_wait_that_is_too_long_ends_the_run(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "429" if number == 3 else None, retry_after="3600")
        began = time.monotonic()
        with pytest.raises(ChatError, match="too many requests"):
            list(ChatClient(server.url, "m", concurrency=1).ask_all(map(request, range(6))))
        assert time.monotonic() - began < 5
        assert len(server.seen) == 4

    def test_an_outage_is_survived(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "drop" if 4 <= number < 16 else None)
        client = ChatClient(server.url, "m", concurrency=8)
        expect(list(client.ask_all(map(request, range(30)))), 30)
        assert client.events["retries"] == 12

    def test_a_dead_server_ends_in_one_error_within_the_retries(self, serve: Any) -> None:
        server = serve(fault=lambda number, body: "drop" if number > 5 else None)
        client = ChatClient(server.url, "m", concurrency=4, retries=1)
        began = time.monotonic()
        with pytest.raises(ChatError, match="no connection"):
            list(client.ask_all(map(request, range(1000))))
        assert time.monotonic() - began < 10
        assert len(server.seen) <= 6 + 4 * 2  # each of the four calls under way, and its retry

    def test_requests_are_taken_as_needed(self, serve: Any) -> None:
        taken = []

        def requests() -> Iterator[Request]:
            for i in range(1000):
                taken.append(i)
                yield request(i)

        outcomes = ChatClient(serve().url, "m", concurrency=2).ask_all(requests())
        for _ in range(5):
            next(outcomes)
        time.sleep(0.2)
        assert len(taken) < 5 + 2 * 4 + 3
        outcomes.close()

    def test_the_same_question_is_asked_once(self, serve: Any) -> None:
        server = serve(delay=0.05)
        same = [Request(f"r{i}", request(0).messages, SCHEMA) for i in range(9)]
        assert all(o.accepted for o in ChatClient(server.url, "m").ask_all(same))
        assert len(server.chats) == 1


def test_a_caller_with_an_event_loop_of_its_own(serve: Any) -> None:
    async def notebook() -> list[Any]:
        client = ChatClient(serve().url, "m")
        assert client.capability().form == "json_schema"
        return list(client.ask_all(map(request, range(3))))

    expect(asyncio.run(notebook()), 3)


def test_an_interrupted_run_keeps_what_was_under_way(serve: Any, tmp_path: Path) -> None:
    server = serve(delay=0.3)
    process = _start(server, tmp_path, 300)
    while server.answered < 20 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert server.answered < 300
    with sqlite3.connect(tmp_path / "c.sqlite3") as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("SELECT count(*) FROM answers").fetchone()[0] == server.answered
        assert not db.execute("SELECT count(*) FROM calls WHERE NOT settled").fetchone()[0]


def test_what_is_cancelled_on_its_way_counts_as_paid(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fiubench.support.chat.client._GRACE", 0.1)
    server = serve(fault=lambda number, body: "slow" if number > 1 else None)
    client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", concurrency=2)
    outcomes = client.ask_all(map(request, range(20)))
    next(outcomes)
    while len(server.seen) < 4:
        time.sleep(0.01)
    outcomes.close()
    calls = client.spending.calls
    assert calls == 2 + 2  # the probe, the first, and two that were under way
    client.close()
    assert ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3").spending.calls == calls


class TestBudget:
    def test_calls_hold_across_resumes(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        for _ in range(3):
            budget = Budget("build 1", max_calls=20)
            client = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", budget=budget, concurrency=8)
            with pytest.raises(BudgetReached, match="limit of 20 calls is reached"):
                list(client.ask_all(map(request, range(50))))
            client.close()
            assert len(server.seen) == 20
        higher = ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", budget=Budget("build 1", max_calls=51))
        expect(list(higher.ask_all(map(request, range(50)))), 50)
        assert len(server.seen) == 51

    def test_none_at_all(self, serve: Any) -> None:
        server = serve()
        with pytest.raises(BudgetReached, match="limit of 0 calls"):
            ChatClient(server.url, "m", budget=Budget(max_calls=0)).ask(request(0))
        assert not server.seen

    def test_another_run_has_its_own(self, serve: Any, tmp_path: Path) -> None:
        cache = ChatCache(tmp_path / "c.sqlite3")
        server = serve()
        for run in ("a", "b"):
            ChatClient(server.url, run, cache=cache, budget=Budget(run, max_calls=2)).ask(request(0))

    def test_tokens_are_never_passed(self, serve: Any) -> None:
        server = serve()
        client = ChatClient(server.url, "m", budget=Budget(max_tokens=2000), concurrency=8)
        with pytest.raises(BudgetReached, match="2000 tokens"):
            list(client.ask_all(request(i, max_tokens=100) for i in range(500)))
        assert 1500 < server.tokens <= 2000
        assert client.spending.tokens == server.tokens

    def test_money(self, serve: Any) -> None:
        server = serve()
        price = Price(1.0, 4.0, "EUR", "2026-11-01")
        client = ChatClient(server.url, "m", budget=Budget(max_cost=0.004, price=price), concurrency=4)
        with pytest.raises(BudgetReached, match=r"0\.004 EUR"):
            list(client.ask_all(request(i, max_tokens=100) for i in range(2000)))
        assert 0.003 < client.spending.cost <= 0.004
        assert "EUR" in str(client.spending)

    def test_a_limit_in_money_needs_prices(self) -> None:
        with pytest.raises(ConfigError, match="needs prices"):
            Budget(max_cost=1.0)

    def test_prices(self, tmp_path: Path) -> None:
        table = tmp_path / "prices.yaml"
        table.write_text("as_of: 2026-11-01\ncurrency: USD\nmodels:\n  small: {input: 0.15, output: 0.6}\n")
        price = read_prices(table, "small")
        assert price.cost(2_000_000, 1_000_000) == pytest.approx(0.9)
        assert price.as_of == "2026-11-01"
        with pytest.raises(ConfigError, match="no price of model 'smal'"):
            read_prices(table, "smal")
        for text, told in [
            ("a: 1", "not a price table"),
            ("models: {}\ncurrency: USD", "`as_of` is missing"),
            ("models: {m: {input: -1, output: 1}}\nas_of: 2026-01-01\ncurrency: USD", "m: is not"),
            ("models: {m: {input: 1}}\nas_of: 2026-01-01\ncurrency: USD", "m: is not"),
        ]:
            table.write_text(text)
            with pytest.raises(ConfigError, match=told):
                read_prices(table, "m")

    def test_estimate_makes_no_call(self, serve: Any) -> None:
        server = serve()
        client = ChatClient(server.url, "m")
        client.ask(request(0))
        calls = len(server.seen)
        estimate = client.estimate(map(request, range(10)), answer_tokens=20)
        assert (estimate.calls, estimate.cached, estimate.completion_tokens) == (9, 1, 180)
        assert 9 * 10 < estimate.prompt_tokens < 9 * 30
        assert len(server.seen) == calls


class TestKey:
    @pytest.mark.parametrize("fault", [None, "401", "echo the key", "500"])
    def test_is_in_no_file_log_or_message(
        self, serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any, fault: str | None
    ) -> None:
        monkeypatch.setenv("MY_KEY", SECRET)
        caplog.set_level(logging.DEBUG)
        server = serve(keys=(SECRET,), fault=lambda number, body: fault)
        client = ChatClient(server.url, "m", key_env="MY_KEY", cache=tmp_path / "c.sqlite3", retries=0)
        said = ""
        try:
            said = str([(o.answer, o.attempts) for o in client.ask_all(map(request, range(3)))])
        except ChatError as error:
            said = str(error) + repr(error)
        assert server.seen[0].headers["authorization"] == f"Bearer {SECRET}"
        assert SECRET not in said + caplog.text
        assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.iterdir())
        client.close()
        assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.iterdir())

    def test_a_short_one_is_a_word_and_stays_in_answers(self, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "about")
        expect([ChatClient(serve(keys=("about",)).url, "m").ask(request(0))], 1)

    def test_the_users_organization_goes_to_openai_alone(self, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
        server = serve()
        ChatClient(server.url, "m").ask(request(0))
        Batches(ChatClient(server.url, "m")).submit([request(1)])
        assert not [s for s in server.seen if "of-mine" in str(s.headers)]

    def test_does_not_travel_in_clear(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        with pytest.raises(ConfigError, match="clear text") as refused:
            ChatClient("http://models.example.org/v1", "m")
        assert SECRET not in str(refused.value)
        ChatClient("http://models.example.org/v1", "m", key_env="NONE_SUCH")
        ChatClient("https://models.example.org/v1", "m")

    def test_openai_wants_one(self) -> None:
        with pytest.raises(ConfigError, match="no API key in the environment variable OPENAI_API_KEY"):
            ChatClient("https://api.openai.com/v1", "m")

    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://user:pw@localhost/v1", "http://h/v1?k=1"])
    def test_urls_that_are_none(self, url: str) -> None:
        with pytest.raises(ConfigError):
            ChatClient(url, "m")


class TestCache:
    def test_what_is_no_cache_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "x"
        path.write_text("some other text, longer than a header would be" * 10)
        with pytest.raises(ChatError, match="can't be used"):
            ChatCache(path)
        assert path.read_text().startswith("some other")
        other = sqlite3.connect(tmp_path / "db")
        other.execute("CREATE TABLE mine (x)")
        other.commit()
        with pytest.raises(ChatError, match="not a cache of this version"):
            ChatCache(tmp_path / "db")

    def test_keys_tell_everything_apart_that_decides_an_answer(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        cache = ChatCache(tmp_path / "c.sqlite3")
        for model, sampling in [("m", {}), ("n", {}), ("m", {"temperature": 0.1})]:
            ChatClient(server.url, model, cache=cache, sampling=sampling).ask(request(0))
        ChatClient(server.url, "m", cache=cache).ask(request(0, seed=1))
        assert len(server.chats) == 4

    def test_two_processes_share_it(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        processes = [_start(server, tmp_path, 60) for _ in range(2)]
        assert [p.wait(60) for p in processes] == [0, 0]
        assert len({json.dumps(b["messages"]) for b in server.chats}) == 60

    def test_a_killed_run_asks_nothing_again_that_was_answered(self, serve: Any, tmp_path: Path) -> None:
        server = serve(delay=0.05)
        process = _start(server, tmp_path, 300)
        while server.answered < 60 and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        time.sleep(0.3)  # until the server has worked off what it had
        with sqlite3.connect(tmp_path / "c.sqlite3") as db:
            stored = db.execute("SELECT count(*) FROM answers").fetchone()[0]
            open_calls = db.execute("SELECT count(*) FROM calls WHERE NOT settled").fetchone()[0]
        assert stored > 40
        before = server.answered
        assert _start(server, tmp_path, 300).wait(120) == 0
        # the probe is among the stored answers
        assert server.answered - before == 300 + 1 - stored
        with sqlite3.connect(tmp_path / "c.sqlite3") as db:
            # what was under way when it was killed may have to be paid, and counts
            assert db.execute("SELECT count(*) FROM calls").fetchone()[0] == 301 + open_calls


def _start(server: ChatServer, folder: Path, count: int) -> subprocess.Popen[bytes]:
    code = f"""
    from pathlib import Path
    from fiubench.support.chat import ChatClient
    from tests.support.chat.test_chat import request, expect
    client = ChatClient({server.url!r}, "m", cache=Path({str(folder)!r}) / "c.sqlite3", concurrency=8)
    expect(list(client.ask_all(map(request, range({count})))), {count})
    """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], cwd=Path(__file__).resolve().parents[3])


class TestBatches:
    def client(self, server: ChatServer, tmp_path: Path, **keys: Any) -> ChatClient:
        return ChatClient(server.url, "m", cache=tmp_path / "c.sqlite3", budget=Budget("run 1", **keys), retries=0)

    def test_submit_status_collect_and_no_call_after_it(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        client = self.client(server, tmp_path)
        batches = Batches(client)
        (batch,) = batches.submit(map(request, range(20)))
        assert (batch.calls, batch.status) == (20, "validating")
        with pytest.raises(ChatError, match="out already"):
            batches.submit(map(request, range(20)))
        assert batches.collect().open == 1
        server.work_off("batch_0")
        assert [b.status for b in batches.status()] == ["completed"]
        assert batches.collect().answers == 20
        assert [b.status for b in batches.status()] == ["collected"]
        expect(list(client.ask_all(map(request, range(20)))), 20)
        assert not server.chats
        assert client.spending.calls == 21  # with the probe
        assert batches.submit(map(request, range(20))) == []

    @pytest.mark.parametrize("status", ["expired", "cancelled"])
    def test_what_was_answered_before_the_end_is_kept(self, serve: Any, tmp_path: Path, status: str) -> None:
        server = serve()
        client = self.client(server, tmp_path)
        Batches(client).submit(map(request, range(20)))
        server.work_off("batch_0", status, lambda number: number < 12)
        collected = Batches(client).collect()
        assert collected.answers == 12
        assert collected.errors == {"This request could not be executed": 8, f"the batch {status}": 1}
        (rest,) = Batches(client).submit(map(request, range(20)))
        assert rest.calls == 8

    def test_a_crash_while_submitting_is_found_again(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        client = self.client(server, tmp_path)
        (batch,) = Batches(client).submit(map(request, range(5)))
        (row,) = client.cache.batches("run 1")
        client.cache.set_batch("run 1", row._replace(state="submitting", id=None))  # killed before the id was recorded
        assert [b.id for b in Batches(client).status()] == [batch.id]
        client.cache.set_batch("run 1", BatchRow(1, "0" * 64, 5, "submitting", None))  # killed before it was sent
        assert [b.id for b in Batches(client).status()] == [batch.id]

    def test_limits_hold(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        with pytest.raises(BudgetReached):
            Batches(self.client(server, tmp_path, max_calls=10)).submit(map(request, range(20)))
        assert not server.jobs

    def test_corrections_are_the_next_batch(self, serve: Any, tmp_path: Path) -> None:
        server = serve()
        client = self.client(server, tmp_path)

        def requests() -> Iterator[Request]:
            for i in range(6):
                yield request(i, check=lambda value, i=i: ["no"] if i == 3 else [])

        Batches(client).submit(requests())
        server.work_off("batch_0")
        Batches(client).collect()
        (second,) = Batches(client).submit(requests())
        assert second.calls == 1
        line = json.loads(server.files["file-2"].splitlines()[0])
        assert len(line["body"]["messages"]) == 3

    def test_a_server_without_it(self, serve: Any, tmp_path: Path) -> None:
        server = serve(batches=False)
        with pytest.raises(ChatError, match="no Batch API"):
            Batches(self.client(server, tmp_path)).submit(map(request, range(2)))


def test_every_fault_of_the_server_is_used_here() -> None:
    text = Path(__file__).read_text()
    assert [fault for fault in FAULTS if f'"{fault}"' not in text] == []
