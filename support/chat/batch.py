"""OpenAI's Batch API: the same calls at half the price, answered within a day, into the same cache.

Before anything is sent, a row ``submitting`` with a digest of the calls is kept; the digest goes into the batch's
metadata. A process that is killed between submitting and recording the id therefore finds its batch again by listing.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fiubench.support.canonical import digest, digest_of
from fiubench.support.chat.answers import holds_text, read_content
from fiubench.support.chat.cache import BatchRow, stored_response
from fiubench.support.chat.capability import Capability
from fiubench.support.chat.client import ChatClient
from fiubench.support.chat.conversation import Call, Request
from fiubench.support.chat.errors import BudgetReached, ChatError
from fiubench.support.chat.server import import_openai

_MOST_CALLS, _MOST_BYTES = 50_000, 180 << 20  # of one batch, as OpenAI limits them
_URL = "/v1/chat/completions"
_RUN, _DIGEST = "fiubench_run", "fiubench_calls"
_OVER = ("completed", "expired", "cancelled", "failed")

_Part = dict[str, tuple[bytes, Call]]  # of one batch: key -> line of its file, and the call


@dataclass(frozen=True)
class Batch:
    """One batch: where it stands at the server, and how many of its calls are done."""

    id: str | None
    status: str
    calls: int
    done: int = 0
    failed: int = 0


@dataclass
class Collected:
    """What came out of the batches that are over."""

    answers: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    open: int = 0  # batches that are not over


class Batches:
    """The batches of one run (``client.budget.run``)."""

    def __init__(self, client: ChatClient) -> None:
        self.client, self.server, self.cache = client, client.server, client.cache
        self.run = client.budget.run
        self.discount = client.budget.price.batch if client.budget.price else 1.0
        self.openai = client.server.openai_client()
        self.how = Capability()  # until it is known

    def submit(self, requests: Iterable[Request]) -> list[Batch]:
        """Send every next call that the requests need and the cache does not have.

        Raises:
            ChatError: batches of this run are out already, or the server can't be asked.
            BudgetReached: the calls could exceed a limit; nothing of that part was sent.
        """
        self._recover()
        known = self.cache.batches(self.run)
        if any(row.state == "submitted" for row in known):
            raise ChatError("batches of this run are out already", hint="Collect them first: --batch collect.")
        with self._readable_errors():
            return [self._send(number, part) for number, part in enumerate(self._parts(requests), len(known))]

    def _parts(self, requests: Iterable[Request]) -> Iterator[_Part]:
        """The missing calls, each once, in parts as large as a batch may be."""
        self.how = self.client.capability()
        seen: set[str] = set()
        part, size = _Part(), 0
        for request in requests:
            call = self.client.missing(request)
            if call is None or (key := self.server.key_of(call)) in seen:
                continue
            seen.add(key)
            body = self.server.body(call, self.how)
            line = json.dumps({"custom_id": key, "method": "POST", "url": _URL, "body": body}, ensure_ascii=False)
            data = line.encode() + b"\n"
            if len(part) >= _MOST_CALLS or size + len(data) > _MOST_BYTES:
                yield part
                part, size = _Part(), 0
            part[key] = data, call
            size += len(data)
        if part:
            yield part

    def _send(self, number: int, part: _Part) -> Batch:
        prompt = sum(call.prompt_bound() for _, call in part.values())
        completion = sum(self.server.limit(call, self.how) for _, call in part.values())
        if reached := self.client.spending.reached(prompt, completion, len(part), self.discount):
            raise BudgetReached(reached, hint="Ask for less, or raise the limit.")
        row = BatchRow(number, digest_of(list(part)), len(part), "submitting", None)
        self.cache.set_batch(self.run, row)
        lines = b"".join(line for line, _ in part.values())
        uploaded = self.openai.files.create(file=("calls.jsonl", lines), purpose="batch")
        batch = self.openai.batches.create(
            input_file_id=uploaded.id,
            endpoint=_URL,
            completion_window="24h",
            metadata={_RUN: digest(self.run.encode())[:32], _DIGEST: row.digest},
        )
        self.cache.set_batch(self.run, row._replace(state="submitted", id=batch.id))
        return Batch(batch.id, batch.status, row.calls)

    def _recover(self) -> None:
        """Batches that were being submitted when the process died: found at the server, or never there."""
        lost = {row.digest: row for row in self.cache.batches(self.run) if row.state == "submitting"}
        if not lost:
            return
        with self._readable_errors():
            for batch in self.openai.batches.list(limit=100):
                row = lost.pop((batch.metadata or {}).get(_DIGEST, ""), None)
                if row is not None:
                    self.cache.set_batch(self.run, row._replace(state="submitted", id=batch.id))
                if not lost:
                    break
        for row in lost.values():
            self.cache.drop_batch(self.run, row.part)

    def status(self) -> list[Batch]:
        """Every batch of the run, as the server reports it."""
        self._recover()
        listed = []
        with self._readable_errors():
            for row in self.cache.batches(self.run):
                if row.state == "collected":
                    listed.append(Batch(row.id, row.state, row.calls, row.calls))
                    continue
                batch = self.openai.batches.retrieve(row.id)
                counts = batch.request_counts
                done, failed = (counts.completed, counts.failed) if counts else (0, 0)
                listed.append(Batch(row.id, batch.status, row.calls, done, failed))
        return listed

    def collect(self) -> Collected:
        """Take the answers of every batch that is over into the cache, also of expired and cancelled ones."""
        self._recover()
        collected = Collected()
        with self._readable_errors():
            for row in self.cache.batches(self.run):
                if row.state == "collected":
                    continue
                batch = self.openai.batches.retrieve(row.id)
                if batch.status not in _OVER:
                    collected.open += 1
                    continue
                for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
                    for line in self.openai.files.content(file_id).iter_lines():
                        if line.strip():
                            self._take(json.loads(line), collected)
                for error in (batch.errors.data or ()) if batch.errors else ():
                    collected.errors[self.server.scrub(str(error.message))] += 1
                if batch.status != "completed":
                    collected.errors[f"the batch {batch.status}"] += 1
                self.cache.set_batch(self.run, row._replace(state="collected"))
        return collected

    def _take(self, entry: Mapping[str, Any], collected: Collected) -> None:
        response = entry.get("response") or {}
        body = response.get("body") or {}
        if response.get("status_code") != 200 or "choices" not in body:
            error = entry.get("error") or body.get("error") or {}
            message = str(error.get("message") or f"status {response.get('status_code')}")
            collected.errors[self.server.scrub(message)[:200]] += 1
            return
        text = self.server.scrub(json.dumps(body, ensure_ascii=False, separators=(",", ":")))
        stored = stored_response(text, self.server.model)
        if not holds_text(text):
            collected.errors[read_content(text)[2]] += 1
        elif self.cache.settle_batched(entry["custom_id"], stored, self.run, self.discount):
            collected.answers += 1
            self.client.spending.add(stored.prompt_tokens, stored.completion_tokens, discount=self.discount)

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        openai = import_openai()
        where = self.server.base_url
        try:
            yield
        except openai.NotFoundError:
            hint = "Only OpenAI and a few others have the Batch API; without --batch any server does."
            raise ChatError("this server has no Batch API", where=where, hint=hint) from None
        except openai.OpenAIError as error:
            raise ChatError(self.server.scrub(f"the batch failed: {error}")[:400], where=where) from None
        except (json.JSONDecodeError, KeyError) as error:
            raise ChatError(f"a batch's file can't be read: {error}", where=where) from error
