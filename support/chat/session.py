"""A session: answers requests in one event loop, from the cache, by a call under way already, or by the server.

Every call's upper bound is written to the cache before it is sent and replaced by what it took in the same transaction
that keeps the answer, so that a run that dies has paid at most what its cache says.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from fiubench.support.chat.answers import SPENT, heeds, holds_text, read_content
from fiubench.support.chat.budget import HINT, Spending
from fiubench.support.chat.cache import ChatCache, Stored, stored_response
from fiubench.support.chat.capability import FORMS, Capability, adapted, guesses, named
from fiubench.support.chat.conversation import FRESH_TRIES, Attempt, Call, Outcome, Request, converse
from fiubench.support.chat.errors import BudgetReached, ChatError, NoAnswer, Unanswerable
from fiubench.support.chat.report import Reasons, Report
from fiubench.support.chat.server import Server, connect

_PROBE_SCHEMA = {
    "type": "object",
    "properties": {"ready": {"type": "boolean"}},
    "required": ["ready"],
    "additionalProperties": False,
}
#: In the shape of a real request, so that what a server refuses shows before the first one.
_PROBE = Call(
    (
        {"role": "system", "content": "You check a connection."},
        {"role": "user", "content": 'Answer with the JSON object {"ready": true} and nothing else.'},
    ),
    _PROBE_SCHEMA,
    seed=0,
    max_tokens=200,
    attempt=0,
)
_LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class Conduct:
    """How a client goes about asking."""

    concurrency: int = 16  # most calls under way at once
    max_rejections: int = 50  # answers in a row of which nothing can be used, after which a run stops
    retry_failed: bool = False  # whether requests that failed to the end are asked again


class Session:
    """Answers requests in one event loop; ``report`` is filled with what people are told."""

    def __init__(self, server: Server, cache: ChatCache, spending: Spending, conduct: Conduct, report: Report) -> None:
        self.server, self.cache, self.spending, self.conduct, self.report = server, cache, spending, conduct, report
        self.events = report.events
        self._slots = asyncio.Semaphore(conduct.concurrency)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by key: nothing is asked twice
        self._sent: set[asyncio.Task[Any]] = set()  # with a call on its way, which may have to be paid
        self._settled = asyncio.Event()
        self._answered = 0  # calls
        self._stopped: ChatError | None = None
        self._preparing = asyncio.Lock()
        self._client: Any = None  # of openai, once there is something to send
        self._capability: Capability | None = None
        self._rejected: list[str] = []  # why, of the answers since the last one that was of use

    async def outcome(self, request: Request) -> Outcome:
        """Ask until the request is answered or given up.

        Raises:
            ChatError: the server can't be asked on, or a limit is reached.
        """
        attempts: list[Attempt] = []
        conversation = converse(request, attempts)
        call, retried = next(conversation), 0
        outcome: Outcome | None = None
        while outcome is None:
            asks = not call.further or (self.conduct.retry_failed and retried < FRESH_TRIES)
            stored, sent = await self._answer(call, asks=asks)
            retried += call.further and sent
            try:
                call = conversation.send(stored)
            except StopIteration as end:
                outcome = end.value
            if stored is not None:
                self._take_note(attempts, sent=sent)
        partly = "requests answered in part" if any(a.used for a in attempts) else "requests without a usable answer"
        self.events["requests answered" if outcome.accepted else partly] += 1
        return outcome

    def _take_note(self, attempts: Sequence[Attempt], *, sent: bool) -> None:
        """Count what was wrong with a request's last answer.

        Raises:
            ChatError: nothing that was sent for can be used any more.
        """
        attempt = attempts[-1]
        if attempt.used:
            self._rejected.clear()
            return
        self.events[f"answers {attempt.kind}"] += 1
        self.report.reasons.add(attempt.problems[0])
        if sent and not any(earlier.used for earlier in attempts):
            self._rejected.append(attempt.problems[0])
        if len(self._rejected) >= self.conduct.max_rejections:
            reasons = "".join(f"\n  {reason}" for reason in Reasons(self._rejected).most_frequent())
            what = f"nothing of the last {len(self._rejected)} answers could be used:{reasons}"
            hint = "Try another model or --granularity, or allow more with --max-rejections. What was of use is kept."
            self._stopped = self._stopped or self.server.error(what, hint)
            raise self._stopped

    async def capability(self) -> Capability:
        """How the server is asked: found once by a small call, then kept.

        Raises:
            ChatError: the server can't be asked.
        """
        async with self._preparing:
            known = self._capability or self.cache.capability(self.server.base_url, self.server.model)
            self._capability = known or await self._find_capability()
            return self._capability

    async def close(self, patience: float) -> None:
        """Send nothing more; wait so many seconds for what was sent, which is paid for, and keep it."""
        self._stopped = self._stopped or ChatError("stopped")
        if self._sent:
            await asyncio.wait(self._sent, timeout=patience)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    async def _answer(self, call: Call, *, asks: bool) -> tuple[Stored | None, bool]:
        """The answer to a call and whether it was sent for now; requests that ask the same find it in the cache.

        It is None where it is not in the cache and ``asks`` is false.
        """
        key = self.server.key_of(call)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if stored := self.cache.get(key):
                self.events["answers from the cache"] += 1
                return stored, False
            if not asks:
                return None, False
            async with self._slots:
                while True:
                    try:
                        return await self._fetch(call), True
                    except ChatError as error:
                        if isinstance(error, NoAnswer) and not error.own and await self._another_is_answered():
                            continue
                        self._stopped = self._stopped or error
                        raise

    async def _another_is_answered(self) -> bool:
        """Wait for that after a call used up its retries; False where no other is on its way any more."""
        before = self._answered
        while self._sent and self._answered == before:
            self._settled.clear()
            await self._settled.wait()
        return self._answered > before

    async def _fetch(self, call: Call) -> Stored:
        """Send a call, otherwise where the server says how; give it up for now where it fails on it alone."""
        how = await self.capability()
        try:
            while True:
                try:
                    stored = await self._send(call, how)
                except Unanswerable as refusal:
                    how = self._adapted(how, refusal, call)
                    continue
                if not how.reasons and _spent(stored) and self.server.most_tokens > call.max_tokens:
                    how = how._replace(reasons=True)
                    continue
                if how != self._capability:
                    self._keep(how)
                self.events["calls answered"] += 1
                return stored
        except Unanswerable as refusal:
            why = refusal.what
        except NoAnswer as error:
            if not error.own or not await self._works():
                raise
            why = error.what
        # Not kept: a server that is mended, or has become another, is asked again.
        return Stored(None, self.server.model, 0, 0, why[:_LONGEST_REASON])

    def _adapted(self, how: Capability, refusal: Unanswerable, call: Call) -> Capability:
        """How to ask after a refusal.

        Raises:
            Unanswerable: it says nothing that would help.
            ChatError: the server refuses what the user asked for.
        """
        body = self.server.body(call, how)
        if (other := adapted(how, refusal, body)) is not None:
            return other
        if (name := named(refusal, body)) in self.server.sampling:
            hint = f"Leave {name} out of --reasoning-effort and --extra-body, or name what this server takes."
            raise self.server.error(refusal.what[:_LONGEST_REASON], hint)
        raise refusal

    async def _send(self, call: Call, how: Capability) -> Stored:
        """Post a call and keep its answer with its price.

        Raises:
            Unanswerable, NoAnswer, ChatError: as the server says; the call costs nothing.
            BudgetReached: a limit has no room for it.
        """
        if self._client is None:
            await self.server.reach()
        self._client = self._client or connect(self.server, self.events)
        bound = call.prompt_bound(), self.server.limit(call, how)
        await self._room_for(*bound)
        self.spending.add(*bound)
        paid: tuple[int, int] | None = bound
        task = asyncio.current_task()
        assert task is not None
        self._sent.add(task)
        try:
            row = self.cache.begin(self.spending.budget.run, *bound)
            try:
                text = await self.server.post(self._client, call, how)
            except Exception as error:  # not where it is cancelled: the server may have answered, and want its money
                paid = None
                self.cache.forget_call(row)
                self._answered += isinstance(error, Unanswerable)
                raise
            self._answered += 1
            stored = stored_response(text, self.server.model)
            self.cache.settle(row, self.server.key_of(call), stored, kept=holds_text(text))
            paid = stored.prompt_tokens, stored.completion_tokens
            return stored
        finally:
            self._sent.discard(task)
            self.spending.add(-bound[0], -bound[1], calls=-1)
            if paid is not None:
                self.spending.add(*paid)
            self._settled.set()

    async def _room_for(self, prompt: int, completion: int) -> None:
        """Wait until the limits have room for a call's upper bound."""
        while not self._stopped:
            reached = self.spending.reached(prompt, completion)
            if not reached:
                return
            if not self._sent:
                raise BudgetReached(reached, hint=HINT)
            self._settled.clear()  # a call under way may take less than its bound
            await self._settled.wait()
        raise self._stopped

    async def _find_capability(self) -> Capability:
        """Try the shape of a real request with a small call: the server may refuse a part, or pay no heed to it."""
        how = Capability()
        ways: Iterator[Capability] | None = None  # where refusals name nothing
        while True:
            try:
                stored = await self._send(_PROBE, how)
            except Unanswerable as refusal:
                try:
                    how, ways = self._adapted(how, refusal, _PROBE), None
                except Unanswerable:
                    ways = ways or guesses(how, self.server.body(_PROBE, how))
                    if (other := next(ways, None)) is None:
                        what = refusal.what[:_LONGEST_REASON]
                        raise self.server.error(what, "Check --model and --base-url.") from None
                    how = other
                continue
            if _spent(stored):
                if how.reasons:
                    hint = f"It may take {self.server.most_tokens} tokens for one answer."
                    raise self.server.error(SPENT, hint)
                how = how._replace(reasons=True)
            elif how.form == FORMS[-1] or heeds(_PROBE_SCHEMA, stored.response or ""):
                return self._keep(how)
            else:
                how = how._replace(form=FORMS[FORMS.index(how.form) + 1])

    def _keep(self, how: Capability) -> Capability:
        self._capability = how
        self.report.note(how.notes())
        self.cache.set_capability(self.server.base_url, self.server.model, how)
        return how

    async def _works(self) -> bool:
        """Whether the server answers something else."""
        try:
            await self._send(_PROBE, await self.capability())
        except (NoAnswer, Unanswerable):
            return False
        return True


def _spent(stored: Stored) -> bool:
    """Whether the model used up its tokens before it began to answer."""
    return read_content(stored.response or "")[1] == "spent"
