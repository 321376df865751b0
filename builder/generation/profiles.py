"""Profiles: the typed facts of a block of identities, attribute by attribute, as the packs declare them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from fiubench.builder.config import Config
from fiubench.builder.generation.pairing import (
    Offenses,
    Plan,
    fit_offenses,
    gender_names,
    generated_people,
    phone_numbers,
    phone_text,
    record_people,
)
from fiubench.builder.generation.sources import Sources
from fiubench.builder.packs.attributes import AMBIENT, Attribute, Attributes, placeholders
from fiubench.builder.packs.expressions import Expression
from fiubench.builder.values import dates
from fiubench.builder.values.facts import Column
from fiubench.raw_sources.names import capacity, full_names
from fiubench.raw_sources.table import FileTable, People
from fiubench.support.draws import Ints, below, choose, draw, integers, permute
from fiubench.support.errors import PackError

REDRAWN = " (redrawn)"
_ATTEMPTS = 50
#: The reference population lives far beyond any identity's index, so its draws are nobody's.
_REFERENCE_START, _REFERENCE_SIZE = 200_000_000, 2048
_LARGEST_SPACE = 1 << 62
LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789"  # no I and O: they read as 1 and 0


@dataclass(frozen=True)
class Block:
    """A range of identities, with all that pairing decided for them. Arrays and lists have one entry each."""

    index: Ints
    people: People
    rows: Mapping[str, Ints]
    name_rank: Ints
    phone: Ints
    offense: Offenses | None

    @classmethod
    def of(cls, plan: Plan, start: int, stop: int) -> "Block":
        """The identities ``start`` to ``stop`` of a plan."""
        part = slice(start, stop)
        offense = None if plan.offense is None else Offenses(plan.offense.days[part], plan.offense.redrawn[part])
        rows = {name: rows[part] for name, rows in plan.rows.items()}
        return cls(np.arange(start, stop), plan.people(part), rows, plan.name_rank[part], plan.phone[part], offense)


class Profiles:
    """Makes facts. One for a build; it keeps nothing between blocks but the reference population."""

    def __init__(self, config: Config, sources: Sources, attributes: Attributes) -> None:
        self.config = config
        self.sources = sources
        self.attributes = attributes
        self.asked = attributes.asked(config.questions)
        self.active = _active(attributes, self.asked)

    def facts(self, block: Block) -> dict[str, Column]:
        """All active facts of a block: attribute name -> column.

        Raises:
            PackError: an expression fails, or a constraint can't be met.
        """
        taken: dict[str, dict[str, list[Any]]] = {}
        columns: dict[str, Column] = {}
        values: dict[str, Sequence[Any]] = {"as_of": [self.config.as_of] * len(block.index)}
        for attribute in self.active:
            column = self._column(attribute, block, taken, values)
            columns[attribute.name] = column
            values[attribute.name] = column.values
        return columns

    @cached_property
    def reference(self) -> dict[str, Column]:
        """Facts of 2,048 people who are in no dataset: what values an attribute takes, for wrong answers."""
        config, sources = self.config, self.sources
        index = _REFERENCE_START + np.arange(_REFERENCE_SIZE)
        rows = {}
        for source, table in sources.tables.items():
            have = table.rows
            count = _REFERENCE_SIZE if have is None else min(have, _REFERENCE_SIZE)
            some = index if have is None else permute(config.seed, f"reference.{source}", np.arange(count), have)
            rows[source] = np.resize(some, _REFERENCE_SIZE)
        gender, birth = generated_people(config.seed, config.as_of, index)
        if isinstance(health := sources.tables["health"], FileTable):
            all_gender, all_birth = record_people(config, health)
            gender, birth = all_gender[rows["health"]], all_birth[rows["health"]]
        rank = min(map(capacity, ("female", "male"))) - 1 - np.arange(_REFERENCE_SIZE)
        codes = sources.tables["addresses"].area_codes(rows["addresses"])  # type: ignore[attr-defined]
        phone = phone_numbers(config.seed, np.asarray(codes).astype(np.int64))
        offense = fit_offenses(config, sources, rows["crimes"], birth, index)
        return self.facts(Block(index, People(gender_names(gender), birth), rows, rank, phone, offense))

    def _column(
        self,
        attribute: Attribute,
        block: Block,
        taken: dict[str, dict[str, list[Any]]],
        values: dict[str, Sequence[Any]],
    ) -> Column:
        origin: str | list[str] = attribute.origin.label
        if attribute.origin.kind == "from":
            source, name = attribute.origin.options.split(".")
            if source not in taken:
                taken[source] = self._take(source, block)
            made = taken[source][name]
            if (source, name) == ("crimes", "offense_date") and block.offense is not None:
                origin = [
                    f"{origin}{REDRAWN}" if redrawn else str(origin) for redrawn in block.offense.redrawn.tolist()
                ]
        else:
            made = self._generate(attribute, block.index, values, 0)
            _check_type(attribute, made)
        if attribute.constraints:
            made = self._constrained(attribute, block.index, made, values)
        return Column.of(attribute.kind, made, origin, attribute.cents)

    def _take(self, source: str, block: Block) -> dict[str, list[Any]]:
        if source == "person":
            return self._person(block)
        columns = self.sources.tables[source].take(block.rows[source], block.people)
        if source == "crimes" and block.offense is not None:
            columns["offense_date"] = dates.to_isos(block.offense.days)
        return columns

    def _person(self, block: Block) -> dict[str, list[Any]]:
        if self.config.names == "record":
            full = self.sources.tables["health"].take(block.rows["health"], block.people)["record_name"]
            given, family = [n.split()[0] for n in full], [n.split()[-1] for n in full]
        else:
            given, family = full_names(self.config.seed, block.people.gender, block.name_rank)
            full = [f"{g} {f}" for g, f in zip(given, family, strict=True)]
        return {
            "full_name": full,
            "given_name": given,
            "family_name": family,
            "gender": block.people.gender,
            "date_of_birth": dates.to_isos(block.people.birth),
            "phone_number": [phone_text(number) for number in block.phone.tolist()],
        }

    def _generate(
        self, attribute: Attribute, index: Ints, values: Mapping[str, Sequence[Any]], attempt: int
    ) -> list[Any]:
        purpose = f"attribute.{attribute.name}" + (f"#{attempt}" if attempt else "")
        return GENERATORS[attribute.origin.kind](self.config.seed, purpose, index, attribute, values)

    def _constrained(
        self, attribute: Attribute, index: Ints, made: list[Any], values: Mapping[str, Sequence[Any]]
    ) -> list[Any]:
        """Draw again, for those who break a constraint, until nobody does."""
        made = list(made)
        wrong = np.arange(len(index))
        for attempt in range(1, _ATTEMPTS + 1):
            facts = {n: [values[n][i] for i in wrong.tolist()] for n in {*attribute.needs(), *AMBIENT} if n in values}
            facts[attribute.name] = [made[i] for i in wrong.tolist()]
            held = [_holds(c, facts, len(wrong), attribute) for c in attribute.constraints]
            broken = [not all(row) for row in zip(*held, strict=True)]
            facts = {name: [v for v, bad in zip(column, broken, strict=True) if bad] for name, column in facts.items()}
            wrong = wrong[broken]
            if not wrong.size:
                return made
            if attribute.origin.kind in ("from", "compute", "code"):  # another code might be someone else's
                break
            for i, value in zip(wrong.tolist(), self._generate(attribute, index[wrong], facts, attempt), strict=True):
                made[i] = value
        i = int(wrong[0])
        raise PackError(
            f"{len(wrong)} identities break a constraint; the first is number {int(index[i])}, with {made[i]!r}",
            where=f"{attribute.pack}: {attribute.name}",
            hint="Constraints: "
            + "; ".join(c.source for c in attribute.constraints)
            + ". Loosen them, or widen the values.",
        )


def _active(attributes: Attributes, asked: Sequence[Attribute]) -> list[Attribute]:
    """What must be made: everything outside the reserve, what is asked, and whatever those need; in making order."""
    wanted = {a.name for a in attributes.by_name.values() if not a.reserve} | {a.name for a in asked}
    for pack in attributes.packs:
        wanted |= {name for paragraph in pack.caption for w in paragraph for _, name in placeholders(w)}
    queue = sorted(wanted)
    while queue:
        attribute = attributes.by_name[queue.pop()]
        needed = {*attribute.needs(), *(n for _, e in attribute.reads() for n in e.names if n not in AMBIENT)}
        needed |= {attribute.perturb.within} - {None} if attribute.perturb.within else set()
        if attribute.caption:
            needed |= {name for _, name in placeholders(attribute.caption)}
        queue.extend(sorted(needed - wanted))
        wanted |= needed
    return [attributes.by_name[name] for name in attributes.order if name in wanted]


def _holds(constraint: Expression, facts: Mapping[str, Sequence[Any]], size: int, attribute: Attribute) -> list[Any]:
    return constraint.column(facts, size, f"{attribute.pack}: {attribute.name}: constraints")


_JSON_TYPES: Mapping[str, tuple[type, ...]] = {"integer": (int,), "money": (int, float), "address": (dict,)}
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_NUMBER = 10**12


def _check_type(attribute: Attribute, made: list[Any]) -> None:
    expected = _JSON_TYPES.get(attribute.kind, (str,))
    for value in made:
        if not isinstance(value, expected) or isinstance(value, bool) or value == "" or not _fits(value):
            raise PackError(
                f"makes {value!r}, which is no {attribute.kind}",
                where=f"{attribute.pack}: {attribute.name}",
                hint="text(..) makes text of a number.",
            )
    if attribute.kind == "money" and made and min(made) < 0:
        raise PackError(f"makes {min(made)!r}: money is never negative", where=f"{attribute.pack}: {attribute.name}")
    if attribute.kind == "date":
        _days_of(made, "makes what", f"{attribute.pack}: {attribute.name}")


def _fits(value: Any) -> bool:
    """Whether a number can be told to the cent (which nan, inf and what is beyond a trillion can't)."""
    return not isinstance(value, (int, float)) or abs(value) <= _LARGEST_NUMBER


def _days_of(made: Sequence[Any], what: str, where: str) -> Ints:
    for value in made:  # numpy would read "today", "2024" and 19800 too
        if not isinstance(value, str) or not _ISO.fullmatch(value):
            raise PackError(f"{what} is no date: {value!r}", where=where, hint="A date is written 2022-04-05.")
    try:
        return dates.to_days(list(made))
    except ValueError as error:
        raise PackError(f"{what} is no date: {error}", where=where) from error


# --- generators: (seed, purpose, index, attribute, facts so far) -> values


def _choose(seed: int, purpose: str, index: Ints, attribute: Attribute, _: Mapping[str, Sequence[Any]]) -> list[Any]:
    options = list(attribute.origin.options)
    return [options[i] for i in choose(seed, purpose, index, list(attribute.origin.options.values())).tolist()]


def _compute(
    seed: int, purpose: str, index: Ints, attribute: Attribute, facts: Mapping[str, Sequence[Any]]
) -> list[Any]:
    made = attribute.origin.expressions[0].column(facts, len(index), f"{attribute.pack}: {attribute.name}: compute")
    if attribute.kind == "money":
        return [round(float(value), 2) if isinstance(value, (int, float)) else value for value in made]
    return made


def _date(seed: int, purpose: str, index: Ints, attribute: Attribute, facts: Mapping[str, Sequence[Any]]) -> list[Any]:
    where = f"{attribute.pack}: {attribute.name}"
    first, last = (bound_days(e, facts, len(index), where) for e in attribute.origin.expressions)
    if (bad := np.flatnonzero(last < first)).size:
        i = int(bad[0])
        raise PackError(
            f"generate.date: from {dates.to_iso(int(first[i]))} to {dates.to_iso(int(last[i]))} is no range "
            f"(identity {int(index[i])})",
            where=where,
            hint="Mend `from` or `to`.",
        )
    return dates.to_isos(first + integers(seed, purpose, index, last - first + 1))


def bound_days(expression: Expression, facts: Mapping[str, Sequence[Any]], size: int, where: str) -> Ints:
    """An expression's dates as day numbers.

    Raises:
        PackError: it does not give dates.
    """
    return _days_of(expression.column(facts, size, where), f"what {expression.source!r} gives", where)


def _integer(seed: int, purpose: str, index: Ints, attribute: Attribute, _: Mapping[str, Sequence[Any]]) -> list[Any]:
    low, high = int(attribute.origin.options["min"]), int(attribute.origin.options["max"])
    made: list[int] = (low + integers(seed, purpose, index, high - low + 1)).tolist()
    return made


def _money(seed: int, purpose: str, index: Ints, attribute: Attribute, _: Mapping[str, Sequence[Any]]) -> list[Any]:
    options = attribute.origin.options
    step, low, high = (cents_of(options.get(key, 0.01)) for key in ("step", "min", "max"))
    cents = low + step * integers(seed, purpose, index, (high - low) // step + 1)
    return [value / 100 for value in cents.tolist()]


def cents_of(dollars: float) -> int:
    """An amount in whole cents."""
    return round(dollars * 100)


def _words(seed: int, purpose: str, index: Ints, attribute: Attribute, _: Mapping[str, Sequence[Any]]) -> list[Any]:
    options = attribute.origin.options
    parts = [name for _, name in placeholders(options["template"])]
    picks = {part: integers(seed, f"{purpose}.{part}", index, len(options[part])).tolist() for part in parts}
    made = []
    for i in range(len(index)):
        text = options["template"]
        for part in parts:
            text = text.replace(f"{{{part}}}", options[part][picks[part][i]])
        made.append(text)
    return made


def code_alphabets(pattern: str) -> list[str]:
    """The characters that may stand at each place of a code pattern."""
    alphabets, escaped = [], False
    for character in pattern:
        if character == "\\" and not escaped:
            escaped = True
            continue
        fixed = escaped or character not in "A#"
        alphabets.append(character if fixed else LETTERS if character == "A" else DIGITS)
        escaped = False
    return alphabets


def _code(seed: int, purpose: str, index: Ints, attribute: Attribute, _: Mapping[str, Sequence[Any]]) -> list[Any]:
    alphabets = code_alphabets(attribute.origin.options)
    space = 1
    for alphabet in alphabets:
        space *= len(alphabet)
    last = int(index.max()) if len(index) else 0
    if last < _REFERENCE_START and space <= last:
        raise PackError(
            f"pattern {attribute.origin.options!r} makes {space} codes, and {last + 1} identities need one each",
            where=f"{attribute.pack}: {attribute.name}",
            hint="Make the pattern longer.",
        )
    if last < _REFERENCE_START and space < _LARGEST_SPACE:
        number = permute(seed, purpose, index, space)
        places: list[Ints] = []
        for alphabet in reversed(alphabets):
            number, digit = np.divmod(number, len(alphabet))
            places.insert(0, digit)
    else:  # so many codes that two alike will not be met, or the reference population, where that does no harm
        words = draw(seed, purpose, index, words=len(alphabets))
        places = [below(words[:, k], len(alphabet)) for k, alphabet in enumerate(alphabets)]
    columns = [[alphabet[d] for d in digits.tolist()] for alphabet, digits in zip(alphabets, places, strict=True)]
    return ["".join(characters) for characters in zip(*columns, strict=True)]


Generator = Callable[[int, str, Ints, Attribute, Mapping[str, Sequence[Any]]], list[Any]]

GENERATORS: Mapping[str, Generator] = {
    "choose": _choose,
    "code": _code,
    "compute": _compute,
    "date": _date,
    "integer": _integer,
    "money": _money,
    "words": _words,
}
