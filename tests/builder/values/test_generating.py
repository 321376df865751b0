"""What the types generate: every value of a range and none beside it, each once where it must be, refused where not."""

import numpy as np
import pytest
from fiubench.builder.values.base import VALUE_TYPES, Drawing, Given
from fiubench.builder.values.code import DIGITS, LETTERS, code_alphabets
from fiubench.builder.values.phone import PhoneNumber, other_numbers, phone_numbers, phone_of, phone_text
from fiubench.raw_sources.drawn import nobody
from fiubench.raw_sources.places import load_places
from fiubench.support.draws import below, draw
from fiubench.support.errors import PackError

CENT = {"min": 0, "max": (1 << 32) / 100}


def drawing(options=None, count=600, given=()):
    return Drawing(7, "some.purpose", np.arange(count), options, given, "attribute 'some'")


def dates(first, last, count=600):
    given = [Given(source, [day] * count, "attribute 'some'") for source, day in (("a", first), ("b", last))]
    return drawing(count=count, given=tuple(given))


RANGES = {
    "integer": (drawing({"min": -2, "max": 3}), [-2, -1, 0, 1, 2, 3]),
    "integer of one": (drawing({"min": 5, "max": 5}), [5]),
    "money": (drawing({"min": 9.98, "max": 10.02}), [9.98, 9.99, 10.0, 10.01, 10.02]),
    "money in steps": (drawing({"min": 10, "max": 11.2, "step": 0.25}), [10.0, 10.25, 10.5, 10.75, 11.0]),
    "date": (dates("2024-02-28", "2024-03-01"), ["2024-02-28", "2024-02-29", "2024-03-01"]),
    "date of one": (dates("2024-02-28", "2024-02-28"), ["2024-02-28"]),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_range_is_drawn_to_its_ends_and_says_so(name):
    what, values = RANGES[name]
    kind = VALUE_TYPES[name.split()[0]]
    made = kind.generate(what)
    assert sorted(set(made)) == values
    drawn = kind.drawn(made, what)
    assert [values[place] for place in drawn.place] == made
    assert set(drawn.size.tolist()) == {len(values)}
    everyone = np.arange(len(values))
    assert drawn.make(everyone, everyone) == values


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("integer", {"min": 4, "max": 3}, "max 3 is less than min 4"),
        ("integer", {"min": 0, "max": 1 << 32}, "more than 4,294,967,296 values"),
        ("integer", {"min": 4, "max": 4}, None),
        ("integer", {"min": 0, "max": (1 << 32) - 1}, None),
        ("money", CENT, "more than 4,294,967,296 values"),
        ("money", {**CENT, "step": 0.02}, None),
        ("money", {"min": 0, "max": 1 << 31}, "more than 4,294,967,296 values"),
    ],
)
def test_ranges_that_are_none_or_too_wide(kind, options, says):
    if says is None:
        VALUE_TYPES[kind].check_options(options, "somewhere")
    else:
        with pytest.raises(PackError, match=f"generate.{kind}: {says}"):
            VALUE_TYPES[kind].check_options(options, "somewhere")


def test_a_range_of_dates_that_is_none():
    what = dates("2024-03-01", "2024-02-28", count=3)
    first, last = what.given
    first.values[:2] = ["2024-01-01", "2024-02-28"]
    with pytest.raises(PackError, match=r"from 2024-03-01 to 2024-02-28 is no range \(identity 2\)"):
        VALUE_TYPES["date"].generate(what)
    with pytest.raises(PackError, match="gives is no date: 19800"):
        VALUE_TYPES["date"].generate(drawing(count=1, given=(Given("a", [19800], ""), last)))
    with pytest.raises(PackError, match="gives is no date"):
        VALUE_TYPES["date"].generate(drawing(count=1, given=(Given("a", ["2024-02-30"], ""), last)))


def test_alphabets_of_a_code():
    assert code_alphabets(r"A#-\A\#\\") == [LETTERS, DIGITS, "-", "A", "#", "\\"]
    assert len(LETTERS) == 24
    assert not set("IO") & set(LETTERS)


@pytest.mark.parametrize("kind", ["code", "name"])
def test_everyone_gets_another(kind):
    """As many as there are, and nobody's are others for as long as there are any; one identity more is refused."""
    letters = list("abcdefgh")
    options = "A#-x" if kind == "code" else {"template": "{a} {b}{b}", "a": letters, "b": letters[:5], "unique": True}
    space = 240 if kind == "code" else 40
    generate = VALUE_TYPES[kind].generate
    made = generate(drawing(options, space))
    assert len(set(made)) == space
    assert all(len(text) == 4 for text in made)
    assert VALUE_TYPES[kind].one_each(options)
    assert not VALUE_TYPES[kind].one_each(None)
    with pytest.raises(PackError, match=f"{space} (codes|texts), and {space + 1} identities need one each"):
        generate(drawing(options, space + 1))
    quarter = space // 4
    index = np.arange(quarter)
    turns = [generate(Drawing(7, "some.purpose", nobody(index, turn), options)) for turn in range(3)]
    assert len({*made[:quarter], *(text for texts in turns for text in texts)}) == 4 * quarter


def test_so_many_that_two_alike_will_not_be_met():
    """Beyond 2**62 combinations each place is drawn by itself."""
    what = drawing("AA" + 16 * "#", 5)
    words = draw(7, "some.purpose", np.arange(5), words=18)
    places = np.stack([below(words[:, k], 24 if k < 2 else 10) for k in range(18)], axis=1).tolist()
    assert VALUE_TYPES["code"].generate(what) == [
        "".join([LETTERS[a], LETTERS[b], *(DIGITS[d] for d in digits)]) for a, b, *digits in places
    ]


def test_words_of_a_template():
    lists = {"template": "{a}-{b}", "a": ["x", "y"], "b": ["1", "2", "3"]}
    made = VALUE_TYPES["text"].generate(drawing(lists))
    assert set(made) == {f"{a}-{b}" for a in "xy" for b in "123"}
    assert not VALUE_TYPES["text"].one_each(lists)
    for wrong, says in [
        ({"a": ["x", "y{"]}, "a brace that is no placeholder in 'y{'"),
        ({"a": ["x", "y}"]}, "a brace that is no placeholder in 'y}'"),
        ({"template": "{a}-{b} {c}"}, r"the template's {c} has no list"),
        ({"c": ["x", "y"]}, r"the template has no {c}"),
        ({"template": "{a}{b}", "a": ["x", "x1"], "unique": True}, "'a' may read alike in two texts: 'x' begins 'x1'"),
    ]:
        with pytest.raises(PackError, match=says):
            VALUE_TYPES["text"].check_options(lists | wrong, "somewhere")
    VALUE_TYPES["text"].check_options(lists | {"a": ["x", "x1"], "unique": True}, "somewhere")
    VALUE_TYPES["text"].check_options(lists | {"template": "{a}{b}", "a": ["x", "x1"]}, "somewhere")


@pytest.mark.parametrize(
    ("kind", "value", "valid"),
    [
        ("integer", 10**12, True),
        ("integer", -(10**12), True),
        ("integer", 10**12 + 1, False),
        ("integer", True, False),
        ("integer", "1", False),
        ("money", float("nan"), False),
        ("money", 1.5, True),
        ("money", 1e13, False),
        ("text", "", False),
        ("text", "x", True),
        ("text", 1, False),
        ("address", {"street": "1 A Road", "city": "X", "state": "NJ", "zip": "08558"}, True),
        ("address", {"street": "1 A Road", "city": "X", "state": "nj", "zip": "08558"}, False),
    ],
)
def test_what_is_valid(kind, value, valid):
    assert VALUE_TYPES[kind].is_valid(value) is valid
    if valid:
        VALUE_TYPES[kind].check([value], "somewhere")
    else:
        with pytest.raises(PackError, match=f"which is no {kind}"):
            VALUE_TYPES[kind].check([value], "somewhere")


def test_money_is_never_negative():
    VALUE_TYPES["money"].check([0.0, 1.0], "somewhere")
    VALUE_TYPES["money"].check([], "somewhere")
    with pytest.raises(PackError, match=r"makes -0.5: money is never negative"):
        VALUE_TYPES["money"].check([1.0, -0.5], "somewhere")


# --- phone numbers


def test_a_quarter_of_the_lines_is_handed_out_and_then_spare_codes():
    areas = np.array([212] * 30 + [305] * 10 + [212] * 2)
    phones = phone_numbers(7, areas).tolist()
    texts = [phone_of(phone_text(phone)) for phone in phones]
    assert len(set(phones)) == len(phones)
    assert all(text.fictitious for text in texts)
    own = [text.area == str(area) and text.exchange == "555" for text, area in zip(texts, areas, strict=True)]
    assert own == [True] * 25 + [False] * 5 + [True] * 10 + [False] * 2
    assert all(text.never_assigned and text.exchange[0] not in "01" for text in np.array(texts)[~np.array(own)].tolist()
               for text in [PhoneNumber(*text)])  # fmt: skip
    others = [other_numbers(7, np.array(phones), np.arange(len(phones)), turn).tolist() for turn in range(3)]
    assert len({*phones, *(number for numbers in others for number in numbers)}) == 4 * len(phones)
    for phone, *wrong in zip(phones, *others, strict=True):
        assert all(phone_of(phone_text(number)).fictitious for number in wrong)
        assert phone // 10_000_000 // 10 % 10 == 9 or {number // 1000 for number in wrong} == {phone // 1000}
    assert phone_numbers(7, np.array([], np.int64)).tolist() == []


@pytest.mark.parametrize(
    ("text", "never_assigned", "possible", "fictitious"),
    [
        ("(212) 555-0100", False, True, True),
        ("(212) 555-0199", False, True, True),
        ("(212) 555-0200", False, True, False),
        ("(212) 556-0100", False, True, False),
        ("(290) 212-3456", True, True, True),
        ("(190) 555-0100", False, False, True),
        ("(090) 212-3456", False, False, False),
        ("(211) 555-0100", False, False, True),
        ("(219) 212-0100", False, True, False),
    ],
)
def test_what_a_number_says(text, never_assigned, possible, fictitious):
    number = phone_of(text)
    assert (number.never_assigned, number.possible, number.fictitious) == (never_assigned, possible, fictitious)


@pytest.mark.parametrize(
    ("text", "states", "says"),
    [
        ("(212) 555-0100", ["NY"], None),
        ("(212) 555-0100", [], None),
        ("(212) 555-0100", ["CA", "NY"], None),
        ("(212) 555-0100", ["CA", "TX"], "area code 212 is not in CA or TX"),
        ("(290) 212-3456", ["CA"], None),
        ("(212) 556-0100", ["NY"], "may be somebody's"),
        ("212 555 0100", ["NY"], "is not written like"),
    ],
)
def test_what_is_wrong_with_a_number(text, states, says):
    found = list(VALUE_TYPES["phone"].faults(text, states, load_places()))
    assert [what for what, _ in found] == ([] if says is None else [found[0][0]])
    assert says is None or says in found[0][0]


# --- how values are read and spelled


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("date", "APRIL 5, 2022", "2022-04-05"),
        ("date", "4/5/2022", "2022-04-05"),
        ("date", "2022-04-05", "2022-04-05"),
        ("date", "2022-02-30", None),
        ("date", "yesterday", None),
        ("integer", "1,024", 1024),
        ("integer", "-5", -5),
        ("integer", "5 beds", None),
        ("money", "$1,200.50", 1200.5),
        ("money", "much", None),
        ("phone", "+1 212 555 0142", "(212) 555-0142"),
        ("address", "4 Oak Lane, Apt 2, salem, or 97301-1234",
         {"street": "4 Oak Lane, Apt 2", "city": "Salem", "state": "OR", "zip": "97301"}),
        ("address", "4 Oak Lane", None),
    ],
)  # fmt: skip
def test_a_text_is_read(kind, text, value):
    assert VALUE_TYPES[kind].parse(text) == value


@pytest.mark.parametrize(
    ("kind", "keyword", "spellings"),
    [
        ("integer", "683", []),
        ("integer", "1024", ["1,024"]),
        ("integer", "-102", []),
        ("integer", "-1024", ["-1,024"]),
        ("money", "$5.00", ["$5", "5 dollars"]),
        ("money", "$5.50", ["5.50 dollars"]),
        ("money", "$1,200", ["1,200 dollars", "$1200", "1200 dollars", "$1,200.00"]),
        ("phone", "(212) 555-0142", ["212-555-0142", "212.555.0142", "212 555 0142", "2125550142"]),
        ("phone", "555-0142", []),
        ("date", "May 6, 2022", ["May 6th, 2022", "6 May 2022", "2022-05-06", "5/6/2022", "05/06/2022"]),
        ("date", "November 12, 2022", ["November 12th, 2022", "12 November 2022", "2022-11-12", "11/12/2022"]),
        ("date", "October 10, 2022", ["October 10th, 2022", "10 October 2022", "2022-10-10", "10/10/2022"]),
        ("date", "October 11, 2022", ["October 11th, 2022", "11 October 2022", "2022-10-11", "10/11/2022"]),
        ("date", "October 20, 2022", ["October 20th, 2022", "20 October 2022", "2022-10-20", "10/20/2022"]),
        ("date", "October 21, 2022", ["October 21st, 2022", "21 October 2022", "2022-10-21", "10/21/2022"]),
        ("date", "October 22, 2022", ["October 22nd, 2022", "22 October 2022", "2022-10-22", "10/22/2022"]),
        ("date", "October 23, 2022", ["October 23rd, 2022", "23 October 2022", "2022-10-23", "10/23/2022"]),
        ("date", "May 2022", []),
        ("date", "Mai 6, 2022", []),
        ("text", "The Aurora Clinic", ["Aurora Clinic"]),
        ("text", "Aurora Clinic", []),
        ("name", "Ann O'Neil", ["O'Neil, Ann"]),
        ("name", "Ann", []),
        ("address", "4 Oak Lane", ["4 Oak Ln", "4 Oak Ln."]),
        ("address", "4 Broadway", []),
        ("address", "4 Broadway, Apt 2",
         ["4 Broadway Apt 2", "4 Broadway, Apartment 2", "4 Broadway, #2"]),
    ],
)  # fmt: skip
def test_how_else_a_keyword_is_spelled(kind, keyword, spellings):
    assert list(VALUE_TYPES[kind].spellings(keyword)) == spellings


@pytest.mark.parametrize(
    ("kind", "value", "parts", "keyword_parts"),
    [
        ("date", "2022-04-05", {"year": "2022", "month": "2022-04"}, {"day": "April 5", "year": "2022"}),
        ("name", "Ann B Lee", {"given name": "Ann", "family name": "Lee"}, {"given name": "Ann", "family name": "Lee"}),
        ("name", "Ann", {"given name": "Ann", "family name": "Ann"}, {}),
        ("phone", "(212) 555-0142", {"area code": "212"}, {"area code": "212", "number": "555-0142"}),
        ("phone", "911", {}, {}),
        ("address", {"street": "4 Oak Lane", "city": "Salem", "state": "OR", "zip": "97301"},
         {"city": "Salem", "state": "OR", "ZIP code": "973"},
         {"street": "4 Oak Lane", "city": "Salem", "ZIP code": "97301"}),
    ],
)  # fmt: skip
def test_parts(kind, value, parts, keyword_parts):
    assert VALUE_TYPES[kind].parts(value) == parts
    assert VALUE_TYPES[kind].keyword_parts(value) == keyword_parts


@pytest.mark.parametrize(
    ("kind", "value", "number"),
    [("integer", 5, 5.0), ("integer", True, None), ("text", "5", None), ("date", "2022-04-05", 20220405.0),
     ("date", "soon", None), ("date", 5, None)],
)  # fmt: skip
def test_the_place_in_an_order(kind, value, number):
    found = VALUE_TYPES[kind].number(value)
    assert np.isnan(found) if number is None else found == number


def test_money_is_rounded_to_the_cent():
    assert VALUE_TYPES["money"].computed([1.005, "x", 2]) == [1.0, "x", 2.0]


@pytest.mark.parametrize(
    ("place", "wrong"),
    [(("Salem", "OR", "97301"), None), (("SALEM", "OR", "97301"), None), (("Salem", "NY", "97301"), "state"),
     (("Portland", "OR", "97301"), "city"), (("Salem", "OR", "00001"), "zip")],
)  # fmt: skip
def test_an_address_fits_its_zip_code(place, wrong):
    from fiubench.builder.values.address import wrong_place

    address = {"street": "4 Oak Lane", **dict(zip(("city", "state", "zip"), place, strict=True))}
    assert wrong_place(address, load_places()) == wrong
    assert len(list(VALUE_TYPES["address"].faults(address, [], load_places()))) == (wrong is not None)
