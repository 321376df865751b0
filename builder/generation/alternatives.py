"""What each fact was drawn from: what could have stood in its place, with the person and all other facts as they are.

Where values come from decides it: a generator or a value type says it itself (``drawn``), a file has its other rows, a
choice its weights, and what is computed is computed again from other draws.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from fiubench.builder.generation.frequencies import Frequencies, by_rank
from fiubench.builder.generation.pairing import Plan, record_birth, spare_rows
from fiubench.builder.generation.profiles import Block, Profiles, evaluate, generate, group_of
from fiubench.builder.generation.ties import BLOCK
from fiubench.builder.packs.model import Attribute
from fiubench.builder.values import dates
from fiubench.builder.values.base import WRONG, Drawing
from fiubench.builder.values.column import Column
from fiubench.builder.values.phone import other_numbers, phone_text
from fiubench.raw_sources.drawn import Anew, Drawn, Options, Range, Weighted, alike, nobody, weighted
from fiubench.raw_sources.embedded import AGE_BANDS, OLDEST, chargeable
from fiubench.raw_sources.names import GENDERS, full_names, other_places
from fiubench.raw_sources.table import FileTable, Generator, drawn_again
from fiubench.support.draws import Ints

Facts = Mapping[str, Column]
_BIRTHDAYS = 8  # that are drawn for each age of a file


class Alternatives:
    """What the facts of a build were drawn from; keeps what is counted once."""

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self._files: dict[str, Frequencies] = {}

    def of(self, attribute: Attribute, block: Block, facts: Facts) -> Drawn:
        """What the values of an attribute were drawn from, for each identity of a block."""
        origin = attribute.origin
        if attribute.name in self.profiles.attributes.shared and block.plan is not None:
            return self._shared(attribute, block.plan, block.index)
        if origin.kind == "from":
            source, column = origin.options.split(".")
            if source == "person":
                return self._person(column, attribute, block, facts)
            return self._column(source, column, attribute, block, facts[attribute.name].values)
        if origin.kind == "choose":
            group = group_of(attribute, self._values(facts, len(block.index)), len(block.index))
            return Options(group, origin.options.groups.__getitem__)
        if origin.kind == "compute":
            return self._computed(attribute, block, facts)
        return self._generated(attribute, block, facts)

    def _shared(self, attribute: Attribute, plan: Plan, index: Ints) -> Options:
        """The values that the people of a block share, each as likely as the others."""
        profiles = self.profiles
        group = profiles.places_shared(attribute, plan, index) // BLOCK
        numbers = np.arange(profiles.shared_by(attribute))
        return Options(group, lambda block: weighted(profiles.shared(attribute, block * BLOCK + numbers)))

    def _column(self, source: str, column: str, attribute: Attribute, block: Block, truths: Sequence[Any]) -> Drawn:
        table, rows = self.profiles.sources.tables[source], block.rows[source]
        if isinstance(table, Generator):
            return table.drawn(column, rows, block.people)
        if not isinstance(table, FileTable):
            return drawn_again(table, column, rows, block.people)
        if block.is_redrawn(attribute) and block.offense is not None:  # then all of them are
            first = chargeable(block.people.birth)
            size = dates.to_day(self.profiles.config.as_of) - first + 1
            return Range(block.offense.days - first, size, lambda who, at: dates.to_isos(first[who] + at))
        within = attribute.perturb.within
        within = within if within in table.data.column_names else None
        return self._file(source).drawn(column, rows, truths, within, block)

    def _person(self, column: str, attribute: Attribute, block: Block, facts: Facts) -> Drawn:
        truths = facts[attribute.name].values
        match column:
            case "date_of_birth":
                return self._birth(block)
            case "gender":
                return Options(np.zeros(len(truths), np.int64), lambda _: alike(GENDERS))
            case "phone_number":
                seed, phone = self.profiles.config.seed, block.phone
                return Anew(lambda turn: list(map(phone_text, other_numbers(seed, phone, block.index, turn).tolist())))
        if self.profiles.config.names == "record":
            return self._record_names(column, attribute, block, truths)
        return Anew(lambda turn: self._names(block, turn)[column])

    def _record_names(self, column: str, attribute: Attribute, block: Block, truths: Sequence[Any]) -> Drawn:
        drawn = self._column("health", "record_name", attribute, block, truths)
        if column == "full_name":
            return drawn
        part = 0 if column == "given_name" else -1
        if isinstance(drawn, Anew):
            return Anew(lambda turn: [name.split()[part] for name in drawn.make(turn)])
        if isinstance(drawn, Range):
            return drawn

        def of(group: int) -> Weighted:
            return weighted([name.split()[part] for name in drawn.values(group)[0]])

        return Options(drawn.group, of)

    def _names(self, block: Block, turn: int) -> dict[str, list[str]]:
        """Names of the same genders that nobody has: three for each person."""
        gender = block.people.gender
        names = full_names(self.profiles.config.seed, gender, other_places(gender, block.name_rank, turn))
        return {"full_name": names.full, "given_name": names.given, "family_name": names.family}

    def _birth(self, block: Block) -> Range:
        """Birthdays of the same age band; of the same year of age where the face says the age."""
        birth, config = block.people.birth, self.profiles.config
        if isinstance(self.profiles.sources.tables["health"], FileTable):
            return self._recorded_birth(birth)
        today = dates.to_day(config.as_of)
        age = dates.ages_on(birth, today)
        band = np.clip(np.searchsorted(AGE_BANDS, age, side="right") - 1, 0, None)
        edges = np.array([*AGE_BANDS, OLDEST])
        youngest = age if block.age_known else edges[band]
        years = np.ones_like(age) if block.age_known else edges[band + 1] - edges[band]

        def latest_of(ages: Ints) -> Ints:
            return dates.shift_years(np.full_like(ages, today), -ages)

        def make(who: Ints, at: Ints) -> list[str]:
            return dates.to_isos(latest_of(youngest[who] + at // 365) - at % 365)

        return Range((age - youngest) * 365 + np.minimum(latest_of(age) - birth, 364), years * 365, make)

    def _recorded_birth(self, birth: Ints) -> Range:
        """Birthdays of the file's other people of the same age band."""
        born = self._births
        today = dates.to_day(self.profiles.config.as_of)
        bands = np.searchsorted(AGE_BANDS, dates.ages_on(born, today), side="right")
        band = np.searchsorted(AGE_BANDS, dates.ages_on(birth, today), side="right")
        # sorted by birth, the oldest first: bands fall
        first, last = np.searchsorted(-bands, -band, side="left"), np.searchsorted(-bands, -band, side="right")
        place = np.clip(np.searchsorted(born, birth) - first, 0, last - first)

        def make(who: Ints, at: Ints) -> list[str]:
            return dates.to_isos(born[np.minimum(first[who] + at - (at > place[who]), len(born) - 1)])

        return Range(place, last - first + 1, make)

    @cached_property
    def _births(self) -> Ints:
        """Birth dates that the people of the health file whom no identity has could have, in order."""
        config, sources = self.profiles.config, self.profiles.sources
        table, rows = sources.tables["health"], spare_rows(config, sources, "health")
        assert isinstance(table, FileTable)
        return np.sort(np.concatenate([record_birth(config, table, rows, 1 + turn) for turn in range(_BIRTHDAYS)]))

    def _generated(self, attribute: Attribute, block: Block, facts: Facts) -> Drawn:
        origin, config = attribute.origin, self.profiles.config
        values = self._values(facts, len(block.index))
        given = tuple(evaluate(e, values, len(block.index)) for e in origin.expressions)
        drawing = Drawing(
            config.seed, f"attribute.{attribute.name}", block.index, origin.options, given, attribute.where
        )
        drawn = attribute.type.drawn(facts[attribute.name].values, drawing)
        return drawn or Anew(
            lambda turn: generate(attribute, config.seed, drawing.purpose, nobody(block.index, turn), values),
            own=attribute.type.one_each(origin.options),
        )

    def _computed(self, attribute: Attribute, block: Block, facts: Facts) -> Drawn:
        """Computed again from facts that are drawn again, or, of facts that stay, what other people have."""
        if again := self._drawn_again[attribute.name]:
            return Anew(lambda turn: self._recomputed(attribute, again, block, facts, turn), own=False)
        column, truths = self.profiles.reference[attribute.name], facts[attribute.name].values
        if attribute.type.ordered and (ranked := by_rank(attribute.type, truths, column.values)) is not None:
            return ranked
        if len(set(column.text)) > len(column.text) // 2:  # nearly everybody has another
            return Anew(lambda turn: self.profiles.own_facts(self._strangers(block, turn))[attribute.name].values)
        within = attribute.perturb.within
        group = np.zeros(len(truths), np.int64)
        strata: list[str] = [""]
        if within:
            strata = sorted(set(self.profiles.reference[within].text))
            place = {text: k for k, text in enumerate(strata)}
            group = np.array([place.get(text, -1) for text in facts[within].text], np.int64)
        others = self.profiles.reference[within].text if within else [""] * len(column.values)

        def of(key: int) -> Weighted:
            there = [v for v, o in zip(column.values, others, strict=True) if key < 0 or o == strata[key]]
            return weighted(there)

        return Options(group, of)

    def _strangers(self, block: Block, turn: int) -> Block:
        """People who are nobody, of the gender and birth of those of a block, with other names, numbers and rows."""
        sources, index = self.profiles.sources, nobody(block.index, turn)
        rows = {}
        for name, table in sources.tables.items():
            spare = self._file(name).spare if isinstance(table, FileTable) else None
            rows[name] = index if spare is None else spare[(WRONG * block.index + turn) % len(spare)]
        place = other_places(block.people.gender, block.name_rank, turn)
        phone = other_numbers(self.profiles.config.seed, block.phone, block.index, turn)
        return replace(block, index=index, rows=rows, name_rank=place, phone=phone, plan=None)

    def _file(self, source: str) -> Frequencies:
        """What the rows of a file hold, counted once."""
        if source not in self._files:
            table = self.profiles.sources.tables[source]
            assert isinstance(table, FileTable)
            spare = spare_rows(self.profiles.config, self.profiles.sources, source)
            drawn_with = self.profiles.attributes.source(source).drawn_with
            self._files[source] = Frequencies(table, spare, drawn_with)
        return self._files[source]

    @cached_property
    def _drawn_again(self) -> dict[str, list[Attribute]]:
        """For each computed attribute what it is made of, in making order, from the facts that are drawn for it.

        Facts that are asked about stay as they are, unless all are: who knows them must not see which value goes with
        them.
        """
        attributes, asked = self.profiles.attributes, frozenset(a.name for a in self.profiles.asked)

        def again(name: str, kept: frozenset[str]) -> list[Attribute]:
            behind = attributes.behind(name, kept)
            return [
                attributes.by_name[other]
                for other in attributes.order
                if other in behind and ({other} | attributes.made_from[other]) & attributes.drawn
            ]

        return {name: again(name, asked) or again(name, frozenset()) for name in attributes.by_name}

    def _recomputed(
        self, attribute: Attribute, again: Sequence[Attribute], block: Block, facts: Facts, turn: int
    ) -> list[Any]:
        values, index = self._values(facts, len(block.index)), nobody(block.index, turn)
        for other in (*again, attribute):
            made = generate(other, self.profiles.config.seed, f"attribute.{other.name}", index, values)
            if other is not attribute and other.constraints:
                made = self.profiles.constrained(other, index, made, values)
            values[other.name] = made
        return list(values[attribute.name])

    def _values(self, facts: Facts, size: int) -> dict[str, Sequence[Any]]:
        return {"as_of": [self.profiles.config.as_of] * size, **{name: column.values for name, column in facts.items()}}
