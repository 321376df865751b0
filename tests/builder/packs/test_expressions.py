import ast

import pytest
from fiubench.builder.packs.expressions import FUNCTIONS, compile_expression
from fiubench.support.errors import PackError
from hypothesis import given, settings
from hypothesis import strategies as st


def value(source, **facts):
    """An expression's value for one person."""
    return compile_expression(source, "here").column({k: [v] for k, v in facts.items()}, 1)[0]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("7 // 2 + 7 % 2 - 3 / 2", 2.5),
        ("-age + 1", -40),
        ("'a' + 'b'", "ab"),
        ("age >= 18 and not age > 60 or False", True),
        ("18 <= age < 65", True),
        ("'minor' if age < 18 else 'adult'", "adult"),
        ("state in ('NY', 'NJ')", True),
        ("'N' not in state", False),
        ("age_on(birth, day)", 41),
        ("add_days(day, -1)", "2024-02-29"),
        ("add_years('2024-02-29', 1)", "2025-02-28"),
        ("days_between('2024-02-28', day)", 2),
        ("year(day) * 100 + month(day)", 202403),
        ("min(birth, day)", "1982-06-15"),
        ("max(1, age, 3) + abs(-2)", 43),
        ("round(2.675, 1) + round(3.2)", 5.7),
        ("initial(name) + letters(name)", "Mmaryannoneil"),
        ("upper('a') + lower('B') + title('red rose')", "AbRed Rose"),
        ("text(age) + text(length('four'))", "414"),
        ("number('128/79 mmHg') - number('128/79 mmHg', 2) + number('a 1.5')", 50.5),
        ("birth < day", True),
        ("True", True),
    ],
)
def test_computes(source, expected):
    facts = {"age": 41, "state": "NY", "birth": "1982-06-15", "day": "2024-03-01", "name": "Mary-Ann O'Neil"}
    expression = compile_expression(source, "here")
    assert value(source, **{name: facts[name] for name in expression.names}) == expected


def test_every_function_is_tried_above():
    cases = next(m.args[1] for m in test_computes.pytestmark if m.name == "parametrize")
    called = {n.func.id for source, _ in cases for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call)}
    assert called == set(FUNCTIONS)


_OPERATORS = ["+", "-", "*", "/", "//", "%", "<", "<=", "==", "!=", ">=", "and", "or"]
_atoms = st.one_of(st.integers(0, 50).map(str), st.sampled_from(["a", "b"]))
_arithmetic = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(_OPERATORS), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"(not {t})"),
        inner.map(lambda t: f"(-{t})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
    ),
    max_leaves=12,
)


@given(_arithmetic, st.integers(-9, 9), st.integers(-9, 9))
def test_means_what_python_means(source, a, b):
    facts = {"a": a, "b": b}
    expression = compile_expression(source, "here")
    try:
        expected = eval(source, {"__builtins__": {}, "max": max}, facts)
    except ArithmeticError:
        with pytest.raises(PackError, match="can't be computed"):
            expression.column({k: [v] for k, v in facts.items()}, 1)
    else:
        assert expression.column({k: [v] for k, v in facts.items()}, 1) == [expected]


def test_a_column_at_a_time():
    expression = compile_expression("a * 2 + b", "here")
    assert sorted(expression.names) == ["a", "b"]
    assert expression.column({"a": [1, 2, 3], "b": [10, 20, 30]}, 3) == [12, 24, 36]
    assert compile_expression("5", "here").column({}, 3) == [5, 5, 5]
    assert compile_expression("a", "here").column({"a": []}, 0) == []


def test_a_fact_may_have_the_name_of_a_function():
    assert value("year + year(day) + max", year=1, day="2024-01-01", max=5) == 2030


@pytest.mark.parametrize(
    "source",
    [
        "().__class__",
        "day.year",
        "day[0]",
        "day[0:4]",
        "lambda: 1",
        "[x for x in (1, 2)]",
        "{x for x in (1, 2)}",
        "(x for x in (1, 2))",
        "{'a': 1}",
        "[1, 2]",
        "f'{day}'",
        "(x := 1)",
        "2 ** 99",
        "1 << 99",
        "1 | 2",
        "~1",
        "day @ 1",
        "day is day",
        "max(*day)",
        "await day",
        "yield day",
    ],
)
def test_refuses_everything_else(source):
    with pytest.raises(PackError, match=r"may not|not valid") as told:
        compile_expression(source, "pack: fact")
    assert told.value.where == "pack: fact"


@pytest.mark.parametrize("source", ["None", "...", "b'x'", "2j"])
def test_refuses_other_constants(source):
    with pytest.raises(PackError, match="not text or a number"):
        compile_expression(source, "here")


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("age_at(birth, day)", "Did you mean 'age_on'?"),
        ("__import__('os')", "Known: abs, add_days"),
        ("day.upper()", "upper"),
        ("(lambda: 1)()", "Known"),
        ("max(1, min(2, eval('3')))", "Known"),
    ],
)
def test_names_the_function_that_is_meant(source, hint):
    with pytest.raises(PackError, match="unknown function") as told:
        compile_expression(source, "here")
    assert hint in told.value.hint


def test_arguments_have_no_names():
    with pytest.raises(PackError, match="names an argument of round"):
        compile_expression("round(2.5, ndigits=1)", "here")


@pytest.mark.parametrize("source", ["", "1 +", "a b", "if a: b", "a = 1", "'open", "(1", " a", "a\nb", "1\0"])
def test_tells_wrong_syntax(source):
    with pytest.raises(PackError, match="is not valid"):
        compile_expression(source, "here")


@pytest.mark.parametrize(
    "source", ["-" * 990 + "1", "1" + "+1" * 490, "(" * 300 + "1" + ")" * 300, "'" + "a" * 1000 + "'"]
)
def test_survives_monsters(source):
    with pytest.raises(PackError):
        compile_expression(source, "here")


@pytest.mark.parametrize("source", ["'a' * 1000000000", "1000000000 * 'a'", "(1,) * 1000000000", "'%999999999d' % 1"])
def test_fills_no_memory(source):
    with pytest.raises(PackError, match="are for numbers"):
        value(source)


def test_makes_no_long_texts():
    assert len(value("a + a", a="x" * 500)) == 1000
    with pytest.raises(PackError, match="more than 1000 characters"):
        value("a + a + 'x'", a="x" * 500)


@pytest.mark.parametrize("source", ["round(5, -99999999)", "round(5, 99999999)", "round(x, x)"])
def test_rounds_to_few_digits(source):
    with pytest.raises(PackError, match="at most 15 digits"):
        value(source, x=10**6)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x * x", "makes a number beyond 9223372036854775807"),
        ("x + 9223372036854775807", "makes a number beyond"),
        ("-x - 9223372036854775807", "makes a number beyond"),
        ("x * x * x * x", "can't be computed: a number is beyond"),
        ("1e200 * 1e200", "an infinite number"),
        ("1e200 * 1e200 * 0", "an infinite number, or none"),
        (" * ".join(["9999"] * 140), "a number is beyond"),
    ],
)
def test_numbers_have_an_end(source, told):
    """A fact that is computed from facts can be as large as a file can hold, not as large as memory."""
    with pytest.raises(PackError, match=told):
        value(source, x=2**32)


def test_half_a_character_is_no_text():
    with pytest.raises(PackError, match="half a character"):
        compile_expression("'\\ud800'", "here")


@pytest.mark.parametrize(
    "source", ["day - 1", "1 / zero", "1 % zero", "upper(1)", "year('x')", "add_days('2024-13-01', 1)",
               "add_days(day, 9999999)", "add_years(day, 9999)", "min()", "length(1)", "day < 1", "max(1, 2)(3)",
               "number('none')", "number('1/2', 3)", "number('1/2', 0)", "number(1)"]
)  # fmt: skip
def test_a_row_that_fails_is_told_with_its_expression(source):
    with pytest.raises(PackError, match=r"can't be computed|unknown function") as told:
        expression = compile_expression(source, "pack: fact")
        expression.column({"day": ["2024-01-01"], "zero": [0]}, 1)
    assert told.value.where == "pack: fact"


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab1.()[]{},:'\"+-*/%<=! \n\\iforlambdent_#@"), max_size=30))
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_no_text_does_anything_but_compile_or_be_refused(source):
    try:
        expression = compile_expression(source, "here")
        expression.column({name: ["2024-01-01"] for name in expression.names}, 1)
    except PackError:
        pass


@pytest.mark.parametrize(
    ("source", "one_sided"),
    [
        ("age_on(date_of_birth, as_of) >= 20", True),
        ("admission_date <= discharge_date", True),
        ("add_days(admission_date, 3) < discharge_date", True),
        ("income - 5 > 1000", True),
        ("income % 2 == 0", False),
        ("not 3 <= income <= 5", False),
        ("3 <= income <= 5", False),
        ("abs(income) > 3", False),
        ("income - income > 3", False),
        ("income > 3 or income < 1", False),
    ],
)
def test_bounds_are_recognised(source, one_sided):
    assert compile_expression(source, "here").one_sided is one_sided
