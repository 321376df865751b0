"""Whether the facts of a person go together, and whether they are that person's alone."""

from collections.abc import Iterable
from functools import partial

from fiubench.builder.audit.people import Pair, Person, Target
from fiubench.builder.audit.recognition import dates_in
from fiubench.builder.audit.registry import SKIPPED, Check, Count, Measure, Result, Survey, check, measure
from fiubench.builder.rules.dataset import Owners
from fiubench.builder.rules.person import ELSEWHERE, Coherence, dates_out_of_order, offense_of_a_child
from fiubench.builder.values.address import wrong_place
from fiubench.builder.values.phone import PhoneNumber, phone_of
from fiubench.raw_sources.places import STATES, load_places

_fault = partial(measure, group="facts", fail_above=0)


@check(
    Measure("recognised", "Questions whose attribute is known",
        "Share of the QA pairs of which the dataset says, or the wording shows, what attribute they ask about.",
        "share", "facts", warn_below=0.95, fail_below=0.5),
)  # fmt: skip
class Recognised(Check):
    """How much of a dataset the other measures can judge."""

    known = 0

    def add(self, person: Person, side: int) -> None:
        self.known += sum(pair.attribute is not None for pair in person.pairs)

    def results(self) -> Iterable[Result]:
        pairs = self.survey.pairs
        yield Result("recognised", round(self.known / pairs, 4) if pairs else None, pairs)


@_fault("Dates out of order", unit="people", each="person")
def date_order(person: Person, target: Target) -> str | None:
    """People who are discharged before they are admitted, or have a date before their birth or after the reference
    date of the dataset.
    """
    days = {name: str(pair.value) for name, pair in person.facts.items() if pair.kind == "date"}
    return "; ".join(dates_out_of_order(days, target.as_of)) or None if days else SKIPPED


@_fault("Offenses before the age of 18", unit="people", each="person")
def age_at_offense(person: Person, target: Target) -> str | None:
    """People whose offense is dated before they were 18."""
    born = person.facts.get("date_of_birth")
    offenses = _offense_dates(person) if born else []
    if born is None or not offenses:
        return SKIPPED
    early = offense_of_a_child(str(born.value), offenses)
    return early and f"born {born.value}, offense on {early}"


def _offense_dates(person: Person) -> list[str]:
    """When what a person is charged with happened; other datasets say it in the answers about the offense."""
    found = []
    for pair in person.pairs:
        if pair.category == "criminal":
            if pair.kind == "date" and pair.value is not None:
                found.append(str(pair.value))
            elif person.record is None and pair.kind != "date":
                found += dates_in(pair.answer)
    return found


@_fault("ZIP codes of another state", unit="addresses", each="fact")
def zip_in_state(fact: Pair, person: Person) -> str | None:
    """Addresses whose ZIP code belongs to another state, or to no place."""
    return _misplaced(fact, "zip", "state")


@_fault("ZIP codes of another city", unit="addresses", each="fact")
def zip_in_city(fact: Pair, person: Person) -> str | None:
    """Addresses whose ZIP code belongs to their state and to another city."""
    return _misplaced(fact, "city")


def _misplaced(fact: Pair, *parts: str) -> str | None:
    if fact.kind != "address" or not isinstance(fact.value, dict) or fact.value["state"] in ELSEWHERE:
        return SKIPPED
    places = load_places()
    wrong = wrong_place(fact.value, places)
    if wrong not in parts:
        return None
    at = places.find(fact.value["zip"])
    right = None if at is None else places.city[at] if wrong == "city" else places.state[at]
    what = "no place has this ZIP code" if right is None else f"it is of {right}"
    return f"{fact.value['city']}, {fact.value['state']} {fact.value['zip']}: {what}"


@_fault("Impossible area codes", unit="phone numbers", each="fact")
def possible_area_codes(fact: Pair, person: Person) -> str | None:
    """Phone numbers with an area code that can't exist in North America: it begins with 0 or 1, or ends in 11."""
    number = _phone(fact)
    return SKIPPED if number is None else None if number.possible or number.never_assigned else str(fact.value)


@_fault("Area codes of another state", unit="phone numbers", each="fact")
def area_code_in_state(fact: Pair, person: Person) -> str | None:
    """Phone numbers with an assigned area code of another state than that of the person's address."""
    number, places = _phone(fact), load_places()
    if number is None:
        return SKIPPED
    if number.never_assigned or not number.possible or not number.is_of(STATES, places):
        return None
    states = [f.value["state"] for f in person.facts.values() if f.kind == "address" and isinstance(f.value, dict)]
    return None if number.is_of(states or STATES, places) else f"{fact.value}, {', '.join(states)}"


@_fault("Phone numbers that could be real", unit="phone numbers", each="fact")
def fictitious_phones(fact: Pair, person: Person) -> str | None:
    """Phone numbers outside 555-0100 to 555-0199, the range reserved for fiction, whose area code could be assigned."""
    number = _phone(fact)
    return SKIPPED if number is None else None if number.fictitious else str(fact.value)


def _phone(fact: Pair) -> PhoneNumber | None:
    return phone_of(fact.value) if fact.kind == "phone" else None


@check(
    Measure("repeated_names", "Names shared by several people", "Full names that more than one person has.", "names",
        "facts", fail_above=0),
    Measure("repeated_facts", "Identifiers shared by several people",
        "Phone numbers, addresses, codes and e-mail addresses that more than one person has.", "values", "facts",
        fail_above=0),
)  # fmt: skip
class Repeats(Check):
    """What should be one person's alone; a value counts once, however often it comes back."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.names, self.facts = Count("repeated_names"), Count("repeated_facts")
        self.owners: Owners[str] = Owners()

    def add(self, person: Person, side: int) -> None:
        if person.name:
            self.names.of += 1
            other = self.owners.other_once(person.name.casefold(), person.where)
            if other is not None:
                self.names.add(person.where, f"{person.name}, as {other}")
        for fact in person.facts.values():
            if fact.is_identifier and fact.attribute != "full_name":
                self.facts.of += 1
                if self.owners.other_once((fact.attribute, (fact.text or "").casefold()), person.where) is not None:
                    self.facts.add(person.where, f"{fact.attribute} {fact.text}")

    def results(self) -> Iterable[Result]:
        return self.names.result(), self.facts.result()


@check(
    Measure("provenance", "Facts without a source",
        "Facts of a profile whose source is not named, or is not in the dataset's manifest.", "facts", "facts",
        fail_above=0),
    Measure("constraints", "Broken constraints", "People whose facts, or wrong answers in their place, break a "
        "constraint of their attribute pack.", "people", "facts", fail_above=0),
)  # fmt: skip
class OwnRecords(Check):
    """What only a dataset folder says: where facts are from, and the packs' constraints."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.provenance, self.constraints = Count("provenance"), Count("constraints")
        manifest = survey.target.manifest
        self.sources = frozenset(manifest["sources"]) if manifest else frozenset()
        self.coherence = Coherence.of(manifest) if manifest else None

    def add(self, person: Person, side: int) -> None:
        record = person.record
        if record is None or self.coherence is None:
            return
        for name, fact in record["profile"].items():
            self.provenance.of += 1
            source, dot, _ = fact["from"].partition(".")
            known = source in self.sources and source in record["rows"]
            if dot and source != "person" and not known:
                what = f"{name} is from {fact['from']!r}, of which the dataset has no row"
                self.provenance.add(person.where, what)
        self.constraints.of += 1
        problems = (*self.coherence.constraint_problems(record["profile"]), *self.coherence.wrong_problems(record))
        if broken := "; ".join(f"{problem.what} ({problem.right})" for problem in problems):
            self.constraints.add(person.where, broken)

    def results(self) -> Iterable[Result]:
        return self.provenance.result(), self.constraints.result()
