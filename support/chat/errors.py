"""Errors that stop a run of requests to a model. Everything that was answered before is kept."""

from fiubench.support.errors import FiubenchError


class ChatError(FiubenchError):
    """The server can't be asked on: refused key, unknown model, no connection, or a broken cache."""


class BudgetReached(ChatError):
    """The next call could exceed ``max_calls``, ``max_tokens`` or ``max_cost``."""


class NoAnswer(ChatError):
    """The server did not answer a call after every retry; it may still answer others.

    Args:
        own: the server failed by itself (5xx, an unreadable response), perhaps on this call alone; otherwise it could
            not be reached, was too slow or asked for fewer calls.
    """

    def __init__(self, what: str, *, where: object, hint: str, own: bool) -> None:
        super().__init__(what, where=where, hint=hint)
        self.own = own


class Unanswerable(Exception):
    """The server refuses this very call (400, 422), whatever else it answers.

    Args:
        what: its message.
        param: the parameter that it says it means, or nothing.
    """

    def __init__(self, what: str, param: str = "") -> None:
        super().__init__(what)
        self.what, self.param = what, param
