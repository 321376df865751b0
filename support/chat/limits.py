"""Settings of how a model is asked, and of how much."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiubench.support.chat.budget import Budget, read_prices
from fiubench.support.chat.cache import default_cache
from fiubench.support.chat.client import ChatClient
from fiubench.support.settings import Annotated, Field, Flag, Settings

PANEL = "Language model"
_CACHE = Flag(PANEL, metavar="FILE", default="fiubench/chat.sqlite3 in the user's cache folder")


class Limits(Settings):
    """How a model is asked; nothing here decides what a dataset holds."""

    max_calls: Annotated[int | None, Field(ge=0), Flag(PANEL, metavar="N")] = None
    """Stop before more calls than this, those of interrupted runs included."""
    max_tokens: Annotated[int | None, Field(ge=0), Flag(PANEL, metavar="N")] = None
    """Stop before more tokens than this, of prompts and answers together."""
    max_cost: Annotated[float | None, Field(ge=0), Flag(PANEL, metavar="AMOUNT")] = None
    """Stop before the calls cost more than this; needs --prices."""
    prices: Annotated[Path | None, Field(strict=False), Flag(PANEL, metavar="FILE")] = None
    """YAML table with the prices of your models (docs/llm.md shows one)."""
    concurrency: Annotated[int, Field(ge=1, le=1024), Flag(PANEL, metavar="N")] = 16
    """Most calls to the model that are under way at once."""
    timeout: Annotated[float, Field(ge=0.1), Flag(PANEL, metavar="SECONDS")] = 120.0
    """Seconds to wait for an answer of the model."""
    cache: Annotated[Path | None, Field(strict=False), _CACHE] = None
    """SQLite file in which the model's answers are kept."""
    key_env: Annotated[str, Flag(PANEL, metavar="NAME")] = "OPENAI_API_KEY"
    """Environment variable that holds the API key."""
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
