"""The groups of values that an attribute draws from, laid out on circles when they are first met."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from fiubench.builder.generation.exchangeable import FOUR, Circles, Group, TooFew


class Laid:
    """The circles of an attribute, and where its values are on them."""

    def __init__(self, circles: Circles) -> None:
        self.circles = circles
        self.numbers: dict[Any, int] = {}
        self.keys: list[Any] = []
        self.parts: dict[int, dict[str, int]] = {}  # of a loose group: text -> the group of those about as long
        self.groups: list[Mapping[str, tuple[Any, float]]] = []
        self.values: list[list[Any]] = []
        self.texts: list[list[str]] = []
        self.places: list[dict[str, int]] = []

    def add(self, key: Any, there: Mapping[str, tuple[Any, float]], *, apart: bool = False) -> int:
        """Lay out a group, text -> value and weight, and return its number (see :meth:`Circles.add`).

        Raises:
            TooFew: see :meth:`Circles.add`.
        """
        group = Group(list(there), [weight for _, weight in there.values()])
        self.numbers[key] = self.circles.add(key, group, apart=apart)
        self.keys.append(key)
        self.groups.append(there)
        self.values.append([value for value, _ in there.values()])
        self.texts.append(list(there))
        self.places.append({text: i for i, text in enumerate(there)})
        number = self.numbers[key]
        if number in self.circles.loose and len(parts := _by_length(there)) > 1:
            for k, part in enumerate(parts):
                with suppress(TooFew):  # all of them hold each other
                    of_part = self.add((key, "length", k), {text: there[text] for text in part})
                    self.parts.setdefault(number, {}).update(dict.fromkeys(part, of_part))
        return number


def _by_length(there: Mapping[str, tuple[Any, float]]) -> list[list[str]]:
    """Texts that can be true in parts of four or more of about the same length, which hold each other more seldom."""
    lengths = Counter(len(text) for text, (_, weight) in there.items() if weight)
    parts: list[list[int]] = [[]]
    for length in sorted(lengths):
        if sum(lengths[other] for other in parts[-1]) >= FOUR:
            parts.append([])
        parts[-1].append(length)
    if len(parts) > 1 and sum(lengths[other] for other in parts[-1]) < FOUR:
        parts[-2:] = [parts[-2] + parts[-1]]
    return [[text for text, (_, weight) in there.items() if weight and len(text) in part] for part in parts]
