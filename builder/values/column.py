"""One fact of many identities."""

from collections.abc import Mapping, Sequence
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
        cls, kind: str, values: list[Any], origin: str | list[str], options: Mapping[str, Any] | None = None
    ) -> "Column":
        """Write the values; ``origin`` is one for all or one each, ``options`` are those of the type."""
        origins = [origin] * len(values) if isinstance(origin, str) else origin
        return cls(kind, values, list(map(VALUE_TYPES[kind].writer(options or {}), values)), origins)

    def part(self, places: Sequence[int]) -> "Column":
        """The column of some of the identities."""
        return Column(self.kind, *([list_[i] for i in places] for list_ in (self.values, self.text, self.origin)))
