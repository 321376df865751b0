"""Rules between people who are tied to each other."""

from copy import deepcopy

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.pipeline.build import records
from fiubench.builder.rules.kinship import Kinship

from tests.builder.generation.test_ties import FAMILY

CONFIG = make_config({"faces": "none", "identities": 200, "holdout": 0, "attributes": [str(FAMILY)]})


@pytest.fixture(scope="module")
def made():
    return list(records(CONFIG))


@pytest.fixture(scope="module")
def manifest():
    packs = [{"file": pack.file, "content": pack.document} for pack in open_inputs(CONFIG).attributes.packs]
    return {"config": CONFIG.public(), "packs": packs}


def problems(manifest, people):
    kinship = Kinship(manifest)
    for record in people:
        if (kin := kinship.kin(record)) is not None:
            kinship.add(kin, f"identity {record['index']}")
    return [f"{who}: {problem.path}: {problem.what}" for who, problem in kinship.problems()]


def tied(people, name):
    return next(record for record in people if name in record["profile"])


def test_what_is_built_holds(manifest, made):
    assert problems(manifest, made) == []


def test_ties_that_are_not_both_ways(manifest, made):
    people = deepcopy(made)
    one = tied(people, "parent")
    other = next(record for record in people if record["unique_id"] == one["profile"]["parent"]["about"])
    del other["profile"]["child"]
    who = f"identity {one['index']}: profile.parent"
    assert problems(manifest, people) == [f"{who}: {other['name']!r} has no such child"]


def test_ties_to_nobody_and_to_another(manifest, made):
    people = deepcopy(made)
    first, *_, last = [record for record in people if "colleague" in record["profile"]]
    first["profile"]["colleague"]["about"] = "00000000"
    last["profile"]["colleague"]["value"] = "John Nobody"
    found = problems(manifest, people)
    assert sum("is nobody of the dataset" in line for line in found) == 2
    assert any(line.startswith(f"identity {first['index']}: ") for line in found)


@pytest.mark.parametrize(("name", "born", "what"), [
    ("parent", "1930-01-01", "at the birth"),
    ("parent", "2000-01-01", "at the birth"),
    ("spouse", "2015-01-01", "is married at 10"),
])  # fmt: skip
def test_ages_that_can_not_be(manifest, made, name, born, what):
    people = deepcopy(made)
    one = tied(people, name)
    about = one["profile"][name]["about"]
    who = one if name == "spouse" else next(record for record in people if record["unique_id"] == about)
    one["profile"]["date_of_birth"]["value"] = "1990-01-01"
    who["profile"]["date_of_birth"]["value"] = born
    assert any(what in line for line in problems(manifest, people))


def test_a_dataset_without_ties_keeps_nobody(made):
    config = make_config({"faces": "none", "identities": 2, "holdout": 0, "ratios": [50]})
    packs = [{"file": pack.file, "content": pack.document} for pack in open_inputs(config).attributes.packs]
    assert problems({"config": config.public(), "packs": packs}, made) == []
