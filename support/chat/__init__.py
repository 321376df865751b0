"""A cached client for OpenAI-compatible servers: many requests to a language model, within a budget.

One request is a conversation (:class:`Request`): the answer is JSON of a given schema, a check of the caller's own may
send it back with what is wrong, and every answer is kept in an SQLite file, so that asking again costs nothing and
gives the same. :class:`ChatClient` asks; :class:`Budget` limits what is spent.

>>> client = ChatClient("http://localhost:8000/v1", "model", cache=Path("chat.sqlite3"))      # doctest: +SKIP
>>> for outcome in client.ask_all(requests):                                                  # doctest: +SKIP
...     print(outcome.request.id, outcome.answer, outcome.problems)
"""

from fiubench.support.chat.batch import Batches as Batches
from fiubench.support.chat.budget import Budget as Budget
from fiubench.support.chat.budget import Price as Price
from fiubench.support.chat.budget import read_prices as read_prices
from fiubench.support.chat.cache import ChatCache as ChatCache
from fiubench.support.chat.cache import default_cache as default_cache
from fiubench.support.chat.client import ChatClient as ChatClient
from fiubench.support.chat.client import Estimate as Estimate
from fiubench.support.chat.conversation import Outcome as Outcome
from fiubench.support.chat.conversation import Request as Request
from fiubench.support.chat.errors import BudgetReached as BudgetReached
from fiubench.support.chat.errors import ChatError as ChatError
from fiubench.support.chat.limits import Limits as Limits
