"""Wrong values are what they were: whatever changes how they are chosen shows here, in seconds.

The digests change only where datasets are meant to change, as the one of the default build does.
"""

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.pipeline.build import records
from fiubench.support.canonical import canonical_line, digest

from tests.builder.generation.test_frequencies import PEOPLE, four_of_each, health_table


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "2ece0328cefdf884"),
        ({"distance": "near", "seed": 5}, "6cd959f15d8a7333"),
        ({"wrong": "members"}, "d306faaabf381591"),
    ],
)
def test_of_the_example_pack(example_pack, settings, expected):
    config = make_config(
        {"faces": "none", "identities": 100, "holdout": 0, "attributes": [str(example_pack)], **settings}
    )
    made = [[qa["perturbed_value"] for qa in record["qa_list"]] for record in records(config, 20, 60)]
    assert digest(canonical_line({"made": made}))[:16] == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"names": "record", "questions": 25}, "32e6b40fb3364974"), ({"distance": "far"}, "7cabdef0bd846b98")],
)
def test_of_a_file(settings, expected):
    assert digest(canonical_line(four_of_each(health_table(3 * PEOPLE), **settings)))[:16] == expected
