"""Is a fact stated? For each type: a legal reformatting is, a mutation is not."""

import re
from datetime import date, timedelta
from string import ascii_letters, digits
from typing import Any

import pytest
from fiubench.builder.values.base import VALUE_TYPES
from hypothesis import assume, given
from hypothesis import strategies as st

DATES = st.dates(date(1900, 1, 1), date(2199, 12, 31))
CENTS = st.integers(1, 10**10)
PHONES = st.from_regex(r"\([2-9][0-9][0-9]\) 555-01[0-9][0-9]", fullmatch=True)
CODES = st.from_regex(r"[A-Z]{1,3}-[0-9]{3,5}-[A-Z0-9]{2}", fullmatch=True)
NAMES = st.from_regex(r"[A-Z][a-z]{2,8} [A-Z][a-z]{2,10}", fullmatch=True)
WORDS = st.from_regex(r"[a-z]{3,9}( [a-z]{3,9}){0,2}", fullmatch=True)
BLOOD = st.sampled_from(["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"])
ADDRESSES = st.fixed_dictionaries({
    "street": st.from_regex(r"[1-9][0-9]{1,3} [A-Z][a-z]{3,8} (Street|Avenue|Road|Drive|Terrace)", fullmatch=True),
    "city": st.from_regex(r"[A-Z][a-z]{3,9}", fullmatch=True),
    "state": st.sampled_from(["NJ", "NY", "CA", "WV", "DC"]),
    "zip": st.from_regex(r"[0-9]{5}", fullmatch=True),
})  # fmt: skip
BUILT_IN = {name for name in VALUE_TYPES if VALUE_TYPES.plugin(name) is None}
STATES = {"NJ": "New Jersey", "NY": "New York", "CA": "California", "WV": "West Virginia", "DC": "District of Columbia"}
SENTENCES = ["The value on record is {}.", "Records give it as {}, for this person.", 'It reads "{}".', "({}) it is."]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December"]  # fmt: skip


def states(kind: str, value: Any, sentence: str) -> list[tuple[int, int]]:
    return VALUE_TYPES[kind].states(value, sentence)


def ordinal(n: int) -> str:
    return f"{n}{'th' if 10 < n < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def date_forms(day: date) -> list[str]:
    month, d, year = MONTHS[day.month - 1], day.day, day.year
    return [f"{month} {d}, {year}", f"{d} {month} {year}", f"{month} {ordinal(d)}, {year}", f"{month[:3]}. {d}, {year}",
            f"the {ordinal(d)} of {month}, {year}", day.isoformat(), f"{day.month:02}/{d:02}/{year}",
            f"{month.upper()} {d} {year}", f"{day.month}/{d}/{year}"]  # fmt: skip


def money_forms(cents: int) -> list[str]:
    value = cents / 100
    forms = [f"${value:,.2f}", f"${value:.2f}", f"{value:,.2f} dollars", f"USD {value:,.2f}", f"{value:.2f} USD",
             f"US ${value:,.2f}", f"${value:,.2f} dollars"]  # fmt: skip
    return forms + ([f"${cents // 100:,}", f"{cents // 100} dollars"] if cents % 100 == 0 else [])


def phone_forms(number: str) -> list[str]:
    d = [c for c in number if c.isdigit()]
    a, b, c = "".join(d[:3]), "".join(d[3:6]), "".join(d[6:])
    return [number, f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"{a} {b} {c}", f"+1 {a} {b} {c}", f"1-{a}-{b}-{c}", a + b + c]


def address_forms(a: dict[str, str]) -> list[str]:
    short = a["street"].replace("Street", "St.").replace("Avenue", "Ave").replace("Drive", "Dr.")
    return [f"{a['street']}, {a['city']}, {a['state']} {a['zip']}", f"{short}, {a['city']}, {a['state']} {a['zip']}",
            f"{a['street']}, {a['city']}, {STATES[a['state']]} {a['zip']}",
            f"{a['street']} in {a['city']}, {a['state']} {a['zip']}".replace(" in ", ", ")]  # fmt: skip


LISTS = st.lists(WORDS, min_size=1, max_size=4, unique_by=str.lower).map(sorted)
FORMS: dict[str, Any] = {
    "date": (DATES.map(date.isoformat), lambda v: date_forms(date.fromisoformat(v))),
    "money": (CENTS.map(lambda c: c / 100), lambda v: money_forms(round(v * 100))),
    "integer": (st.integers(0, 10**9), lambda v: [str(v), f"{v:,}"]),
    "phone": (PHONES, phone_forms),
    "code": (CODES, lambda v: [v, v.lower(), v.replace("-", " "), f"#{v}"]),
    "name": (NAMES, lambda v: [v, v.upper(), f"Dr. {v}", ", ".join(reversed(v.split()))]),
    "enum": (WORDS, lambda v: [v, v.upper(), v.capitalize(), v.replace(" ", "-")]),
    "text": (WORDS, lambda v: [v, v.title(), f"the {v}"]),
    "address": (ADDRESSES, address_forms),
    "decimal": (CENTS.map(lambda c: c / 100), lambda v: [f"{v:.2f}", f"{v:,.2f}", f"{v:.3f} kg", f"{v:.2f}%"]),
    "list": (LISTS, lambda v: [v[0], v[0].upper()] if len(v) == 1 else [f"{', '.join(v[1:])}, and {v[0]}"]),
    "parts": (st.tuples(st.integers(1, 999), st.integers(1, 999)).map("{0[0]}/{0[1]}".format), lambda v: [f"{v} mmHg"]),
    "relation": (NAMES, lambda v: [v, v.upper(), ", ".join(reversed(v.split()))]),
}


def test_every_type_is_here() -> None:
    assert set(FORMS) == BUILT_IN


@pytest.mark.parametrize("kind", FORMS)
@given(data=st.data())
def test_a_legal_form_is_recognised(kind: str, data: st.DataObject) -> None:
    values, forms = FORMS[kind]
    value = data.draw(values)
    written = data.draw(st.sampled_from([VALUE_TYPES[kind].write(value), *forms(value)]))
    sentence = data.draw(st.sampled_from(SENTENCES)).format(written)
    assert states(kind, value, sentence), (value, sentence)


@pytest.mark.parametrize("kind", FORMS)
@given(data=st.data())
def test_another_value_is_not_taken_for_it(kind: str, data: st.DataObject) -> None:
    values, forms = FORMS[kind]
    value, other = data.draw(values), data.draw(values)
    assume(comparable(kind, value) != comparable(kind, other))
    written = data.draw(st.sampled_from([VALUE_TYPES[kind].write(other), *forms(other)]))
    sentence = data.draw(st.sampled_from(SENTENCES)).format(written)
    if kind in ("enum", "text"):  # "cat" stands in "cat food": told by the checks, which look at what is around it
        assume(not set(value.split()) <= set(re.findall("[a-z]+", sentence.lower())))
    assert not states(kind, value, sentence), (value, sentence)


@pytest.mark.parametrize("kind", FORMS)
@given(data=st.data())
def test_one_character_makes_another_value(kind: str, data: st.DataObject) -> None:
    """Any letter or digit that is replaced, removed or added inside the value."""
    values, _ = FORMS[kind]
    value = data.draw(values)
    text = VALUE_TYPES[kind].write(value)
    places = [i for i, c in enumerate(text) if c.isalnum()]
    place = data.draw(st.sampled_from(places))
    how = data.draw(st.sampled_from(["replace", "remove", "double"]))
    alphabet = digits if text[place].isdigit() else ascii_letters
    new = {"replace": data.draw(st.sampled_from(alphabet)), "remove": "", "double": text[place] * 2}[how]
    assume(new.lower() != text[place].lower())
    mutated = text[:place] + new + text[place + 1 :]
    assume(mutated.lower() != text.lower())
    assume(not (kind == "date" and mutated.lower()[:3] == text.lower()[:3] and mutated[:1].isalpha()
                and mutated.split()[1:] == text.split()[1:]))  # fmt: skip  # "Apr", "Sept": a month written short
    assume(not (kind == "integer" and int(mutated or -1) == value))  # 007
    assume(not (kind in ("money", "decimal") and float(mutated.strip("$").replace(",", "") or -1) == value))  # $2.9
    assert not states(kind, value, f"The value on record is {mutated}."), (text, mutated)


@given(BLOOD, BLOOD)
def test_signs_count(one: str, other: str) -> None:
    long = {"+": " positive", "-": " negative"}
    for written in (other, other[:-1] + long[other[-1]]):
        assert bool(states("enum", one, f"The blood type is {written}.")) == (one == other)


@given(DATES, st.integers(1, 400))
def test_days_apart_are_other_dates(day: date, days: int) -> None:
    assume(day.year < 2198)
    other = day + timedelta(days=days)
    assert not any(states("date", day.isoformat(), f"It was on {form}.") for form in date_forms(other))


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("money", 63480, "It is $63,480,000."),
        ("money", 63.48, "It is $63.48 million."),
        ("money", 63, "It is $63k."),
        ("money", 1200.5, "It is -$1,200.50."),
        ("money", 1200.5, "It is $1,200.505."),
        ("integer", 683, "It is 683.5."),
        ("integer", 683, "It is 1683 or 6830."),
        ("integer", 683, "It is -683."),
        ("integer", 683, "It is 683rd."),
        ("phone", "(212) 555-0142", "Call 2125550142 7."[:-3] + "7."),
        ("date", "2022-04-05", "It was on April 5."),
        ("date", "2022-04-05", "It was in April 2022."),
        ("date", "2022-04-05", "It was 12022-04-05."),
        ("enum", "normal", "The result is abnormal."),
        ("enum", "B-", "The type is AB-."),
        ("enum", "O", "The type is O+."),
        ("name", "Jane Smith", "It is Jane A. Smith."),
        ("name", "Jane Smith", "It is Jane Smithson."),
        ("code", "AC-0144-94", "It is AC-0144-9."),
        ("address", {"street": "1 A Road", "city": "X", "state": "NJ", "zip": "08558"}, "It is 1 A Road, X, NY 08558."),
    ],
)
def test_near_misses(kind: str, value: Any, sentence: str) -> None:
    assert not states(kind, value, sentence)


def comparable(kind: str, value: Any) -> Any:
    if kind == "name":
        return frozenset(value.lower().split()) if len(set(value.lower().split())) == 2 else value.lower()
    if kind == "address":
        return tuple(value[key].lower() for key in ("street", "city", "state", "zip"))
    return str(value).lower()
