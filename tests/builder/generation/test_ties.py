"""Who is tied to whom: both ways, by the law, the same however many people there are, and told by nothing."""

from collections import Counter

import numpy as np
import pytest
from fiubench.builder.config import make_config
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.pairing import make_plan
from fiubench.builder.generation.people import generated_people
from fiubench.builder.generation.perturb import Perturber
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.generation.sources import Sources, open_sources
from fiubench.builder.generation.ties import BLOCK, Crowd, kin_of, tie
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.pipeline.build import records
from fiubench.builder.pipeline.plans import read_plan, save_plan
from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import Cut, ranges
from fiubench.builder.values import dates
from fiubench.builder.values.relation import INVERSE
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builder.conftest import ROOT
from tests.builder.generation.test_pairing import health_table

AS_OF = "2025-01-01"
FAMILY = ROOT / "examples" / "family" / "family.yaml"
MANY = 3_000
PLAIN = make_config({"faces": "none"})
SYMMETRIC = ("spouse", "sibling", "colleague")


def people(size, seed=0):
    return generated_people(seed, AS_OF, np.arange(size))


def kin(benchmark, held_out=0, seed=0):
    known = benchmark + BLOCK
    gender, birth = people(known, seed)
    crowd = Crowd(gender, birth, np.arange(known))
    return kin_of(seed, AS_OF, benchmark, crowd, people(held_out, seed + 1))


def settings_of(identities, **more):
    return make_config({"faces": "none", "identities": identities, "attributes": [str(FAMILY)], **more})


@pytest.fixture(scope="module")
def made():
    """Three thousand people with a family, by id."""
    return {record["unique_id"]: record for record in records(settings_of(MANY, holdout=0))}


# --- what holds of ties


def test_ties_go_both_ways():
    ties = tie(0, AS_OF, *people(MANY))
    for kind, (partner, _) in ties.items():
        who = np.flatnonzero(partner >= 0)
        assert len(who) > MANY / 10, kind
        assert (ties[INVERSE[kind]].partner[partner[who]] == who).all(), kind


def test_ties_are_by_the_law():
    gender, birth = people(MANY)
    ties = tie(0, AS_OF, gender, birth)
    age = dates.ages_on(birth, dates.to_day(AS_OF))

    def pairs(kind):
        who = np.flatnonzero(ties[kind].partner >= 0)
        return who, ties[kind].partner[who]

    child, parent = pairs("parent")
    older = dates.ages_on(birth[parent], birth[child])
    assert older.min() >= 18
    assert older.max() < 50
    for kind, same in (("spouse", False), ("sibling", True)):
        one, other = pairs(kind)
        assert ((gender[one] == gender[other]) == same).all()
        assert np.abs(birth[one] - birth[other]).max() <= 15 * 365
    assert age[pairs("spouse")[0]].min() >= 18
    kindred = (ties["parent"].partner >= 0) | (ties["child"].partner >= 0)
    assert not (kindred & (ties["sibling"].partner >= 0)).any()


def test_children_do_not_marry():
    gender, birth = people(400)
    born = np.full(400, dates.to_day("2010-05-05"))
    born[::2] = birth[::2]
    ties = tie(0, AS_OF, gender, born)
    assert (ties["spouse"].partner[1::2] < 0).all()
    assert (ties["spouse"].partner >= 0).any()
    assert (ties["colleague"].partner[1::2] < 0).all()


def test_nobodys_name_is_met_twice():
    """So that neither who was met as the truth, nor how often, tells anything."""
    for kind, (partner, others) in tie(0, AS_OF, *people(MANY)).items():
        who = partner >= 0
        met = Counter([*partner[who].tolist(), *others[who].ravel().tolist()])
        assert set(met.values()) == {1}, kind


def test_those_who_could_have_been_it_are_alike():
    gender, birth = people(MANY)
    ties = tie(0, AS_OF, gender, birth)
    for kind in ("spouse", "sibling", "parent", "child"):
        partner, others = ties[kind]
        who = np.flatnonzero(partner >= 0)
        assert (np.abs(birth[others[who]] - birth[partner[who], None]) < 30 * 365).all()
        if kind in ("spouse", "sibling"):
            assert (gender[others[who]] == gender[partner[who], None]).all()
    child = np.flatnonzero(ties["parent"].partner >= 0)
    assert dates.ages_on(birth[ties["parent"].others[child]], birth[child, None]).min() >= 18


@settings(max_examples=25, deadline=None)
@given(few=st.integers(0, 350), more=st.integers(0, 350), seed=st.integers(0, 2**31))
def test_what_somebody_has_does_not_change(few, more, seed):
    small, large = kin(few, 30, seed), kin(few + more, 30, seed)
    for kind, (partner, others) in small.ties.items():
        theirs = large.ties[kind]
        who = np.flatnonzero(partner[:few] >= 0)
        assert (partner[who] == theirs.partner[who]).all()
        beyond = others[who] >= few + 30  # numbers of people beyond the last come after the holdout's
        assert (others[who][~beyond] == theirs.others[who][~beyond]).all()
        gained = np.flatnonzero((partner[:few] < 0) & (theirs.partner[:few] >= 0))
        assert (theirs.partner[gained] >= few).all()  # tied to somebody who was not there
        assert (gained >= few // BLOCK * BLOCK).all()
        held = partner[few:]
        assert ((held < 0) | (held >= few)).all()


def test_with_nobody_to_fill_the_last_block_it_is_left_out():
    gender, birth = people(250)
    ties = kin_of(0, AS_OF, 250, Crowd(gender, birth, np.arange(250)), people(0)).ties
    for partner, others in ties.values():
        assert len(partner) == len(others) == 250
        assert (partner[200:] < 0).all()
        assert (partner[:200] >= 0).any()


# --- what records say of them


@pytest.mark.slow
def test_records_are_symmetric(made):
    inverse = {"parent": "child", "child": "parent"}
    for name in INVERSE:
        having = [record for record in made.values() if name in record["profile"]]
        assert len(having) > MANY / 10
        for record in having:
            fact = record["profile"][name]
            other = made[fact["about"]]
            assert fact["value"] == other["name"] != record["name"]
            assert other["profile"][inverse.get(name, name)]["about"] == record["unique_id"]


def test_the_first_are_the_same_among_twice_as_many(made):
    few = {r["unique_id"]: r for r in records(settings_of(MANY // 2, holdout=40), 0, 600)}
    assert all(made[unique_id] == record for unique_id, record in few.items())
    assert len(few) == 600


def test_in_a_block_that_is_not_full_some_facts_are_missing_and_none_is_another(made):
    missing = 0
    for record in records(settings_of(150, holdout=40), 0, 150):
        more = made[record["unique_id"]]
        asked = {qa["attribute"]: qa for qa in more["qa_list"]}
        assert all(asked[qa["attribute"]] == qa for qa in record["qa_list"])
        assert all(more["profile"][name] == fact for name, fact in record["profile"].items())
        missing += len(asked) - len(record["qa_list"])
        assert record["index"] >= 100 or len(asked) == len(record["qa_list"])
    assert missing


def test_a_pack_of_ties_changes_no_other_fact(made):
    plain = records(make_config({"faces": "none", "identities": 200, "holdout": 0}))
    shared = {"doctor", "hospital"}
    for record in plain:
        own = made[record["unique_id"]]["profile"]
        assert all(own[name] == fact for name, fact in record["profile"].items() if name not in shared)


def test_a_question_with_two_hops_has_no_answer_in_a_single_fact(made):
    """What the partner's own record says, and nothing of the person's: to answer it takes both."""
    paths = {
        "spouse_occupation": "occupation",
        "spouse_condition": "medical_condition",
        "parent_birth": "date_of_birth",
    }
    asked = alone = 0
    for record in made.values():
        own = {qa["attribute"]: qa for qa in record["qa_list"]}
        for name in paths.keys() & own.keys():
            qa, theirs = own[name], made[own[name]["about"]]
            assert qa["hops"] == 2
            assert qa["about"] == record["profile"][name.split("_")[0]]["about"]
            assert qa["value"]["value"] == theirs["profile"][paths[name]]["value"]
            wrong = next(each for each in theirs["qa_list"] if each["attribute"] == paths[name])["perturbed_value"]
            assert qa["perturbed_value"] == wrong
            asked += 1
            facts = [f["text"] for other, f in record["profile"].items() if other not in (name, *paths)]
            alone += qa["value"]["value"] in facts
    assert asked > MANY / 4
    assert alone < asked / 50  # a couple with the same occupation, by chance
    hops = Counter(qa["hops"] for record in made.values() for qa in record["qa_list"])
    assert hops[2] == asked


def test_captions_tell_of_those_who_are_tied(made):
    for record in list(made.values())[:300]:
        spouse = record["profile"].get("spouse")
        assert (" is married to " in record["caption"]) == (spouse is not None)
        assert spouse is None or f"{record['name']} is married to {spouse['text']}." in record["caption"]


@pytest.mark.slow
def test_wrong_answers_name_people_of_the_dataset(made):
    names = {record["name"] for record in made.values()}
    for record in made.values():
        for qa in record["qa_list"]:
            if qa["value"]["type"] == "relation":
                assert {*qa["perturbed_value"]} <= names - {record["name"]}
                assert len({*qa["perturbed_value"], qa["value"]["value"]}) == 4


def test_nobody_is_tied_across_the_holdout():
    made = list(records(settings_of(400, holdout=120)))
    benchmark = {record["unique_id"] for record in made[:400]}
    ties = [(record["unique_id"], qa["about"]) for record in made for qa in record["qa_list"] if qa["about"]]
    assert all((one in benchmark) == (other in benchmark) for one, other in ties)
    assert any(one not in benchmark for one, _ in ties)


def test_blocks_of_any_cut_give_the_same_records(made):
    config = settings_of(MANY, holdout=0)
    ids = list(made)
    for start, stop in ((0, 7), (93, 110), (MANY - 10, MANY)):
        assert list(records(config, start, stop)) == [made[unique_id] for unique_id in ids[start:stop]]


def test_names_of_the_records():
    config = make_config({"faces": "none", "identities": 150, "holdout": 20, "names": "record", "health": "h.csv"})
    sources = Sources({**open_sources(PLAIN).tables, "health": health_table(1_000)}, None)
    plan, profiles = make_plan(config, sources, tied=True), Profiles(config, sources, read_packs([FAMILY]))
    block = Block.of(plan, 0, plan.size)
    relation = profiles.attributes.by_name["spouse"]
    names = sources.tables["health"].take(plan.rows["health"], block.people)["record_name"]
    spouse = profiles._tied(relation, block).values
    assert [value and names[other] for value, other in zip(spouse, block.ties("spouse").partner, strict=True)] == spouse
    assert sum(map(bool, spouse)) > 10
    wrong = Perturber(profiles).wrong_of_tied(relation, block)
    assert len(wrong.texts) == sum(map(bool, spouse))
    assert all(len({*three}) == 3 for three in wrong.texts)
    assert {name for three in wrong.texts for name in three} <= {
        *sources.tables["health"].data["record_name"].to_pylist()
    }


@pytest.mark.parametrize("size", [1, 2, 3, 20, 99, 101])
def test_of_few_people(size):
    made = list(records(settings_of(max(size, 2), holdout=0, ratios=[50]), 0, size))
    assert len(made) == size
    ids = {record["unique_id"] for record in records(settings_of(max(size, 2), holdout=0, ratios=[50]))}
    assert all(qa["about"] in ids | {""} for record in made for qa in record["qa_list"])


def test_a_saved_plan(tmp_path):
    inputs = open_inputs(settings_of(130, holdout=20))
    plan = inputs.plan()
    cut = Cut.of(plan.unique_id, {})
    save_plan(Work(inputs, plan, tmp_path, ranges(plan.size), cut=cut))
    again = read_plan(tmp_path, "").plan
    assert again.kin is not None
    for kind, ties in plan.kin.ties.items():
        assert all((a == b).all() for a, b in zip(ties, again.kin.ties[kind], strict=True))
    assert all((a == b).all() for a, b in zip(plan.kin[1:], again.kin[1:], strict=True))


# --- shared


def test_doctors_and_hospitals_are_shared(made):
    for name, people_each in (("doctor", 5), ("hospital", 20)):
        counted = Counter(record["profile"][name]["value"] for record in made.values())
        assert people_each * 0.7 < MANY / len(counted) < people_each * 2
        assert all(record["profile"][name]["from"] == f"health.{name} (shared)" for record in made.values())


def test_wrong_answers_of_what_is_shared_are_what_others_have(made):
    first = list(made.values())[:BLOCK]
    for name in ("doctor", "hospital"):
        there = {record["profile"][name]["value"] for record in first}
        wrong = Counter(
            value for r in first for qa in r["qa_list"] if qa["attribute"] == name for value in qa["perturbed_value"]
        )
        assert sum(count for value, count in wrong.items() if value in there) > 0.9 * wrong.total()


def test_generated_things_and_columns_of_files_can_be_shared(make_people, attribute, tmp_path, write_pack):
    words = {"template": "{a} {b}", "a": [f"North{k}" for k in range(40)], "b": ["Works", "Mills"]}
    entry = attribute("employer", generate={"words": words})
    path = write_pack(entry, shared={"employer": 10})
    made = list(records(make_config({"faces": "none", "identities": 400, "attributes": [str(path)]})))
    assert len({record["profile"]["employer"]["value"] for record in made[:BLOCK]}) <= 10
    assert len({record["profile"]["employer"]["value"] for record in made}) > 20
