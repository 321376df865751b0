"""OpenAI's Batch API: the same calls at half the price, answered within a day, into the same cache.

Before anything is sent, a row ``submitting`` with a digest of the calls is kept; the digest goes into the batch's
metadata. A process that is killed between submitting and noting the id therefore finds its batch again by listing.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fiubench.support.canonical import digest, digest_of
from fiubench.support.chat.conversation import Call, Request
from fiubench.support.chat.errors import BudgetReached, ChatError
from fiubench.support.chat.run import stored_response
from fiubench.support.chat.transport import body_of

if TYPE_CHECKING:
    from fiubench.support.chat.client import ChatClient

_MOST_CALLS, _MOST_BYTES = 50_000, 180 << 20  # of one batch, as OpenAI limits them
_RUN, _DIGEST = "fiubench_run", "fiubench_calls"
_OVER = ("completed", "expired", "cancelled", "failed")


@dataclass(frozen=True)
class Batch:
    """One batch: where it stands at the server, and how many of its calls are done."""

    part: int
    id: str | None
    status: str
    calls: int
    done: int = 0
    failed: int = 0


@dataclass
class Collected:
    """What came out of the batches that are over."""

    answers: int = 0
    known: int = 0  # answered by another run meanwhile
    errors: Counter[str] = field(default_factory=Counter)
    open: int = 0  # batches that are not over


class Batches:
    """The batches of one run (``client.budget.run``)."""

    def __init__(self, client: "ChatClient") -> None:
        self.client = client
        self.run = client.budget.run
        self.server = client.sync_openai()

    def submit(self, requests: Iterable[Request]) -> list[Batch]:
        """Send every next call that the requests need and the cache does not have.

        Raises:
            ChatError: batches of this run are out already, or the server can't be asked.
            BudgetReached: the calls could pass a limit; nothing of that part was sent.
        """
        self._recover()
        if any(state == "submitted" for _, _, _, state, _ in self.client.cache.batches(self.run)):
            raise ChatError("batches of this run are out already", hint="Collect them first: --batch collect.")
        first = len(self.client.cache.batches(self.run))
        form = self.client.capability()
        made: list[Batch] = []
        with self._told(), tempfile.TemporaryDirectory(prefix="fiubench-batch-") as folder:
            for number, part in enumerate(self._parts(requests, form, Path(folder)), first):
                made.append(self._send(number, part))
        return made

    def _parts(self, requests: Iterable[Request], form: tuple[str, str], folder: Path) -> Iterator["_Part"]:
        seen: set[str] = set()
        part: _Part | None = None
        for request in requests:
            call, _ = self.client.missing(request)
            if call is None or (key := self.client.key_of(call)) in seen:
                continue
            seen.add(key)
            line = _line(key, body_of(call, self.client.endpoint, *form))
            if part is not None and not part.takes(line):
                yield part.closed()
                part = None
            part = part or _Part.in_folder(folder)
            part.add(key, line, call)
        if part is not None:
            yield part.closed()

    def _send(self, number: int, part: "_Part") -> Batch:
        purse, price = self.client.purse, self.client.budget.price
        discount = price.batch if price else 1.0
        if passed := purse.passed(part.prompt, part.completion, len(part.keys), discount):
            raise BudgetReached(passed, hint="Ask for less, or raise the limit.")
        sha256 = digest_of(part.keys)
        cache = self.client.cache
        cache.set_batch(self.run, number, sha256, len(part.keys), "submitting", None)
        with part.path.open("rb") as file:
            uploaded = self.server.files.create(file=file, purpose="batch")
        batch = self.server.batches.create(
            input_file_id=uploaded.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={_RUN: digest(self.run.encode())[:32], _DIGEST: sha256},
        )
        cache.set_batch(self.run, number, sha256, len(part.keys), "submitted", batch.id)
        return Batch(number, batch.id, batch.status, len(part.keys))

    def _recover(self) -> None:
        """Batches that were being submitted when the process died: found at the server, or never there."""
        lost = {row[1]: row for row in self.client.cache.batches(self.run) if row[3] == "submitting"}
        if not lost:
            return
        with self._told():
            for batch in self.server.batches.list(limit=100):
                row = lost.pop((batch.metadata or {}).get(_DIGEST, ""), None)
                if row is not None:
                    self.client.cache.set_batch(self.run, row[0], row[1], row[2], "submitted", batch.id)
                if not lost:
                    break
        for part, *_ in lost.values():
            self.client.cache.drop_batch(self.run, part)

    def status(self) -> list[Batch]:
        """Every batch of the run, as the server tells it."""
        self._recover()
        told = []
        with self._told():
            for part, _, calls, state, batch_id in self.client.cache.batches(self.run):
                if state == "collected":
                    told.append(Batch(part, batch_id, state, calls, calls))
                    continue
                batch = self.server.batches.retrieve(batch_id)
                counts = batch.request_counts
                done, failed = (counts.completed, counts.failed) if counts else (0, 0)
                told.append(Batch(part, batch_id, batch.status, calls, done, failed))
        return told

    def collect(self) -> Collected:
        """Take the answers of every batch that is over into the cache, also of expired and cancelled ones."""
        self._recover()
        collected = Collected()
        with self._told():
            for part, sha256, calls, state, batch_id in self.client.cache.batches(self.run):
                if state == "collected":
                    continue
                batch = self.server.batches.retrieve(batch_id)
                if batch.status not in _OVER:
                    collected.open += 1
                    continue
                for file_id in (batch.output_file_id, batch.error_file_id):
                    if file_id:
                        self._take(file_id, collected)
                for error in (batch.errors.data or ()) if batch.errors else ():
                    collected.errors[self.client.scrub(str(error.message))] += 1
                if batch.status != "completed":
                    collected.errors[f"the batch {batch.status}"] += 1
                self.client.cache.set_batch(self.run, part, sha256, calls, "collected", batch_id)
        return collected

    def _take(self, file_id: str, collected: Collected) -> None:
        price = self.client.budget.price
        for line in self.server.files.content(file_id).iter_lines():
            if not line.strip():
                continue
            entry = json.loads(line)
            response = entry.get("response") or {}
            if response.get("status_code") != 200 or "choices" not in (response.get("body") or {}):
                error = entry.get("error") or (response.get("body") or {}).get("error") or {}
                message = str(error.get("message") or f"status {response.get('status_code')}")
                collected.errors[self.client.scrub(message)[:200]] += 1
                continue
            text = self.client.scrub(json.dumps(response["body"], ensure_ascii=False, separators=(",", ":")))
            stored = stored_response(text, self.client.endpoint.model)
            new = self.client.cache.put(entry["custom_id"], stored, self.run, price.batch if price else 1.0)
            if new:
                collected.answers += 1
                self.client.purse.pay(stored.prompt_tokens, stored.completion_tokens)
            else:
                collected.known += 1

    def _told(self) -> "_Told":
        return _Told(self.client)


class _Told:
    """openai's errors in our words."""

    def __init__(self, client: "ChatClient") -> None:
        self.client = client

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        import openai  # noqa: PLC0415

        where = self.client.endpoint.base_url
        if isinstance(error, openai.NotFoundError):
            hint = "Only OpenAI and a few others have the Batch API; without --batch any server does."
            raise ChatError("this server has no Batch API", where=where, hint=hint) from None
        if isinstance(error, openai.OpenAIError):
            raise ChatError(self.client.scrub(f"the batch can't be served: {error}")[:400], where=where) from None
        if isinstance(error, (json.JSONDecodeError, KeyError)):
            raise ChatError(f"a batch's file can't be read: {error}", where=where) from error


@dataclass
class _Part:
    """One batch's file, while it is written."""

    path: Path
    file: IO[bytes]
    keys: list[str] = field(default_factory=list)
    size: int = 0
    prompt: int = 0
    completion: int = 0

    @classmethod
    def in_folder(cls, folder: Path) -> "_Part":
        path = folder / "calls.jsonl"
        return cls(path, path.open("wb"))

    def takes(self, line: bytes) -> bool:
        return len(self.keys) < _MOST_CALLS and self.size + len(line) <= _MOST_BYTES

    def add(self, key: str, line: bytes, call: Call) -> None:
        self.file.write(line)
        self.keys.append(key)
        self.size += len(line)
        self.prompt += call.prompt_bound()
        self.completion += call.max_tokens

    def closed(self) -> "_Part":
        self.file.close()
        return self


def _line(key: str, body: dict[str, Any]) -> bytes:
    call = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(call, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
