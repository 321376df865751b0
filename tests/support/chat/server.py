"""An OpenAI-compatible server on loopback that does what a test asks for: answer, or fail in one of many ways.

Real HTTP in a thread of the test's process. ``writer(body)`` makes the text of an answer; ``fault(number, body)`` may
name what goes wrong with the call of that number (counted from 0, retries and probes included). ``profile`` is the kind
of server that it behaves like.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.support.chat.profiles import Profile

Writer = Callable[[dict[str, Any]], str]
#: What can go wrong with a call. The first group is about the transport, the second about the answer.
FAULTS = ("429", "500", "drop", "drop in the middle", "slow", "not http json", "200 error", "401", "quota",
          "404", "400", "400 json_schema", "400 max_tokens",
          "bad json", "fenced", "truncated", "refused", "filtered", "empty", "no choices", "echo the key")  # fmt: skip


@dataclass
class Seen:
    """One call as it arrived."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float


@dataclass
class ChatServer:
    """Use as a context manager; ``url`` is the base URL."""

    writer: Writer
    fault: Callable[[int, dict[str, Any]], str | None] = lambda number, body: None
    delay: float = 0.0
    most_at_once: int = 10**9
    retry_after: str | None = "0.05"
    profile: Profile = field(default_factory=lambda: Profile("takes all that is sent"))
    keys: tuple[str, ...] = ()
    batches: bool = True
    seen: list[Seen] = field(default_factory=list)
    answered: int = 0
    tokens: int = 0
    at_once: int = 0
    highest: int = 0
    keep: bool = True  # whether to keep what arrives

    def __enter__(self) -> "ChatServer":
        self.files: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[dict[str, Any]]:
        """The bodies of all chat completions that were asked for, without probes."""
        return [s.body for s in self.seen if s.path.endswith("/chat/completions") and not is_probe(s.body)]

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._number = 0
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        with suppress(ConnectionError, RuntimeError):
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split("\r\n")[0].split(" ")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.split("\r\n")[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        path = path.partition("?")[0]
        if path.endswith("/chat/completions"):
            return await self._chat(json.loads(raw), headers, path, writer)
        body = json.loads(raw) if headers.get("content-type") == "application/json" and raw else {}
        if self.keep:
            self.seen.append(Seen(f"{method} {path}", body, headers, time.monotonic()))
        status, answer = self._batch_api(method, path.removeprefix("/v1"), body, raw, headers)
        await self._send(writer, status, answer)
        return True

    async def _chat(self, body: dict[str, Any], headers: dict[str, str], path: str, out: asyncio.StreamWriter) -> bool:
        number, self._number = self._number, self._number + 1
        if self.keep:
            self.seen.append(Seen(path, body, headers, time.monotonic()))
        if self.keys and headers.get("authorization") not in [f"Bearer {key}" for key in self.keys]:
            await self._send(out, 401, _error(f"Incorrect API key: {headers.get('authorization')}", "invalid_api_key"))
            return True
        if self.profile.busy_every and number % self.profile.busy_every == 1:
            await self._send(out, 429, _error("slow down", "rate_limit_exceeded"), self.retry_after)
            return True
        if refusal := self.profile.refuses(body):
            await self._send(out, *refusal)
            return True
        fault = self.fault(number, body)
        self.at_once += 1
        self.highest = max(self.highest, self.at_once)
        try:
            if self.at_once > self.most_at_once:
                await self._send(out, 429, _error("slow down", "rate_limit_exceeded"), self.retry_after)
                return True
            if self.delay or fault == "slow":
                await asyncio.sleep(1.5 if fault == "slow" else self.delay)
            return await self._answer(body, headers, fault, out)
        finally:
            self.at_once -= 1

    async def _answer(
        self, body: dict[str, Any], headers: dict[str, str], fault: str | None, out: asyncio.StreamWriter
    ) -> bool:
        if fault == "drop":
            return False
        refusals: dict[str | None, tuple[int, dict[str, Any]]] = {
            "429": (429, _error("slow down", "rate_limit_exceeded")),
            "500": (500, _error("out of order", "server_error")),
            "401": (401, _error(f"Incorrect API key: {headers.get('authorization')}", "invalid_api_key")),
            "quota": (429, _error("You exceeded your current quota", "insufficient_quota")),
            "404": (404, _error("no such model", "model_not_found")),
            "400": (400, _error("I do not take that", "bad_request")),
            "200 error": (200, _error("upstream is down", "server_error")),
        }
        if fault in refusals:
            await self._send(out, *refusals[fault], self.retry_after if fault == "429" else None)
            return True
        if fault == "400 json_schema" and body.get("response_format", {}).get("type") == "json_schema":
            await self._send(out, 400, _error("response_format json_schema is not supported", "bad_request"))
            return True
        if fault == "400 max_tokens" and "max_tokens" in body:
            await self._send(out, 400, _error("Unsupported: use 'max_completion_tokens' instead.", "bad_request"))
            return True
        data = json.dumps(self.completion(body, headers, fault)).encode()
        if fault == "drop in the middle":
            out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data))
            out.write(data[: len(data) // 2])
            await out.drain()
            return False
        if fault == "not http json":
            data = b"<html>gateway</html>"
        self.answered += 1
        await self._send(out, 200, data)
        return True

    def completion(self, body: dict[str, Any], headers: dict[str, str], fault: str | None) -> dict[str, Any]:
        """A chat completion."""
        text = '{"ready": true}' if is_probe(body) else self.writer(body)
        message, finish = self.profile.says(text, body)
        if fault == "bad json":
            message["content"] = "Sure! " + text[: len(text) // 2]
        elif fault == "fenced":
            message["content"] = f"Here you are:\n```json\n{text}\n```\nAnything else?"
        elif fault == "truncated":
            message["content"], finish = text[: len(text) // 2], "length"
        elif fault == "refused":
            message["content"], message["refusal"] = None, "I can't help with that."
        elif fault == "filtered":
            message["content"], finish = "", "content_filter"
        elif fault == "empty":
            message["content"] = ""
        elif fault == "echo the key":
            message["content"] = headers.get("authorization", "")
        prompt, completion = (
            sum(len(m["content"]) for m in body["messages"]) // 4,
            len(str(message["content"] or "")) // 4,
        )
        self.tokens += prompt + completion
        choices = [] if fault == "no choices" else [{"index": 0, "finish_reason": finish, "message": message}]
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": f"{body['model']}-2026-01-01",
                "choices": choices, "usage": usage}  # fmt: skip

    async def _send(
        self,
        out: asyncio.StreamWriter,
        status: int,
        answer: bytes | str | dict[str, Any],
        retry_after: str | None = None,
    ) -> None:
        text = answer if isinstance(answer, str) else ""
        data = answer if isinstance(answer, bytes) else text.encode() or json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        if retry_after is not None:
            head += f"Retry-After: {retry_after}\r\n"
        out.write(head.encode() + b"\r\n" + data)
        await out.drain()

    # --- the Batch API ------------------------------------------------------------------------------------------------
    def _batch_api(  # noqa: PLR0911  (one line per path)
        self, method: str, path: str, body: dict[str, Any], raw: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes | dict[str, Any]]:
        if not self.batches:
            return 404, _error("no such path", "not_found")
        if (method, path) == ("POST", "/files"):
            name = f"file-{len(self.files)}"
            self.files[name] = _uploaded(raw, headers["content-type"])
            return 200, {"id": name, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch",
                         "status": "processed"}  # fmt: skip
        if (method, path) == ("POST", "/batches"):
            name = f"batch_{len(self.jobs)}"
            self.jobs[name] = _job(name, body)
            return 200, self.jobs[name]
        if (method, path) == ("GET", "/batches"):
            return 200, {"object": "list", "data": [*self.jobs.values()], "has_more": False}
        if method == "GET" and path.startswith("/batches/"):
            return 200, self.jobs[path.split("/")[2]]
        if method == "GET" and path.startswith("/files/"):
            return 200, self.files[path.split("/")[2]]
        return 404, _error("no such path", "not_found")

    def work_off(
        self, name: str, status: str = "completed", answer: Callable[[int], bool] = lambda number: True
    ) -> None:
        """Finish a batch: answer the calls for which ``answer(number)`` holds, the others fail."""
        job = self.jobs[name]
        good, bad = [], []
        for number, line in enumerate(self.files[job["input_file_id"]].splitlines()):
            entry = json.loads(line)
            if answer(number):
                body = self.completion(entry["body"], {}, None)
                response = {"status_code": 200, "request_id": "r", "body": body}
                good.append({"id": "x", "custom_id": entry["custom_id"], "response": response, "error": None})
            else:
                error = {"code": "batch_expired", "message": "This request could not be executed"}
                bad.append({"id": "x", "custom_id": entry["custom_id"], "response": None, "error": error})
        job["status"] = status
        for key, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                job[key] = f"file-{len(self.files)}"
                self.files[job[key]] = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        job["request_counts"] = {"total": len(good) + len(bad), "completed": len(good), "failed": len(bad)}


def is_probe(body: dict[str, Any]) -> bool:
    """Whether a call only asks what the server can do."""
    return '{"ready": true}' in body["messages"][-1]["content"]


def _error(message: str, code: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": code, "code": code, "param": None}}


def _job(name: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "object": "batch", "endpoint": body["endpoint"], "input_file_id": body["input_file_id"],
            "completion_window": "24h", "status": "validating", "created_at": 1, "metadata": body.get("metadata"),
            "output_file_id": None, "error_file_id": None, "errors": None,
            "request_counts": {"total": 0, "completed": 0, "failed": 0}}  # fmt: skip


def _uploaded(raw: bytes, content_type: str) -> bytes:
    boundary = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    for part in raw.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="file"' in head:
            return content.removesuffix(b"\r\n")
    raise ValueError("no file in the upload")
