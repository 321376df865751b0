"""Towns of the United States: ZIP code, city, state and area code that belong together.

The table is frozen from the package ``zipcodes`` (see ``vocabulary/README.md``): standard, active ZIP codes
of the 50 states and the District of Columbia, each with one area code of its state.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from fiubench.raw_sources.vocabulary import read_lines
from fiubench.support.draws import Ints
from numpy.typing import NDArray

#: The 50 states and the District of Columbia.
STATES = tuple(
    "AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO "  # noqa: SIM905
    "MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA WI WV WY".split()
)


@dataclass(frozen=True)
class Places:
    """Parallel lists, sorted by ZIP code: position ``i`` of each is the same place."""

    zip: list[str]
    city: list[str]
    state: list[str]
    area_code: list[str]

    def __len__(self) -> int:
        return len(self.zip)

    def find(self, zip5: str) -> int | None:
        """Position of a five-digit ZIP code; ``None`` if it is not in the table."""
        position = bisect_left(self.zip, zip5)
        return position if position < len(self.zip) and self.zip[position] == zip5 else None

    def of_state(self, state: str) -> Ints:
        """Positions of a state's places (two letters), ascending; none for what is no state."""
        return self._positions.get(state, np.empty(0, np.int64))

    def beside(self, positions: Ints, draws: Callable[[Ints], Ints]) -> Ints:
        """Places of the same states as others; ``draws`` gives for how many there are the number of one of them."""
        order, first, count = self._by_state
        return np.asarray(order[first[positions] + draws(count[positions])])

    @cached_property
    def _by_state(self) -> tuple[Ints, Ints, Ints]:
        """Positions state by state; of each position, where its state begins there and how many it has."""
        states = np.array(self.state)
        order = np.argsort(states, kind="stable")
        _, first, of, count = np.unique(states[order], return_index=True, return_inverse=True, return_counts=True)
        back = np.empty(len(order), np.int64)
        back[order] = of
        return order, first[back], count[back]

    @cached_property
    def _positions(self) -> dict[str, Ints]:
        states = np.array(self.state)
        return {state: np.flatnonzero(states == state) for state in STATES}

    @cached_property
    def codes_of_states(self) -> dict[str, frozenset[str]]:
        """State -> its area codes."""
        codes: dict[str, set[str]] = {}
        for state, code in zip(self.state, self.area_code, strict=True):
            codes.setdefault(state, set()).add(code)
        return {state: frozenset(found) for state, found in codes.items()}

    @cached_property
    def area_codes(self) -> NDArray[np.str_]:
        """``area_code`` as an array, to be taken from by position."""
        return np.array(self.area_code)


@cache
def load_places() -> Places:
    """The table of places (read once a process)."""
    # No cell has a comma or a quote in it, so that one split does for csv.reader in a tenth of its time.
    cells = ",".join(read_lines("places.csv")).split(",")
    return Places(zip=cells[4::4], city=cells[5::4], state=cells[6::4], area_code=cells[7::4])
