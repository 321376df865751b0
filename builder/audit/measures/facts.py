"""Whether the facts of a person go together, and whether they are that person's alone."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.audit.reading import Pair, Person, Target
from fiubench.builder.audit.recognition import dates_in
from fiubench.builder.audit.report import Count, Measure
from fiubench.builder.packs.attributes import combine, parse_pack
from fiubench.builder.rules.checks import Coherence
from fiubench.builder.values import dates
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.raw_sources.places import STATES, load_places

_ADULT = 18
#: Attributes that count as identifiers besides those of types that do.
_UNIQUE = ("full_name", "email")
#: Territories and military addresses, which the table of places does not hold: they are not judged.
_ELSEWHERE = frozenset(["AA", "AE", "AP", "AS", "FM", "GU", "MH", "MP", "PR", "PW", "UM", "VI"])
_PHONE = re.compile(r"\((\d{3})\) (\d{3})-(\d{4})")
_COUNTED = (
    "date_order", "age_at_offense", "zip_in_state", "zip_in_city", "possible_area_codes", "area_code_in_state",
    "fictitious_phones", "repeated_names", "repeated_facts", "provenance", "constraints",
)  # fmt: skip


def is_identifier(pair: Pair) -> bool:
    """Whether the fact should be one person's alone."""
    kind = VALUE_TYPES.get(pair.kind)
    return (kind is not None and kind.identifier) or pair.attribute in _UNIQUE


class FactChecks:
    """Counts people, addresses and numbers by what is wrong with them."""

    def __init__(self, target: Target) -> None:
        self.counts = {rule: Count(rule) for rule in _COUNTED}
        self.as_of = target.as_of
        self.places = load_places()
        self.assigned = frozenset(self.places.area_code)
        self.pairs = self.recognised = 0
        self.sources = frozenset(target.manifest["sources"]) if target.manifest else frozenset()
        self.coherence = _coherence(target)
        self.names: dict[int, tuple[int, str]] = {}
        self.owners: dict[int, int] = {}

    def add(self, person: Person) -> None:
        """Look at the facts of a person."""
        self.pairs += len(person.pairs)
        self.recognised += sum(pair.attribute is not None for pair in person.pairs)
        facts: dict[str, Pair] = {}
        for pair in person.pairs:
            if pair.attribute is not None and pair.value is not None:
                facts.setdefault(pair.attribute, pair)
        self._dates(person, facts)
        self._contacts(person, facts)
        self._names(person)
        for pair in facts.values():
            if is_identifier(pair) and pair.attribute != "full_name":
                self._alone(person, pair)
        if person.record is not None:
            self._own_record(person, person.record)

    def _dates(self, person: Person, facts: Mapping[str, Pair]) -> None:
        days = {name: str(pair.value) for name, pair in facts.items() if pair.kind == "date"}
        born, admitted, left = (days.get(k) for k in ("date_of_birth", "admission_date", "discharge_date"))
        if days:
            self.counts["date_order"].of += 1
        wrong = []
        if admitted and left and left < admitted:
            wrong.append(f"admitted {admitted}, discharged {left}")
        wrong += [f"born {born}, {name} {day}" for name, day in days.items() if born and day < born]
        wrong += [f"{name} {day}, after {self.as_of}" for name, day in days.items() if self.as_of and day > self.as_of]
        if wrong:
            self.counts["date_order"].add(person.where, "; ".join(wrong))
        offenses = _offense_dates(person)
        if born and offenses:
            self.counts["age_at_offense"].of += 1
            early = [day for day in offenses if born <= day and dates.age_on(born, day) < _ADULT]
            if early:
                self.counts["age_at_offense"].add(person.where, f"born {born}, offense on {early[0]}")

    def _contacts(self, person: Person, facts: Mapping[str, Pair]) -> None:
        states = []
        for pair in facts.values():
            if pair.kind == "address" and isinstance(pair.value, Mapping):
                states.append(pair.value["state"])
                self._address(person, pair.value)
        for pair in facts.values():
            if pair.kind == "phone" and (match := _PHONE.fullmatch(str(pair.value))):
                self._phone(person, match, states)

    def _address(self, person: Person, value: Mapping[str, str]) -> None:
        if value["state"] in _ELSEWHERE:
            return
        self.counts["zip_in_state"].of += 1
        self.counts["zip_in_city"].of += 1
        at = self.places.find(value["zip"])
        told = f"{value['city']}, {value['state']} {value['zip']}"
        if at is None or self.places.state[at] != value["state"]:
            right = "no place has this ZIP code" if at is None else f"it is of {self.places.state[at]}"
            self.counts["zip_in_state"].add(person.where, f"{told}: {right}")
        elif self.places.city[at].casefold() != value["city"].casefold():
            self.counts["zip_in_city"].add(person.where, f"{told}: it is of {self.places.city[at]}")

    def _phone(self, person: Person, match: re.Match[str], states: list[str]) -> None:
        area, exchange, line = match.groups()
        codes = self.places.codes_of_states
        for rule in ("possible_area_codes", "fictitious_phones", "area_code_in_state"):
            self.counts[rule].of += 1
        if area[1] == "9" and area[0] not in "01":  # N9X, kept for an expansion of the plan: nobody has one
            return
        if area[0] in "01" or area.endswith("11"):
            self.counts["possible_area_codes"].add(person.where, match[0])
        elif area in self.assigned and not any(area in codes.get(state, ()) for state in states or STATES):
            self.counts["area_code_in_state"].add(person.where, f"{match[0]}, {', '.join(states)}")
        if (exchange, line[:2]) != ("555", "01"):
            self.counts["fictitious_phones"].add(person.where, match[0])

    def _names(self, person: Person) -> None:
        if not person.name:
            return
        count = self.counts["repeated_names"]
        count.of += 1
        key = hash(person.name.casefold())
        times, first = self.names.get(key, (0, person.where))
        self.names[key] = (times + 1, first)
        if times == 1:  # a name counts once, however often it comes back
            count.add(person.where, f"{person.name}, as {first}")

    def _alone(self, person: Person, pair: Pair) -> None:
        count = self.counts["repeated_facts"]
        count.of += 1
        key = hash((pair.attribute, (pair.text or "").casefold()))
        self.owners[key] = times = self.owners.get(key, 0) + 1
        if times == 2:
            count.add(person.where, f"{pair.attribute} {pair.text}")

    def _own_record(self, person: Person, record: Mapping[str, Any]) -> None:
        count = self.counts["provenance"]
        for name, fact in record["profile"].items():
            count.of += 1
            source, dot, _ = fact["from"].partition(".")
            known = source in self.sources and source in record["rows"]
            if dot and source != "person" and not known:
                count.add(person.where, f"{name} is from {fact['from']!r}, of which the dataset has no row")
        if self.coherence is not None:
            self.counts["constraints"].of += 1
            broken = [
                f"{problem.what} ({problem.right})" for problem in self.coherence.constraint_problems(record["profile"])
            ]
            if broken:
                self.counts["constraints"].add(person.where, "; ".join(broken))

    def measures(self) -> Iterator[Measure]:
        """One measure per rule of the group."""
        share = round(self.recognised / self.pairs, 4) if self.pairs else None
        yield Measure("recognised", share, self.pairs)
        yield from (count.measure() for count in self.counts.values())


def _coherence(target: Target) -> Coherence | None:
    if target.manifest is None:
        return None
    packs = combine([parse_pack(entry["content"], entry["file"], entry["file"]) for entry in target.manifest["packs"]])
    return Coherence(list(packs.by_name.values()), target.manifest["config"]["as_of"], load_places())


def _offense_dates(person: Person) -> list[str]:
    """When what a person is charged with happened; other datasets tell it in the answers about the offense."""
    found = []
    for pair in person.pairs:
        if pair.category == "criminal":
            if pair.kind == "date" and pair.value is not None:
                found.append(str(pair.value))
            elif person.record is None and pair.kind != "date":
                found += dates_in(pair.answer)
    return found
