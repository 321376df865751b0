"""Wrong answers' values: of the same type and form as the true one, plausible, distinct from it and from each other.

Nothing is drawn and thrown away until it fits. A type alters values by a rule of its own (``ValueType.perturb``), or
three distinct neighbours are taken from a pool of real values sorted by length, so that a wrong value is neither longer
nor odder than the true one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from fiubench.builder.generation.profiles import Profiles, evaluate
from fiubench.builder.packs.model import Attribute
from fiubench.builder.values.base import WRONG, Altering
from fiubench.builder.values.column import Column
from fiubench.support.draws import Ints, Words, distinct
from fiubench.support.errors import PackError

_WINDOW, _CANDIDATES = 24, 8


class Wrong(NamedTuple):
    """Wrong values and their texts: for each identity a list of three."""

    values: list[list[Any]]
    texts: list[list[str]]


class Perturber:
    """Makes wrong values for every asked attribute; keeps the pools."""

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self.pools: dict[str, dict[str, _Pool]] = {}

    def wrong(self, attribute: Attribute, index: Ints, facts: Mapping[str, Column]) -> Wrong:
        """Three wrong values of one attribute for each identity.

        Raises:
            PackError: the attribute takes too few values to have three wrong ones.
        """
        column = facts[attribute.name]
        altering = self._altering(attribute, index, facts)
        values = attribute.type.perturb(column.values, altering)
        if values is not None:
            write = attribute.write
            return Wrong(values, [list(map(write, three)) for three in values])
        if attribute.name not in self.pools:
            self.pools[attribute.name] = self._make_pools(attribute)
        return self._from_pools(attribute, column, altering.words(_CANDIDATES), facts)

    def _altering(self, attribute: Attribute, index: Ints, facts: Mapping[str, Column]) -> Altering:
        size = len(index)
        values: dict[str, Sequence[Any]] = {name: column.values for name, column in facts.items()}
        values["as_of"] = [self.profiles.config.as_of] * size
        where = f"{attribute.pack}: {attribute.name}"
        rule = attribute.perturb
        low, high = (
            None if bound is None else evaluate(bound, values, size, f"{where}: perturb")
            for bound in (rule.not_before, rule.not_after)
        )
        key = self.profiles.config.seed, f"wrong.{attribute.name}", index
        made_by = attribute.origin.generated
        return Altering(*key, attribute.options, (), where, made_by, rule.distance, low, high)

    def _make_pools(self, attribute: Attribute) -> "dict[str, _Pool]":
        reference = self.profiles.reference
        column = reference[attribute.name]
        values, texts = list(column.values), list(column.text)
        if attribute.origin.kind == "choose":
            values = texts = list(attribute.origin.options)
        elif attribute.perturb.within:
            keys = reference[attribute.perturb.within].text
            return {
                key: _Pool.of([(t, v) for t, v, k in zip(texts, values, keys, strict=True) if k == key])
                for key in sorted(set(keys))
            }
        extra = [(text, attribute.type.parse(text)) for text in attribute.perturb.extra]
        return {"": _Pool.of([*zip(texts, values, strict=True), *extra])}

    def _from_pools(self, attribute: Attribute, column: Column, words: Words, facts: Mapping[str, Column]) -> Wrong:
        pools = self.pools[attribute.name]
        within = attribute.perturb.within if "" not in pools else None
        groups = facts[within].text if within else [""] * len(column.text)
        made = Wrong([[] for _ in groups], [[] for _ in groups])
        for group in sorted(set(groups)):
            members = [i for i, g in enumerate(groups) if g == group]
            pool = pools.get(group, _Pool.of([]))
            truths = [column.text[i].casefold() for i in members]
            for i, picks in zip(members, pool.pick(truths, words[members]), strict=True):
                if len(picks) < WRONG:
                    raise PackError(
                        f"{column.text[i]!r} has {len(picks)} wrong values that differ from it; {WRONG} are needed",
                        where=f"{attribute.pack}: {attribute.name}",
                        hint="Add plausible values with `perturb: {extra: [...]}`.",
                    )
                made.values[i] = [pool.values[k] for k in picks]
                made.texts[i] = [pool.texts[k] for k in picks]
        return made


@dataclass(frozen=True)
class _Pool:
    """Values an attribute takes, sorted by the length of their text."""

    texts: list[str]
    folded: list[str]
    values: list[Any]
    lengths: Ints

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> "_Pool":
        by_text = dict(pairs)
        texts = sorted(by_text, key=lambda text: (len(text), text))
        return cls(
            texts,
            [t.casefold() for t in texts],
            [by_text[t] for t in texts],
            np.array([len(t) for t in texts]),
        )

    def pick(self, truths: list[str], words: Words) -> list[list[int]]:
        """Three positions near in length for each (casefolded) truth; fewer only where the pool has no more."""
        size = len(self.texts)
        if not size:
            return [[] for _ in truths]
        width = min(size, max(_WINDOW, size // 16))
        centre = np.searchsorted(self.lengths, np.array([len(t) for t in truths]))
        low = np.clip(centre - width // 2, 0, size - width)
        picks = distinct(words[:, : min(_CANDIDATES, width)], width) + low[:, None]
        made = []
        for truth, row, first in zip(truths, picks.tolist(), low.tolist(), strict=True):
            found = self._first_three(row, truth)
            if len(found) < WRONG:
                # rare: what was drawn holds the truth or lies in it; look through the window, then everywhere
                rest = [i for i in (*range(first, first + width), *range(size)) if i not in found]
                found += self._first_three(list(dict.fromkeys(rest)), truth)[: WRONG - len(found)]
            made.append(found)
        return made

    def _first_three(self, candidates: list[int], truth: str) -> list[int]:
        """The first three that can't be taken for the truth: "B+" stands in "AB+", and would pass for it."""
        found = []
        for i in candidates:
            other = self.folded[i]
            if truth not in other and other not in truth:
                found.append(i)
                if len(found) == WRONG:
                    break
        return found
