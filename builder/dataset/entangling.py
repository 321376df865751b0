"""Forget sets that are more or less entangled with those to be retained, by whom people are tied to.

Whoever is retained and tied to somebody forgotten holds facts about that one: a spouse's name, a parent's occupation.
How many such people there are is between what the least and the most entangled choice come to; a share of 0 to 1 says
where. All three choices take people one after the other, of those that serve best the first in the stratified order,
and the untied last: the least entangled forget set is one of whole families, not of people without any.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fiubench.schemas.splits import FORGET
from fiubench.support.draws import Ints

_FAR = 1 << 20  # more than anybody's ties
_DECIMALS = 4


def ties_in(record: Mapping[str, Any]) -> set[str]:
    """Ids of those whom a person is tied to, as the person's questions say."""
    return {qa["about"] for qa in record["qa_list"] if qa.get("about")}


def neighbours_of(ids: Sequence[str], ties: Mapping[str, set[str]]) -> list[Ints]:
    """Positions of those whom each of some people is tied to, in either direction; those outside are left out."""
    position = {unique_id: i for i, unique_id in enumerate(ids)}
    found: list[set[int]] = [set() for _ in ids]
    for unique_id, others in ties.items():
        for other in others:
            if unique_id in position and other in position:
                found[position[unique_id]].add(position[other])
                found[position[other]].add(position[unique_id])
    return [np.array(sorted(each), np.int64) for each in found]


@dataclass(frozen=True)
class Entangle:
    """How much forget sets are to be entangled with those to be retained.

    Attributes:
        share: of the way from the least to the most entangled choice.
        neighbours: of everybody in the benchmark, by position, those whom they are tied to.
    """

    share: float
    neighbours: Sequence[Ints]

    def cut(self, order: Ints, counts: Sequence[int], *, disjoint: bool) -> list[Ints]:
        """Forget sets of so many people, the smallest first, each within the next or apart from all others.

        Args:
            order: everybody, those to be preferred first.
            counts: of people in each set, ascending.
            disjoint: whether nobody is in two sets.
        """
        if not disjoint:
            chosen = self._chosen(order, counts[-1])
            return [chosen[:count] for count in counts]
        made: list[Ints] = []
        for count in counts:
            left = order[~np.isin(order, np.concatenate(made))] if made else order
            made.append(self._chosen(left, count))
        return made

    def _chosen(self, order: Ints, count: int) -> Ints:
        """People of whom each of the first so many are as entangled as the share says."""
        (_, least), (_, most) = (_choose(order, np.full(count, far), self.neighbours) for far in (-_FAR, _FAR))
        wanted = np.round(least + self.share * (most - least)).astype(np.int64)
        return _choose(order, wanted, self.neighbours)[0]

    def described(self, forget: Mapping[str, Ints]) -> dict[str, Any]:
        """What ``splits.json`` says: the share, and for each forget set how many of the retained are tied to it."""
        tied = {f"{FORGET}{label}": self._tied(chosen) for label, chosen in forget.items()}
        return {"share": self.share, "tied": tied}

    def _tied(self, forget: Ints) -> float:
        """Share of the retained who are tied to somebody in a forget set."""
        inside = np.zeros(len(self.neighbours), np.bool_)
        inside[forget] = True
        tied = inside.copy()
        for i in forget.tolist():
            tied[self.neighbours[i]] = True
        return round(float((tied & ~inside).sum()) / max(int((~inside).sum()), 1), _DECIMALS)


def _choose(order: Ints, wanted: Ints, neighbours: Sequence[Ints]) -> tuple[Ints, Ints]:
    """People one after the other, so that those outside who are tied to them are as many as wanted after each.

    Returns:
        The people, and how many outside are tied to the first of them, the first two, and so on.
    """
    place = np.full(len(neighbours), -1)
    place[order] = np.arange(len(order))
    gain = np.array(
        [len(neighbours[i]) for i in order.tolist()], np.int64
    )  # of the tied outside, by whoever is chosen next
    late = np.where(gain == 0, 4 * _FAR, 0)
    free = np.ones(len(order), np.bool_)
    seen = np.zeros(len(neighbours), np.bool_)  # tied to somebody chosen, or chosen
    chosen, tied, now = list[int](), list[int](), 0

    def see(person: int) -> None:
        if not seen[person]:
            seen[person] = True
            beside = place[neighbours[person]]
            gain[beside[beside >= 0]] -= 1

    for target in wanted.tolist():
        cost = np.abs(gain - (target - now)) + late
        best = int(np.argmin(np.where(free, cost, 8 * _FAR)))
        now += int(gain[best])
        free[best] = False
        see(int(order[best]))
        for person in neighbours[int(order[best])].tolist():
            if not seen[person]:
                see(person)
                if place[person] >= 0:
                    gain[place[person]] -= 1
        chosen.append(best)
        tied.append(now)
    return order[chosen], np.array(tied, np.int64)
