"""The small expression language of attribute packs: ``age_on(date_of_birth, offense_date) >= 18``.

An expression is Python syntax cut down to names of facts, constants, arithmetic, comparisons, ``and``/``or``/``not``,
``a if b else c`` and the functions below. Attributes, subscripts, lambdas, comprehensions and every other call are
refused when the pack is read, so an expression can compute and nothing else. Dates are ISO strings
("2022-04-05"), which compare as dates do.
"""

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.builder.values import dates
from fiubench.support.canonical import is_text
from fiubench.support.errors import PackError, did_you_mean

_ALLOWED = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Call, ast.Tuple, ast.IfExp,
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
)  # fmt: skip
_RISING = ("add_days", "add_years", "age_on", "days_between", "year")  # rise or fall with each of their facts
_NUMBERS = re.compile(r"\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_LONGEST = 1000  # characters of an expression, and of a text that it makes
_LARGEST = 2**63 - 1  # what a file can hold; facts made of facts could grow without end
_DIGITS = 15  # most that round() rounds to, on either side of the point


def _letters(text: str) -> str:
    """Lower-case letters of a name, as an e-mail address uses them."""
    return "".join(c for c in text.lower() if c.isascii() and c.isalpha())


def _round(value: Any, digits: int = 0) -> Any:
    if abs(digits) > _DIGITS:
        raise ValueError(f"round() takes at most {_DIGITS} digits")
    return round(value, digits) if digits else round(value)


def _number_in(text: str, place: int = 1) -> float | int:
    """The first number in a text, or the second, ...: "128/79" has two."""
    found = _NUMBERS.findall(text)
    if not 1 <= place <= len(found):
        raise ValueError(f"{text!r:.40} has {len(found)} numbers")
    return float(found[place - 1]) if "." in found[place - 1] else int(found[place - 1])


#: What an expression may call: name -> function.
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "add_days": dates.add_days,
    "add_years": dates.add_years,
    "age_on": dates.age_on,
    "days_between": dates.days_between,
    "initial": lambda text: text[:1],
    "length": len,
    "letters": _letters,
    "lower": str.lower,
    "max": max,
    "min": min,
    "number": _number_in,
    "month": lambda day: int(day[5:7]),
    "round": _round,
    "text": str,
    "title": str.title,
    "upper": str.upper,
    "year": lambda day: int(day[:4]),
}


def _number(value: Any) -> Any:
    # "a" * 10**9 and "%999999999d" % 1 would be ways to fill the memory.
    if not isinstance(value, (int, float)):
        raise TypeError(f"* and % are for numbers, and {value!r:.40} is none")
    if abs(value) > _LARGEST and isinstance(value, int):
        raise OverflowError(f"a number is beyond {_LARGEST}")
    return value


class _Guard(ast.NodeTransformer):
    """Lets only numbers multiply, and sets functions apart from facts of the same name (`year`, `title`)."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Mod)):
            node.left, node.right = (_call("__number", [side]) for side in (node.left, node.right))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)
        return _call(f"_{node.func.id}", [self.visit(argument) for argument in node.args])


def _call(function: str, arguments: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(function, ast.Load()), arguments, [])


@dataclass(frozen=True)
class Expression:
    """A compiled expression and the facts it reads."""

    source: str
    names: tuple[str, ...]
    function: Callable[..., Any]
    where: object = ""  # its place in a pack, for messages
    one_sided: bool = False  # a bound: where two values of a fact meet it, those between them do

    def column(self, facts: Mapping[str, Sequence[Any]], size: int) -> list[Any]:
        """Evaluate for every row of the facts' columns.

        Raises:
            PackError: the expression fails on a row (text minus number, division by zero, ...).
        """
        try:
            if not self.names:
                values = [self.function()] * size
            else:
                values = list(map(self.function, *(facts[name] for name in self.names)))
        except (TypeError, ValueError, ArithmeticError, IndexError, AttributeError) as error:
            raise PackError(f"expression {self.source!r} can't be computed: {error}", where=self.where) from error
        for kind in set(map(type, values)) & _BOUNDS.keys():
            fits, what = _BOUNDS[kind]
            if not all(fits(value) for value in values if type(value) is kind):
                raise PackError(f"expression {self.source!r} makes {what}", where=self.where)
        return values


#: Type of a value -> whether a file can hold it, and what it is otherwise.
_BOUNDS: Mapping[type, tuple[Callable[[Any], bool], str]] = {
    str: (lambda text: len(text) <= _LONGEST, f"a text of more than {_LONGEST} characters"),
    int: (lambda number: -_LARGEST <= number <= _LARGEST, f"a number beyond {_LARGEST}"),
    float: (math.isfinite, "an infinite number, or none"),
}


def _check_node(node: ast.AST, source: str, where: object) -> None:
    """Refuse what is outside the language."""
    if not isinstance(node, _ALLOWED):
        raise PackError(
            f"expression {source!r} uses {type(node).__name__}, which expressions may not",
            where=where,
            hint="Use facts, constants, + - * / // %, comparisons, and/or/not, a if b else c, and: "
            + ", ".join(FUNCTIONS),
        )
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            name = ast.unparse(node.func)
            raise PackError(f"unknown function {name!r} in {source!r}", where=where, hint=did_you_mean(name, FUNCTIONS))
        if node.keywords:
            raise PackError(f"{source!r} names an argument of {node.func.id}: give it by its place", where=where)
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, (str, int, float, bool)):
            raise PackError(f"constant {node.value!r} in {source!r} is not text or a number", where=where)
        if isinstance(node.value, str) and not is_text(node.value):
            raise PackError(f"constant {node.value!r} in {source!r} holds half a character", where=where)


def _one_sided(node: ast.expr) -> bool:
    """Whether it is a comparison in which each fact stands once: their difference rises or falls with it."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1):
        return False
    parts = [part for side in (node.left, *node.comparators) for part in ast.walk(side)]
    kinds = (ast.Constant, ast.Name, ast.Load, ast.Call, ast.BinOp, ast.Add, ast.Sub)
    called = [part.func.id for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
    facts = [part.id for part in parts if isinstance(part, ast.Name) and part.id not in called]
    return (
        isinstance(node.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE))
        and all(isinstance(part, kinds) for part in parts)
        and set(called) <= set(_RISING)
        and len(set(facts)) == len(facts)
    )


def compile_expression(source: str, where: object) -> Expression:
    """Parse and compile one expression.

    Raises:
        PackError: not valid syntax, or it uses something outside the language.
    """
    try:
        if len(source) > _LONGEST:
            raise PackError(f"expression of more than {_LONGEST} characters", where=where)
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        hint = "docs/attributes.md lists what an expression may hold, for example as_of or date_of_birth."
        raise PackError(f"expression {source!r} is not valid: {error}", where=where, hint=hint) from error
    called = set()
    for node in ast.walk(tree):
        _check_node(node, source, where)
        if isinstance(node, ast.Call):
            called.add(node.func)
    one_sided = _one_sided(tree.body)  # before the tree is changed
    names = list(dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in called))
    arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    scope = {"__builtins__": {}, "__number": _number, **{f"_{name}": f for name, f in FUNCTIONS.items()}}
    try:
        function = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, _Guard().visit(tree).body)))
        compiled = eval(compile(function, "<expression>", "eval"), scope)  # noqa: S307  (every node was checked above)
    except (RecursionError, MemoryError) as error:
        raise PackError(f"expression {source!r:.80} is nested too deeply", where=where) from error
    return Expression(source, tuple(names), compiled, where, one_sided)
