"""Gender and age of everyone, by side of the split."""

import numpy as np
from fiubench.builder.audit.membership import FORGET, OUTSIDE, RETAIN
from fiubench.builder.audit.people import Person
from fiubench.builder.values import dates
from fiubench.raw_sources.embedded import AGE_BANDS
from numpy.typing import NDArray

_SIDES = {FORGET: "forget", RETAIN: "retain", OUTSIDE: "others"}


class Strata:
    """The stratum of each person, such as "female, 35-49".

    Args:
        as_of: the day on which ages are reckoned; without it people are counted by decade of birth.
    """

    def __init__(self, as_of: str | None) -> None:
        self.as_of = as_of
        self._codes: dict[str, int] = {}
        self._of_people: list[int] = []

    def add(self, person: Person) -> None:
        """Keep the stratum of a person."""
        self._of_people.append(self._codes.setdefault(self._stratum(person), len(self._codes)))

    def _stratum(self, person: Person) -> str:
        born = next((p.value for p in person.pairs if p.attribute == "date_of_birth" and p.value), None)
        known = [person.gender] if person.gender else []
        if isinstance(born, str) and self.as_of:
            band = dates.age_band(dates.age_on(born, self.as_of))
            first, later = AGE_BANDS[band], AGE_BANDS[band + 1 : band + 2]
            known.append(f"{first}-{later[0] - 1}" if later else f"{first}+")
        elif isinstance(born, str):
            known.append(f"born in the {born[:3]}0s")
        return ", ".join(known) or "unknown"

    @property
    def codes(self) -> NDArray[np.int64]:
        """The stratum of each person, as a number."""
        return np.array(self._of_people, dtype=np.int64)

    def balance(self, sides: NDArray[np.uint8]) -> dict[str, dict[str, int]]:
        """Side -> stratum -> people, given everyone's side."""
        strata, codes = sorted(self._codes), self.codes
        counts = {
            name: {s: n for s in strata if (n := int((codes[sides == side] == self._codes[s]).sum()))}
            for side, name in _SIDES.items()
        }
        return {name: of_side for name, of_side in counts.items() if of_side}
