"""The gate: good wordings pass, and nothing that loses or changes a fact does."""

import pytest
from fiubench.builder.packs.attributes import read_packs
from fiubench.builder.phrasings.candidates import Ground
from fiubench.builder.phrasings.gate import distinct_problems, same_phrasing, stem, tidy
from fiubench.builder.phrasings.paraphrasing import GroupCheck, groups
from hypothesis import given
from hypothesis import strategies as st

from tests.support.chat.writer import DRIFTS, good_item


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground.of([])


@pytest.fixture(scope="module")
def checks(ground):
    return ground.checks


@pytest.fixture(scope="module")
def people():
    from fiubench.builder.config import make_config
    from fiubench.builder.pipeline.build import records

    return list(records(make_config({"identities": 100, "holdout": 0, "faces": "none"}), 0, 12))


@pytest.fixture(scope="module")
def asked(people):
    by_name = read_packs().by_name
    return {qa["attribute"]: by_name[qa["attribute"]] for qa in people[0]["qa_list"]}


@pytest.mark.parametrize("turn", range(5))
def test_good_items_pass(turn, people, asked, checks):
    for person in people:
        check = GroupCheck(person, asked, checks)
        assert check({"items": [good_item(name, turn) for name in asked]}) == []
        assert set(check.accepted) == set(asked)


@pytest.mark.parametrize("drift", sorted(DRIFTS))
def test_no_drift_passes(drift, people, asked, checks):
    for turn in range(5):
        items = [(good, DRIFTS[drift](good)) for good in (good_item(name, turn) for name in asked)]
        spoiled = [item for good, item in items if item != good]
        assert len(spoiled) > len(items) // 2 or turn
        check = GroupCheck(people[turn], asked, checks)
        problems = check({"items": spoiled})
        assert not check.accepted
        assert problems


@given(st.data())
def test_an_answer_under_another_attribute_is_told(checks, people, asked, data):
    """Two items that are swapped: each is a fine sentence, about something else."""
    one, other = data.draw(st.lists(st.sampled_from(sorted(asked)), min_size=2, max_size=2, unique=True))
    item = {**good_item(other, data.draw(st.integers(0, 4))), "id": one}
    check = GroupCheck(people[0], {one: asked[one]}, checks)
    assert check({"items": [item]})
    assert not check.accepted


@given(st.data())
def test_a_known_value_in_the_words_is_told(checks, ground, asked, data):
    """Values of an attribute do not pass as words around the placeholder, wherever they stand."""
    name = data.draw(st.sampled_from(sorted(asked)))
    value = data.draw(st.sampled_from(ground.values[name][1]))
    template = good_item(name)["answer"]
    place = data.draw(st.sampled_from([m for m in range(4, len(template)) if template[m] == " "]))
    assert checks.answer(name, f"{template[:place]} {value}{template[place:]}")
    assert checks.question(name, f"{good_item(name)['question'][:-1]}, {value}?")


@given(st.data())
def test_finished_sentences(checks, ground, asked, data):
    """A sentence states its value; with another value added or in its place it does not."""
    name = data.draw(st.sampled_from(sorted(set(asked) - {"full_name"})))
    values, texts = ground.values[name]
    i, j = (data.draw(st.integers(0, len(values) - 1)) for _ in range(2))
    plain = name.replace("_", " ")
    assert checks.sentence(name, values[i], f"The {plain} on record is {texts[i]}.", texts[i]) == []
    if texts[i] != texts[j] and texts[i] not in texts[j]:
        assert checks.sentence(name, values[i], f"The {plain} on record is {texts[j]}.", texts[i])
        if texts[j] not in texts[i]:
            both = f"The {plain} on record is {texts[i]} and {texts[j]}."
            if not checks.sentence(name, values[i], both, texts[i]):
                # text that no pool knows and that is plain words: only another attribute's value could be that
                assert texts[j].casefold() not in {t.casefold() for t in checks.subjects[name].values}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("blood_type", "The blood type of this person, unlike the one before, is {value}."),
        ("blood_type", "The blood type of this person and of the dog is {value}."),
        ("blood_type", "The blood type of this person is {value} and pregnant."),
        ("blood_type", "The blood type of this person is {value} plus one."),
        ("blood_type", "The blood type that this person hates is {value}."),
        ("admission_date", "The discharge from the hospital was on {value}."),
        ("discharge_date", "The admission to the hospital was on {value}."),
        ("offense", "This person was acquitted of {value}."),
        ("offense_date", "The person was born on {value}."),
        ("billing_amount", "The hospital bill came to half of {value}."),
        ("annual_income", "The monthly income on record is {value}."),
        ("medication", "This person is allergic to {value}."),
        ("doctor", "This person's doctor is Dr. {value}."),
        ("medical_condition", "This person recovered from {value}."),
        ("medical_condition", "This person has no {value}."),
        ("room_number", "This person stayed in the room next to {value}."),
    ],
)
def test_answers_that_say_something_else(checks, name, text):
    assert checks.answer(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("blood_type", "Why does this person have this blood type?"),
        ("blood_type", "Where was the blood type of this person recorded?"),
        ("blood_type", "What is the blood type of this person's father?"),
        ("admission_date", "Why was the person admitted to the hospital?"),
        ("admission_date", "Where was the person admitted?"),
        ("admission_date", "How long was the hospital stay of this person?"),
        ("billing_amount", "When was the hospital bill of this person sent?"),
        ("date_of_birth", "Where was the person in this photo born?"),
        ("annual_income", "What is the monthly income of this person?"),
        ("doctor", "What is the doctor's phone number of this person?"),
    ],
)
def test_questions_that_ask_something_else(checks, name, text):
    assert checks.question(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("blood_type", "Medical files list the blood group as {value}."),
        ("date_of_birth", "The birthday of this person is {value}."),
        ("occupation", "The individual works as {a value}."),
        ("annual_income", "This person earns {value} per year."),
        ("admission_date", "The hospital admitted the individual on {value}."),
        ("medication", "The medicine prescribed to this person is {value}."),
        ("medical_condition", "This individual suffers from {value}."),
        ("phone_number", "The telephone number of the person in the photo is {value}."),
    ],
)
def test_answers_in_other_words_pass(checks, name, text):
    assert checks.answer(name, text) == []


def test_most_of_our_own_phrasings_pass(checks, asked):
    """Strict as it is, the gate is no wall."""
    texts = [(name, q, checks.question) for name, a in asked.items() for q in a.questions]
    texts += [(name, a, checks.answer) for name, attribute in asked.items() for a in attribute.answers]
    passed = sum(not check(name, text) for name, text, check in texts)
    assert passed / len(texts) > 0.9


def test_ids(people, asked, checks):
    names = list(asked)[:3]
    group = {name: asked[name] for name in names}
    check = GroupCheck(people[0], group, checks)
    items = [good_item(names[0]), good_item("occupation2"), good_item(names[1]), good_item(names[1])]
    problems = check({"items": items})
    assert set(check.accepted) == {names[0]}  # a repeated one is not used
    assert any("'occupation2' is no item" in p for p in problems)
    assert any(f"{names[1]!r} stands more than once" in p for p in problems)
    assert any(f"item {names[2]!r} is missing" in p for p in problems)
    assert check({"items": [good_item(names[1]), good_item(names[2])]}) == []  # only the rest is wanted


def test_groups_are_of_one_category_and_small(asked):
    made = groups(list(asked.values()))
    assert [len(g) for g in made] == [6, 5, 6, 3]
    assert [a.name for g in made for a in g] == list(asked)
    assert all(len({a.category for a in g}) == 1 for g in made)


def test_tidy():
    assert tidy("  It\u2019s  a {value}. ") == "It's {a value}."
    assert tidy("This is an {value}.") == "This is {a value}."
    assert tidy("\u201cX\u201d") == '"X"'


def test_wordings_that_differ_in_case_and_marks_are_the_same():
    assert same_phrasing("What is it, then?") == same_phrasing("what is it then")
    assert distinct_problems({"a": "One thing.", "b": "one thing", "c": "Two."}) == [
        "b is the same as a: each must be worded differently"
    ]


def test_stems():
    assert stem("admitted") == stem("admitted's") != stem("admission")
    assert stem("diagnosed") == "diagnos"
