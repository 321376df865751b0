"""Faults of the text that anyone can count."""

from collections.abc import Iterable
from functools import lru_cache, partial

from fiubench.builder.audit import wording
from fiubench.builder.audit.people import Pair, Person
from fiubench.builder.audit.recognition import impersonal, without_subject
from fiubench.builder.audit.registry import SKIPPED, Check, Measure, Result, Survey, check, measure
from fiubench.builder.languages.base import Language
from fiubench.builder.rules.pair import gendered, is_gendered, stands_in

_SHARE_ASKED = 0.1  # an attribute asked of fewer has no say in the number of phrasings
_MOST_PHRASINGS = 20_000  # counted exactly per attribute; beyond, the number is a lower bound
_fault = partial(measure, unit="QA pairs", group="text", fail_above=0)


@_fault("Repeated words")
def doubled_words(pair: Pair, person: Person) -> str | None:
    """QA pairs in which a word outside the value is written twice in a row ("the the")."""
    return _word_faults(pair, person).doubled


@_fault("Words run together")
def missing_spaces(pair: Pair, person: Person) -> str | None:
    """QA pairs in which two words outside the value are written as one ("acriminal", "person'sblood")."""
    return _word_faults(pair, person).glued


@_fault("Misspelled words")
def misspellings(pair: Pair, person: Person) -> str | None:
    """QA pairs with a word outside the value that no dictionary has and that is one typing error away from a common
    word ("sceond").
    """
    return _word_faults(pair, person).misspelled


@_fault("Sentences that start in lower case")
def lower_case_starts(pair: Pair, person: Person) -> str | None:
    """QA pairs with a question or answer that begins with a lower-case letter."""
    return next((s for s in pair.sentences if s.lstrip()[:1].islower()), None)


@_fault("Leading, trailing or double spaces")
def outer_spaces(pair: Pair, person: Person) -> str | None:
    """QA pairs with a sentence that begins or ends with white space, or has two spaces in a row."""
    return next((repr(s) for s in pair.sentences if wording.outer_spaces(s)), None)


@_fault("Wrong punctuation")
def punctuation(pair: Pair, person: Person) -> str | None:
    """QA pairs with a question that does not end in a question mark, an answer that does not end in a full stop, or a
    space before a punctuation mark.
    """
    if _is_empty(pair, person.language):
        return None
    wrong = (s for s in pair.questions if _badly_ended(s, person.language, question=True))
    return next(wrong, None) or next(
        (s for s in pair.answers if _badly_ended(s, person.language, question=False)), None
    )


@_fault("Answers without a value")
def empty_answers(pair: Pair, person: Person) -> str | None:
    """QA pairs whose answer has nothing where the value belongs ("... is .")."""
    return pair.answer if _is_empty(pair, person.language) else None


@_fault("Questions without a record")
def fillers(pair: Pair, person: Person) -> str | None:
    """QA pairs that ask for something that no record of the person holds (filler questions)."""
    return None if pair.sourced else pair.question


@_fault("Name revealed")
def name_given_away(pair: Pair, person: Person) -> str | None:
    """QA pairs that hold the person's name and are not about the name."""
    if pair.by_name:
        return SKIPPED
    name = person.name.casefold()
    if not name or pair.attribute == "full_name" or (pair.text or "").casefold() == name:
        return None
    return next((s for s in pair.sentences if name in s.casefold()), None)


@_fault("Gender revealed by a question")
def gender_in_questions(pair: Pair, person: Person) -> str | None:
    """QA pairs with a gendered pronoun (he, her ...) in a question."""
    return SKIPPED if pair.by_name else next((s for s in pair.questions if is_gendered(s, person.language)), None)


@_fault("Gender revealed by an answer")
def gender_in_answers(pair: Pair, person: Person) -> str | None:
    """QA pairs with a gendered pronoun (he, her ...) in an answer, and none in a question."""
    if pair.by_name:
        return SKIPPED
    language = person.language
    if not any(gendered(pair.answers, language)) or any(is_gendered(s, language) for s in pair.questions):
        return None
    return next(s for s in pair.answers if is_gendered(s, language))


@_fault("Questions that contain their answer")
def answers_itself(pair: Pair, person: Person) -> str | None:
    """QA pairs with a question that holds the value asked for."""
    text = pair.text
    if not text:
        return None
    return next((f"{s} ({text})" for s in pair.questions if stands_in(s, text, fold=True)), None)


@check(
    Measure("reading_grade", "School years needed to read a question",
        "Mean Flesch-Kincaid grade of the questions; in German the fourth Wiener Sachtextformel, in Chinese none.",
        "years", "text", warn_above=10, fail_above=14),
    Measure("phrasings", "Different phrasings per attribute (minimum)",
        "In how many different ways an attribute is asked about: the number for the attribute with the fewest, among "
        "those that are asked of at least a tenth of the people.", "wordings", "text", warn_below=3, fail_below=2),
)  # fmt: skip
class Questions(Check):
    """How hard the questions are to read, and in how many ways they are put."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.grades, self.graded = 0.0, 0
        self.phrasings: dict[str, set[int]] = {}
        self.asked: dict[str, int] = {}

    def add(self, person: Person, side: int) -> None:
        for pair in person.pairs:
            if (grade := reading_grade(pair.question, person.language)) is not None:
                self.grades, self.graded = self.grades + grade, self.graded + 1
            if pair.attribute is not None and pair.questions:
                self.asked[pair.attribute] = self.asked.get(pair.attribute, 0) + 1
                known = self.phrasings.setdefault(pair.attribute, set())
                if len(known) < _MOST_PHRASINGS:
                    known.update(map(hash, pair.questions))

    def results(self) -> Iterable[Result]:
        least = _SHARE_ASKED * self.survey.people
        yield Result("reading_grade", round(self.grades / self.graded, 2) if self.graded else None)
        often = {name: len(self.phrasings[name]) for name, count in sorted(self.asked.items()) if count >= least}
        if often:
            fewest = min(often, key=lambda name: often[name])
            yield Result("phrasings", often[fewest], note=f"{fewest} has the fewest")


@lru_cache(maxsize=1 << 16)
def reading_grade(question: str, language: Language) -> float | None:
    """School years needed to read it."""
    return language.reading_grade(question)


@lru_cache(maxsize=1 << 10)  # questions recur
def _badly_ended(sentence: str, language: Language, *, question: bool) -> bool:
    return wording.badly_ended(sentence, question=question, language=language)


@lru_cache(maxsize=1)  # several measures look at the same pair in turn
def _is_empty(pair: Pair, language: Language) -> bool:
    if pair.text is not None or pair.attribute is None:
        return False
    return wording.unfinished(without_subject(pair.answer), language)


@lru_cache(maxsize=1)
def _word_faults(pair: Pair, person: Person) -> wording.Faults:
    """The first fault of each kind, with its sentence; an answer whose value is not known is left out."""
    sentences = [impersonal(q, pair.answer)[0] for q in pair.questions] if pair.by_name else [*pair.questions]
    if pair.text is not None or _is_empty(pair, person.language):
        answers = pair.answers[: 1 if pair.other_answer is None else 2]
        if pair.by_name:
            answers = tuple(impersonal(pair.question, answer)[1] for answer in answers)
        sentences += (wording.template(answer, pair.text, person.name) for answer in answers)
    found: list[str | None] = [None, None, None]
    for sentence in sentences:
        if any(faults := wording.faults(sentence, person.known, person.language)):
            shown = sentence.replace(wording.VALUE, "...")
            found = [old or (piece and f"{piece}: {shown}") for old, piece in zip(found, faults, strict=True)]
    return wording.Faults(*found)
