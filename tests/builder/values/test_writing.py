import pytest
from fiubench.builder.languages.english import article
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.builder.values.column import Column
from fiubench.schemas import load
from hypothesis import given
from hypothesis import strategies as st

AN = """
actuary; air traffic controller; A-; A+; AB+; O-; O+; 8; 80; 800; 8-day stay; 11; 18; $8; $80,000; $11,000;
$18.50; hour; hourly worker; honest broker; honorary consul; heir; heiress; herb garden; herbalist; HIV test; HR
manager; MRI scan; FBI agent; EMT; ER nurse; IT specialist; X-ray; SUV; LPN; NBA player; RN; SEO analyst; apple;
orange; umbrella; usher; upholsterer; utter fool; urban planner; urgent case; ugly duckling; uninsured driver;
unimportant detail; unimaginable loss; unidentified object; unissued bond; unironed shirt; unilluminated sign;
unidiomatic phrase; Italian; Irish setter; Uzbek; only child; oncologist; investment banker; eye doctor; ear
infection;
""".replace("\n", " ")
A = """
nurse; B+; 7; 100; 110; 180; 1,100; $5; $110; $180,000; hotel manager; hospital; hair stylist; hero; Herbert
biography; UPS driver; US citizen; U-turn; B-; CT scan; DNA test; PhD; TV host; VIP; ZIP code; unit; union;
university lecturer; unique case; uniform; unicorn; unilateral stroke; unidirectional valve; unimodal curve;
universal joint; unanimous vote; urologist; urine test; uranium miner; Uruguayan; user experience designer;
usual suspect; utility worker; utensil; ukulele player; Ukrainian; UK citizen; Ugandan; European; euphemism;
eulogy; ewe; one-way street; one; once-only offer; felony; misdemeanor; violation; sedan; yacht broker; wonder;
""".replace("\n", " ")


@pytest.mark.parametrize("noun", [n.strip() for n in AN.split(";") if n.strip()])
def test_an(noun):
    assert article(noun) == "an"


@pytest.mark.parametrize("noun", [n.strip() for n in A.split(";") if n.strip()])
def test_a(noun):
    assert article(noun) == "a"


@given(st.text(max_size=20))
def test_every_text_has_an_article(noun):
    assert article(noun) in {"a", "an"}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("text", "Saint Luke Hospital", "Saint Luke Hospital"),
        ("enum", "AB+", "AB+"),
        ("name", "Ann O'Neil", "Ann O'Neil"),
        ("code", "0012-A", "0012-A"),
        ("phone", "(212) 555-0142", "(212) 555-0142"),
        ("date", "1985-04-12", "April 12, 1985"),
        ("money", 16115.65, "$16,115.65"),
        ("money", 1200.0, "$1,200.00"),
        ("money", 5, "$5.00"),
        ("money", 0.1, "$0.10"),
        ("money", 1234567.0, "$1,234,567.00"),
        ("integer", 1024, "1024"),
        ("decimal", 1.8, "1.8"),
        ("decimal", -40.0, "-40"),
        ("decimal", 0.000001, "0.000001"),
        ("list", ["latex"], "latex"),
        ("list", ["latex", "wheat"], "latex and wheat"),
        ("list", ["eggs", "latex", "wheat"], "eggs, latex and wheat"),
        ("parts", "128/79 mmHg", "128/79 mmHg"),
        (
            "address",
            {"street": "4 Oak Lane, Apt 2", "city": "Salem", "state": "OR", "zip": "97301"},
            "4 Oak Lane, Apt 2, Salem, OR 97301",
        ),
    ],
)
def test_reads_as_in_a_sentence(kind, value, text):
    assert VALUE_TYPES[kind].write(value) == text
    assert VALUE_TYPES[kind].writer({})(value) == text


def test_money_without_cents():
    assert VALUE_TYPES["money"].writer({"cents": False})(63480.0) == "$63,480"


@given(st.integers(0, 10**12))
def test_money_keeps_every_cent(cents):
    assert int("".join(c for c in VALUE_TYPES["money"].write(cents / 100) if c.isdigit())) == cents


def test_the_schema_of_identities_lists_the_built_in_types():
    """It is the format that others read, so it stands there whole; here it is held to what the types declare."""
    listed = {}
    for branch in load("identity")["$defs"]["typed"]["anyOf"]:
        kind, value = branch["properties"]["type"], branch["properties"]["value"]
        value = load("identity")["$defs"][value["$ref"].split("/")[-1]] if "$ref" in value else value
        listed |= dict.fromkeys(kind.get("enum") or [kind["const"]], value)
    assert listed == {name: kind.json_type for name, kind in VALUE_TYPES.items()}
    assert sorted(load("attribute_pack")["$defs"]["attribute"]["properties"]["type"]["enum"]) == sorted(listed)


def test_a_column_has_a_text_and_an_origin_for_each_value():
    column = Column.of("date", ["2020-01-02", "2021-03-04"], "crimes.offense_date")
    assert column.text == ["January 2, 2020", "March 4, 2021"]
    assert column.origin == ["crimes.offense_date"] * 2
    assert Column.of("enum", ["x", "y"], ["a", "b"]).origin == ["a", "b"]
    assert Column.of("money", [10.0], "m", VALUE_TYPES["money"].writer({"cents": False})).text == ["$10"]


@pytest.mark.parametrize(
    ("options", "text"),
    [({}, "1.8"), ({"digits": 2}, "1.80"), ({"digits": 2, "unit": "m"}, "1.80 m"), ({"unit": "%"}, "1.8%"),
     ({"unit": "°C"}, "1.8°C"), ({"digits": 0, "unit": "fl. oz"}, "2 fl. oz")],
)  # fmt: skip
def test_decimals_with_digits_and_units(options, text):
    kind = VALUE_TYPES["decimal"]
    assert kind.writer(options)(1.8) == text
    assert kind.writes(1.8, text)
    assert not kind.writes(1.7, text) or options.get("digits") == 0
    assert kind.parse(text) == (2 if options.get("digits") == 0 else 1.8)


@given(
    st.lists(st.sampled_from(["eggs", "latex", "nuts", "tree pollen", "wheat"]), min_size=1, max_size=5, unique=True)
)
def test_a_list_is_read_as_it_is_written(items):
    kind = VALUE_TYPES["list"]
    assert kind.parse(kind.write(sorted(items))) == sorted(items)
    assert sorted(kind.keyword_parts(sorted(items)).values()) == sorted(items)
