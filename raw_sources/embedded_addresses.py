"""Addresses made up from street names and real towns."""

from typing import Any

import numpy as np
from fiubench.raw_sources.embedded import Embedded, pick
from fiubench.raw_sources.places import Places, load_places
from fiubench.raw_sources.table import People, Values
from fiubench.raw_sources.vocabulary import read_lines
from fiubench.support.draws import Ints, integers
from numpy.typing import NDArray

_FIRST_NUMBER, _NUMBERS = 101, 9799
_APARTMENTS = [
    *(f"Apt {number}{letter}" for number in range(1, 13) for letter in "ABCDEF"),
    *(f"Apt {100 * floor + door}" for floor in range(1, 10) for door in range(1, 25)),
    *(f"Unit {number}" for number in range(1, 61)),
]


class EmbeddedAddresses(Embedded):
    """One address per row: city, state, ZIP and area code belong together.

    All ZIP codes are alike; three in ten addresses have an apartment.
    """

    source = "addresses"
    files = ("places.csv", "street_names.txt", "street_suffixes.txt")

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._places = load_places()
        self._streets = [
            f"{name} {suffix}"
            for name in read_lines("street_names.txt")
            for suffix in read_lines("street_suffixes.txt")
        ]

    def area_codes(self, rows: Ints) -> NDArray[np.str_]:
        """The column ``area_code`` alone, as an array."""
        return self._places.area_codes[self._position(self.source, rows)]

    def columns(self, scope: str, rows: Ints, people: People) -> dict[str, Values]:
        """Draw the rows."""
        streets = self._street_lines(scope, rows)
        return place_columns(self._places, self._position(scope, rows), streets)

    def _position(self, scope: str, rows: Ints) -> Ints:
        return integers(self.seed, f"{scope}.place", rows, len(self._places))

    def _street_lines(self, scope: str, rows: Ints) -> list[str]:
        def up_to(field: str, bound: int) -> Ints:
            return integers(self.seed, f"{scope}.{field}", rows, bound)

        numbers = (_FIRST_NUMBER + up_to("number", _NUMBERS)).tolist()
        streets = pick(self._streets, up_to("street", len(self._streets)))
        apartments = pick(_APARTMENTS, up_to("apartment", len(_APARTMENTS)))
        in_block = (up_to("in_block", 10) < 3).tolist()
        return [
            f"{number} {street}, {apartment}" if block else f"{number} {street}"
            for number, street, apartment, block in zip(numbers, streets, apartments, in_block, strict=True)
        ]


def place_columns(places: Places, positions: Ints, streets: list[str]) -> dict[str, Values]:
    """The columns of an addresses table from street lines and the positions of their places."""
    city, state, zips, area_code = (
        pick(column, positions) for column in (places.city, places.state, places.zip, places.area_code)
    )
    address: list[dict[str, Any]] = [
        {"street": s, "city": c, "state": st, "zip": z} for s, c, st, z in zip(streets, city, state, zips, strict=True)
    ]
    return {
        "address": address,
        "street": streets,
        "city": city,
        "state": state,
        "zip": zips,
        "area_code": area_code,
    }
