"""What servers refuse and answer, in their own words; and caches of before."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fiubench.support.chat import ChatClient
from fiubench.support.chat.answers import parse_answer, read_content
from fiubench.support.chat.capability import Capability, adapted, named
from fiubench.support.chat.conversation import converse
from fiubench.support.chat.errors import Unanswerable

from tests.support.chat.server import ChatServer
from tests.support.chat.test_chat import answer, expect, request


class TestRefusals:
    """What a refusal is about, in the words of servers."""

    SENT = {"model": "m", "messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}],
            "max_tokens": 5, "temperature": 0.7, "seed": 1, "response_format": {}, "top_k": 3}  # fmt: skip

    @pytest.mark.parametrize(
        ("what", "param", "about"),
        [
            ("Unsupported value: 'temperature' does not support 0.7 with this model.", "temperature", "temperature"),
            ("Unrecognized request argument supplied: seed", "", "seed"),
            ("unknown field `seed`, expected one of `messages`, `temperature`, `max_tokens`", "", "seed"),
            ("[{'loc': ('body', 'seed'), 'msg': 'Extra inputs are not permitted'}]", "", "seed"),
            ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "max_tokens", "max_tokens"),
            ("Please use max_completion_tokens", "", "max_tokens"),
            ("max_tokens is too large: 9000. This model supports at most 4096", "max_tokens", ""),
            ("This model's maximum context length is 2048 tokens", "", ""),
            ("Failed to parse grammar", "", "response_format"),
            ("Invalid schema for response_format 'answer'", "response_format", "response_format"),
            ("System role not supported", "", "system"),
            ("Conversation roles must alternate user/assistant", "", "system"),
            ("'messages[0].role' does not support 'system'", "messages[0].role", "system"),
            ("unknown parameter top_k", "", "top_k"),
            ("The model `m` does not exist", "model", ""),
            ("an unseeded thing with temperatures", "", ""),
        ],
    )
    def test_is_about(self, what: str, param: str, about: str) -> None:
        assert named(Unanswerable(what, param), self.SENT) == about

    def test_what_the_user_sends_is_not_dropped(self) -> None:
        assert adapted(Capability(), Unanswerable("unknown parameter top_k"), self.SENT) is None

    def test_one_thing_after_the_other(self) -> None:
        how: Capability | None = Capability()
        for what in ("seed", "response_format", "response_format", "max_tokens", "no system role: system role"):
            assert how is not None
            how = adapted(how, Unanswerable(what), self.SENT)
        assert how == Capability("prompt", "max_completion_tokens", ("seed",), system=False)


def completion(finish: str = "stop", **message: Any) -> str:
    return json.dumps({"choices": [{"message": message, "finish_reason": finish}]})


class TestAnswers:
    @pytest.mark.parametrize(
        ("message", "text"),
        [
            ({"content": "x"}, "x"),
            ({"content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]}, "xy"),
            ({"content": [{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "x"}]}, "x"),
            ({"content": None, "tool_calls": [{"function": {"arguments": '{"a": 1}'}}]}, '{"a": 1}'),
            ({"content": "", "tool_calls": [{"function": {"arguments": {"a": 1}}}]}, '{"a": 1}'),
            ({"content": None, "function_call": {"arguments": "x"}}, "x"),
            ({"content": None, "reasoning_content": "x"}, "x"),
            ({"content": "<think>hm</think>x"}, "x"),
            ({"content": "hm</think>x"}, "x"),
            ({"content": "[THINK]hm[/THINK]x"}, "x"),
            ({"content": "<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>x<|return|>"}, "x"),
        ],
    )
    def test_is_found(self, message: dict[str, Any], text: str) -> None:
        assert read_content(completion(**message)) == (text, "fine", "")

    @pytest.mark.parametrize(
        "message",
        [{"content": None}, {"content": ""}, {"content": "<think>so"}, {"content": None, "reasoning_content": "so"}],
    )
    def test_tokens_are_spent_before_it(self, message: dict[str, Any]) -> None:
        assert read_content(completion("length", **message))[1] == "spent"

    @pytest.mark.parametrize("response", ["", "[]", '{"choices": []}', '{"choices": [{"message": 3}]}', completion()])
    def test_is_not_there(self, response: str) -> None:
        assert read_content(response)[1] == "not json"

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"a": {"b": 1}}', {"a": {"b": 1}}),
            ('Keep {value}: {"a": 1} as you wish', {"a": 1}),
            ('```json\n{"a": 1}\n```', {"a": 1}),
            ('{"a": 1} or {"a": 2}', None),
            ('Sure: {"items": [{"a": 1}, {"a"', None),
            ('so {"a": NaN}', None),
            ("none", None),
        ],
    )
    def test_json_alone_fenced_or_in_prose(self, text: str, value: Any) -> None:
        found, problem = parse_answer(text)
        assert (found, bool(problem)) == (value, value is None)


OLD_TABLES = """
CREATE TABLE answers (key TEXT PRIMARY KEY, response TEXT, error TEXT, model TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE capabilities (endpoint TEXT, model TEXT, form TEXT NOT NULL, limit_name TEXT NOT NULL,
    PRIMARY KEY (endpoint, model)) WITHOUT ROWID;
CREATE TABLE calls (id INTEGER PRIMARY KEY, run TEXT NOT NULL, prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL, discount REAL NOT NULL DEFAULT 1, settled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE batches (run TEXT, part INTEGER, digest TEXT NOT NULL, requests INTEGER NOT NULL, state TEXT NOT NULL,
    id TEXT, PRIMARY KEY (run, part)) WITHOUT ROWID;
PRAGMA user_version = 1;
"""


def test_a_cache_of_before_is_taken_over_without_what_was_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with ChatServer(answer) as server:
        _takes_over(server, tmp_path)


def _takes_over(server: ChatServer, tmp_path: Path) -> None:
    fresh = ChatClient(server.url, "m", cache=tmp_path / "new.sqlite3")
    expect(list(fresh.ask_all(map(request, range(3)))), 3)
    key = [fresh.server.key_of(next(converse(request(i)))) for i in range(3)]
    old = sqlite3.connect(tmp_path / "old.sqlite3")
    old.executescript(OLD_TABLES)
    response = completion(content='{"text": "about 0"}')
    old.execute("INSERT INTO answers VALUES (?, ?, NULL, 'm', 1, 1)", (key[0], response))
    old.execute("INSERT INTO answers VALUES (?, NULL, 'the server does not take the request', 'm', 0, 0)", (key[1],))
    old.execute("INSERT INTO capabilities VALUES (?, 'm', 'prompt', 'max_tokens')", (server.url,))
    old.execute("INSERT INTO calls (run, prompt_tokens, completion_tokens) VALUES ('default', 5, 5)")
    old.commit()
    old.close()
    before = len(server.chats)
    for _ in range(2):
        client = ChatClient(server.url, "m", cache=tmp_path / "old.sqlite3")
        expect(list(client.ask_all(map(request, range(3)))), 3)
        assert len(server.chats) == before + 2  # the answer of before is used, the refused call made
        assert client.spending.calls == 1 + 3  # with the probe
        client.close()
