"""Rules between the facts of one identity.

``fiubench validate`` holds a dataset's own records to them (:class:`Coherence`); the audit counts where they are broken
in any dataset. Both call the small functions, which take values and know no record.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.packs.expressions import Expression
from fiubench.builder.packs.model import Attribute
from fiubench.builder.rules.pair import ENGLISH, OTHER_VALUE, Spoken, is_of_another
from fiubench.builder.rules.problem import Problem
from fiubench.builder.values import dates
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.raw_sources.names import is_public_figure
from fiubench.raw_sources.places import Places, load_places
from fiubench.support.errors import PackError

ADULT = 18  # years of age from which on somebody is charged with an offense
INVENTED = "everybody in a dataset is invented"
POSSIBLE = "a wrong answer must be possible, or it gives the true one away"
#: Territories and military addresses, which the table of places does not hold.
ELSEWHERE = frozenset(["AA", "AE", "AP", "AS", "FM", "GU", "MH", "MP", "PR", "PW", "UM", "VI"])


def dates_out_of_order(days: Mapping[str, str], as_of: str | None) -> Iterator[str]:
    """What can't be: discharged before admitted, anything before the birth, anything after the day of the dataset.

    Args:
        days: attribute -> ISO date, among them ``date_of_birth``, ``admission_date`` and ``discharge_date``.
        as_of: the day on which everything has happened, where it is known.
    """
    born, admitted, left = (days.get(name) for name in ("date_of_birth", "admission_date", "discharge_date"))
    if admitted and left and left < admitted:
        yield f"admitted {admitted}, discharged {left}"
    for name, day in days.items():
        if born and day < born:
            yield f"born {born}, {name} {day}"
    for name, day in days.items():
        if as_of and day > as_of:
            yield f"{name} {day}, after {as_of}"


def offense_of_a_child(born: str, offenses: Iterable[str]) -> str | None:
    """The first date of an offense on which the person was alive and no adult."""
    return next((day for day in offenses if born <= day and dates.age_on(born, day) < ADULT), None)


def face_of_another_gender(face: Mapping[str, Any], gender: str | None) -> bool:
    """Whether a face's gender is known and another than the record's."""
    return face["gender"] not in (None, gender)


def age_unlike_face(face: Mapping[str, Any], born: str, as_of: str) -> int | None:
    """The age of a person whose face is known to be of another age band."""
    age = dates.age_on(born, as_of)
    return age if face["age"] is not None and dates.age_band(age) != dates.age_band(face["age"]) else None


def _values_agree(record: Mapping[str, Any], spoken: Spoken) -> Iterator[Problem]:
    """A fact's text is its value's, a question's value is its fact's, and no wrong value is."""
    profile = record["profile"]
    for name, fact in profile.items():
        value, text = fact["value"], fact["text"]
        known = spoken.attributes.get(name) or VALUE_TYPES[fact["type"]].spoken(spoken.language)
        if not known.is_valid(value):
            yield Problem(f"profile.{name}.value", name, f"is {value!r}", "a value of the attribute")
        elif not known.writes(value, text):
            yield Problem(f"profile.{name}.text", name, f"is {text!r}", f"{value!r} reads {known.write(value)!r}")
    for i, qa in enumerate(record["qa_list"]):
        name, value = qa["attribute"], qa["value"]["value"]
        fact = profile.get(name)
        if fact is None:
            yield Problem(f"qa_list[{i}].attribute", name, "the profile has no such fact", "ask about its facts")
        elif fact["value"] != value:
            yield Problem(f"qa_list[{i}].value", name, f"is {value!r}", f"the profile says {fact['value']!r}")
        if value in qa["perturbed_value"]:
            yield Problem(f"qa_list[{i}].perturbed_value", name, f"holds the true value {value!r}", OTHER_VALUE)
        if name in spoken.attributes:
            yield from _wrong_values_agree(qa, i, spoken.attributes[name])
    for field, name in (("name", "full_name"), ("gender", "gender")):
        fact = profile.get(name)
        if fact is not None and fact["value"] != record[field]:
            yield Problem(field, name, f"is {record[field]!r}", f"the profile says {fact['value']!r}")


def _wrong_values_agree(qa: Mapping[str, Any], i: int, attribute: Attribute) -> Iterator[Problem]:
    """A wrong answer states its wrong value."""
    for k, (wrong, sentence) in enumerate(zip(qa["perturbed_value"], qa["perturbed_answer"], strict=True)):
        if not attribute.is_valid(wrong):
            path = f"qa_list[{i}].perturbed_value[{k}]"
            yield Problem(path, attribute.name, f"is {wrong!r}", "a value of the attribute")
        elif (text := attribute.write(wrong)) not in sentence:
            what = f"{sentence!r} does not state {wrong!r}"
            yield Problem(f"qa_list[{i}].perturbed_answer[{k}]", attribute.name, what, f"it reads {text!r}")


def _public_figures(record: Mapping[str, Any]) -> Iterator[Problem]:
    """Names of public figures, of whomever, also in wrong answers."""
    for name, fact in record["profile"].items():
        if fact["type"] == "name" and is_public_figure(fact["text"]):
            yield Problem(f"profile.{name}", name, f"{fact['text']!r} is the name of a public figure", INVENTED)
    for i, qa in enumerate(record["qa_list"]):
        for k, wrong in enumerate(qa["perturbed_value"] if qa["value"]["type"] == "name" else ()):
            if is_public_figure(str(wrong)):
                what = f"{wrong!r} is the name of a public figure"
                yield Problem(f"qa_list[{i}].perturbed_value[{k}]", qa["attribute"], what, INVENTED)


def _holds(constraint: Expression, values: Mapping[str, Any]) -> bool:
    """Whether a constraint holds, which it does where a value is not known."""
    if not values.keys() >= {*constraint.names}:
        return True
    try:
        return bool(constraint.column({name: (values[name],) for name in constraint.names}, 1)[0])
    except PackError:  # a value of another form than the constraint is made for
        return False


class Coherence:
    """Rules between the facts of one identity: the packs' constraints, addresses, phone numbers, face and record."""

    def __init__(
        self,
        attributes: Sequence[Attribute],
        as_of: str,
        places: Places,
        match: str = "none",
        spoken: Spoken = ENGLISH,
    ) -> None:
        self.match = match  # what of a face must agree with its record, where the face's is known
        self.constraints = [(a, c) for a in attributes for c in a.constraints]
        # those of another pack give way where they leave too few values (generation/perturb.py)
        self._of_wrong = {
            a.name: [c for b, c in self.constraints if b.pack == a.pack and a.name in c.names] for a in attributes
        }
        self.spoken = spoken
        self.as_of = as_of
        self.places = places
        self._judging = {n: kind for n, kind in VALUE_TYPES.items() if type(kind).faults is not ValueType.faults}

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Coherence":
        """What a dataset with this manifest is held to."""
        packs, config = packs_of(manifest), manifest["config"]
        spoken = Spoken.of(packs)
        return cls(list(packs.by_name.values()), config["as_of"], load_places(), config["match"], spoken)

    def problems(self, record: Mapping[str, Any]) -> Iterator[Problem]:
        """Broken rules of one identity."""
        yield from self.constraint_problems(record["profile"])
        yield from self.wrong_problems(record)
        yield from self.contact_problems(record["profile"])
        yield from _values_agree(record, self.spoken)
        yield from _public_figures(record)
        yield from self._face(record)

    def constraint_problems(self, profile: Mapping[str, Any]) -> Iterator[Problem]:
        """Constraints of the packs that do not hold."""
        values = self._values(profile)
        for attribute, constraint in self.constraints:
            if not _holds(constraint, values):
                got = ", ".join(f"{n} is {values[n]!r}" for n in constraint.names)
                yield Problem(f"profile.{attribute.name}", attribute.name, f"{constraint.source} does not hold", got)

    def wrong_problems(self, record: Mapping[str, Any]) -> Iterator[Problem]:
        """Wrong values that can't be in place of the true one, by the constraints of the pack."""
        values = self._values(record["profile"])
        for i, qa in enumerate(record["qa_list"]):
            name = qa["attribute"]
            for constraint in self._of_wrong.get(name, ()):
                for k, wrong in enumerate(qa["perturbed_value"]):
                    if not _holds(constraint, {**values, name: wrong}):
                        what = f"{constraint.source} does not hold for the wrong value {wrong!r}"
                        yield Problem(f"qa_list[{i}].perturbed_value[{k}]", name, what, POSSIBLE)

    def _values(self, profile: Mapping[str, Any]) -> dict[str, Any]:
        return {"as_of": self.as_of, **{name: fact["value"] for name, fact in profile.items()}}

    def contact_problems(self, profile: Mapping[str, Any]) -> Iterator[Problem]:
        """Addresses in no real place, phone numbers that may be somebody's: what the value types refuse."""
        judged = [
            (name, self._judging[fact["type"]], fact["value"])
            for name, fact in profile.items()
            if fact["type"] in self._judging and not is_of_another(fact)
        ]
        states = [state for _, kind, value in judged if (state := kind.parts(value).get("state"))]
        for name, kind, value in judged:
            for what, right in kind.faults(value, states, self.places):
                yield Problem(f"profile.{name}", name, what, right)

    def _face(self, record: Mapping[str, Any]) -> Iterator[Problem]:
        face, born = record["face"], record["profile"].get("date_of_birth")
        if face is None or self.match == "none":
            return
        if face_of_another_gender(face, record["gender"]):
            what = f"shows a {face['gender']} face, the record is {record['gender']}"
            yield Problem("face", "", what, "both must be of one gender")
        if self.match == "gender+age" and born is not None:
            age = age_unlike_face(face, born["value"], self.as_of)
            if age is not None:
                what = f"shows somebody of about {face['age']}, the record's age is {age}"
                yield Problem("face", "", what, "both must lie in one age band")
