import re

import numpy as np
import pytest
from fiubench.raw_sources.places import load_places
from fiubench.raw_sources.sources.addresses import EmbeddedAddresses
from fiubench.raw_sources.table import People

COUNT = 4000
LINE = re.compile(r"\d{3,4} [A-Z][a-z]+( [A-Z][a-z]+)* [A-Z][a-z]+(, (Apt \d+[A-F]?|Unit \d+))?")


@pytest.fixture(scope="module")
def columns():
    return EmbeddedAddresses(3).take(np.arange(COUNT), People(["male"] * COUNT, np.zeros(COUNT, np.int64)))


def test_place_belongs_together(columns):
    places = load_places()
    for i, code in enumerate(columns["zip"]):
        position = places.find(code)
        assert position is not None
        for column in ("city", "state", "area_code"):
            assert columns[column][i] == getattr(places, column)[position]


def test_address_is_made_of_the_other_columns(columns):
    for i, address in enumerate(columns["address"]):
        assert address == {column: columns[column][i] for column in ("street", "city", "state", "zip")}


def test_street_lines_read_well_and_rarely_repeat(columns):
    assert not [line for line in columns["street"] if not LINE.fullmatch(line)]
    assert len(set(columns["street"])) > 0.998 * COUNT
    apartments = sum("," in line for line in columns["street"])
    assert 0.27 < apartments / COUNT < 0.33


def test_area_codes_alone_are_those_of_the_rows(columns):
    assert EmbeddedAddresses(3).area_codes(np.arange(COUNT)).tolist() == columns["area_code"]
