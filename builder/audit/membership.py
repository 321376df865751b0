"""Who guesses are learned on and applied to: the retain set and the largest forget set."""

from collections.abc import Mapping
from dataclasses import dataclass

FORGET, RETAIN, OUTSIDE = 1, 0, 2
_EVERY = 10  # without splits, every tenth person is set aside


@dataclass(frozen=True)
class Membership:
    """Which side each person is on.

    Attributes:
        learned, applied: what the two sides are, in words.
        forget: ids of the larger forget set; ``None`` where every tenth person is taken instead.
        outside: ids that are on neither side (the holdout, other forget sets).
    """

    learned: str
    applied: str
    forget: frozenset[str] | None
    outside: frozenset[str]

    @property
    def has_splits(self) -> bool:
        """Whether the dataset has forget sets of its own."""
        return self.forget is not None

    def side(self, unique_id: str, number: int) -> int:
        """``FORGET``, ``RETAIN`` or ``OUTSIDE`` for a person, the ``number``-th of the file (from 0)."""
        if self.forget is None:
            return FORGET if number % _EVERY == _EVERY - 1 else RETAIN
        if unique_id in self.forget:
            return FORGET
        return OUTSIDE if unique_id in self.outside else RETAIN


def membership(splits: Mapping[str, frozenset[str]]) -> Membership:
    """The largest forget set against everyone in no forget set and not in the holdout."""
    forgets = {name: ids for name, ids in splits.items() if name.startswith("forget") and ids}
    if not forgets:
        return Membership("nine people of ten", "every tenth person", None, frozenset())
    largest = max(sorted(forgets), key=lambda name: len(forgets[name]))
    outside = frozenset().union(splits.get("holdout", frozenset()), *forgets.values()) - forgets[largest]
    return Membership("everyone in no forget set", largest, forgets[largest], outside)
