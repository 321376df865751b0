"""Settings of how a model is asked, and of how much."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiubench.support.chat.budget import Budget, read_prices
from fiubench.support.chat.cache import default_cache
from fiubench.support.chat.client import ChatClient
from fiubench.support.settings import Annotated, Field, Flag, Settings

PANEL = "Language model"
_NONE = "no limit"
_CACHE = Flag(PANEL, metavar="FILE", default="fiubench/chat.sqlite3 in the user's cache folder")


class Limits(Settings):
    """How a model is asked; nothing here decides what a dataset holds."""

    max_calls: Annotated[int | None, Field(ge=0), Flag(PANEL, metavar="N", default=_NONE)] = None
    """Stop before more than N calls are made; those of interrupted runs count."""
    max_tokens: Annotated[int | None, Field(ge=0), Flag(PANEL, metavar="N", default=_NONE)] = None
    """Stop before more than N tokens are used, of prompts and answers together."""
    max_cost: Annotated[float | None, Field(ge=0), Flag(PANEL, metavar="AMOUNT", default=_NONE)] = None
    """Stop before the calls cost more than AMOUNT, in the currency of the table that --prices names."""
    prices: Annotated[Path | None, Field(strict=False), Flag(PANEL, metavar="FILE")] = None
    """Compute what calls cost from this YAML table of prices (docs/llm.md shows one)."""
    concurrency: Annotated[int, Field(ge=1, le=1024), Flag(PANEL, metavar="N")] = 16
    """Keep at most N calls to the model under way at the same time."""
    timeout: Annotated[float, Field(ge=0.1), Flag(PANEL, metavar="SECONDS")] = 120.0
    """Wait this many seconds for an answer of the model, then send the call again."""
    cache: Annotated[Path | None, Field(strict=False), _CACHE] = None
    """Keep the model's answers in this SQLite file, so that no call is paid for twice."""
    key_env: Annotated[str, Flag(PANEL, metavar="NAME")] = "OPENAI_API_KEY"
    """Read the API key from the environment variable of this name."""
    retries: Annotated[int, Field(ge=0, description="How often a call that failed is sent again.")] = 6

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
