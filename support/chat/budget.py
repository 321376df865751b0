"""How much a run may spend, and price tables for costs in money. Limits hold across resumes (see the cache)."""

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fiubench.support.chat.cache import ChatCache
from fiubench.support.errors import ConfigError, did_you_mean
from fiubench.support.yaml_file import load_yaml

_MILLION = 1_000_000
HINT = "What was answered is kept: run it again with a higher limit, and nothing is paid twice."


@dataclass(frozen=True)
class Price:
    """Price of a model: money per million tokens, as of a day."""

    input: float
    output: float
    currency: str
    as_of: str
    batch: float = 0.5  # what a batch costs of it

    def cost(self, prompt_tokens: int, completion_tokens: int, discount: float = 1.0) -> float:
        """Cost of so many tokens."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / _MILLION * discount


def read_prices(path: Path, model: str) -> Price:
    """A model's price from a YAML table of the user's own.

    The table: ``as_of: 2026-11-01``, ``currency: USD``, ``models: {NAME: {input: 0.15, output: 0.6, batch: 0.5}}``,
    prices per million tokens; ``batch`` is what a batch costs of the price (default 0.5).

    Raises:
        ConfigError: not such a table, or the model is not in it.
    """
    table = load_yaml(path, ConfigError)
    hint = "It has `as_of: YYYY-MM-DD`, `currency` and `models: {NAME: {input: .., output: ..}}` (per million tokens)."
    if not isinstance(table, dict) or not isinstance(table.get("models"), dict):
        raise ConfigError("is not a price table", where=path, hint=hint)
    if unknown := sorted(set(table) - {"as_of", "currency", "models"}):
        raise ConfigError(f"unknown key {unknown[0]!r}", where=path, hint=hint)
    try:
        as_of = date.fromisoformat(str(table["as_of"])).isoformat()
    except (KeyError, ValueError):
        raise ConfigError("`as_of` is missing or not a date", where=path, hint=hint) from None
    if not isinstance(currency := table.get("currency"), str):
        raise ConfigError("has no `currency`", where=path, hint=hint)
    if model not in table["models"]:
        raise ConfigError(f"no price of model {model!r}", where=path, hint=did_you_mean(model, table["models"]))
    entry = table["models"][model]
    fine = isinstance(entry, dict) and {"input", "output"} <= set(entry) <= {"input", "output", "batch"}
    if not fine or not all(_is_price(value) for value in entry.values()):
        raise ConfigError(f"{model}: is not {{input: number, output: number}}", where=path, hint=hint)
    return Price(float(entry["input"]), float(entry["output"]), currency, as_of, float(entry.get("batch", 0.5)))


def _is_price(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


@dataclass(frozen=True)
class Budget:
    """Upper limits of a run; None is no limit. ``max_cost`` needs a price.

    A call is only sent where its upper bound (every prompt token that its text can have, and the most tokens that the
    answer may take) still fits, so that the limits are never exceeded.
    """

    run: str = "default"  # one that is resumed under its name goes on with what is left
    max_calls: int | None = None
    max_tokens: int | None = None  # of prompts and answers together
    max_cost: float | None = None  # in the price's currency
    price: Price | None = None

    def __post_init__(self) -> None:
        if self.max_cost is not None and self.price is None:
            raise ConfigError("a limit in money needs prices", where="--max-cost", hint="Name a table with --prices.")


class Spending:
    """What a run has spent, upper bounds of the calls under way included."""

    def __init__(self, budget: Budget, cache: ChatCache) -> None:
        self.budget = budget
        self.calls = self.tokens = 0
        self.cost = 0.0
        for calls, prompt, completion, discount in cache.spent(budget.run):
            self.add(prompt, completion, calls, discount)

    def add(self, prompt: int, completion: int, calls: int = 1, discount: float = 1.0) -> None:
        """Count calls with all their tokens."""
        self.calls += calls
        self.tokens += prompt + completion
        if self.budget.price is not None:
            self.cost += self.budget.price.cost(prompt, completion, discount)

    def reached(self, prompt: int, completion: int, calls: int = 1, discount: float = 1.0) -> str:
        """Which limit so much more could exceed, in words; empty where there is room."""
        limits, price = self.budget, self.budget.price
        if limits.max_calls is not None and self.calls + calls > limits.max_calls:
            return f"the limit of {limits.max_calls} calls is reached ({self})"
        if limits.max_tokens is not None and self.tokens + prompt + completion > limits.max_tokens:
            return f"the next call could exceed the limit of {limits.max_tokens} tokens ({self})"
        if limits.max_cost is not None and price is not None:
            more = price.cost(prompt, completion, discount)
            if self.cost + more > limits.max_cost + 1e-9:
                return f"the next call could exceed the limit of {limits.max_cost:g} {price.currency} ({self})"
        return ""

    def __str__(self) -> str:
        """The running total: "120 calls, 80,312 tokens, 0.02 USD"."""
        text = f"{self.calls:,} {'call' if self.calls == 1 else 'calls'}, {self.tokens:,} tokens"
        price = self.budget.price
        return text if price is None else f"{text}, {self.cost:.4f} {price.currency}"
