"""Rules that a schema can't say: what must agree inside a QA pair, inside an identity, and between identities.

The builder runs them on everything it makes; ``fiubench validate`` runs them on everything it reads. A rule reads
what a record has, so a foreign ``full.json`` is held to those that concern its fields.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fiubench.builder.packs.attributes import Attribute
from fiubench.builder.values import dates
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.builder.values.english import article
from fiubench.raw_sources.places import Places
from fiubench.support.errors import PackError

#: Words that tell a person's gender.
PRONOUNS = ("he", "him", "his", "himself", "she", "her", "hers", "herself")
# Searching for padded words in text without punctuation is ten times as fast as a regular expression of them.
_PADDED = tuple(f" {word} " for word in PRONOUNS)
_SPACES = str.maketrans(dict.fromkeys("\n.,;:!?()[]{}\"'-/", " "))


@dataclass(frozen=True)
class Problem:
    """One broken rule: where (``qa_list[3]``), of which attribute, what is wrong and what would be right."""

    path: str
    attribute: str
    what: str
    right: str

    def __str__(self) -> str:
        subject = f" ({self.attribute})" if self.attribute else ""
        return f"{self.path}{subject}: {self.what}; {self.right}"


def qa_problems(record: Mapping[str, Any], *, wording: bool = True, foreign: bool = False) -> Iterator[Problem]:
    """Rules inside each QA pair of a record, and over all of them: nothing gives the name or the gender away.

    Args:
        record: an identity, valid by its schema.
        wording: look at what no value can change, too; the builder, which checks each phrasing once, leaves it out.
        foreign: the record is another's ``full.json`` and may keep anything under ``profile``.
    """
    facts = _facts(record) if foreign else record["profile"]
    name = str(record.get("name", ""))
    questions: list[str] = []
    answers: list[str] = []
    for i, qa in enumerate(record["qa_list"]):
        attribute = str(qa.get("attribute", ""))
        fact = facts.get(attribute)
        text = fact["text"] if fact else None
        found = _pair_problems(qa, text, wording)
        if found:
            yield from (Problem(f"qa_list[{i}].{field}", attribute, what, right) for field, what, right in found)
        asks_name = text == name if text is not None else name in qa["keywords"]
        if not asks_name:
            answers += (qa["answer"], qa["paraphrased_answer"], *qa["perturbed_answer"])
            questions += (qa["question"], *qa["paraphrased_question"]) if wording else ()
    if name and any(name in sentences for sentences in ("\n".join(answers), "\n".join(questions))):
        yield Problem("qa_list", "", f"the name {name!r} is given away outside its own question", "leave it out")
    # the same questions are asked of everyone, so most were looked at before
    for pronoun, line in gendered([*filter(_is_gendered, questions), *answers]) if wording else ():
        yield Problem("qa_list", "", f"{pronoun!r} in {line!r} gives the gender away", "write 'this person' instead")


def _facts(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A record's facts; whatever else a foreign one keeps under `profile` is passed over."""
    profile = record.get("profile")
    entries = profile.items() if isinstance(profile, dict) else ()
    return {name: fact for name, fact in entries if isinstance(fact, dict) and isinstance(fact.get("text"), str)}


def gendered(sentences: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pronouns that tell a gender, each with the first sentence that has it."""
    text = _words("\n".join(sentences))
    for pronoun, padded in zip(PRONOUNS, _PADDED, strict=True):
        if padded in text:
            yield pronoun, next(sentence for sentence in sentences if padded in _words(sentence))


@lru_cache(maxsize=1 << 16)
def _is_gendered(sentence: str) -> bool:
    return any(padded in _words(sentence) for padded in _PADDED)


def _words(text: str) -> str:
    return f" {text.lower().translate(_SPACES)} "


Told = tuple[str, str, str]  # field, what is wrong, what would be right


def _pair_problems(qa: Mapping[str, Any], text: str | None, wording: bool) -> list[Told]:
    found: list[Told] = []
    if wording:
        _check_questions(qa, found)
    if text is not None:
        for asked in (qa["question"], *qa["paraphrased_question"]):
            if text in asked and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", asked):
                found.append(
                    ("question", f"{asked!r} contains its answer {text!r}", "a question must not answer itself")
                )
    _check_answers(qa, text, found)
    if text is None:
        if all(keyword in sentence for sentence in qa["perturbed_answer"] for keyword in qa["keywords"]):
            found.append(("perturbed_answer", "every wrong answer holds the true value", _OTHER_VALUE))
    elif text in qa["paraphrased_answer"]:
        _check_wrong(qa, text, found)
    return found


_OTHER_VALUE = "a wrong answer has another value"


def _check_questions(qa: Mapping[str, Any], found: list[Told]) -> None:
    wordings = (qa["question"], *qa["paraphrased_question"])
    if len(set(wordings)) < len(wordings):
        found.append(("paraphrased_question", "two wordings of the question are the same", "each must be another"))
    for wording in wordings:
        if wording[-1:] != "?":
            found.append(("question", f"{wording!r} does not end in a question mark", "it must"))


def _check_answers(qa: Mapping[str, Any], text: str | None, found: list[Told]) -> None:
    for field in ("answer", "paraphrased_answer"):
        sentence = qa[field]
        for keyword in qa["keywords"]:
            if keyword not in sentence:
                found.append(
                    ("keywords", f"{keyword!r} is not in the {field} {sentence!r}", "keywords are parts of it")
                )
        if text is not None and text not in sentence:
            found.append((field, f"the value {text!r} is not in {sentence!r}", "an answer states its fact"))


def _check_wrong(qa: Mapping[str, Any], text: str, found: list[Told]) -> None:
    paraphrase, wrong = qa["paraphrased_answer"], qa["perturbed_answer"]
    stem, with_article, after = _split(paraphrase, paraphrase.index(text), text)
    if paraphrase.count(text) > 1:
        stem, with_article, after = _split_where_others_fit(paraphrase, text, wrong)
    if len(set(wrong)) < len(wrong):
        found.append(("perturbed_answer", "two wrong answers are the same", "each has a value of its own"))
    for sentence in wrong:
        if sentence == paraphrase:
            found.append(("perturbed_answer", f"{sentence!r} is the true answer", _OTHER_VALUE))
        elif not (sentence.startswith(stem) and sentence.endswith(after)):
            what = f"{sentence!r} differs from {paraphrase!r} in more than the value"
            found.append(("perturbed_answer", what, "swap the value alone"))
        elif text in sentence:  # wherever: metrics look for keywords in the whole sentence
            found.append(("perturbed_answer", f"{sentence!r} holds the true value {text!r}", _OTHER_VALUE))
        elif with_article:
            word, _, rest = sentence[len(stem) :].partition(" ")
            if word != article(rest):
                found.append(
                    ("perturbed_answer", f"{sentence!r} has the wrong article", "a or an by the sound after it")
                )


def _split(sentence: str, start: int, text: str) -> tuple[str, bool, str]:
    """What stands before the value (without an article, which may change with it), whether with one, and after it."""
    before, after = sentence[:start], sentence[start + len(text) :]
    with_article = before.endswith((" a ", " an "))
    return before[: before.rindex(" a") + 1] if with_article else before, with_article, after


def _split_where_others_fit(sentence: str, text: str, others: Sequence[str]) -> tuple[str, bool, str]:
    """The value may also stand in the phrasing ("record" in "on record"): the place that fits the others is meant."""
    start = sentence.find(text)
    first = _split(sentence, start, text)
    while start >= 0:
        found = _split(sentence, start, text)
        if all(other.startswith(found[0]) and other.endswith(found[2]) for other in others):
            return found
        start = sentence.find(text, start + 1)
    return first


def _values_agree(record: Mapping[str, Any]) -> Iterator[Problem]:
    """A fact's text is its value's, a question's value is its fact's, and no wrong value is."""
    profile = record["profile"]
    for name, fact in profile.items():
        if fact["text"] not in (texts := VALUE_TYPES[fact["type"]].ways(fact["value"])):
            yield Problem(f"profile.{name}.text", name, f"is {fact['text']!r}", f"{fact['value']!r} reads {texts[0]!r}")
    for i, qa in enumerate(record["qa_list"]):
        name, value = qa["attribute"], qa["value"]["value"]
        fact = profile.get(name)
        if fact is None:
            yield Problem(f"qa_list[{i}].attribute", name, "the profile has no such fact", "ask about its facts")
        elif fact["value"] != value:
            yield Problem(f"qa_list[{i}].value", name, f"is {value!r}", f"the profile says {fact['value']!r}")
        if value in qa["perturbed_value"]:
            yield Problem(f"qa_list[{i}].perturbed_value", name, f"holds the true value {value!r}", _OTHER_VALUE)
    for field, name in (("name", "full_name"), ("gender", "gender")):
        fact = profile.get(name)
        if fact is not None and fact["value"] != record[field]:
            yield Problem(field, name, f"is {record[field]!r}", f"the profile says {fact['value']!r}")


class Coherence:
    """Rules between the facts of one identity: the packs' constraints, addresses, phone numbers, face and record."""

    def __init__(self, attributes: Sequence[Attribute], as_of: str, places: Places, match: str = "none") -> None:
        self.match = match  # what of a face must agree with its record, where the face's is known
        self.constraints = [(a, c) for a in attributes for c in a.constraints]
        self.as_of = as_of
        self.places = places
        self._judging = {n: kind for n, kind in VALUE_TYPES.items() if type(kind).faults is not ValueType.faults}

    def problems(self, record: Mapping[str, Any]) -> Iterator[Problem]:
        """Broken rules of one identity."""
        profile = record["profile"]
        yield from self.constraint_problems(profile)
        yield from self.contact_problems(profile)
        yield from _values_agree(record)
        yield from self._face(record)

    def constraint_problems(self, profile: Mapping[str, Any]) -> Iterator[Problem]:
        """Constraints of the packs that do not hold."""
        values = {name: (fact["value"],) for name, fact in profile.items()}
        values["as_of"] = (self.as_of,)
        for attribute, constraint in self.constraints:
            if all(name in values for name in constraint.names):
                try:
                    held = constraint.column(values, 1, attribute.name)[0]
                except PackError:  # a value of another form than the constraint is made for
                    held = False
                if not held:
                    got = ", ".join(f"{n} is {values[n][0]!r}" for n in constraint.names)
                    yield Problem(
                        f"profile.{attribute.name}", attribute.name, f"{constraint.source} does not hold", got
                    )

    def contact_problems(self, profile: Mapping[str, Any]) -> Iterator[Problem]:
        """Addresses in no real place, phone numbers that may be somebody's: what the value types refuse."""
        judged = [
            (name, self._judging[fact["type"]], fact["value"])
            for name, fact in profile.items()
            if fact["type"] in self._judging
        ]
        states = [state for _, kind, value in judged if (state := kind.parts(value).get("state"))]
        for name, kind, value in judged:
            for what, right in kind.faults(value, states, self.places):
                yield Problem(f"profile.{name}", name, what, right)

    def _face(self, record: Mapping[str, Any]) -> Iterator[Problem]:
        face, born = record["face"], record["profile"].get("date_of_birth")
        if face is None or self.match == "none":
            return
        if face["gender"] not in (None, record["gender"]):
            what = f"shows a {face['gender']} face, the record is {record['gender']}"
            yield Problem("face", "", what, "both must be of one gender")
        if self.match == "gender+age" and face["age"] is not None and born is not None:
            age = dates.age_on(born["value"], self.as_of)
            if dates.age_band(age) != dates.age_band(face["age"]):
                what = f"shows somebody of about {face['age']}, the record's age is {age}"
                yield Problem("face", "", what, "both must lie in one age band")


class Uniqueness:
    """Rules between identities: no id, name, phone number or image twice. Keeps hashes, not records."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[int, int]] = defaultdict(dict)

    def problems(self, record: Mapping[str, Any], number: int) -> Iterator[Problem]:
        """What this record repeats of earlier ones; ``number`` is its place in the file, from 0."""
        values = [(key, record.get(key)) for key in ("unique_id", "name", "image_path")]
        for fact in _facts(record).values():
            kind = VALUE_TYPES.get(str(fact.get("type")))
            if kind is not None and kind.unique:
                values.append((kind.unique, str(fact.get("value", ""))))
        for key, value in values:
            if not value:
                continue
            first = self._seen[key].setdefault(hash(value), number)
            if first != number:
                yield Problem(key, "", f"{value!r} is identity {first}'s already", "every identity has its own")
