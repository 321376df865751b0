"""A session: answers requests in one event loop, from the cache, by a call under way already, or by the server.

Every call's upper bound is written to the cache before it is sent and replaced by what it took in the same transaction
that keeps the answer, so that a run that dies has paid at most what its cache says.
"""

import asyncio
from collections import Counter
from typing import Any
from weakref import WeakValueDictionary

from fiubench.support.chat.budget import HINT, Spending
from fiubench.support.chat.cache import Capability, ChatCache, Stored, stored_response
from fiubench.support.chat.conversation import Call, Outcome, Request, converse, heeds
from fiubench.support.chat.errors import BudgetReached, ChatError, NoAnswer, Unanswerable
from fiubench.support.chat.server import FORMS, LIMIT_NAMES, Server, connect

_PROBE_SCHEMA = {"properties": {"ready": {"type": "boolean"}}, "required": ["ready"], "additionalProperties": False}
_PROBE = Call(
    ({"role": "user", "content": 'Answer with the JSON object {"ready": true} and nothing else.'},),
    {"type": "object", **_PROBE_SCHEMA},
    seed=None,
    max_tokens=200,  # a model that thinks first may be cut off, which does no harm
    attempt=0,
)


class Session:
    """Answers requests in one event loop, with at most ``concurrency`` calls at once; ``events`` are statistics."""

    def __init__(
        self, server: Server, cache: ChatCache, spending: Spending, concurrency: int, events: Counter[str]
    ) -> None:
        self.server, self.cache, self.spending, self.events = server, cache, spending, events
        self._slots = asyncio.Semaphore(concurrency)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by key: nothing is asked twice
        self._sent: set[asyncio.Task[Any]] = set()  # with a call on its way, which may have to be paid
        self._settled = asyncio.Event()
        self._answered = 0  # calls
        self._stopped: ChatError | None = None
        self._preparing = asyncio.Lock()
        self._client: Any = None  # of openai, once there is something to send
        self._capability: Capability | None = None

    async def outcome(self, request: Request) -> Outcome:
        """Ask until the request is answered or given up.

        Raises:
            ChatError: the server can't be asked on, or a limit is reached.
        """
        conversation = converse(request)
        call = next(conversation)
        while True:
            stored = await self._answer(call)
            try:
                call = conversation.send(stored)
            except StopIteration as end:
                outcome: Outcome = end.value
                break
        self.events["requests answered" if outcome.accepted else "requests without a usable answer"] += 1
        self.events.update(f"answers {attempt.kind}" for attempt in outcome.attempts if attempt.problems)
        return outcome

    async def capability(self) -> Capability:
        """How the server is asked for JSON: found once by a small call, then kept.

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

    async def _answer(self, call: Call) -> Stored:
        """The answer to a call: from the cache, where requests that ask the same find it too, or by the server."""
        key = self.server.key_of(call)
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            if stored := self.cache.get(key):
                self.events["answers from the cache"] += 1
                return stored
            async with self._slots:
                while True:
                    try:
                        return await self._fetch(call, key)
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

    async def _fetch(self, call: Call, key: str) -> Stored:
        """Send a call, in lower forms where its own is refused; give it up where the server fails on it alone."""
        form, limit_name = await self.capability()
        try:
            for lower in FORMS[FORMS.index(form) :]:
                how = Capability(lower, limit_name)
                try:
                    stored = await self._send(call, how)
                except Unanswerable:
                    if lower == FORMS[-1]:
                        raise
                else:
                    if lower != form:
                        self._keep(how)
                    self.events["calls answered"] += 1
                    return stored
        except Unanswerable as refusal:
            why = str(refusal)
        except NoAnswer as error:
            if not error.own or not await self._works():
                raise
            why = error.what
        # Kept, so that a build can end, and ends alike each time.
        stored = Stored(None, self.server.model, 0, 0, why)
        self.cache.give_up(key, stored)
        return stored

    async def _send(self, call: Call, how: Capability) -> Stored:
        """Post a call and keep its answer with its price.

        Raises:
            Unanswerable, NoAnswer, ChatError: as the server says; the call costs nothing.
            BudgetReached: a limit has no room for it.
        """
        self._client = self._client or connect(self.server, self.events)
        bound = call.prompt_bound(), call.max_tokens
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
            self.cache.settle(row, self.server.key_of(call), stored)
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
        """Try the forms of JSON with a small call: the server may refuse one, or take it and pay no heed."""
        forms, limit_name = list(FORMS), LIMIT_NAMES[0]
        while True:
            how = Capability(forms[0], limit_name)
            try:
                stored = await self._send(_PROBE, how)
            except Unanswerable as refusal:
                if LIMIT_NAMES[1] in str(refusal) and limit_name == LIMIT_NAMES[0]:
                    limit_name = LIMIT_NAMES[1]
                    continue
                if len(forms) == 1:
                    raise self.server.error(str(refusal), "Check --model and --base-url.") from None
            else:
                if len(forms) == 1 or heeds(_PROBE, stored):
                    return self._keep(how)
            forms.pop(0)

    def _keep(self, how: Capability) -> Capability:
        self._capability = how
        self.cache.set_capability(self.server.base_url, self.server.model, how)
        return how

    async def _works(self) -> bool:
        """Whether the server answers something else."""
        try:
            await self._send(_PROBE, await self.capability())
        except (NoAnswer, Unanswerable):
            return False
        return True
