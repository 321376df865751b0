"""One fact of many identities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.builder.values.base import VALUE_TYPES


@dataclass(frozen=True)
class Column:
    """One fact of a block of identities: values, their texts, and where each came from."""

    kind: str
    values: list[Any]
    text: list[str]
    origin: list[str]

    @classmethod
    def of(
        cls, kind: str, values: list[Any], origin: str | list[str], write: Callable[[Any], str] | None = None
    ) -> "Column":
        """Write the values, as their type does by default; ``origin`` is one for all or one each."""
        origins = [origin] * len(values) if isinstance(origin, str) else origin
        return cls(kind, values, list(map(write or VALUE_TYPES[kind].write, values)), origins)

    def part(self, places: Sequence[int]) -> "Column":
        """The column of some of the identities."""
        return Column(self.kind, *([list_[i] for i in places] for list_ in (self.values, self.text, self.origin)))
