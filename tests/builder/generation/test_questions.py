from collections import Counter

import numpy as np
import pytest
from fiubench.builder.generation.perturb import Wrong
from fiubench.builder.generation.questions import captions, render
from fiubench.builder.packs.model import Attribute, Origin
from fiubench.builder.values.column import Column
from hypothesis import given
from hypothesis import strategies as st

QUESTIONS = tuple(f"What is this, {word}?" for word in ("please", "sir", "friend", "guest", "doctor"))
ANSWERS = ("This is {value}.", "On file, it is {value}, as told.", "It is {a value}.")


def thing(**keys):
    given = {"questions": QUESTIONS, "answers": ANSWERS, **keys}
    return Attribute("thing", "own", "text", Origin("from", "health.hospital"), "mine", "high", **given)


def rendered(count=40, attribute=None, seed=1, start=0):
    attribute = attribute or thing()
    values = [f"apple {i}" for i in range(start, start + count)]
    others = [[f"{word} {v}" for word in ("pear", "orange", "hour")] for v in values]
    column = Column.of("text", values, "test")
    index = np.arange(start, start + count)
    return render(attribute, seed, index, column, Wrong(others, others))


def test_a_pair_renders_one_fact():
    for i, qa in enumerate(rendered()):
        assert qa["question"] in QUESTIONS
        assert len({qa["question"], *qa["paraphrased_question"]}) == 4
        assert set(qa["paraphrased_question"]) < set(QUESTIONS)
        assert qa["answer"] != qa["paraphrased_answer"]
        assert qa["keywords"] == [f"apple {i}"]
        assert qa["value"] == {"type": "text", "value": f"apple {i}"}
        assert (qa["attribute"], qa["category"], qa["sensitivity"]) == ("thing", "own", "high")
        assert qa["perturbed_value"] == [f"pear apple {i}", f"orange apple {i}", f"hour apple {i}"]


def test_phrasing_ids_are_those_used():
    for i, qa in enumerate(rendered()):
        ids = qa["phrasings"]
        assert QUESTIONS[int(ids["question"][1:])] == qa["question"]
        assert [QUESTIONS[int(q[1:])] for q in ids["paraphrased_question"]] == qa["paraphrased_question"]
        for field in ("answer", "paraphrased_answer"):
            template = ANSWERS[int(ids[field][1:])]
            assert qa[field] == template.replace("{a value}", f"an apple {i}").replace("{value}", f"apple {i}")


def test_wrong_answers_take_the_paraphrase():
    for qa in rendered():
        template = ANSWERS[int(qa["phrasings"]["paraphrased_answer"][1:])]
        for article, value, sentence in zip(
            ("a", "an", "an"), qa["perturbed_value"], qa["perturbed_answer"], strict=True
        ):
            assert sentence == template.replace("{a value}", f"{article} {value}").replace("{value}", value)


def test_wordings_vary_evenly():
    pairs = rendered(3000)
    first = Counter(qa["question"] for qa in pairs)
    assert set(first) == set(QUESTIONS) and min(first.values()) > 500
    both = Counter((qa["phrasings"]["answer"], qa["phrasings"]["paraphrased_answer"]) for qa in pairs)
    assert len(both) == 6 and min(both.values()) > 400


def test_a_pair_depends_on_its_own_identity_alone():
    whole = rendered(50)
    assert rendered(7, start=40) == whole[40:47]
    assert rendered(50, seed=2) != whole


def test_wording_says_nothing_about_another_attribute():
    other = Attribute("other", "own", "text", Origin("from", "health.hospital"), "mine", "high",
                      questions=QUESTIONS, answers=ANSWERS)  # fmt: skip
    same = [a["question"] == b["question"] for a, b in zip(rendered(1000), rendered(1000, other), strict=True)]
    assert 130 < sum(same) < 270  # one in five


def test_keywords_of_an_address_are_its_parts():
    address = {"street": "4 Oak Lane, Apt 2", "city": "Salem", "state": "OR", "zip": "97301"}
    attribute = Attribute("home", "own", "address", Origin("from", "addresses.address"), "mine",
                          questions=QUESTIONS, answers=ANSWERS[:2], keywords="parts")  # fmt: skip
    column = Column.of("address", [address], "test")
    qa = render(attribute, 1, np.arange(1), column, Wrong([[address] * 3], [["x", "y", "z"]]))[0]
    assert qa["keywords"] == ["4 Oak Lane, Apt 2", "Salem", "97301"]
    assert list(qa["keyword_parts"]) == ["street", "city", "ZIP code"]
    assert len(qa["keyword_variants"]) == 3
    assert all(keyword in qa["answer"] and keyword in qa["paraphrased_answer"] for keyword in qa["keywords"])


# --- captions


def texts(**columns):
    return {name: Column.of("text", list(values), "test") for name, values in columns.items()}


def test_captions_fill_facts_and_articles():
    paragraphs = [["{name} is {a work}, 100% {work}; {name} too."], ["It {ends} here."]]
    facts = texts(name=["Ann", "Bo"], work=["nurse", "actor"], ends=["%s", "{name}"])
    assert captions(paragraphs, 1, np.arange(2), facts) == [
        "Ann is a nurse, 100% nurse; Ann too.\n\nIt %s here.",
        "Bo is an actor, 100% actor; Bo too.\n\nIt {name} here.",
    ]


def test_wordings_of_a_caption_are_drawn_for_each_person():
    paragraphs = [["One {x}.", "Two {x}.", "Three {x}."]]
    facts = texts(x=["x"] * 600)
    made = captions(paragraphs, 1, np.arange(600), facts)
    assert min(Counter(made).values()) > 150 and len(set(made)) == 3
    assert captions(paragraphs, 1, np.arange(600)[590:], texts(x=["x"] * 10)) == made[590:]


def test_no_captions():
    assert captions([], 1, np.arange(2), {}) == ["", ""]


@given(st.lists(st.sampled_from(["{a}", "{b}", "{a a}", "{a b}", " ", "%", "%s", "x"]), min_size=1, max_size=12))
def test_captions_replace_every_placeholder_once(parts):
    paragraphs = [["".join(parts)]]
    expected = {"{a}": "ore", "{b}": "tin", "{a a}": "an ore", "{a b}": "a tin"}
    assert captions(paragraphs, 1, np.arange(1), texts(a=["ore"], b=["tin"])) == [
        "".join(expected.get(part, part) for part in parts)
    ]


# --- real records


def test_real_records_read_as_sentences(people):
    for record in people:
        for qa in record["qa_list"]:
            for sentence in (qa["answer"], qa["paraphrased_answer"], *qa["perturbed_answer"]):
                assert sentence[0].isupper() and sentence.endswith(".") and not sentence.endswith("..")
                assert not {"{", "}"} & set(sentence) and "  " not in sentence
        assert not {"{", "}"} & set(record["caption"])


@pytest.mark.parametrize("field", ["name", "gender"])
def test_nothing_but_the_name_question_tells_who_it_is(people, field):
    for record in people:
        told = [
            qa["attribute"]
            for qa in record["qa_list"]
            if any(f" {record[field]}" in s for s in (qa["question"], qa["answer"], qa["paraphrased_answer"]))
        ]
        assert told == (["full_name"] if field == "name" else [])
