"""One ``ask_all``: an event loop in a thread, a window of conversations, a queue of outcomes in order."""

import asyncio
import json
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from fiubench.support.chat.cache import Stored
from fiubench.support.chat.conversation import (
    Call,
    Outcome,
    Request,
    converse,
    parse_answer,
    read_content,
    schema_problems,
)
from fiubench.support.chat.errors import ChatError
from fiubench.support.chat.limiter import Limiter
from fiubench.support.chat.transport import FORMS, LIMIT_NAMES, NotNow, Transport, Unanswerable, body_of

if TYPE_CHECKING:
    from fiubench.support.chat.client import ChatClient

_WINDOW = 4  # requests held at once, per slot
_GRACE = 5.0  # seconds that calls under way get when the caller goes away
_PROBE = Call(
    ({"role": "user", "content": 'Answer with the JSON object {"ready": true} and nothing else.'},),
    {
        "type": "object",
        "properties": {"ready": {"type": "boolean"}},
        "required": ["ready"],
        "additionalProperties": False,
    },
    seed=None,
    max_tokens=200,  # one that is cut off, since the model thinks first, is no matter
    attempt=0,
)
Capability = tuple[str, str]  # form of answers, name of the token limit


class Run:
    """Answers requests in their order. Calls that were paid for are never thrown away."""

    def __init__(self, client: "ChatClient", requests: Iterator[Request]) -> None:
        self.client = client
        self.requests = requests
        self.out: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.feeder: asyncio.Task[None] | None = None
        self.left = False  # the caller has gone away

    # --- in the caller's thread ---------------------------------------------------------------------------------------
    def outcomes(self) -> Iterator[Outcome]:
        """Start the thread and hand out what it makes."""
        thread = threading.Thread(target=self._main, name="fiubench-chat", daemon=True)
        thread.start()
        try:
            while (item := self.out.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
                self._soon(self.window.release)  # room for one more
        finally:
            self.left = True
            self._soon(lambda: self.feeder.cancel() if self.feeder else None)
            thread.join(_GRACE * 2)

    def _soon(self, act: Callable[[], object]) -> None:
        if self.loop is not None:
            with suppress(RuntimeError):  # it has just closed
                self.loop.call_soon_threadsafe(act)

    # --- in the loop's thread -----------------------------------------------------------------------------------------
    def _main(self) -> None:
        end: BaseException | None = None
        try:
            asyncio.run(self._feed())
        except asyncio.CancelledError:  # the caller went away
            pass
        except BaseException as error:  # raised again in the caller's thread
            end = error
        self.out.put(end)

    async def _feed(self) -> None:
        """Take requests as there is room; hand out what becomes of them."""
        self.feeder = asyncio.current_task()
        self.window = asyncio.Semaphore(self.client.concurrency * _WINDOW)
        self.desk = _Desk(self.client)
        self.loop = asyncio.get_running_loop()
        tasks: deque[asyncio.Task[Outcome | None]] = deque()
        more = asyncio.Event()
        hand_out = asyncio.create_task(self._hand_out(tasks, more))
        try:
            for request in self.requests:
                await self.window.acquire()
                if hand_out.done() or self.left:  # it failed, or nobody waits for it
                    break
                tasks.append(asyncio.create_task(self._converse(request)))
                more.set()
            tasks.append(asyncio.create_task(_end()))
            more.set()
            await hand_out
        finally:
            for task in (hand_out, *tasks):
                task.cancel()
            left = bool((here := asyncio.current_task()) and here.cancelling())
            await self.desk.close(_GRACE if left else None)
            await asyncio.gather(hand_out, *tasks, return_exceptions=True)

    async def _hand_out(self, tasks: "deque[asyncio.Task[Outcome | None]]", more: asyncio.Event) -> None:
        while True:
            while not tasks:
                more.clear()
                await more.wait()
            try:
                outcome = await tasks[0]
            except BaseException:
                self.window.release()  # the feeder may be waiting for room
                raise
            tasks.popleft()
            if outcome is None:
                return
            self.out.put(outcome)

    async def _converse(self, request: Request) -> Outcome:
        conversation = converse(request)
        call = next(conversation)
        while True:
            stored = await self.desk.answer(call)
            try:
                call = conversation.send(stored)
            except StopIteration as end:
                outcome: Outcome = end.value
                self._count(outcome)
                return outcome

    def _count(self, outcome: Outcome) -> None:
        events = self.client.events
        events["requests answered" if outcome.accepted else "requests without a usable answer"] += 1
        for attempt in outcome.attempts:
            if attempt.problems:
                events[f"answers {attempt.kind}"] += 1


async def _end() -> None:
    """Stands for the end of the requests."""


class _Desk:
    """Where calls are answered: from the cache, by a call that is under way already, or by the server."""

    def __init__(self, client: "ChatClient") -> None:
        self.client = client
        self.cache, self.purse = client.cache, client.purse
        self.limiter = Limiter(client.concurrency)
        self.transport: Transport | None = None
        self.capability: Capability | None = None
        self.probing = asyncio.Lock()
        self.settled = asyncio.Event()
        self.asked: dict[str, asyncio.Task[Stored]] = {}
        self.sent: set[asyncio.Task[Any]] = set()  # may have to be paid
        self.stopped: ChatError | None = None

    async def answer(self, call: Call) -> Stored:
        """The answer to a call. Two who ask the same share one."""
        key = self.client.key_of(call)
        stored = self.cache.get(key)
        if stored is not None:
            self.client.events["answers from the cache"] += 1
            return stored
        if key not in self.asked:
            task = self.asked[key] = asyncio.create_task(self._fetch(call, key))
            task.add_done_callback(lambda _: self.asked.pop(key, None))
        return await asyncio.shield(self.asked[key])

    async def close(self, patience: float | None) -> None:
        """Send nothing more; wait for what was sent, which is paid for, and keep it."""
        self.stopped = self.stopped or ChatError("stopped")
        tasks = list(self.asked.values())
        for task in tasks:
            if task not in self.sent:
                task.cancel()
        if self.sent:
            await asyncio.wait(list(self.sent), timeout=patience)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.transport is not None:
            await self.transport.close()

    async def _fetch(self, call: Call, key: str) -> Stored:
        this = asyncio.current_task()
        assert this is not None
        while True:
            await self.limiter.acquire()
            began = time.monotonic()
            self.sent.add(this)
            try:
                if self.stopped:
                    raise self.stopped
                await self._prepare()
                if stored := await self._paid(call, key):
                    return stored
            except NotNow as failure:
                if failure.own or self.limiter.last_success <= began:  # nobody else was answered either
                    raise self._stop(failure.error) from None
            except ChatError as error:
                raise self._stop(error) from None
            finally:
                self.sent.discard(this)
                await self.limiter.release()
            if self.purse.under_way:
                self.settled.clear()
                await self.settled.wait()

    def _stop(self, error: ChatError) -> ChatError:
        self.stopped = self.stopped or error
        self.limiter.dissolve()
        return error

    async def _prepare(self) -> None:
        async with self.probing:
            self.transport = self.transport or self.client.transport(self.limiter)
            self.capability = self.capability or await find_capability(self.client, self.transport)

    async def _paid(self, call: Call, key: str) -> Stored | None:
        """Send a call and keep its answer and price. None where the budget has no room before others are settled."""
        bound = call.prompt_bound(), call.max_tokens
        if not self.purse.take(*bound):
            if not self.purse.under_way:
                raise self.purse.refusal(*bound)
            return None
        paid = None
        try:
            row = self.cache.begin(self.client.budget.run, *bound)
            stored = await self._send(call, key, row)
            paid = stored.prompt_tokens, stored.completion_tokens
            return stored
        finally:
            self.purse.settle(bound, paid)
            self.settled.set()

    async def _send(self, call: Call, key: str, row: int) -> Stored:
        assert self.transport is not None
        model = self.client.endpoint.model
        try:
            text = await self._post_in_form(call)
        except Unanswerable as refusal:
            stored = Stored(None, model, 0, 0, str(refusal))
            self.cache.give_up(row, key, model, str(refusal))
            return stored
        except NotNow as failure:
            self.cache.forget_call(row)
            if not failure.own or not await self._works():
                raise
            # The server works, and fails on this call alone: kept, so that a build can end and ends alike each time.
            self.cache.give_up(row, key, model, failure.error.what)
            return Stored(None, model, 0, 0, failure.error.what)
        except BaseException:
            self.cache.forget_call(row)
            raise
        self.client.events["calls answered"] += 1
        stored = stored_response(text, model)
        self.cache.settle(row, key, stored)
        return stored

    async def _post_in_form(self, call: Call) -> str:
        """Post a call; where its form is refused, try the lower ones, and keep to the one that works."""
        assert self.transport is not None and self.capability is not None
        endpoint = self.client.endpoint
        form, limit_name = self.capability
        for lower in FORMS[FORMS.index(form) :]:
            try:
                text = await self.transport.post(body_of(call, endpoint, lower, limit_name))
            except Unanswerable:
                if lower == FORMS[-1] or self.stopped:
                    raise
                continue
            if lower != form:
                self.capability = lower, limit_name
                self.cache.set_capability(endpoint.base_url, endpoint.model, *self.capability)
            return text
        raise AssertionError("the last form either answers or raises")

    async def _works(self) -> bool:
        """Whether the server answers something else."""
        assert self.transport is not None and self.capability is not None
        try:
            await self.transport.post(body_of(_PROBE, self.client.endpoint, *self.capability))
        except (NotNow, Unanswerable):
            return False
        return True


async def find_capability(client: "ChatClient", transport: Transport) -> Capability:
    """How the server is asked for JSON: from the cache, or tried with a small call and kept.

    A form is passed over where the server refuses it, or takes it and answers something else than JSON.

    Raises:
        ChatError: it takes no form, or can't be asked at all.
    """
    endpoint, cache = client.endpoint, client.cache
    known = cache.capability(endpoint.base_url, endpoint.model)
    if known is not None:
        return known
    forms, limit_name = list(FORMS), LIMIT_NAMES[0]
    bound = _PROBE.prompt_bound(), _PROBE.max_tokens
    while forms:
        if client.purse.passed(*bound):
            raise client.purse.refusal(*bound)
        row = cache.begin(client.budget.run, *bound)
        try:
            text = await transport.post(body_of(_PROBE, endpoint, forms[0], limit_name))
        except Unanswerable as refusal:
            cache.forget_call(row)
            if LIMIT_NAMES[1] in str(refusal) and limit_name == LIMIT_NAMES[0]:
                limit_name = LIMIT_NAMES[1]
            elif len(forms) == 1:
                raise ChatError(str(refusal), where=endpoint.base_url, hint="Check --model and --base-url.") from None
            else:
                forms.pop(0)
            continue
        except BaseException as failure:
            cache.forget_call(row)
            raise (failure.error if isinstance(failure, NotNow) else failure) from None
        stored = stored_response(text, endpoint.model)
        cache.settle(row, _PROBE.key(endpoint.base_url, endpoint.model, {"form": forms[0]}), stored)
        client.purse.pay(stored.prompt_tokens, stored.completion_tokens)
        if len(forms) == 1 or _heeds(text):
            break
        forms.pop(0)
    cache.set_capability(endpoint.base_url, endpoint.model, forms[0], limit_name)
    return forms[0], limit_name


def _heeds(response: str) -> bool:
    """Whether a server that took a form keeps to it; an answer that was cut or refused does not tell."""
    content, kind, _ = read_content(response)
    if kind in ("truncated", "refused"):
        return True
    answer, problem = parse_answer(content)
    return not problem and not schema_problems(_PROBE.schema, answer)


def stored_response(text: str, model: str) -> Stored:
    """A response in the form of the cache, with what it says of its model and tokens."""
    response = json.loads(text)
    usage = response.get("usage") if isinstance(response.get("usage"), dict) else {}
    prompt, completion = (
        n if isinstance(n := usage.get(name), int) and n >= 0 else 0 for name in ("prompt_tokens", "completion_tokens")
    )
    reported = str(response.get("model") or model)
    if PurePosixPath(reported).is_absolute() or PureWindowsPath(reported).is_absolute():
        reported = PureWindowsPath(reported).name  # local servers name a file: its folder is nobody's business
    return Stored(text, reported, prompt, completion)
