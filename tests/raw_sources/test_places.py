import re
from itertools import pairwise

import numpy as np
import pytest
from fiubench.raw_sources.places import STATES, load_places
from fiubench.raw_sources.vocabulary import read_rows


def test_every_state_has_places_and_nothing_else_has():
    places = load_places()
    assert len(STATES) == 51
    assert set(places.state) == set(STATES)
    assert {len(column) for column in (places.zip, places.city, places.area_code)} == {len(places)}


def test_zip_codes_are_sorted_unique_and_of_five_digits():
    zips = load_places().zip
    assert all(a < b for a, b in pairwise(zips))
    assert all(re.fullmatch(r"\d{5}", code) for code in zips)


def test_area_codes_are_those_of_the_state():
    places = load_places()
    codes = {row["state"]: set(row["area_codes"].split()) for row in read_rows("area_codes.csv")}
    assert set(codes) == set(STATES)
    assert not [pair for pair in zip(places.state, places.area_code, strict=True) if pair[1] not in codes[pair[0]]]


def test_no_area_code_belongs_to_two_states():
    codes = [code for row in read_rows("area_codes.csv") for code in row["area_codes"].split()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch(r"[2-9][0-8]\d", code) for code in codes)


def test_towns_are_spelled_as_people_write_them():
    towns = set(load_places().city)
    assert {
        "McAllen",
        "O'Fallon",
        "King of Prussia",
        "Coeur d'Alene",
        "Winston-Salem",
        "Truth or Consequences",
    } <= towns
    odd = re.compile(r"\bMc |\b(Afb|AFB|St|Ft|Mt|Of|And)\b(?! )|[A-Z]{2}|\d|  ")
    assert not [town for town in towns if odd.search(town)]


@pytest.mark.parametrize(
    ("zip5", "city", "state"),
    [
        ("10280", "New York", "NY"),
        ("90012", "Los Angeles", "CA"),
        ("60614", "Chicago", "IL"),
        ("33139", "Miami Beach", "FL"),
    ],
)
def test_find_known_places(zip5, city, state):
    places = load_places()
    position = places.find(zip5)
    assert position is not None
    assert (places.city[position], places.state[position]) == (city, state)


@pytest.mark.parametrize("zip5", ["00000", "99999", "09386", "", "1028", "10280-1234"])
def test_find_says_none_for_what_is_no_zip_code_of_the_states(zip5):
    assert load_places().find(zip5) is None


def test_places_of_a_state():
    places = load_places()
    positions = places.of_state("DE")
    assert positions.size > 30
    assert {places.state[i] for i in positions.tolist()} == {"DE"}
    assert (np.diff(positions) > 0).all()
    assert sum(places.of_state(state).size for state in STATES) == len(places)
    assert places.of_state("PR").size == 0
