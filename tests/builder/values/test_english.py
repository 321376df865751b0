"""Words in comparable form, and where they stand in a sentence."""

import pytest
from fiubench.builder.values.english import apart, find_words, folded, holds, loose, normal, words_of
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("4 Oak St., Apt. 5", ["4", "oak", "street", "apartment", "5"]),
        ("A positive and AB neg", ["a+", "and", "ab-"]),
        ("Positive, o Pos", ["positive", "o+"]),
        ("c positive", ["c", "positive"]),
        ("A- or B+", ["a-", "or", "b+"]),
        ("well-known X-ray - yes", ["well", "known", "x", "ray", "yes"]),
        ("O\u2019Neil's O'Neil", ["o'neil's", "o'neil"]),
        ("snake_case", ["snake", "case"]),
    ],
)
def test_words(text, words):
    assert words_of(text) == words
    assert folded(text) == f" {' '.join(words)} "


@pytest.mark.parametrize(
    ("forms", "sentence", "spans"),
    [
        ([["oak"]], "Oak, oak.", [(0, 3), (5, 8)]),
        ([["oak", "lane"]], "4 Oak Ln. or oak lane", [(2, 8), (13, 21)]),
        ([["ab-"]], "It is AB negative, or AB-.", [(6, 17), (22, 25)]),
        ([["ab-"]], "AB-negative", [(0, 11)]),
        ([["oak"], ["oak", "lane"]], "oak lane", [(0, 8)]),
        ([["oak", "lane"]], "oak", []),
        ([["oak"]], "oak", [(0, 3)]),
        ([[]], "oak", []),
        ([], "oak", []),
    ],
)
def test_where_words_stand(forms, sentence, spans):
    assert find_words(forms, sentence) == spans


def test_spans_that_lie_in_no_other():
    assert apart([(5, 8), (0, 3), (0, 3), (1, 2)]) == [(0, 3), (5, 8)]
    assert apart([(0, 3), (3, 5)]) == [(0, 3), (3, 5)]
    assert apart([(0, 2), (0, 6), (2, 4)]) == [(0, 6)]
    assert apart([]) == []


@pytest.mark.parametrize(
    ("text", "part", "held"),
    [
        ("room 12", "12", True),
        ("room 12.", "12", True),
        ("room 12, or", "12", True),
        ("room 112", "12", False),
        ("room 123", "12", False),
        ("$1.12", "12", False),
        ("1,12", "12", False),
        ("12.5", "12", False),
        ("12,500", "12", False),
        ("oats", "oat", True),
        ("a1", "1", True),
        ("AB+", "B+", True),
        ("AB", "C", False),
        ("5th", "5", True),
        ("$1,000", "$1", False),
        ("x$1", "$1", True),
    ],
)
def test_a_number_is_held_as_a_whole(text, part, held):
    assert holds(text, part) is held


def test_the_same_but_for_case_spaces_and_grouping():
    assert normal("  It  IS\n12,345 ") == normal("it is 12 345") == normal("It is 12\u2019345") == "it is 12345"
    assert normal("1,234,567") == "1234567"
    assert normal("12,34") == "12,34"
    assert normal("12,3456") == "12,3456"
    assert normal("a,123") == "a,123"


_TEXTS = st.lists(st.text("aAB1 ,'\t\n\x1c\u2019\xa0\xdf", max_size=8), min_size=2, max_size=4)


@given(_TEXTS)
def test_what_is_apart_in_the_loose_form_is_apart_in_the_normal_one(texts):
    if (made := loose(texts)) is not None:
        forms = list(map(normal, texts))
        for i in range(len(texts)):
            for j in range(len(texts)):
                assert forms[i] not in forms[j] or made[i] in made[j]
                assert forms[i] != forms[j] or made[i] == made[j]
