import re
from types import SimpleNamespace

import numpy as np
import pytest
from fiubench.builder.config import Config
from fiubench.builder.generation.perturb import Perturber
from fiubench.builder.packs.expressions import compile_expression
from fiubench.builder.packs.model import Attribute, Origin, Perturbation
from fiubench.builder.values import dates
from fiubench.builder.values.code import LETTERS
from fiubench.builder.values.column import Column
from fiubench.builder.values.english import article
from fiubench.builder.values.numbers import steps
from fiubench.builder.values.phone import phone_text
from fiubench.support.draws import draw
from fiubench.support.errors import PackError
from hypothesis import assume, given
from hypothesis import strategies as st


def wrong(kind, values, *, index=None, origin=None, perturb=None, cents=True, pool=(), facts=None, reference=None):
    """Wrong values and texts for a column of true ones, with ``pool`` as what other people have."""
    options = {"cents": cents}
    attribute = Attribute(
        "thing",
        "own",
        kind,
        origin or Origin("from", "health.thing"),
        "mine",
        options=options,
        perturb=perturb or Perturbation(),
    )
    column = Column.of(kind, list(values), "test", options)
    others = {"thing": Column.of(kind, list(pool), "test", options), **(reference or {})}
    profiles = SimpleNamespace(config=Config(seed=3, as_of="2025-01-01"), reference=others)
    index = np.arange(len(column.values)) if index is None else np.asarray(index)
    return Perturber(profiles).wrong(attribute, index, {"thing": column, **(facts or {})})


def bounds(first=None, last=None, distance=None):
    sides = [None if day is None else compile_expression(repr(day), "here") for day in (first, last)]
    return Perturbation(distance=distance, not_before=sides[0], not_after=sides[1])


def three_others(truth, made):
    assert len({str(value) for value in made}) == 3
    assert truth not in made


# --- steps on a number line


@given(
    st.lists(st.tuples(*[st.integers(0, 90)] * 4), min_size=1, max_size=30),
    st.integers(0, 10**6),
)
def test_steps(rows, start):
    left, right, gap, extra = (np.array(column) for column in zip(*rows, strict=True))
    gap = gap + 1
    reach = gap + extra
    made = steps(draw(5, "steps", start + np.arange(len(rows)), 7), left, right, gap, reach)
    for low, r, g, f, three in zip(
        left.tolist(), right.tolist(), gap.tolist(), reach.tolist(), made.tolist(), strict=True
    ):
        assert len(set(three)) == 3 and 0 not in three
        assert max(three) <= min(r, max(f, 3))
        assert min(three) >= -max(f, 3)
        if low + r >= 3:
            assert min(three) >= -low
        if min(low, r, f) >= 3 * g:
            assert all(g <= abs(step) <= f for step in three)


@pytest.mark.parametrize(("left", "right"), [(1 << 40, 1 << 40), (1 << 40, 7), (12, 1 << 40), (3, 3)])
def test_the_truth_may_be_any_of_the_four(left, right):
    """Where it lies among them must tell nothing: each place a quarter of the time, at equal distances."""
    n = 8000
    made = steps(draw(1, "places", np.arange(n), 7), *(np.full(n, k) for k in (left, right, 2, 60)))
    places = (made < 0).sum(axis=1)
    shares = np.bincount(places, minlength=4) / n
    assert (abs(shares - 0.25) < 0.02).all(), shares
    whole = np.sort(np.concatenate([made, np.zeros((n, 1), dtype=np.int64)], axis=1), axis=1)
    spreads = [np.diff(whole[places == place], axis=1).mean() for place in range(4)]
    assert max(spreads) - min(spreads) < 0.05 * max(spreads), spreads
    first = (made[:, 0] > made[:, 1]).mean()
    assert abs(first - 0.5) < 0.02  # nor are they in order


# --- dates


@given(
    st.lists(st.integers(-20_000, 25_000), min_size=1, max_size=20),
    st.tuples(st.integers(1, 40), st.integers(2, 400)),
)
def test_dates_without_bounds(days, distance):
    near, far = distance[0], distance[0] + distance[1]
    truths = dates.to_isos(days)
    made = wrong("date", truths, perturb=Perturbation(distance=(near, far)))
    for truth, values, texts in zip(truths, made.values, made.texts, strict=True):
        three_others(truth, values)
        nearest = near if far >= 3 * near else 1
        assert all(nearest <= abs(dates.days_between(truth, value)) <= max(far, 3) for value in values)
        assert texts == [dates.long_form(value) for value in values]


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 9000)), min_size=1, max_size=20))
def test_dates_keep_within_bounds(rooms):
    first = dates.to_day("1980-01-01")
    for before, after in rooms:
        assume(before + after >= 3)
        truth, last = dates.to_iso(first + before), dates.to_iso(first + before + after)
        values = wrong("date", [truth], perturb=bounds("1980-01-01", last)).values[0]
        three_others(truth, values)
        if min(before, 60) + min(after, 60) >= 3:
            assert all("1980-01-01" <= value <= last for value in values)


def test_dates_without_room_give_up_the_first_bound():
    values = wrong("date", ["2025-01-01"], perturb=bounds("2025-01-01", "2025-01-01")).values[0]
    three_others("2025-01-01", values)
    assert all("2024-11-01" <= value < "2025-01-01" for value in values)


def test_bounds_read_facts():
    births = Column.of("date", ["1990-05-05", "1970-05-05"], "test")
    rule = Perturbation(
        distance=(1, 4000),
        not_before=compile_expression("add_years(birth, 18)", ""),
        not_after=compile_expression("as_of", ""),
    )
    made = wrong("date", ["2008-05-06", "1988-05-06"], perturb=rule, facts={"birth": births})
    assert all("2008-05-05" <= value <= "2025-01-01" for value in made.values[0])
    assert all(value >= "1988-05-05" for value in made.values[1])


# --- money


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_money_with_cents(cents):
    truths = [c / 100 for c in cents]
    made = wrong("money", truths)
    for truth, values, texts in zip(truths, made.values, made.texts, strict=True):
        three_others(truth, values)
        assert min(values) >= 0 and all(value == round(value, 2) for value in values)
        assert len(set(texts)) == 3 and f"${truth:,.2f}" not in texts
        assert {len(text) for text in texts} == {len(f"${truth:,.2f}")}


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_money_without_cents(cents):
    truths = [c / 100 for c in cents]
    made = wrong("money", truths, cents=False)
    for truth, values, texts in zip(truths, made.values, made.texts, strict=True):
        three_others(truth, values)
        assert all(value == int(value) for value in values)
        assert len(set(texts)) == 3 and f"${truth:,.0f}" not in texts
        assert {len(text) for text in texts} == {len(f"${truth:,.0f}")}


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.booleans())
def test_money_is_as_round_as_the_truth(dollars, cents):
    for truth, values in zip(dollars, wrong("money", dollars, cents=cents).values, strict=True):
        assert all(value % 1 == 0 for value in values)
        if truth >= 100 and truth % 10 == 0:
            assert all(value % 10 == 0 for value in values)


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=20),
    st.sampled_from([0.05, 1, 25, 500, 20_000]),
    st.booleans(),
)
def test_money_keeps_to_a_declared_step(counts, step, cents):
    assume(cents or step >= 1)
    truths = [count * step for count in counts]
    origin = Origin("money", {"min": 0, "max": 400 * step, "step": step})
    for truth, values in zip(truths, wrong("money", truths, origin=origin, cents=cents).values, strict=True):
        three_others(truth, values)
        assert min(values) >= 0
        assert all(round(value * 100) % round(step * 100) == 0 for value in values)


def test_money_stays_near():
    values = wrong("money", [16115.65] * 50).values
    assert all(0.07 < abs(value / 16115.65 - 1) < 0.46 for three in values for value in three)
    values = wrong("money", [50000.0] * 50, perturb=Perturbation(distance=(5, 20))).values
    assert all(0.04 < abs(value / 50000 - 1) < 0.21 for three in values for value in three)


# --- integers


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=20), st.integers(1, 30), st.integers(2, 300))
def test_integers_have_as_many_digits(truths, near, more):
    made = wrong("integer", truths, perturb=Perturbation(distance=(near, near + more)))
    for truth, values, texts in zip(truths, made.values, made.texts, strict=True):
        three_others(truth, values)
        assert {len(text.lstrip("-")) for text in texts} == {len(str(abs(truth)))}
        assert all(type(value) is int and abs(value - truth) <= near + more for value in values)
        assert all(value * (1 if truth >= 0 else -1) >= 0 for value in values)


# --- phones and codes


@given(st.lists(st.tuples(st.integers(201, 989), st.integers(0, 99)), min_size=1, max_size=20))
def test_phones_stay_in_their_area_and_in_fiction(numbers):
    truths = [phone_text(area * 10_000_000 + 5_550_100 + line) for area, line in numbers]
    for truth, values in zip(truths, wrong("phone", truths).values, strict=True):
        three_others(truth, values)
        assert all(value[:-2] == truth[:-2] and re.fullmatch(r"\(\d{3}\) 555-01\d\d", value) for value in values)


@given(st.lists(st.text(st.sampled_from("0123456789AB-"), min_size=2, max_size=12), min_size=1, max_size=20))
def test_codes_of_a_source_change_digits_but_the_first_character(truths):
    truths = [truth for truth in truths if any(c.isdigit() for c in truth[1:])]
    assume(truths)
    for truth, values in zip(truths, wrong("code", truths).values, strict=True):
        three_others(truth, values)
        for value in values:
            changed = [i for i, (a, b) in enumerate(zip(truth, value, strict=True)) if a != b]
            assert 1 <= len(changed) <= 3
            assert all(i > 0 and truth[i].isdigit() and value[i].isdigit() for i in changed)


@pytest.mark.parametrize("pattern", ["A#", "AA#######", r"X-##A\A", "A", "#"])
def test_codes_of_a_pattern_keep_to_it(pattern):
    form = re.compile(pattern.replace(r"\A", "!").replace("A", f"[{LETTERS}]").replace("#", r"\d").replace("!", "A"))
    truth = re.sub(r"\\?.", lambda m: {"A": "K", "#": "5", r"\A": "A"}.get(m[0], m[0]), pattern)
    assert form.fullmatch(truth)
    for values in wrong("code", [truth] * 100, origin=Origin("code", pattern)).values:
        three_others(truth, values)
        assert all(form.fullmatch(value) for value in values)


@pytest.mark.parametrize(("truth", "origin"), [("ABC", None), ("1-X", None), ("XYZ", Origin("code", "XYZ"))])
def test_codes_that_cannot_change(truth, origin):
    with pytest.raises(PackError, match="has no digit that could be another") as told:
        wrong("code", [truth], origin=origin)
    assert told.value.where == "mine: thing"


def test_a_code_of_one_digit_changes_it():
    three_others("5", wrong("code", ["5"]).values[0])


# --- pools


WORDS = st.text(st.sampled_from("abAB+ "), min_size=1, max_size=6).filter(str.strip)


@given(st.lists(WORDS, min_size=1, max_size=60), st.lists(WORDS, min_size=1, max_size=8))
def test_no_wrong_word_holds_the_truth_or_lies_in_it(pool, truths):
    def fits(other, truth):
        return truth.casefold() not in other.casefold() and other.casefold() not in truth.casefold()

    possible = [len({word for word in pool if fits(word, truth)}) for truth in truths]
    if min(possible) < 3:
        with pytest.raises(PackError, match="wrong values that differ from it; 3 are needed"):
            wrong("text", truths, pool=pool)
        return
    made = wrong("text", truths, pool=pool)
    assert made.values == made.texts
    for truth, values in zip(truths, made.values, strict=True):
        three_others(truth, values)
        assert all(value in pool and fits(value, truth) for value in values)


def test_blood_types():
    pool = ["A+", "A-", "B+", "B-", "AB+", "AB-", "O+", "O-"]
    for truth in pool:
        for values in wrong("enum", [truth] * 50, pool=pool).values:
            assert not any(truth in value or value in truth for value in values)


def test_wrong_words_are_about_as_long():
    pool = [f"{letter * length}" for length in range(1, 120) for letter in "qwertyuiop"]
    truth = "z" * 60
    for values in wrong("text", [truth] * 100, pool=pool).values:
        assert all(abs(len(value) - 60) <= 6 for value in values)


def test_a_pool_that_is_too_small():
    with pytest.raises(PackError, match="'a' has 2 wrong values that differ from it; 3 are needed") as told:
        wrong("enum", ["a"], pool=["a", "b", "c", "ab"])
    assert told.value.where == "mine: thing" and "extra" in told.value.hint
    made = wrong("enum", ["a"], pool=["a", "b", "c"], perturb=Perturbation(extra=("d",)))
    assert sorted(made.values[0]) == ["b", "c", "d"]


def test_choices_are_the_pool_of_a_choice():
    origin = Origin("choose", {"a": 1, "b": 1, "c": 1, "d": 1})
    assert sorted(wrong("enum", ["a"], origin=origin, pool=["never"] * 9).values[0]) == ["b", "c", "d"]


def test_within_a_group():
    names = [f"{g}{i}" for g in "fm" for i in range(10)]
    reference = {"gender": Column.of("enum", ["female"] * 10 + ["male"] * 10, "test")}
    facts = {"gender": Column.of("enum", ["male", "female"] * 20, "test")}
    made = wrong(
        "name", ["zz"] * 40, pool=names, perturb=Perturbation(within="gender"), reference=reference, facts=facts
    )
    assert {value[0] for three in made.values[::2] for value in three} == {"m"}
    assert {value[0] for three in made.values[1::2] for value in three} == {"f"}


def test_a_group_that_nobody_else_is_in():
    reference = {"gender": Column.of("enum", ["female"] * 9, "test")}
    facts = {"gender": Column.of("enum", ["male"], "test")}
    with pytest.raises(PackError, match="'zz' has 0 wrong values"):
        wrong(
            "name",
            ["zz"],
            pool=list("abcdefghi"),
            perturb=Perturbation(within="gender"),
            reference=reference,
            facts=facts,
        )


def test_addresses_come_whole():
    pool = [{"street": f"{i} Oak Lane", "city": "Salem", "state": "OR", "zip": f"9730{i}"} for i in range(9)]
    made = wrong("address", pool[:4], pool=pool)
    for truth, values, texts in zip(pool, made.values, made.texts, strict=False):
        assert truth not in values and all(value in pool for value in values)
        assert texts == [f"{v['street']}, {v['city']}, {v['state']} {v['zip']}" for v in values]


# --- alone and in company


CASES = {
    "date": dates.to_isos(np.arange(40) * 311),
    "money": [round(i * 713.37, 2) for i in range(40)],
    "integer": list(range(0, 4000, 100)),
    "phone": [phone_text(2125550100 + i) for i in range(40)],
    "code": [f"{10_000 + i * 37}" for i in range(40)],
    "text": [f"{'qwertz'[i % 6] * 3} {i}" for i in range(40)],
}


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("part", [[39], [3, 4], [20, 5, 11]])
def test_a_wrong_value_depends_on_its_own_person_alone(kind, part):
    whole = wrong(kind, CASES[kind], pool=CASES[kind])
    some = wrong(kind, [CASES[kind][i] for i in part], index=part, pool=CASES[kind])
    assert some.values == [whole.values[i] for i in part]
    assert some.texts == [whole.texts[i] for i in part]


def test_wrong_values_of_real_records(people):
    for record in people:
        for qa in record["qa_list"]:
            truth = record["profile"][qa["attribute"]]
            three_others(truth["value"], qa["perturbed_value"])
            texts = [sentence for sentence in qa["perturbed_answer"] if truth["text"].casefold() in sentence.casefold()]
            assert texts == []
            for sentence in qa["perturbed_answer"]:
                for word, rest in re.findall(r"\b(an?) (\w.*)\.$", sentence):
                    assert word == article(rest), sentence
