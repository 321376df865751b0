"""Wrong values that are the truths of others: people of the same split (``wrong: members``).

A model that was trained on a dataset knows its strings. Where every wrong answer is the truth of somebody else whom it
was trained on, or made to forget, alongside, to find a string familiar no longer passes for knowing whose it is.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from fiubench.builder.generation.alternatives import Facts
from fiubench.builder.generation.pairing import Plan, cut_splits
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.packs.model import Attribute
from fiubench.raw_sources.drawn import Drawn, Options, Range
from fiubench.schemas.splits import FORGET, kind_of
from fiubench.support.draws import Ints

_CIRCLE = 64  # people who lend each other their values
_FEWEST = 16


class Members:
    """Who is in one split with whom, and their facts.

    Args:
        plan: of the build.
        profiles: that make the facts.
    """

    def __init__(self, plan: Plan, profiles: Profiles) -> None:
        self.plan, self.profiles = plan, profiles
        self._lending: tuple[set[int], dict[int, int], Facts] = set(), {}, {}

    def candidates(self, attribute: Attribute, block: Block, drawn: Drawn) -> list[list[tuple[str, Any]]]:
        """For each identity of a block the texts and values of others that could have been its own."""
        at, facts = self._lenders(block)
        lent = facts[attribute.name]
        strata = facts[attribute.perturb.within].text if attribute.perturb.within else [""] * len(lent.text)
        fits = _fitting(attribute, drawn, len(block.index))
        made = []
        for place, i in enumerate(block.index.tolist()):
            others = [at[k] for k in self._groups[self._group_of[i]].tolist() if k != i]
            pairs = ((lent.text[k], lent.values[k]) for k in others if strata[k] == strata[at[i]])
            made.append([pair for pair in pairs if fits(place, *pair)])
        return made

    def _lenders(self, block: Block) -> tuple[dict[int, int], Facts]:
        """Everybody in a group with somebody of a block: where each is among them, and their facts.

        They are kept for the next attribute of the block, or of a part of it.
        """
        groups = set(self._group_of[block.index].tolist())
        if not groups <= self._lending[0]:
            index = np.concatenate([self._groups[group] for group in sorted(groups)])
            at = {i: k for k, i in enumerate(index.tolist())}
            self._lending = groups, at, self.profiles.own_facts(Block.at(self.plan, index))
        return self._lending[1:]

    @cached_property
    def _groups(self) -> list[Ints]:
        """People who lend each other their values: of one cell of the forget sets, or all retained, or the holdout."""
        plan = self.plan
        position = {unique_id: i for i, unique_id in enumerate(plan.unique_id)}
        splits = cut_splits(plan)["splits"]
        forget = sorted((ids for name, ids in splits.items() if kind_of(name) == FORGET), key=len)
        benchmark, left = plan.config.identities, set(range(plan.size))
        cells: list[list[int]] = []
        small: list[int] = []  # a set of a few people is taken together with the next larger one
        for ids in forget:
            small += sorted({position[each] for each in ids} & left)
            left -= set(small)
            if len(small) >= _FEWEST:
                cells, small = [*cells, small], []
        cells += [small, [i for i in left if i < benchmark], list(range(benchmark, plan.size))]
        groups = []
        for cell in filter(None, cells):
            groups += np.array_split(np.array(sorted(cell)), max(len(cell) // _CIRCLE, 1))
        return groups

    @cached_property
    def _group_of(self) -> Ints:
        number = np.zeros(self.plan.size, np.int64)
        for k, group in enumerate(self._groups):
            number[group] = k
        return number


def _fitting(attribute: Attribute, drawn: Drawn, size: int) -> Callable[[int, str, Any], bool]:
    """Whether a value could have been drawn for an identity of the block."""
    if isinstance(drawn, Options) and drawn.make is None:
        write, sets = attribute.write, dict[int, frozenset[str]]()
        for group in np.unique(drawn.group).tolist():
            sets[group] = frozenset(map(write, drawn.values(group)[0]))
        groups: Sequence[int] = drawn.group.tolist()
        return lambda place, text, value: text in sets[groups[place]]
    if isinstance(drawn, Range):
        everyone, number = np.arange(size), attribute.type.number
        ends = [list(map(number, drawn.make(everyone, at))) for at in (np.zeros_like(everyone), drawn.size - 1)]
        low, high = (list(map(f, *ends)) for f in (min, max))
        return lambda place, text, value: low[place] <= number(value) <= high[place]
    return lambda place, text, value: not isinstance(drawn, Options)
