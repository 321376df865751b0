"""Keywords: what a right answer must contain, how else it may spell that, and parts of it."""

import pytest
from fiubench.builder.packs.attributes import built_in
from fiubench.builder.packs.keywords import compile_variants, keywords_of
from fiubench.builder.packs.model import Attribute, Origin
from fiubench.builder.values.base import VALUE_TYPES

BUILT_IN = {attribute.name: attribute for attribute in built_in().attributes}


def three(fields):
    """Keywords, variants and parts, those that are left out as empty ones."""
    words = fields["keywords"]
    return words, fields.get("keyword_variants", [[] for _ in words]), fields.get("keyword_parts", {})


def made(kind, value, keywords="value", **variants):
    attribute = Attribute(
        "thing",
        "own",
        kind,
        Origin("choose", {}),
        "mine",
        keywords=keywords,
        variants=compile_variants(variants, "mine"),
    )
    return keywords_of(attribute)(value, VALUE_TYPES[kind].write(value))


@pytest.mark.parametrize(
    ("value", "keyword", "variants"),
    [
        ("a drug offense", "drug offense", []),
        ("an offense against the person", "offense against the person", []),
        ("the flu", "flu", []),
        ("a", "a", []),
        ("anemia", "anemia", []),
        ("theft", "theft", []),
        ("A&E", "A&E", []),
        ("The Aurora Clinic", "The Aurora Clinic", ["Aurora Clinic"]),
    ],
)
@pytest.mark.parametrize("kind", ["text", "enum"])
def test_articles(kind, value, keyword, variants):
    assert three(made(kind, value))[:2] == ([keyword], [variants])


def test_a_name_keeps_all_of_it():
    assert three(made("name", "An Nguyen")) == (
        ["An Nguyen"], [["Nguyen, An"]], {"given name": "An", "family name": "Nguyen"}
    )  # fmt: skip
    assert made("name", "Cher") == {"keywords": ["Cher"]}
    assert made("name", "Cher", "parts")["keywords"] == ["Cher"]
    assert made("name", "Jane Doe", "parts")["keywords"] == ["Jane", "Doe"]


ADDRESS = {"street": "4 Oak Avenue, Apt 2", "city": "Salem", "state": "OR", "zip": "97301"}


@pytest.mark.parametrize(
    ("kind", "value", "some", "parts"),
    [
        ("date", "2022-04-05", ["April 5th, 2022", "5 April 2022", "2022-04-05", "4/5/2022"],
         {"day": "April 5", "year": "2022"}),
        ("date", "2022-12-21", ["December 21st, 2022", "12/21/2022"], {"day": "December 21", "year": "2022"}),
        ("money", 16115.65, ["$16115.65", "16,115.65 dollars", "16115.65 dollars"], {}),
        ("money", 1500, ["$1,500", "1,500 dollars", "1500 dollars"], {}),
        ("integer", 1234, ["1,234"], {}),
        ("phone", "(212) 555-0142", ["212-555-0142", "2125550142"], {"area code": "212", "number": "555-0142"}),
        ("address", ADDRESS, [], {"street": "4 Oak Avenue, Apt 2", "city": "Salem", "ZIP code": "97301"}),
        ("code", "AC-12", [], {}),
        ("integer", 683, [], {}),
    ],
)  # fmt: skip
def test_what_types_know(kind, value, some, parts):
    words, (variants,), known = three(made(kind, value))
    assert set(some) <= set(variants)
    assert words == [VALUE_TYPES[kind].write(value)]
    assert words[0] not in variants
    assert known == parts
    if kind in ("date", "money"):  # what is accepted states the value
        assert all(VALUE_TYPES[kind].states(value, f"It is {variant}.") for variant in variants)


def test_parts_of_an_address():
    words, variants, parts = three(made("address", ADDRESS, "parts"))
    assert words == list(parts.values())
    assert {"4 Oak Ave, Apt 2", "4 Oak Ave., Apartment 2", "4 Oak Avenue, #2"} <= set(variants[0])
    assert variants[1:] == [[], []]


def test_whole_dollars():
    income = three(keywords_of(BUILT_IN["annual_income"])(63480, "$63,480"))
    assert set(income[1][0]) == {"$63480", "63,480 dollars", "63480 dollars", "$63,480.00"}


def test_a_pack_declares_variants():
    declared = {"second-degree *": ["2nd degree *", "* in the second degree"], "tools": ["tool set"]}
    assert made("enum", "second-degree robbery", **declared)["keyword_variants"] == [
        ["2nd degree robbery", "robbery in the second degree"]
    ]
    assert made("enum", "burglar's tools", **declared)["keyword_variants"] == [["burglar's tool set"]]
    assert made("enum", "toolset", **declared) == {"keywords": ["toolset"]}


@pytest.mark.parametrize(
    ("attribute", "value", "variant"),
    [
        ("blood_type", "AB-", "AB negative"),
        ("blood_type", "O+", "O positive"),
        ("offense", "first-degree arson", "arson in the first degree"),
        ("offense", "third-degree assault", "3rd degree assault"),
        ("medical_condition", "osteoarthritis of the knee", "knee osteoarthritis"),
        ("hospital", "Saint Anne Hospital", "St. Anne Hospital"),
        ("insurance_provider", "Tidewater Health Plan", "Tidewater Health"),
    ],
)
def test_what_the_built_in_pack_declares(attribute, value, variant):
    assert variant in keywords_of(BUILT_IN[attribute])(value, value)["keyword_variants"][0]
