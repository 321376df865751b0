"""Asking a model for a build or a pack: the client with its limits, and what `--qa llm` does before parts are made."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiubench.builder.config import Config
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.phrasings.gate import Checks, Subject
from fiubench.builder.phrasings.paraphrasing import TYPICAL_TOKENS, Paraphraser, digest
from fiubench.support.canonical import canonical_line
from fiubench.support.chat import Budget, ChatClient, Estimate, Request, default_cache, read_prices
from fiubench.support.files import atomic_writer
from fiubench.support.progress import Progress

if TYPE_CHECKING:
    from fiubench.builder.generation.inputs import Inputs

_SLICE = 20  # identities that are made at a time, between calls


@dataclass(frozen=True)
class Limits:
    """How a model is asked; nothing here decides what a dataset holds.

    Args:
        cache: file of answers; by default one in the user's cache folder.
        key_env: environment variable with the API key.
        concurrency: most calls under way at once.
        max_calls, max_tokens, max_cost: the most that a build may take, all its resumed runs together.
        prices: price table, for costs.
        timeout: seconds to wait for an answer.
        retries: how often a call is sent again that failed on the way.
    """

    cache: Path | None = None
    key_env: str = "OPENAI_API_KEY"
    concurrency: int = 16
    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    prices: Path | None = None
    timeout: float = 120.0
    retries: int = 6

    def client(self, base_url: str, model: str, sampling: Mapping[str, Any], run: str) -> ChatClient:
        """A client for one run.

        Raises:
            FiubenchError: a URL, key, price table or cache that can't be used.
        """
        price = None if self.prices is None else read_prices(self.prices, model)
        return ChatClient(
            base_url,
            model,
            key_env=self.key_env,
            cache=self.cache or default_cache(),
            concurrency=self.concurrency,
            budget=Budget(run, self.max_calls, self.max_tokens, self.max_cost, price),
            sampling=sampling,
            timeout=self.timeout,
            retries=self.retries,
        )


def sampling_of(config: Config) -> dict[str, Any]:
    """Parameters that go with every call of a build."""
    return {"temperature": config.temperature}


class ParaphraseJob:
    """What `--qa llm` asks for one build: made into wordings, counted, or sent as a batch."""

    def __init__(self, inputs: "Inputs", limits: Limits) -> None:
        self.config = config = inputs.config
        self.plan = inputs.plan()
        self.maker = IdentityMaker(self.plan, inputs.attributes)
        asked = self.maker.profiles.asked
        reference = self.maker.profiles.reference
        checks = Checks(Subject(a, tuple(dict.fromkeys(reference[a.name].text))) for a in asked)
        self.paraphraser = Paraphraser(asked, checks, config.seed)
        self.client = limits.client(config.base_url, config.model, sampling_of(config), inputs.fingerprint())

    def requests(self) -> Iterator[Request]:
        """Every request, identities in order."""
        return self.paraphraser.requests(self._records())

    def _records(self) -> Iterator[dict[str, Any]]:
        for start in range(0, self.plan.size, _SLICE):
            yield from self.maker.make(start, min(start + _SLICE, self.plan.size))

    def write(self, path: Path, progress: Progress | None = None) -> dict[str, Any]:
        """Ask, and write ``wordings.jsonl``; what a manifest tells of it.

        Raises:
            ChatError: the server can't be asked on or a limit is reached; what was answered is in the cache.
        """
        with atomic_writer(path) as file:
            for line in self.paraphraser.lines(self.client.ask_all(self.requests())):
                file.write(canonical_line(line))
                if progress:
                    progress(f"Wording: {self.client.spent()}", line["index"] + 1, self.plan.size)
        tally = self.paraphraser.tally()
        return {
            "model": self.config.model,
            "server_models": list(tally.models),
            "base_url": self.config.base_url,
            "prompt_sha256": digest(),
            "sampling": sampling_of(self.config),
            "attempts": tally.attempts,
            "tokens": {"prompt": tally.prompt_tokens, "completion": tally.completion_tokens},
            "counts": dict(tally.counts),
        }

    def estimate(self) -> Estimate:
        """What is still to be asked; makes no call."""
        per_call = sum(map(len, self.paraphraser.groups)) * TYPICAL_TOKENS // len(self.paraphraser.groups)
        return self.client.estimate(self.requests(), per_call)
