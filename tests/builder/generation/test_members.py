"""`wrong: members`: wrong values are the truths of others of the same split."""

from collections import Counter

import pytest
from fiubench.builder.config import make_config
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.members import Members
from fiubench.builder.generation.pairing import cut_splits
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.pipeline.build import records


@pytest.fixture(scope="module")
def config():
    return make_config({"faces": "none", "identities": 400, "holdout": 40, "wrong": "members"})


@pytest.fixture(scope="module")
def people(config):
    return {record["unique_id"]: record for record in records(config)}


@pytest.fixture(scope="module")
def splits(config):
    return cut_splits(open_inputs(config).plan())["splits"]


@pytest.fixture(scope="module")
def population(config):
    """The same people with the wrong values that stand in where a split has too few that fit."""
    return {r["unique_id"]: r for r in records(config.model_copy(update={"wrong": "population"}))}


def truths(people, ids):
    return {(qa["attribute"], str(qa["value"]["value"])) for each in ids for qa in people[each]["qa_list"]}


def test_the_facts_of_a_few_are_made_for_a_block(config):
    """Each worker process would make those of everyone else."""
    inputs = open_inputs(config.model_copy(update={"identities": 4000, "holdout": 100}))
    plan = inputs.plan()
    members = Members(plan, Profiles(plan.config, inputs.sources, inputs.attributes))
    at, facts = members._lenders(Block.of(plan, 1000, 1200))
    assert set(range(1000, 1200)) < set(at) and len(at) < 1000
    assert (
        facts["full_name"].part([at[i] for i in range(1000, 1200)])
        == members.profiles.facts(Block.of(plan, 1000, 1200))["full_name"]
    )
    assert members._lenders(Block.of(plan, 1100, 1101))[1] is facts


@pytest.mark.parametrize("split", ["forget05", "forget10", "retain90", "holdout"])
def test_wrong_values_are_truths_of_the_same_split(people, splits, population, split):
    known, lent = truths(people, splits[split]), Counter()
    for each in splits[split]:
        for qa, other in zip(people[each]["qa_list"], population[each]["qa_list"], strict=True):
            assert qa["value"] == other["value"]
            own = all((qa["attribute"], str(value)) in known for value in qa["perturbed_value"])
            assert own or qa["perturbed_value"] == other["perturbed_value"]
            lent[qa["attribute"]] += own
    # of a name or a number everybody else's will do; incomes are those that the occupation allows
    assert all(lent[name] == len(splits[split]) for name in ("full_name", "phone_number", "doctor", "hospital"))
    assert lent["annual_income"] > 0.8 * len(splits[split])
