"""What stops a run of questions to a model. Everything that was answered before is kept."""

from fiubench.support.errors import FiubenchError


class ChatError(FiubenchError):
    """The server can't be asked on: refused key, unknown model, no connection, or a broken cache."""


class BudgetReached(ChatError):
    """The next call could pass ``max_calls``, ``max_tokens`` or ``max_cost``."""
