"""What an attribute's constraints allow in place of the true values: single values, and where in a range.

Constraints bind the wrong ones as they bind the true one.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from fiubench.builder.config import Config
from fiubench.builder.generation.alternatives import Facts
from fiubench.builder.generation.exchangeable import FOUR
from fiubench.builder.generation.profiles import Block
from fiubench.builder.packs.expressions import Expression
from fiubench.raw_sources.drawn import Range
from fiubench.support.draws import Ints, below, draw
from numpy.typing import NDArray

_PROBES, _SAMPLE = 8, 256  # places at which constraints are tried


class Allowed:
    """What may stand in place of the values of one attribute of a block of identities.

    Args:
        name: of the attribute.
        block, facts: the identities, and their true values.
        constraints: that wrong values must meet.
        config: of the build.
        purpose: of the draws.
    """

    def __init__(
        self, name: str, block: Block, facts: Facts, constraints: Sequence[Expression], config: Config, purpose: str
    ) -> None:
        self.name, self.block, self.facts, self.constraints = name, block, facts, constraints
        self._seed, self._as_of, self._purpose = config.seed, config.as_of, purpose
        self.size = len(block.index)
        self.everyone = np.arange(self.size)

    def holds(self, who: Ints, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Whether the constraints hold for other values of identities ``who``, ``(m,)``."""
        return self._hold(self.constraints, who, values)

    def _hold(self, constraints: Sequence[Expression], who: Ints, values: Sequence[Any]) -> NDArray[np.bool_]:
        good = np.ones(len(who), np.bool_)
        places = None if who is self.everyone else who.tolist()
        for constraint in constraints:
            columns: dict[str, Sequence[Any]] = {
                name: column if places is None else [column[i] for i in places]
                for name in constraint.names
                if name in self.facts and name != self.name
                for column in (self.facts[name].values,)
            }
            columns |= {"as_of": [self._as_of] * len(who), self.name: values}
            good &= np.array(constraint.column(columns, len(who)), np.bool_)
        return good

    def bounds(self, drawn: Range) -> tuple[Ints, Ints]:
        """The places around the true one at which the constraints hold: first, and one past the last."""
        low, high = np.zeros(self.size, np.int64), drawn.size.copy()
        for end, inner, down in ((low, drawn.place, True), (high, drawn.place + 1, False)) if self.constraints else ():
            at_end = drawn.make(self.everyone, end if down else end - 1)
            for constraint in self.constraints:
                if not self._hold([constraint], self.everyone, at_end).all():
                    self._bisect(drawn, end, inner.copy(), constraint, down=down)
        return low, high

    def _bisect(self, drawn: Range, end: Ints, inner: Ints, constraint: Expression, *, down: bool) -> None:
        """Move an end of the range, in place, towards the truth until a constraint holds there."""
        step = 0 if down else -1
        who = self.everyone[~self._hold([constraint], self.everyone, drawn.make(self.everyone, end + step))]
        while who.size:
            middle = (end[who] + inner[who] + (not down)) // 2
            held = self._hold([constraint], who, drawn.make(who, middle + step))
            inner[who[held]], end[who[~held]] = middle[held], middle[~held]
            done = np.abs(end[who] - inner[who]) <= 1
            end[who[done]] = inner[who[done]]
            who = who[~done]

    def with_gaps(self, drawn: Range, low: Ints, high: Ints) -> Ints:
        """The identities for whom the constraints do not hold at every place between the bounds ("thing % 2 == 0")."""
        who, room = np.repeat(self.everyone, _PROBES), (high - low)[:, None]
        at = low[:, None] + below(draw(self._seed, f"{self._purpose}.probe", self.block.index, _PROBES), room)
        good = self.holds(who, drawn.make(who, at.ravel())).reshape(-1, _PROBES).all(axis=1)
        return np.flatnonzero(~good | (high - low < FOUR))

    def of_sample(self, drawn: Range, who: Ints) -> Range:
        """The range with other places for some identities: those of a sample at which the constraints hold, by rank.

        The truth is one more of the sample, drawn as those were, so that its rank is any with equal probability.
        """
        words = draw(self._seed, f"{self._purpose}.sample", self.block.index[who], words=_SAMPLE)
        at = below(words, drawn.size[who, None])
        everyone = np.repeat(who, _SAMPLE)
        good = self.holds(everyone, drawn.make(everyone, at.ravel())).reshape(at.shape)
        places: list[Ints] = [np.empty(0, np.int64)] * self.size
        place, size = drawn.place.copy(), drawn.size.copy()
        for i, row, held in zip(who.tolist(), at, good, strict=True):
            places[i] = np.unique(np.r_[row[held], place[i]])
            place[i], size[i] = np.searchsorted(places[i], place[i]), len(places[i])

        def make(who: Ints, at: Ints) -> list[Any]:
            sampled = [
                int(places[i][k]) if len(places[i]) else k for i, k in zip(who.tolist(), at.tolist(), strict=True)
            ]
            return drawn.make(who, np.array(sampled, np.int64))

        return Range(place, size, make)
