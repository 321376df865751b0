"""The client: many requests, answered in their order, from the cache where it can, within a budget."""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fiubench.support.chat.budget import Budget, Spending
from fiubench.support.chat.cache import ChatCache
from fiubench.support.chat.capability import Capability
from fiubench.support.chat.conversation import Call, Outcome, Request, converse
from fiubench.support.chat.errors import ChatError
from fiubench.support.chat.report import Report
from fiubench.support.chat.server import MOST_TOKENS, Server, check_url, read_key
from fiubench.support.chat.session import Conduct, Session

_WINDOW = 4  # requests held at once, per call that may be under way
_GRACE = 1.5  # seconds that calls under way get when the caller goes away

Submit = Callable[[Coroutine[Any, Any, Any]], Future[Any]]


@dataclass(frozen=True)
class Estimate:
    """What is still to be asked if every answer is accepted; tokens are a rough guess (four characters each)."""

    calls: int
    cached: int  # requests that need none
    prompt_tokens: int
    completion_tokens: int


class ChatClient:
    """Asks one model on one OpenAI-compatible server.

    Args:
        base_url: the server, for example ``http://localhost:8000/v1``.
        model: name of the model.
        cache: SQLite file of answers, or an open :class:`ChatCache`; None keeps them in memory.
        sampling: parameters sent with every call, for example ``{"temperature": 0.7}``. A temperature that the server
            refuses is left out; a refusal of anything else stops the run.
        key_env, concurrency, max_rejections, retry_failed, budget, timeout, retries, max_output_tokens: see
            :class:`~fiubench.support.chat.limits.Limits`. The key is read from nowhere else, and written nowhere.

    Raises:
        ConfigError: not a URL, or one that would send the key in clear text.
        ChatError: the cache can't be opened.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key_env: str = "OPENAI_API_KEY",
        cache: Path | ChatCache | None = None,
        concurrency: int = Conduct.concurrency,
        max_rejections: int = Conduct.max_rejections,
        retry_failed: bool = Conduct.retry_failed,
        budget: Budget | None = None,
        sampling: Mapping[str, Any] = MappingProxyType({}),
        timeout: float = 120.0,
        retries: int = 6,
        max_output_tokens: int = MOST_TOKENS,
    ) -> None:
        key = read_key(base_url, key_env)
        self.server = Server(check_url(base_url, key), model, sampling, timeout, retries, key, max_output_tokens)
        self.conduct = Conduct(concurrency, max_rejections, retry_failed)
        self.cache = cache if isinstance(cache, ChatCache) else ChatCache(cache)
        self.budget = budget or Budget()
        #: The running total of this run and those it resumes; ``str`` shows it to people.
        self.spending = Spending(self.budget, self.cache)
        #: What people are told of this run.
        self.report = Report()

    @property
    def events(self) -> Counter[str]:
        """Request statistics, for people: requests, answers of each kind, calls, retries."""
        return self.report.events

    def close(self) -> None:
        """Close the cache."""
        self.cache.close()

    def ask(self, request: Request) -> Outcome:
        """The outcome of one request (see :meth:`ask_all`)."""
        (outcome,) = self.ask_all([request])
        return outcome

    def ask_all(self, requests: Iterable[Request]) -> Iterator[Outcome]:
        """The outcome of each request, in order, as soon as it and those before it are there.

        Requests are drawn as they are needed: a few per call under way are held at a time, however many there are.
        They are asked, and their answers checked, in a thread of their own. Where everything is in the cache, nothing
        is sent.

        Raises:
            ChatError: the server can't be asked on, or the budget is used up. Calls under way are waited for and
                kept; what was answered is not asked again by the next run.
        """
        with self._session() as (session, submit):
            window: deque[Future[Outcome]] = deque()
            for request in requests:
                window.append(submit(session.outcome(request)))
                while window and (window[0].done() or len(window) >= self.conduct.concurrency * _WINDOW):
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()

    @contextmanager
    def _session(self) -> Iterator[tuple[Session, Submit]]:
        """A session in an event loop in a thread of its own, so that a caller may have a loop (a notebook does)."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="fiubench-chat", daemon=True)
        thread.start()
        session = Session(self.server, self.cache, self.spending, self.conduct, self.report)
        submit: Submit = partial(asyncio.run_coroutine_threadsafe, loop=loop)
        patience = _GRACE
        try:
            yield session, submit
        except ChatError:
            patience = self.server.timeout
            raise
        finally:
            submit(session.close(patience)).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def capability(self) -> Capability:
        """How this server is asked: the form of JSON, and what else it does not take. Tried once, then kept.

        Raises:
            ChatError: the server can't be asked.
        """
        with self._session() as (session, submit):
            found: Capability = submit(session.capability()).result()
        return found

    def missing(self, request: Request) -> Call | None:
        """The next call that a request needs and the cache does not have; None if it has all.

        The request's check is used up by this: make a new request to ask it.
        """
        conversation = converse(request)
        call = next(conversation)
        while stored := self.cache.get(self.server.key_of(call)):
            try:
                call = conversation.send(stored)
            except StopIteration:
                return None
        return call if not call.further or self.conduct.retry_failed else None

    def estimate(self, requests: Iterable[Request], answer_tokens: int) -> Estimate:
        """What asking them would take, counted against the cache; ``answer_tokens`` is a guess of one answer's."""
        cached, prompts = 0, []
        for request in requests:
            if call := self.missing(request):
                tokens = sum(len(message["content"]) for message in call.messages) // 4 + 8
                prompts += [tokens] * request.needed()
            else:
                cached += 1
        return Estimate(len(prompts), cached, sum(prompts), len(prompts) * answer_tokens)
