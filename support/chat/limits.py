"""Settings of how a model is asked, and of how much."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fiubench.support.chat.budget import Budget, read_prices
from fiubench.support.chat.cache import default_cache
from fiubench.support.chat.client import ChatClient
from fiubench.support.chat.server import MOST_TOKENS
from fiubench.support.chat.session import Conduct
from fiubench.support.settings import Annotated, Field, Flag, Settings
from pydantic import BeforeValidator, field_validator

PANEL = "Language model"
_NONE = "no limit"
#: What calls are made of: no option may set it.
_OURS = {"model", "messages", "stream", "n", "seed", "response_format", "max_tokens", "max_completion_tokens"}
_JSON = Flag(PANEL, metavar="JSON")
_CACHE = Flag(PANEL, metavar="FILE", default="fiubench/chat.sqlite3 in the user's cache folder")


def _read_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from None


class Limits(Settings):
    """How a model is asked and how much it may take; what is asked is no part of it."""

    max_calls: Annotated[int | None, Field(ge=0), Flag(PANEL, metavar="N", default=_NONE)] = None
    """Stop before more than N calls are made; those of interrupted runs count."""
    max_tokens: Annotated[int | None, Field(ge=0), Flag(PANEL, metavar="N", default=_NONE)] = None
    """Stop before more than N tokens are used, of prompts and answers together."""
    max_cost: Annotated[float | None, Field(ge=0), Flag(PANEL, metavar="AMOUNT", default=_NONE)] = None
    """Stop before the calls cost more than AMOUNT, in the currency of the table that --prices names."""
    prices: Annotated[Path | None, Field(strict=False), Flag(PANEL, metavar="FILE")] = None
    """Compute what calls cost from this YAML table of prices (docs/llm.md shows one)."""
    max_output_tokens: Annotated[int, Field(ge=16), Flag(PANEL, metavar="N")] = MOST_TOKENS
    """Let one answer take at most N tokens, the model's reasoning included."""
    max_rejections: Annotated[int, Field(ge=1), Flag(PANEL, metavar="N")] = Conduct.max_rejections
    """Stop after N answers in a row of which nothing could be used."""
    retry_failed: Annotated[bool, Flag(PANEL)] = False
    """Ask again, at most twice more each, for what no answer could be used for; all else comes from the cache."""
    min_usable: Annotated[float, Field(ge=0, le=1), Flag(PANEL, metavar="P")] = 0.5
    """Say why and exit with code 1 where a smaller share than this of what was asked for could be used."""
    reasoning_effort: Annotated[str, Flag(PANEL, metavar="LEVEL", default="the server's own")] = ""
    """Let a reasoning model think this much; most know none, minimal, low, medium and high."""
    extra_body: Annotated[Mapping[str, Any], BeforeValidator(_read_json), _JSON] = Field(default_factory=dict)
    """Send this JSON object with every call, as parameters that the server documents; for example
    {"chat_template_kwargs": {"enable_thinking": false}}."""
    concurrency: Annotated[int, Field(ge=1, le=1024), Flag(PANEL, metavar="N")] = Conduct.concurrency
    """Keep at most N calls to the model under way at the same time."""
    timeout: Annotated[float, Field(ge=0.1), Flag(PANEL, metavar="SECONDS")] = 120.0
    """Wait this many seconds for an answer of the model, then send the call again."""
    cache: Annotated[Path | None, Field(strict=False), _CACHE] = None
    """Keep the model's answers in this SQLite file, so that no call is paid for twice."""
    key_env: Annotated[str, Flag(PANEL, metavar="NAME")] = "OPENAI_API_KEY"
    """Read the API key from the environment variable of this name."""
    retries: Annotated[int, Field(ge=0, description="How often a call that failed is sent again.")] = 6

    @field_validator("extra_body")
    @classmethod
    def _not_ours(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        if taken := sorted(_OURS & set(value)):
            raise ValueError(f"may not set {taken[0]!r}, which every call has by itself")
        return value

    def client(self, base_url: str, model: str, sampling: Mapping[str, Any], run: str) -> ChatClient:
        """A client for one run.

        Raises:
            FiubenchError: a URL, key, price table or cache that can't be used.
        """
        effort = {"reasoning_effort": self.reasoning_effort} if self.reasoning_effort else {}
        price = None if self.prices is None else read_prices(self.prices, model)
        return ChatClient(
            base_url,
            model,
            key_env=self.key_env,
            cache=self.cache or default_cache(),
            concurrency=self.concurrency,
            max_rejections=self.max_rejections,
            retry_failed=self.retry_failed,
            budget=Budget(run, self.max_calls, self.max_tokens, self.max_cost, price),
            sampling={**sampling, **effort, **self.extra_body},
            timeout=self.timeout,
            retries=self.retries,
            max_output_tokens=self.max_output_tokens,
        )
