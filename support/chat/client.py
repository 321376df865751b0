"""The client: many requests, answered in their order, from the cache where it can, within a budget."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fiubench.support.chat.budget import Budget, Purse
from fiubench.support.chat.cache import ChatCache
from fiubench.support.chat.conversation import Call, Outcome, Request, converse
from fiubench.support.chat.limiter import Limiter
from fiubench.support.chat.run import Run, find_capability
from fiubench.support.chat.transport import Endpoint, Transport, check_url, headers_for, import_openai, read_key, scrub


@dataclass(frozen=True)
class Estimate:
    """What is still to be asked: next attempts alone, tokens as a rough guess (four characters each)."""

    calls: int
    cached: int
    prompt_tokens: int
    completion_tokens: int


class ChatClient:
    """Asks one model on one OpenAI-compatible server.

    Args:
        base_url: the server, for example ``http://localhost:8000/v1``.
        model: name of the model.
        key_env: environment variable that holds the API key. It is read from nowhere else, and written nowhere.
        cache: SQLite file of answers, or an open :class:`ChatCache`; None keeps them in memory.
        concurrency: most calls under way at once; fewer when the server asks for it.
        budget: limits.
        sampling: parameters sent with every call, for example ``{"temperature": 0.7}``.
        timeout: seconds to wait for an answer.
        retries: of ``openai``'s own retry layer (429, 5xx, lost connections), which waits as Retry-After says.

    Raises:
        ConfigError: a URL that is none, or that would make the key travel in clear text.
        ChatError: the cache can't be opened.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        key_env: str = "OPENAI_API_KEY",
        cache: Path | ChatCache | None = None,
        concurrency: int = 16,
        budget: Budget | None = None,
        sampling: Mapping[str, Any] = MappingProxyType({}),
        timeout: float = 120.0,
        retries: int = 6,
    ) -> None:
        self._key = read_key(base_url, key_env)
        self.endpoint = Endpoint(check_url(base_url, self._key), model, sampling, timeout, retries)
        self.concurrency = concurrency
        self.budget = budget or Budget()
        self.cache = cache if isinstance(cache, ChatCache) else ChatCache(cache)
        #: What happened, for people: answers of each kind, calls that were made, what went wrong at the wire.
        self.events: Counter[str] = Counter()
        self.purse = Purse(self.budget, self.cache)

    def close(self) -> None:
        """Close the cache."""
        self.cache.close()

    def spent(self) -> str:
        """The running total of this run and those it resumes, for people."""
        return self.purse.told()

    def ask(self, request: Request) -> Outcome:
        """One request. See :meth:`ask_all`."""
        return next(self.ask_all([request]))

    def ask_all(self, requests: Iterable[Request]) -> Iterator[Outcome]:
        """The outcome of each request, in order, as soon as it and those before it are there.

        Requests are taken as they are needed: a few per slot are held at a time, however many there are. They are
        drawn, checked and asked in a thread of their own. Where everything is in the cache, nothing is sent.

        Raises:
            ChatError: the server can't be asked on, or the budget is used up. Calls under way are waited for and
                kept; what was answered is not asked again by the next run.
        """
        return Run(self, iter(requests)).outcomes()

    def transport(self, limiter: Limiter) -> Transport:
        """A connection to the server, for one event loop."""
        return Transport(self.endpoint, self._key, limiter, self.events)

    def capability(self) -> tuple[str, str]:
        """How this server is asked for JSON: the form, and the name of the token limit. Tried once, then kept.

        Raises:
            ChatError: the server can't be asked.
        """

        async def find() -> tuple[str, str]:
            transport = self.transport(Limiter(1))
            try:
                return await find_capability(self, transport)
            finally:
                await transport.close()

        known = self.cache.capability(self.endpoint.base_url, self.endpoint.model)
        return known or asyncio.run(find())

    def sync_openai(self) -> Any:
        """openai's synchronous client for the same server, for what is not a chat completion."""
        openai = import_openai()
        return openai.OpenAI(
            base_url=self.endpoint.base_url,
            api_key=self._key or "none",
            max_retries=self.endpoint.retries,
            timeout=self.endpoint.timeout,
            default_headers=headers_for(openai, self.endpoint.base_url),
        )

    def scrub(self, text: str) -> str:
        """A text without the key, which a server may repeat."""
        return scrub(text, self._key)

    def missing(self, request: Request) -> tuple[Call | None, Outcome | None]:
        """The next call that a request needs and the cache does not have; or its outcome, if it has all.

        The request's check is used up by this: make a new request to ask it.
        """
        conversation = converse(request)
        call = next(conversation)
        while True:
            stored = self.cache.get(self.key_of(call))
            if stored is None:
                return call, None
            try:
                call = conversation.send(stored)
            except StopIteration as end:
                return None, end.value

    def estimate(self, requests: Iterable[Request], answer_tokens: int) -> Estimate:
        """What asking them would take, counted against the cache, without a call.

        Args:
            requests: what would be asked.
            answer_tokens: a guess of the tokens of one answer.
        """
        calls = cached = prompt = 0
        for request in requests:
            call, _ = self.missing(request)
            if call is None:
                cached += 1
                continue
            calls += 1
            prompt += sum(len(message["content"]) for message in call.messages) // 4 + 8
        return Estimate(calls, cached, prompt, calls * answer_tokens)

    def key_of(self, call: Call) -> str:
        """Key of a call in the cache."""
        return call.key(self.endpoint.base_url, self.endpoint.model, self.endpoint.sampling)
