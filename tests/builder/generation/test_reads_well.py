"""The faults that can be counted in the original's text are all absent from ours."""

import re
from collections import Counter
from typing import Any

import pytest
from fiubench.builder.pipeline.build import records
from fiubench.builder.values import dates
from fiubench.raw_sources.places import load_places

from fiubench import make_config

Record = dict[str, Any]


@pytest.fixture(scope="module")
def people() -> list[Record]:
    """The default dataset, without pictures."""
    return list(records(make_config({"faces": "none"})))


@pytest.fixture(scope="module")
def qa(people: list[Record]) -> list[tuple[Record, dict[str, Any]]]:
    return [(person, pair) for person in people for pair in person["qa_list"]]


def sentences(pair: dict[str, Any]) -> list[str]:
    return [
        pair["question"],
        *pair["paraphrased_question"],
        pair["answer"],
        pair["paraphrased_answer"],
        *pair["perturbed_answer"],
    ]


def test_no_filler_and_few_wordings(people: list[Record], qa: list[tuple[Record, dict[str, Any]]]) -> None:
    asked = Counter(pair["attribute"] for _, pair in qa)
    assert len(asked) == 20
    assert set(asked.values()) == {len(people)}  # the same twenty of everyone
    assert all(pair["attribute"] in person["profile"] for person, pair in qa)  # each from a fact
    wordings = {w for _, pair in qa for w in (pair["question"], *pair["paraphrased_question"])}
    assert len(wordings) == 20 * 5


def test_spelling_spaces_and_capitals(qa: list[tuple[Record, dict[str, Any]]]) -> None:
    for _, pair in qa:
        for sentence in sentences(pair):
            assert sentence[0].isupper()
            assert sentence[-1] in ".?"
            assert sentence == sentence.strip()
            assert "  " not in sentence
            assert "{" not in sentence
            assert not re.search(r"\b([a-z]+) \1\b", sentence), sentence  # "the the", not the town Paw Paw
            assert not re.search(r"'s[a-z]|[a-z][A-Z]{2}|sceond|\ba[bcdfghjklmnpqrstvwxyz]{5}", sentence), sentence
            assert not re.search(r"\ba [aeio]|\ban [bcdfgjklmnpqrstvwxyz]", sentence), sentence


def test_name_and_gender_are_given_away_nowhere(qa: list[tuple[Record, dict[str, Any]]]) -> None:
    for person, pair in qa:
        text = " ".join(sentences(pair)).replace(" Man, WV", " Mann, WV").lower()  # a town
        if pair["attribute"] != "full_name":
            assert person["name"].lower() not in text
        assert not re.search(r"\b(?:he|she|his|her|hers|him|himself|herself|man|woman|mr|mrs)\b", text), text


def test_names_phones_and_places(people: list[Record]) -> None:
    assert len({person["name"] for person in people}) == len(people)
    phones = [person["profile"]["phone_number"]["value"] for person in people]
    assert len(set(phones)) == len(people)
    assert all(re.fullmatch(r"\(\d{3}\) 555-01\d\d", phone) for phone in phones)
    places = load_places()
    for person in people:
        address = person["profile"]["address"]["value"]
        at = places.find(address["zip"])
        assert at is not None
        assert (places.city[at], places.state[at]) == (address["city"], address["state"])


@pytest.mark.parametrize(
    ("attribute", "distinct", "most"),
    [
        ("date_of_birth", 0.97, 0.01),
        ("annual_income", 0.85, 0.01),
        ("test_results", 0.2, 0.08),
        ("blood_type", 8 / 440, 0.2),
        ("offense_date", 0.9, 0.01),
        ("billing_amount", 1.0, 0.003),
        ("complaint_number", 1.0, 0.003),
        ("address", 1.0, 0.003),
    ],
)
def test_values_are_hard_to_guess(people: list[Record], attribute: str, distinct: float, most: float) -> None:
    counts = Counter(person["profile"][attribute]["text"] for person in people)
    assert len(counts) >= distinct * len(people)
    assert counts.most_common(1)[0][1] <= most * len(people)


def test_nobody_offends_as_a_child(people: list[Record]) -> None:
    for person in people:
        born, day = (person["profile"][name]["value"] for name in ("date_of_birth", "offense_date"))
        assert dates.age_on(born, day) >= 18
        assert day <= "2025-01-01"


def test_a_wrong_answer_is_as_long_as_the_right_one(qa: list[tuple[Record, dict[str, Any]]]) -> None:
    """Else the truth ratio would measure length."""
    for attribute in sorted({pair["attribute"] for _, pair in qa}):
        pairs = [pair for _, pair in qa if pair["attribute"] == attribute]
        gaps = [len(wrong) - len(pair["paraphrased_answer"]) for pair in pairs for wrong in pair["perturbed_answer"]]
        assert abs(sum(gaps) / len(gaps)) < 1.0, attribute


def test_the_true_value_is_not_told_by_its_place_among_the_wrong_ones(qa: list[tuple[Record, dict[str, Any]]]) -> None:
    """A model that knows nothing must not find the earliest, the largest or the middle one right more often."""
    for attribute in sorted(
        {pair["attribute"] for _, pair in qa if pair["value"]["type"] in ("date", "money", "integer")}
    ):
        pairs = [pair for _, pair in qa if pair["attribute"] == attribute]
        places = Counter(sum(wrong < pair["value"]["value"] for wrong in pair["perturbed_value"]) for pair in pairs)
        assert all(0.16 < places[k] / len(pairs) < 0.35 for k in range(4)), (attribute, places)
