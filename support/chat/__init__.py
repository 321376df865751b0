"""A cached client for OpenAI-compatible servers: many requests to a language model, within a budget.

One request is a conversation (:class:`Request`): the answer is JSON of a given schema, a check of the caller's own may
send it back with what is wrong, and every answer is kept in an SQLite file, so that asking again costs nothing and
gives the same. :class:`ChatClient` asks; :class:`Budget` limits what is spent.

>>> client = ChatClient("http://localhost:8000/v1", "model", cache=Path("chat.sqlite3"))      # doctest: +SKIP
>>> for outcome in client.ask_all(requests):                                                  # doctest: +SKIP
...     print(outcome.request.id, outcome.answer, outcome.problems)
"""

from fiubench.support.chat.batch import Batches
from fiubench.support.chat.budget import Budget, Price, read_prices
from fiubench.support.chat.cache import ChatCache, default_cache
from fiubench.support.chat.client import ChatClient, Estimate
from fiubench.support.chat.conversation import Outcome, Request
from fiubench.support.chat.errors import BudgetReached, ChatError
from fiubench.support.chat.limits import Limits

__all__ = [
    "Batches",
    "Budget",
    "BudgetReached",
    "ChatCache",
    "ChatClient",
    "ChatError",
    "Estimate",
    "Limits",
    "Outcome",
    "Price",
    "Request",
    "default_cache",
    "read_prices",
]
