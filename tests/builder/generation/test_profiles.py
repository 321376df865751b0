import re
from copy import deepcopy

import numpy as np
import pyarrow as pa
import pytest
from fiubench.builder.config import make_config
from fiubench.builder.generation import profiles
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.inputs import open_inputs
from fiubench.builder.generation.pairing import fit_offenses
from fiubench.builder.generation.profiles import REDRAWN
from fiubench.builder.generation.sources import Sources
from fiubench.builder.packs.attributes import built_in, read_packs
from fiubench.builder.packs.choice import Choice
from fiubench.builder.packs.model import Attribute, Origin
from fiubench.builder.pipeline.build import records
from fiubench.builder.values import dates
from fiubench.builder.values.code import DIGITS, LETTERS, code_alphabets
from fiubench.raw_sources import table
from fiubench.raw_sources.drawn import NOBODY
from fiubench.raw_sources.source import SOURCES
from fiubench.support.errors import PackError
from hypothesis import given
from hypothesis import strategies as st


def values(people, name):
    return [record["profile"][name]["value"] for record in people]


def generate(kind, options, index):
    value_type = {"choose": "text", "words": "text"}.get(kind, kind)
    attribute = Attribute("thing", "own", value_type, Origin(kind, options), "mine")
    return profiles.generate(attribute, 7, "test", np.asarray(index), {})


# --- generators


@given(st.integers(-1000, 1000), st.integers(0, 5000))
def test_integers_lie_between_their_ends(low, width):
    made = generate("integer", {"min": low, "max": low + width}, np.arange(50))
    assert all(low <= value <= low + width and type(value) is int for value in made)


def test_integers_reach_both_ends():
    assert set(generate("integer", {"min": 1, "max": 6}, np.arange(300))) == {1, 2, 3, 4, 5, 6}
    assert set(generate("integer", {"min": 5, "max": 5}, np.arange(3))) == {5}


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([0.01, 0.05, 1, 25, 1000]))
def test_money_is_on_its_steps(low, width, step):
    for value in generate("money", {"min": low, "max": low + width, "step": step}, np.arange(20)):
        assert low <= value <= low + width
        assert (round(value * 100) - low * 100) % round(step * 100) == 0
        assert value == round(value, 2)


def test_money_has_cents_by_default():
    made = generate("money", {"min": 10, "max": 20}, np.arange(2000))
    assert len({round(value * 100) % 100 for value in made}) == 100


def test_choice_follows_the_weights():
    made = generate("choose", Choice(((["common", "rare"], [9, 1]),)), np.arange(5000))
    assert 400 < made.count("rare") < 600


def test_words_fill_the_template():
    options = {"template": "{a}-{b}-{a}", "a": ["x", "y"], "b": ["1", "2", "3"]}
    made = generate("words", options, np.arange(200))
    assert {re.fullmatch(r"([xy])-([123])-\1", text)[0] for text in made} == {
        f"{a}-{b}-{a}" for a in "xy" for b in "123"
    }


UNIQUE = {"template": "{a}-{b}", "unique": True, "a": ["x", "xy"], "b": ["1", "2", "3"]}


def test_unique_words_use_every_combination_before_one_is_used_twice():
    made = generate("words", UNIQUE, np.arange(6))
    assert set(made) == {f"{a}-{b}" for a in ("x", "xy") for b in "123"}
    assert made[4:] == generate("words", UNIQUE, np.arange(4, 6))
    with pytest.raises(PackError, match="the lists make 6 texts, and 7 identities need one each"):
        generate("words", UNIQUE, np.arange(7))
    assert set(generate("words", UNIQUE, NOBODY + np.arange(100))) == set(made)


def test_unique_words_do_not_depend_on_the_order_of_the_lists():
    turned = dict(reversed(UNIQUE.items()))
    assert generate("words", turned, np.arange(6)) == generate("words", UNIQUE, np.arange(6))


def test_what_is_unique_is_not_drawn_again(attribute, make_people):
    extra = {"constraints": ["thing != 'x-1'"], "asked": False}
    with pytest.raises(PackError, match="break a constraint"):
        make_people(attribute(**extra, generate={"words": UNIQUE}), stop=6)
    make_people(attribute(**extra, generate={"words": {**UNIQUE, "unique": False}}), stop=6)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_have_the_same_email_address(seed):
    email = next(a for a in built_in().attributes if a.name == "email")
    assert len(set(profiles.generate(email, seed, "attribute.email", np.arange(20_000), {}))) == 20_000


@given(st.text(st.sampled_from("A#x-\\ 1"), max_size=12).map(lambda rest: "#" + rest))
def test_codes_follow_their_pattern(pattern):
    alphabets = code_alphabets(pattern)
    for code in generate("code", pattern, np.arange(8)):
        assert len(code) == len(alphabets)
        assert all(character in alphabet for character, alphabet in zip(code, alphabets, strict=True))


def test_escapes_of_a_code():
    assert code_alphabets(r"A#\A\#\\x") == [LETTERS, DIGITS, "A", "#", "\\", "x"]
    assert not set("IO") & set(LETTERS)


@pytest.mark.parametrize(("pattern", "space"), [("##", 100), ("A#", 240), ("x-#-y", 10)])
def test_every_code_is_used_before_one_is_used_twice(pattern, space):
    made = generate("code", pattern, np.arange(space))
    assert len(set(made)) == space
    with pytest.raises(PackError, match=f"makes {space} codes, and {space + 1} identities need one each"):
        generate("code", pattern, np.arange(space + 1))


def test_codes_of_a_space_beyond_counting_are_unique():
    made = generate("code", "AAAAAAAAAA##########", np.arange(20_000))
    assert len(set(made)) == 20_000


def test_codes_do_not_depend_on_how_many_are_made():
    whole = generate("code", "AA###", np.arange(500))
    assert generate("code", "AA###", np.arange(40)) == whole[:40]
    assert generate("code", "AA###", [499, 3]) == [whole[499], whole[3]]


def test_dates_lie_between_two_expressions(attribute, make_people):
    date = attribute(
        type="date", asked=False, generate={"date": {"from": "add_years(date_of_birth, 18)", "to": "admission_date"}}
    )
    for record in make_people(date):
        profile = {name: fact["value"] for name, fact in record["profile"].items()}
        assert dates.add_years(profile["date_of_birth"], 18) <= profile["thing"] <= profile["admission_date"]


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({"from": "as_of", "to": "add_days(as_of, -1)"}, r"from 2025-01-01 to 2024-12-31 is no range \(identity 0\)"),
        ({"from": "'today'", "to": "as_of"}, "is no date: 'today'"),
        ({"from": "'2020'", "to": "as_of"}, "is no date: '2020'"),
        ({"from": "''", "to": "as_of"}, "is no date: ''"),
        ({"from": "5", "to": "as_of"}, "is no date: 5"),
        ({"from": "as_of", "to": "'2023-02-30'"}, "is no date"),
        ({"from": "room_number", "to": "as_of"}, "is no date: "),
    ],
)
def test_bounds_that_are_no_dates(attribute, make_people, bounds, message):
    with pytest.raises(PackError, match=message) as told:
        make_people(attribute(type="date", asked=False, generate={"date": bounds}))
    assert "mine.yaml: thing" in told.value.where


# --- what is made must be what is declared


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("integer", "1.5"), ("integer", "'1'"), ("integer", "True"),
        ("text", "1"), ("text", "''"), ("text", "room_number > 5"), ("text", "('a', 'b')"),
        ("money", "'5'"), ("money", "1e15"),
        ("address", "hospital"), ("date", "'2023-13-01'"), ("date", "'2023-02-30'"), ("date", "'April 5, 2022'"),
        ("date", "room_number"), ("date", "'2023-1-1'"),
    ],
)  # fmt: skip
def test_values_of_another_type(attribute, make_people, kind, expression):
    with pytest.raises(PackError, match=f"is no {kind}") as told:
        make_people(attribute(type=kind, asked=False, compute=expression))
    assert "mine.yaml: thing" in told.value.where


@pytest.mark.parametrize(
    ("kind", "expression", "message"),
    [
        ("integer", "99999999999 * 99999999999", "a number beyond"),
        ("money", "1e308 * 10", "an infinite number"),
        ("money", "1e308 * 10 - 1e308 * 10", "an infinite number, or none"),
    ],
)
def test_values_that_no_file_holds(attribute, make_people, kind, expression, message):
    with pytest.raises(PackError, match=message) as told:
        make_people(attribute(type=kind, asked=False, compute=expression))
    assert "mine.yaml: thing: compute (line " in told.value.where


def test_money_is_never_negative(attribute, make_people):
    with pytest.raises(PackError, match=r"-5.0: money is never negative"):
        make_people(attribute(type="money", asked=False, compute="0 - 5"))


def test_computed_money_has_two_decimals(attribute, make_people):
    people = make_people(attribute(type="money", asked=False, compute="annual_income / 7"))
    income = values(people, "annual_income")
    assert values(people, "thing") == [round(i / 7, 2) for i in income]


def test_an_expression_that_fails_names_its_attribute(attribute, make_people):
    with pytest.raises(PackError, match="can't be computed") as told:
        make_people(attribute(type="integer", asked=False, compute="room_number // (room_number - room_number)"))
    assert "mine.yaml: thing: compute (line " in told.value.where


# --- constraints


def test_a_broken_constraint_is_drawn_again_for_those_alone(attribute, make_people):
    dice = {"type": "integer", "asked": False, "generate": {"integer": {"min": 1, "max": 6}}}
    free = values(make_people(attribute(**dice)), "thing")
    held = values(make_people(attribute(**dice, constraints=["thing > 2"])), "thing")
    assert min(free) == 1 and min(held) == 3
    assert [h for f, h in zip(free, held, strict=True) if f > 2] == [f for f in free if f > 2]


def test_constraints_between_facts(attribute, make_people):
    first = attribute("first", asked=False, type="integer", generate={"integer": {"min": 1, "max": 6}})
    second = attribute(
        "second", asked=False, type="integer", generate={"integer": {"min": 1, "max": 6}},
        constraints=["second != first", "second + first <= 9"],
    )  # fmt: skip
    people = make_people(second, first)
    for a, b in zip(values(people, "first"), values(people, "second"), strict=True):
        assert a != b and a + b <= 9


@pytest.mark.parametrize(
    "keys",
    [
        {"type": "integer", "generate": {"integer": {"min": 1, "max": 6}}, "constraints": ["thing > 6"]},
        {"type": "integer", "compute": "room_number", "constraints": ["thing > 300"]},
        {"type": "integer", "from": "health.room_number", "constraints": ["thing > 300"]},
        {"type": "code", "generate": {"code": "AA####"}, "constraints": ["'7' in thing"]},
    ],
)
def test_a_constraint_that_cannot_be_met(attribute, make_people, keys):
    with pytest.raises(PackError, match=r"\d+ identities break a constraint; the first is number \d+, with") as told:
        make_people(attribute(asked=False, **keys))
    assert "mine.yaml: thing" in told.value.where
    assert keys["constraints"][0] in told.value.hint


def test_built_in_constraints_hold(people):
    for record in people:
        profile = {name: fact["value"] for name, fact in record["profile"].items()}
        assert dates.age_on(profile["date_of_birth"], "2025-01-01") >= 20
        assert profile["admission_date"] <= profile["discharge_date"] <= "2025-01-01"
        assert dates.age_on(profile["date_of_birth"], profile["offense_date"]) >= 18


# --- what depends on what


@pytest.fixture(scope="module")
def plain():
    return list(records(make_config({"faces": "none", "identities": 100, "holdout": 0})))


def test_the_example_pack_changes_nothing_else(people, plain, example_pack):
    own = {a.name for a in read_packs([example_pack]).by_name.values() if a.pack != "built-in"}
    for more, less in zip(deepcopy(people), plain, strict=True):
        assert own <= set(more["profile"])
        more["profile"] = {name: fact for name, fact in more["profile"].items() if name not in own}
        more["qa_list"] = [qa for qa in more["qa_list"] if qa["attribute"] not in own]
        assert more["caption"].startswith(less["caption"] + "\n\n")
        more["caption"] = less["caption"]
        assert more == less


def test_reserve_questions_change_nothing_else(plain):
    config = make_config({"faces": "none", "identities": 100, "holdout": 0, "questions": 25})
    for more, less in zip(records(config, stop=30), plain, strict=False):
        assert more["qa_list"][:20] == less["qa_list"]
        assert less["profile"].items() <= more["profile"].items()
        assert len(more["qa_list"]) == 25


def test_facts_that_are_only_read_are_made(attribute, make_people):
    people = make_people(attribute(asked=False, compute="email + '!'"), stop=5)  # `email` is in the reserve
    for record in people:
        assert record["profile"]["thing"]["value"] == record["profile"]["email"]["value"] + "!"
        assert len(record["qa_list"]) == 20


def test_blocks_of_any_size_make_the_same_people(people, example_pack):
    config = make_config({"faces": "none", "identities": 100, "holdout": 0, "attributes": [str(example_pack)]})
    inputs = open_inputs(config)
    maker = IdentityMaker(inputs.plan(), inputs.attributes)
    for start, stop in ((99, 100), (40, 47), (0, 1), (13, 60)):
        assert maker.make(start, stop) == people[start:stop]


def test_single_people_are_made_like_many(attribute, make_people):
    rent = attribute(type="money", cents=False, compute="room_number * 5")  # some are round, some are not
    word = attribute("word", choose=["amber", "ivory", "cobalt", "scarlet", "olive"])
    many = make_people(rent, word, stop=40)
    assert [make_people(rent, word, start=i, stop=i + 1)[0] for i in (0, 5, 39)] == [many[i] for i in (0, 5, 39)]


def test_more_people_do_not_change_the_first(people, example_pack):
    config = make_config({"faces": "none", "identities": 1500, "attributes": [str(example_pack)]})
    assert list(records(config, stop=100)) == people


def test_another_seed_makes_other_people(people):
    config = make_config({"faces": "none", "identities": 100, "seed": 1})
    for other, record in zip(records(config, stop=10), people, strict=False):
        assert other["name"] != record["name"] and other["unique_id"] != record["unique_id"]


def test_a_name_decides_the_draws(attribute, make_people):
    dice = {"asked": False, "type": "integer", "generate": {"integer": {"min": 1, "max": 10**6}}}
    people = make_people(attribute("one", **dice), attribute("two", **dice), stop=20)
    assert not set(values(people, "one")) & set(values(people, "two"))


# --- provenance, and codes of the example


def test_every_fact_tells_where_it_comes_from(people):
    origin = {name: fact["from"] for name, fact in people[0]["profile"].items()}
    assert origin["blood_type"] == "health.blood_type"
    assert origin["full_name"] == "person.full_name"
    assert origin["vehicle"] == "choice"
    assert origin["passport_number"] == "generated:code"
    assert origin["time_with_employer"] == "generated:compute"
    assert not any(REDRAWN in text for text in origin.values())


def test_codes_of_the_example_are_unique(people):
    for name, form in (
        ("passport_number", r"[A-HJ-NP-Z]{2}\d{7}"),
        ("license_plate", r"[A-HJ-NP-Z]\d\d-[A-HJ-NP-Z]{2}\d\d"),
    ):
        made = values(people, name)
        assert len(set(made)) == len(made)
        assert all(re.fullmatch(form, code) for code in made)


def test_work_of_the_example_fits_the_life(people):
    for record in people:
        profile = {name: fact["value"] for name, fact in record["profile"].items()}
        assert dates.age_on(profile["date_of_birth"], profile["employment_start"]) >= 17
        years = dates.age_on(profile["employment_start"], profile["employment_end"])
        assert profile["time_with_employer"] == ("1 year" if years == 1 else f"{years} years")
        assert not profile["admission_date"] <= profile["passport_issue_date"] <= profile["discharge_date"]
        given, family = profile["given_name"].casefold(), profile["family_name"].casefold()
        for name in ("passport_number", "license_plate", "employer"):
            assert given not in profile[name].casefold() and family not in profile[name].casefold().split()


def test_whoever_is_born_on_a_leap_day_is_charged_at_eighteen():
    """Thirty days after what `age_on` calls the 18th birthday is the first that an offense date may be moved to."""
    births = dates.to_days(["2000-02-29", "2000-02-28", "2004-02-29"])
    days = ["2018-03-30", "2018-03-30", "2022-03-31"]
    data = pa.table({"offense_date": days})
    crimes = table.FileTable(table.Origin("crimes", "file.csv", ""), table.Report(), SOURCES["crimes"].columns, data)
    offense = fit_offenses(make_config({}), Sources({"crimes": crimes}, None), np.arange(3), births, np.arange(3))
    assert offense.redrawn.tolist() == [True, False, False]
    assert (dates.ages_on(births, offense.days) >= 18).all()
