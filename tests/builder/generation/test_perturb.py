"""Wrong values: plausible for their person, as near as asked for, and the same whoever else is in the dataset."""

import re
from collections import Counter
from functools import cache

import numpy as np
import pytest
from fiubench.builder.config import make_config
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.perturb import Perturber
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.languages.english import article
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.pipeline.build import records
from fiubench.builder.values import dates
from fiubench.builder.values.code import LETTERS
from fiubench.support.errors import PackError

NUMBERS = {"type": "integer", "generate": {"integer": {"min": 1000, "max": 9999}}}


def qa_of(record, name="thing"):
    return next(qa for qa in record["qa_list"] if qa["attribute"] == name)


def four(record, name="thing"):
    """The true value and the wrong ones."""
    qa = qa_of(record, name)
    return [qa["value"]["value"], *qa["perturbed_value"]]


@pytest.fixture
def things(make_people, attribute):
    """The four values of everyone for an attribute of a pack."""

    def make(*more, stop=60, settings=None, **keys):
        people = make_people(attribute(**keys), *more, stop=stop, questions=1, **(settings or {}))
        return [four(record) for record in people]

    return make


# --- by type


def test_numbers_are_in_range(things):
    for values in things(**NUMBERS):
        assert len(set(values)) == 4
        assert all(type(value) is int and 1000 <= value <= 9999 for value in values)


@pytest.mark.parametrize(("step", "cents"), [(0.01, True), (50, False), (12.5, True)])
def test_money_keeps_to_its_step(things, step, cents):
    keys = {"type": "money", "cents": cents, "generate": {"money": {"min": 100, "max": 9000, "step": step}}}
    for values in things(**keys):
        assert len(set(values)) == 4
        for value in values:
            assert 100 <= value <= 9000
            assert round((value - 100) * 100) % round(step * 100) == 0


def test_dates_are_between_their_bounds(things):
    keys = {"type": "date", "generate": {"date": {"from": "add_years(as_of, -2)", "to": "as_of"}}}
    for values in things(**keys):
        assert len(set(values)) == 4
        assert all("2023-01-01" <= value <= "2025-01-01" for value in values)


@pytest.mark.parametrize("pattern", ["A##", "AA#######", r"X-##A\A"])
def test_codes_keep_to_their_pattern(things, pattern):
    form = re.compile(pattern.replace(r"\A", "!").replace("A", f"[{LETTERS}]").replace("#", r"\d").replace("!", "A"))
    made = things(type="code", generate={"code": pattern})
    assert all(len(set(values)) == 4 and all(form.fullmatch(value) for value in values) for values in made)
    every = [value for values in made for value in values]
    assert len(set(every)) == len(every)  # a wrong code is nobody else's, true or wrong


def test_codes_are_not_made_of_the_true_one(things):
    """Three codes that each differ from the truth in one place would have it for their majority."""
    alike = [
        sum(a == b for a, b in zip(values[0], other, strict=True))
        for values in things(type="code", generate={"code": "########"})
        for other in values[1:]
    ]
    assert 0.5 < np.mean(alike) < 1.2  # one place in ten


def test_choices_are_all_of_them(things):
    for values in things(type="enum", choose={"ale": 3, "port": 1, "rum": 1, "gin": 1}):
        assert sorted(values) == ["ale", "gin", "port", "rum"]


def test_choices_by_frequency(things):
    weights = {"oak": 8, "elm": 8, "ash": 8, "fir": 8, "yew": 1, "box": 1}
    made = things(type="enum", choose=weights, stop=100, settings={"identities": 1000})
    wrong = Counter(value for values in made for value in values[1:])
    assert wrong["yew"] + wrong["box"] < 0.15 * wrong.total()


def test_texts_of_lists(things):
    words = {"template": "{a} {b}", "a": ["red", "blue", "green"], "b": ["hat", "coat", "shoe", "scarf"]}
    for values in things(type="text", generate={"words": words}):
        assert len(set(values)) == 4
        assert all(re.fullmatch("(red|blue|green) (hat|coat|shoe|scarf)", value) for value in values)


def test_phones_stay_in_their_area_and_in_fiction(people):
    every = Counter()
    for record in people:
        values = four(record, "phone_number")
        every.update(values)
        assert len({value[:6] for value in values}) == 1
        assert all(re.fullmatch(r"\(\d{3}\) 555-01\d\d", value) for value in values)
    assert max(every.values()) == 1


# --- fewer than four


def test_too_few_values(make_people, attribute):
    with pytest.raises(PackError, match=r"'(day|night)' has no three wrong values") as told:
        make_people(attribute(type="enum", choose={"day": 2, "night": 1}))
    assert told.value.where.endswith("mine.yaml: thing (line 4)") and "extra" in told.value.hint


def test_extra_values_stand_in(things):
    made = things(type="enum", choose={"day": 2, "night": 1}, perturb={"extra": ["swing", "weekend", "day off"]})
    for values in made:
        # never "day off", which holds "day"
        assert sorted(values) == ["day", "night", "swing", "weekend"]


def test_extra_values_stay_away_where_there_are_four(things):
    made = things(type="enum", choose=["oak", "elm", "ash", "fir", "yew"], perturb={"extra": ["box"]})
    assert all("box" not in values for values in made)


def test_no_value_holds_another(people, make_people, attribute):
    words = ["rye", "ryegrass", "oat", "oats", "wheat", "buckwheat", "corn", "barley"]
    people = [*people, *make_people(attribute(type="enum", choose=words), stop=100)]
    for record in people:
        for qa in record["qa_list"]:
            text = record["profile"][qa["attribute"]]["text"].casefold()
            whole = re.compile(rf"(?<!\d){re.escape(text)}(?!\d)")
            assert not any(whole.search(sentence.casefold()) for sentence in qa["perturbed_answer"])


@pytest.mark.parametrize(
    "words",
    [["life member", "senior member", "junior member"], ["senior " * k + "member" for k in range(1, 12)]],
    ids=["kinds", "chain"],
)
def test_words_of_which_most_hold_each_other(things, words):
    for truth, *wrong in things(type="enum", choose=["member", *words, "guest", "patron", "sponsor", "founder"]):
        assert len({truth, *wrong}) == 4
        assert not any(truth in value or value in truth for value in wrong)


@pytest.mark.parametrize(
    "keys",
    [
        *({"type": "integer", "generate": {"integer": {"min": low, "max": high}}}
          for low, high in ((1, 12), (0, 9), (0, 10), (1, 5), (1, 20))),
        {"type": "enum", "choose": [str(month) for month in range(1, 13)]},
        {"type": "integer", "compute": "month(date_of_birth)"},
        {"type": "money", "cents": False, "generate": {"money": {"min": 1, "max": 12, "step": 1}}},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("distance", ["near", "far"])
def test_numbers_of_one_and_two_digits_tell_nothing(things, keys, distance):
    """Neither by size, nor by how many digits they have, nor by how often they are offered."""
    fours = things(**keys, stop=600, settings={"identities": 600, "distance": distance})
    numbers = [[float(value) for value in values] for values in fours]
    places = Counter(sum(other < values[0] for other in values) for values in numbers)
    shortest = sum((values[0] < 10) / sum(v < 10 for v in values) for values in numbers if min(values) < 10)
    limit = 0.25 + 4 * (0.25 * 0.75 / 600) ** 0.5
    assert all(places[k] < limit * 600 for k in range(4)), places
    assert shortest < limit * 600
    assert least_seen(fours) < limit
    often = Counter(value for values in numbers for value in values)
    true = Counter(values[0] for values in numbers)
    assert all(true[v] < often[v] * (0.25 + 4 * (0.25 * 0.75 / often[v]) ** 0.5) for v in often)


# --- constraints


def test_constraints_bind_wrong_values(things):
    keys = {"constraints": ["thing % 2 == 0", "thing < 5000"]}
    assert all(value % 2 == 0 and value < 5000 for values in things(**NUMBERS, **keys) for value in values)


def test_constraints_with_gaps_tell_nothing(things):
    """However few places are left of a range, and wherever they lie: the truth is any of the four."""
    for constraint in ("thing % 5 == 0", "thing < 2000 or thing > 9000"):
        made = things(**NUMBERS, constraints=[constraint], stop=600, settings={"identities": 1000})
        places = Counter(sum(other < values[0] for other in values) for values in made)
        assert all(0.25 * 600 - 4 * 10.6 < places[k] < 0.25 * 600 + 4 * 10.6 for k in range(4)), (constraint, places)


def test_constraints_bind_choices(make_people, attribute):
    ages = attribute("years", asked=False, type="integer", compute="age_on(date_of_birth, as_of)")
    constraint = "years >= 40 or thing not in ('bishop', 'judge')"
    jobs = attribute(
        type="enum", choose=["bishop", "judge", "clerk", "cook", "smith", "tailor"], constraints=[constraint]
    )
    people = make_people(ages, jobs, stop=100)
    young = [record for record in people if record["profile"]["years"]["value"] < 40]
    assert len(young) > 20
    assert all(not {"bishop", "judge"} & set(four(record)) for record in young)
    old = [record for record in people if record["profile"]["years"]["value"] >= 40]
    assert sum("judge" in four(record) for record in old) > 0.4 * len(old)


def test_constraints_of_another_attribute_that_reads_it(make_people, attribute):
    thing, more = ({"type": "integer", "generate": {"integer": {"min": 1000, "max": top}}} for top in (1999, 9999))
    reader = attribute("more", asked=False, **more, constraints=["more >= thing + 3"])
    for record in make_people(attribute(**thing), reader, stop=100):
        assert max(four(record)) <= record["profile"]["more"]["value"] - 3


def test_constraints_of_another_attribute_that_leave_too_little(make_people, attribute):
    """Within a pack that is a fault of the pack; one pack can't make the questions of another impossible."""

    def reader(fact):
        constraints = [f"more - 4 < {fact}", f"{fact} < more"]
        return attribute("more", asked=False, type="integer", compute=f"{fact} + 2", constraints=constraints)

    with pytest.raises(PackError, match="no three wrong values") as told:
        make_people(attribute(**NUMBERS), reader("thing"))
    assert "loosen constraints" in told.value.hint
    assert all(len(set(four(record, "room_number"))) == 4 for record in make_people(reader("room_number")))


def test_computed_from_what_is_drawn(make_people, attribute):
    """As for the truth, so for the others: a career is no longer than the life of the person allows."""
    start = attribute(
        "start",
        asked=False,
        type="date",
        generate={"date": {"from": "add_years(date_of_birth, 18)", "to": "as_of"}},
    )
    years = attribute(type="integer", compute="age_on(start, as_of)")
    for record in make_people(start, years, stop=100):
        age = dates.age_on(record["profile"]["date_of_birth"]["value"], "2025-01-01")
        values = four(record)
        assert len(set(values)) == 4
        assert age < 26 or max(values) <= age - 18


def test_computed_from_what_a_constraint_binds(make_people, attribute):
    start = attribute(
        "start",
        asked=False,
        type="date",
        generate={"date": {"from": "add_years(as_of, -20)", "to": "as_of"}},
        constraints=["start >= add_years(as_of, -8)"],
    )
    for record in make_people(start, attribute(type="integer", compute="age_on(start, as_of)")):
        assert max(four(record)) <= 8


def test_extra_values_are_bound_by_constraints(make_people, attribute):
    keys = {"choose": {"day": 2, "night": 1}, "constraints": ["gender == 'male' or thing != 'split'"]}
    people = make_people(attribute(type="enum", **keys, perturb={"extra": ["swing", "weekend", "split"]}), stop=100)
    offered = {record["gender"] for record in people if "split" in four(record)}
    assert offered == {"male"}


@pytest.mark.slow
def test_a_constraint_that_reads_another_fact_in_any_block(attribute, write_pack):
    """What stands in for one identity is not what others of its group have."""
    keys = {
        "choose": ["oak", "elm", "ash", "fir", "yew", "box", "bay"],
        "constraints": ["thing != 'oak' or blood_type in ('A+', 'A-', 'O+')"],
    }
    pack = write_pack(attribute(type="enum", **keys))
    config = make_config({"faces": "none", "attributes": [str(pack)], "identities": 100})
    assert list(records(config, 0, 60)) == [record for i in range(60) for record in records(config, i, i + 1)]


def test_what_stands_in_is_looked_for_among_everybody(make_people, attribute):
    """However rare it is that a constraint lets a value stand in for one of few."""
    constraint = "(initial(thing) in ('e', 'n', 's')) == (initial(medication) in ('e', 'n', 's'))"
    people = make_people(attribute(type="enum", constraints=[constraint], **{"from": "health.medication"}), stop=100)
    rare = [values for values in map(four, people) if values[0][0] in "ens"]
    assert len(rare) > 5
    assert all(value[0] in "ens" for values in rare for value in values)


def least_seen(fours):
    """How often the option that stands in the fewest questions is the true one; a draw among equals."""
    seen = Counter(str(value) for values in fours for value in values)
    right = 0.0
    for values in fours:
        counts = [seen[str(value)] for value in values]
        right += (counts[0] == min(counts)) / counts.count(min(counts))
    return right / len(fours)


@pytest.mark.parametrize(
    "keys",
    [
        {"type": "text", "generate": {"words": {"template": "{a}{b}", "a": [f"x{i}" for i in range(300)],
                                                "b": [f"y{i}" for i in range(300)]}}},
        {"type": "text", "compute": "initial(given_name) + ' ' + family_name"},
        {"type": "text", "compute": "occupation + ' of ' + family_name"},
        {"type": "code", "generate": {"code": "A####"}},
    ],
    ids=lambda keys: next(key for key in keys if key != "type"),
)  # fmt: skip
def test_no_wrong_value_is_met_more_often_than_true_ones(things, keys):
    fours = things(**keys, stop=400, settings={"identities": 400})
    assert least_seen(fours) < 0.25 + 4 * (0.25 * 0.75 / 400) ** 0.5


def test_computed_from_what_stays(things):
    made = things(type="integer", compute="age_on(date_of_birth, as_of)", stop=100)
    assert all(len(set(values)) == 4 and all(20 <= value <= 95 for value in values) for values in made)


def test_within_a_group(people):
    given = {
        gender: {r["profile"]["given_name"]["value"] for r in people if r["gender"] == gender}
        for gender in ("female", "male")
    }
    for record in people:
        other = given[{"female": "male", "male": "female"}[record["gender"]]]
        assert not {name.split()[0] for name in qa_of(record, "full_name")["perturbed_value"]} & other


# --- distance


@cache
def far_apart(distance, name):
    number = read_packs().by_name[name].type.number
    people = records(make_config({"faces": "none", "identities": 200, "holdout": 0, "distance": distance}))
    made = [[number(value) for value in four(record, name)] for record in people]
    return np.mean([abs(w - t) for t, *wrong in made for w in wrong])


@pytest.mark.parametrize("name", ["date_of_birth", "annual_income", "billing_amount", "room_number", "offense_date"])
def test_distance(name):
    near, medium, far = (far_apart(distance, name) for distance in ("near", "medium", "far"))
    assert near * 1.5 < medium and medium * 1.5 < far


def test_a_pack_has_the_last_word_on_distance(things):
    def apart(**keys):
        made = things(**NUMBERS, **keys)
        return np.mean([abs(w - t) for t, *wrong in made for w in wrong])

    assert apart(perturb={"distance": "near"}) * 3 < apart(perturb={"distance": "far"})
    near = apart(settings={"distance": "near"})
    assert near * 3 < apart(settings={"distance": "near"}, perturb={"distance": "far"})


# --- alone and in company


def test_wrong_values_depend_on_their_own_person_alone(example_pack):
    config = make_config({"faces": "none", "attributes": [str(example_pack)], "questions": 25, "identities": 100})
    inputs = open_inputs(config)
    plan, profiles = inputs.plan(), Profiles(config, inputs.sources, inputs.attributes)

    def wrong(start, stop):
        block = Block.of(plan, start, stop)
        perturber, facts = Perturber(profiles), profiles.facts(block)
        return {a.name: perturber.wrong(a, block, facts).values for a in profiles.asked}

    whole = wrong(0, 60)
    for start, stop in ((59, 60), (3, 9), (20, 41)):
        for name, values in wrong(start, stop).items():
            assert values == whole[name][start:stop], name


def test_wrong_values_of_real_records(people):
    for record in people:
        for qa in record["qa_list"]:
            assert len({str(value) for value in (qa["value"]["value"], *qa["perturbed_value"])}) == 4
            for sentence in qa["perturbed_answer"]:
                for word, rest in re.findall(r"\b(an?) (\w.*)\.$", sentence):
                    assert word == article(rest), sentence


def test_order_says_nothing(people):
    """Of three wrong values in order, the first is no more often the least than the last is."""
    places = [0, 0, 0]
    for record in people:
        for name in ("annual_income", "billing_amount", "room_number", "admission_date", "offense_date"):
            wrong = qa_of(record, name)["perturbed_value"]
            places[wrong.index(min(wrong))] += 1
    assert min(places) > 0.25 * sum(places)


def test_a_computed_value_goes_with_the_facts_that_are_asked_about(attribute, make_people):
    """Who knows the one part must not see which value goes with it; where every part is asked about, all are drawn."""
    tens, ones = (
        attribute(name, asked=name == "tens", type="integer", generate={"integer": {"min": low, "max": low + 40}})
        for name, low in (("tens", 10), ("ones", 50))
    )
    both = attribute("both", compute="text(tens) + '/' + text(ones)")
    for record in make_people(tens, ones, both, stop=30):
        qa = next(qa for qa in record["qa_list"] if qa["attribute"] == "both")
        assert {wrong.split("/")[0] for wrong in qa["perturbed_value"]} == {qa["value"]["value"].split("/")[0]}
    for record in make_people(tens, attribute("twice", compute="text(tens * 2) + ' years'"), stop=30):
        qa = record["qa_list"][-1]
        assert len({qa["value"]["value"], *qa["perturbed_value"]}) == 4
