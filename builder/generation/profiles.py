"""Profiles: the typed facts of a block of identities, attribute by attribute, as the packs declare them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from fiubench.builder.config import Config
from fiubench.builder.generation.pairing import (
    Offenses,
    Plan,
    area_codes,
    fit_offenses,
    record_people,
)
from fiubench.builder.generation.people import gender_names, generated_people
from fiubench.builder.generation.sources import Sources
from fiubench.builder.generation.ties import BLOCK, Ties, whole_blocks
from fiubench.builder.languages.base import Language
from fiubench.builder.packs.expressions import Expression
from fiubench.builder.packs.model import AMBIENT, RELATION, Attribute, Attributes, placeholders
from fiubench.builder.values import dates
from fiubench.builder.values.base import WRONG, Drawing, Given
from fiubench.builder.values.column import Column
from fiubench.builder.values.phone import phone_numbers, phone_text
from fiubench.raw_sources.drawn import NOBODY
from fiubench.raw_sources.names import full_names, other_places
from fiubench.raw_sources.table import FileTable, People
from fiubench.support.draws import Ints, integers, permute
from fiubench.support.errors import PackError

REDRAWN, SHARED = " (redrawn)", " (shared)"
OFFENSE_DATE = "crimes.offense_date"
_ATTEMPTS = 50
_REFERENCE_SIZE = 2048


@dataclass(frozen=True)
class Block:
    """A range of identities, with all that pairing decided for them. Arrays and lists have one entry each."""

    index: Ints
    people: People
    rows: Mapping[str, Ints]
    name_rank: Ints
    phone: Ints
    offense: Offenses | None
    age_known: bool  # whether birth dates were drawn for the ages of faces
    plan: Plan | None = None  # of which they are; of people who are in no dataset none

    @classmethod
    def of(cls, plan: Plan, start: int, stop: int) -> "Block":
        """The identities ``start`` to ``stop`` of a plan."""
        return cls.at(plan, np.arange(start, stop))

    @classmethod
    def at(cls, plan: Plan, index: Ints) -> "Block":
        """These identities of a plan."""
        offense = None if plan.offense is None else Offenses(plan.offense.days[index], plan.offense.redrawn[index])
        rows = {name: rows[index] for name, rows in plan.rows.items()}
        of_each = (plan.name_rank[index], plan.phone[index], offense, plan.ages_of_faces)
        return cls(index, plan.people(index), rows, *of_each, plan)

    def is_redrawn(self, attribute: Attribute) -> bool:
        """Whether some of the values of an attribute are offense dates that had to be drawn anew."""
        return (
            self.offense is not None and attribute.origin.options == OFFENSE_DATE and bool(self.offense.redrawn.any())
        )

    def part(self, places: Ints) -> "Block":
        """The block of some of its identities."""
        offense = None if self.offense is None else Offenses(self.offense.days[places], self.offense.redrawn[places])
        people = People([self.people.gender[i] for i in places.tolist()], self.people.birth[places])
        rows = {name: rows[places] for name, rows in self.rows.items()}
        of_each = (self.name_rank[places], self.phone[places], offense, self.age_known)
        return Block(self.index[places], people, rows, *of_each, self.plan)

    def ties(self, kind: str) -> Ties:
        """How its people are tied to others: those of nobody are tied to nobody."""
        if self.plan is None or self.plan.kin is None:
            return Ties(np.full(len(self.index), -1), np.full((len(self.index), WRONG), -1))
        ties = self.plan.kin.ties[kind]
        return Ties(ties.partner[self.index], ties.others[self.index])


@dataclass(frozen=True)
class Partners:
    """People whom some of a block are tied to.

    Attributes:
        who: places in the block of those who are tied to somebody.
        block: to whom, one each.
    """

    profiles: "Profiles"
    who: Ints
    block: Block

    @cached_property
    def names(self) -> list[str]:
        """What they are called."""
        return [] if self.block.plan is None else self.profiles.names_at(self.block.plan, self.block.index)

    @cached_property
    def facts(self) -> Mapping[str, Column]:
        """Their own facts."""
        return self.profiles.own_facts(self.block)


class Profiles:
    """Makes facts. One for a build; it keeps nothing between blocks but the reference population."""

    def __init__(self, config: Config, sources: Sources, attributes: Attributes) -> None:
        self.config = config
        self.sources = sources
        self.attributes = attributes
        self.asked = attributes.asked(config.questions)
        self.active = _active(attributes, self.asked)
        self._partners: dict[str, tuple[Block, Partners]] = {}

    def facts(self, block: Block) -> dict[str, Column]:
        """All active facts of a block: attribute name -> column. What not everybody has is ``None`` for the others.

        Raises:
            PackError: an expression fails, or a constraint can't be met.
        """
        columns = self.own_facts(block)
        return columns | {a.name: self._tied(a, block) for a in self.active if a.tied}

    def own_facts(self, block: Block) -> dict[str, Column]:
        """The facts that depend on nobody else."""
        taken: dict[str, dict[str, list[Any]]] = {}
        columns: dict[str, Column] = {}
        values: dict[str, Sequence[Any]] = {"as_of": [self.config.as_of] * len(block.index)}
        for attribute in (a for a in self.active if not a.tied):
            column = self._column(attribute, block, taken, values)
            columns[attribute.name] = column
            values[attribute.name] = column.values
        return columns

    def partners(self, relation: Attribute, block: Block) -> Partners:
        """Those of a block who are tied to somebody in a way, and to whom; kept for the next attribute of the block."""
        kind = relation.origin.options
        if self._partners.get(kind, (None,))[0] is not block:
            partner = block.ties(kind).partner
            who = np.flatnonzero(partner >= 0)
            others = block.part(who) if block.plan is None else Block.at(block.plan, partner[who])
            self._partners[kind] = block, Partners(self, who, others)
        return self._partners[kind][1]

    def _tied(self, attribute: Attribute, block: Block) -> Column:
        partners = self.partners(self.attributes.relation(attribute), block)
        theirs: list[Any] = partners.names
        written = partners.names
        if attribute.kind != RELATION:
            column = partners.facts[self.attributes.through(attribute)[1].name]
            theirs, written = column.values, column.text
        values: list[Any] = [None] * len(block.index)
        texts = [""] * len(values)
        for i, value, text in zip(partners.who.tolist(), theirs, written, strict=True):
            values[i], texts[i] = value, text
        return Column(attribute.kind, values, texts, [attribute.origin.label] * len(values))

    def places_shared(self, attribute: Attribute, plan: Plan, index: Ints) -> Ints:
        """Which of the shared values of a fact each person has, by number; those of a block of people are theirs alone.

        Each fact is drawn apart: to know the hospital is not to know the doctor.
        """
        benchmark = plan.config.identities
        last = whole_blocks(benchmark) // BLOCK  # the holdout has blocks of its own
        block = np.where(index < benchmark, index // BLOCK, last + (index - benchmark) // BLOCK)
        return block * BLOCK + integers(
            self.config.seed, f"shared.{attribute.name}.who", index, self.shared_by(attribute)
        )

    def shared_by(self, attribute: Attribute) -> int:
        """How many values of a fact the people of a block share."""
        return BLOCK // self.attributes.shared[attribute.name]

    def shared(self, attribute: Attribute, numbers: Ints) -> list[Any]:
        """Shared values by number."""
        config, origin = self.config, attribute.origin
        if origin.kind != "from":
            made = generate(attribute, config.seed, f"attribute.{attribute.name}", numbers, {})
            attribute.type.check(made, attribute.where)
            return made
        source, column = origin.options.split(".")
        table, rows = self.sources.tables[source], numbers
        if table.rows is not None:
            rows = permute(config.seed, f"shared.{attribute.name}", numbers % table.rows, table.rows)
        gender, birth = generated_people(config.seed, config.as_of, numbers)
        return list(table.take(rows, People(gender_names(gender), birth))[column])

    def names_at(self, plan: Plan, numbers: Ints) -> list[str]:
        """Names of people of a plan, and of those beyond it who stand in wrong answers."""
        assert plan.kin is not None
        gender = gender_names(np.r_[plan.gender, plan.kin.gender][numbers])
        if self.config.names == "record":
            rows = np.r_[plan.rows["health"], plan.kin.row][numbers]
            people = People(gender, np.zeros(len(numbers), np.int64))
            names: list[str] = self.sources.tables["health"].take(rows, people)["record_name"]
            return names
        return full_names(self.config.seed, gender, np.r_[plan.name_rank, plan.kin.name_rank][numbers]).full

    @cached_property
    def reference(self) -> dict[str, Column]:
        """Facts of 2,048 people who are in no dataset: what values an attribute takes, for wrong answers."""
        return self.own_facts(self.reference_block)

    @cached_property
    def reference_block(self) -> Block:
        """The people who are in no dataset."""
        config, sources = self.config, self.sources
        index = NOBODY + np.arange(_REFERENCE_SIZE)
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
        places = other_places(gender_names(gender), *np.divmod(np.arange(_REFERENCE_SIZE), WRONG))
        phone = phone_numbers(config.seed, area_codes(sources, rows["addresses"]))
        offense = fit_offenses(config, sources, rows["crimes"], birth, index)
        return Block(index, People(gender_names(gender), birth), rows, places, phone, offense, age_known=False)

    def _column(
        self,
        attribute: Attribute,
        block: Block,
        taken: dict[str, dict[str, list[Any]]],
        values: dict[str, Sequence[Any]],
    ) -> Column:
        origin: str | list[str] = attribute.origin.label
        if attribute.name in self.attributes.shared and block.plan is not None:
            pool, which = np.unique(self.places_shared(attribute, block.plan, block.index), return_inverse=True)
            values_of = self.shared(attribute, pool)
            made = [values_of[k] for k in which.tolist()]
            return Column.of(attribute.kind, made, f"{origin}{SHARED}", attribute.write)
        if attribute.origin.kind == "from":
            source, name = attribute.origin.options.split(".")
            if source not in taken:
                taken[source] = self._take(source, block)
            made = taken[source][name]
            if attribute.origin.options == OFFENSE_DATE and block.offense is not None:
                origin = [
                    f"{origin}{REDRAWN}" if redrawn else str(origin) for redrawn in block.offense.redrawn.tolist()
                ]
        else:
            made = self._generate(attribute, block.index, values, 0)
            attribute.type.check(made, attribute.where)
        if attribute.constraints:
            made = self.constrained(attribute, block.index, made, values)
        return Column.of(attribute.kind, made, origin, attribute.write)

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
            given, family, full = full_names(self.config.seed, block.people.gender, block.name_rank)
        return {
            "full_name": full,
            "given_name": given,
            "family_name": family,
            "gender": block.people.gender,
            "date_of_birth": dates.to_isos(block.people.birth),
            "phone_number": [phone_text(number) for number in block.phone.tolist()],
        }

    def _generate(
        self, attribute: Attribute, index: Ints, facts: Mapping[str, Sequence[Any]], attempt: int
    ) -> list[Any]:
        purpose = f"attribute.{attribute.name}" + (f"#{attempt}" if attempt else "")
        return generate(attribute, self.config.seed, purpose, index, facts)

    def constrained(
        self, attribute: Attribute, index: Ints, made: list[Any], values: Mapping[str, Sequence[Any]]
    ) -> list[Any]:
        """Draw again, for those who break a constraint of an attribute, until nobody does.

        Raises:
            PackError: the constraint can't be met, or the values can't be drawn again.
        """
        made = list(made)
        wrong = np.arange(len(index))
        for attempt in range(1, _ATTEMPTS + 1):
            facts = {n: [values[n][i] for i in wrong.tolist()] for n in {*attribute.needs(), *AMBIENT} if n in values}
            facts[attribute.name] = [made[i] for i in wrong.tolist()]
            held = [constraint.column(facts, len(wrong)) for constraint in attribute.constraints]
            broken = [not all(row) for row in zip(*held, strict=True)]
            facts = {name: [v for v, bad in zip(column, broken, strict=True) if bad] for name, column in facts.items()}
            wrong = wrong[broken]
            if not wrong.size:
                return made
            origin = attribute.origin  # what is unique might be someone else's if it were drawn again
            if origin.kind in ("from", "compute") or attribute.type.one_each(origin.generated):
                break
            for i, value in zip(wrong.tolist(), self._generate(attribute, index[wrong], facts, attempt), strict=True):
                made[i] = value
        i = int(wrong[0])
        raise PackError(
            f"{len(wrong)} identities break a constraint; the first is number {int(index[i])}, with {made[i]!r}",
            where=attribute.where,
            hint="Constraints: "
            + "; ".join(c.source for c in attribute.constraints)
            + ". Loosen them, or widen the values.",
        )


def _active(attributes: Attributes, asked: Sequence[Attribute]) -> list[Attribute]:
    """What must be made: everything outside the reserve, what is asked, and whatever those need; in making order."""
    wanted = {a.name for a in attributes.by_name.values() if not a.reserve} | {a.name for a in asked}
    for pack in attributes.packs:
        named = {name for paragraph in pack.caption for w in paragraph for _, name in placeholders(w, pack.language)}
        wanted |= _facts_of(named, pack.language)
    queue = sorted(wanted)
    while queue:
        attribute = attributes.by_name[queue.pop()]
        needed = {*attribute.needs(), *(n for _, e in attribute.reads() for n in e.names if n not in AMBIENT)}
        needed |= {attribute.perturb.within} - {None} if attribute.perturb.within else set()
        if attribute.tied:
            needed |= set() if attribute.kind == RELATION else {a.name for a in attributes.through(attribute)}
        if attribute.caption:
            named = {name for _, name in placeholders(attribute.caption, attribute.language)}
            needed |= _facts_of(named, attribute.language)
        queue.extend(sorted(needed - wanted))
        wanted |= needed
    return [attributes.by_name[name] for name in attributes.order if name in wanted]


def _facts_of(named: set[str], language: Language) -> set[str]:
    """The facts behind what a caption names: a pronoun is the gender's."""
    pronouns = named & language.all_pronouns.keys()
    return named - pronouns | ({"gender"} if pronouns else set())


def generate(
    attribute: Attribute, seed: int, purpose: str, index: Ints, facts: Mapping[str, Sequence[Any]]
) -> list[Any]:
    """Values that are no column of a source: chosen, computed from ``facts``, or made by their type.

    Raises:
        PackError: an expression fails, or the options can't be met.
    """
    origin = attribute.origin
    if origin.kind == "choose":
        drawn: list[Any] = origin.options.draw(seed, purpose, index, group_of(attribute, facts, len(index)))
        return drawn
    if origin.kind == "compute":
        return attribute.type.computed(origin.expressions[0].column(facts, len(index)))
    given = tuple(evaluate(expression, facts, len(index)) for expression in origin.expressions)
    return attribute.type.generate(Drawing(seed, purpose, index, origin.options, given, attribute.where))


def group_of(attribute: Attribute, facts: Mapping[str, Sequence[Any]], size: int) -> Ints:
    """Which group of its choice each identity draws from, by what the facts say."""
    if not attribute.origin.expressions:
        return np.zeros(size, np.int64)
    group: Ints = attribute.origin.options.group_of(attribute.origin.expressions[0].column(facts, size))
    return group


def evaluate(expression: Expression, facts: Mapping[str, Sequence[Any]], size: int) -> Given:
    """What an expression gives for each row of the facts."""
    return Given(expression.source, expression.column(facts, size), expression.where)
