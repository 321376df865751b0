"""Wrong values are what they were: whatever changes how they are chosen shows here, in seconds.

The digests change only where datasets are meant to change, as the one of the default build does.
"""

from typing import Any

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.pipeline.build import records
from fiubench.support.canonical import canonical_line, digest

from tests.builder.generation.test_frequencies import PEOPLE, four_of_each, health_table

WORDS = {"template": "{a}{b}", "a": ["x", "y"], "b": ["1", "2", "3", "4"]}
#: What is drawn in ways that few attributes need: too few values, constraints with gaps, values that hold each other.
TRICKY: dict[str, dict[str, Any]] = {
    "few": {"type": "enum", "choose": {"day": 2, "night": 1}, "perturb": {"extra": ["swing", "weekend", "day off"]}},
    "gaps": {"type": "integer", "generate": {"integer": {"min": 0, "max": 999}}, "constraints": ["gaps % 5 == 2"]},
    "wide": {"type": "integer", "generate": {"integer": {"min": 0, "max": 9}}, "constraints": ["wide != 10 - wide"]},
    "kinds": {
        "type": "enum",
        "choose": ["member", "life member", "senior member", "junior member", "guest", "patron", "sponsor", "founder"],
    },
    "chain": {"type": "enum", "choose": [*("senior " * k + "member" for k in range(9)), "guest", "patron", "founder"]},
    "some": {
        "type": "enum", "choose": {"oak": 5, "elm": 1, "ash": 1, "fir": 1, "yew": 1, "box": 1},
        "constraints": ["some != 'oak' or blood_type in ('A+', 'O+')"],
    },
    "rare": {
        "type": "enum", "choose": {"oak": 5, "elm": 1, "ash": 1, "fir": 1},
        "constraints": ["rare != 'elm' or gender == 'male'"], "perturb": {"extra": ["box", "bay"]},
    },
    "once": {"type": "text", "generate": {"words": WORDS}},
    "month": {"type": "integer", "compute": "month(date_of_birth)"},
    "first": {"type": "text", "compute": "'team ' + initial(given_name)", "perturb": {"within": "gender"}},
    "half": {"type": "text", "compute": "'team ' + initial(family_name) + initial(given_name) + ' ' + gender"},
    "whole": {"type": "text", "compute": "occupation + ' of ' + family_name"},
    "twice": {"type": "integer", "compute": "wide * 2"},
}  # fmt: skip


EXPECTED = {
    "few": "03b08314",
    "gaps": "71e98dc6",
    "wide": "e643519b",
    "kinds": "db2f05c7",
    "chain": "d0b9e01a",
    "some": "10f72785",
    "rare": "46ca5684",
    "once": "4d9ac6f6",
    "month": "1e19ed5b",
    "first": "9cdc6bb2",
    "half": "7c724b68",
    "whole": "b0e03d28",
    "twice": "b0712433",
    "full_name": "8cad7c2f",
}
INITIAL = "initial(full_name)"


def test_of_what_few_attributes_need(make_people, attribute):
    letter = attribute("letter", asked=False, type="text", compute=INITIAL, constraints=[f"letter == {INITIAL}"])
    pack = [letter, *(attribute(name, **keys) for name, keys in TRICKY.items())]
    people = make_people(*pack, stop=40, questions=1)
    asked = {
        name: [qa["perturbed_value"] for person in people for qa in person["qa_list"] if qa["attribute"] == name]
        for name in (*TRICKY, "full_name")  # which the letter binds
    }
    assert all(len(made) == 40 for made in asked.values())
    assert {name: digest(canonical_line({"made": made}))[:8] for name, made in asked.items()} == EXPECTED


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"names": "record", "questions": 25}, "eb29400396d19c02"), ({"distance": "far"}, "62c9d078edf4f18d")],
)
def test_of_a_file(write_pack, attribute, settings, expected):
    pack = write_pack(attribute("family", type="name", **{"from": "person.family_name"}))
    made = four_of_each(health_table(3 * PEOPLE), packs=[pack], **settings)
    assert digest(canonical_line(made))[:16] == expected


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
