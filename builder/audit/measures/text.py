"""Faults of the text that anyone can count."""

import re
from collections.abc import Iterator
from functools import lru_cache

from fiubench.builder.audit import wording
from fiubench.builder.audit.people import Pair, Person
from fiubench.builder.audit.recognition import without_subject
from fiubench.builder.audit.report import Count, Measure

_SHARE_ASKED = 0.1  # an attribute asked of fewer has no say in the number of phrasings
_MOST_PHRASINGS = 20_000  # counted exactly per attribute; beyond, the number is a lower bound
_COUNTED = (
    "doubled_words", "missing_spaces", "misspellings", "lower_case_starts", "outer_spaces", "punctuation",
    "empty_answers", "fillers", "name_given_away", "gender_in_questions", "gender_in_answers", "answers_itself",
)  # fmt: skip


class TextChecks:
    """Counts QA pairs by what is wrong with their words."""

    def __init__(self) -> None:
        self.counts = {rule: Count(rule) for rule in _COUNTED}
        self.people = self.pairs = 0
        self.grades = 0.0
        self.phrasings: dict[str, set[int]] = {}
        self.asked: dict[str, int] = {}

    def add(self, person: Person) -> None:
        """Look at everything that is asked about a person."""
        self.people += 1
        for number, pair in enumerate(person.pairs, 1):
            self.pairs += 1
            where = f"{person.where}, {pair.attribute or f'question {number}'}"
            for rule, what in self._faults(person, pair):
                self.counts[rule].add(where, what)
            self.grades += wording.reading_grade(pair.question)
            if pair.attribute is not None:
                self._count_phrasings(pair.attribute, pair)

    def _count_phrasings(self, attribute: str, pair: Pair) -> None:
        self.asked[attribute] = self.asked.get(attribute, 0) + 1
        known = self.phrasings.setdefault(attribute, set())
        if len(known) < _MOST_PHRASINGS:
            known.update(map(hash, (pair.question, *pair.other_questions)))

    def _faults(self, person: Person, pair: Pair) -> Iterator[tuple[str, str]]:
        questions = (pair.question, *pair.other_questions)
        answers = (pair.answer, *((pair.other_answer,) if pair.other_answer is not None else ()), *pair.wrong_answers)
        empty = pair.text is None and pair.attribute is not None and wording.unfinished(without_subject(pair.answer))
        yield from self._word_faults(person, pair, empty)
        every = (*questions, *answers)
        # most sentences are fine, and a look at all of them at once tells
        if sentence := next((s for s in every if s.lstrip()[:1].islower()), None):
            yield "lower_case_starts", sentence
        if sentence := next((s for s in every if wording.outer_spaces(s)), None):
            yield "outer_spaces", f"{sentence!r}"
        if empty:
            yield "empty_answers", pair.answer
        elif sentence := next((s for s in questions if wording.badly_ended(s, question=True)), None) or next(
            (s for s in answers if wording.badly_ended(s, question=False)), None
        ):
            yield "punctuation", sentence
        if not pair.sourced:
            yield "fillers", pair.question
        if told := _name_in(every, person.name, pair):
            yield "name_given_away", told
        if sentence := next((s for s in questions if wording.pronoun(s)), None):
            yield "gender_in_questions", sentence
        elif sentence := next((s for s in answers if wording.pronoun(s)), None):
            yield "gender_in_answers", sentence
        if pair.text and (sentence := next((s for s in questions if _holds(s, pair.text)), None)):
            yield "answers_itself", f"{sentence} ({pair.text})"

    def _word_faults(self, person: Person, pair: Pair, empty: bool) -> Iterator[tuple[str, str]]:
        sentences = [pair.question, *pair.other_questions]
        if pair.text is not None or empty:
            sentences.append(wording.template(pair.answer, pair.text, person.name))
            if pair.other_answer is not None:
                sentences.append(wording.template(pair.other_answer, pair.text, person.name))
        found: dict[str, str] = {}
        for sentence in sentences:
            faults = wording.faults(sentence)
            for rule, piece in (
                ("doubled_words", faults.doubled),
                ("missing_spaces", faults.glued),
                ("misspellings", faults.misspelled),
            ):
                if piece is not None:
                    found.setdefault(rule, f"{piece}: {sentence.replace(wording.VALUE, '...')}")
        yield from found.items()

    def measures(self) -> Iterator[Measure]:
        """One measure per rule of the group."""
        for count in self.counts.values():
            yield count.measure(self.pairs)
        yield Measure("reading_grade", round(self.grades / self.pairs, 2) if self.pairs else None)
        yield self._fewest_phrasings()

    def _fewest_phrasings(self) -> Measure:
        often = {a: len(self.phrasings[a]) for a, n in sorted(self.asked.items()) if n >= _SHARE_ASKED * self.people}
        if not often:
            return Measure("phrasings", None)
        least = min(often, key=lambda attribute: often[attribute])
        return Measure("phrasings", often[least], note=f"{least} has the fewest")


def _name_in(sentences: tuple[str, ...], name: str, pair: Pair) -> str | None:
    if not name or pair.attribute == "full_name" or (pair.text or "").casefold() == name.casefold():
        return None
    folded = name.casefold()
    return next((s for s in sentences if folded in s.casefold()), None)


def _holds(sentence: str, text: str) -> bool:
    return text.casefold() in sentence.casefold() and _standing_alone(text).search(sentence) is not None


@lru_cache(maxsize=1 << 10)
def _standing_alone(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)
