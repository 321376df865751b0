"""Rules inside a QA pair, and over all pairs of a record: each states its fact and gives nothing else away.

The builder runs them on everything it makes, ``fiubench validate`` on everything it reads; the audit, which also reads
datasets of other makers, counts with the same small functions, most of them without regard to case.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from fiubench.builder.languages.base import HAN, Language
from fiubench.builder.languages.english import English
from fiubench.builder.packs.model import Attribute, Attributes, without
from fiubench.builder.rules.problem import Problem
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.builder.values.english import holds, loose, normal

_ENGLISH: Language = English()


class Spoken(NamedTuple):
    """What is known of how a dataset is worded: its language, and its attributes where their packs are at hand."""

    language: Language = _ENGLISH
    attributes: Mapping[str, Attribute] = {}
    words: tuple[str, ...] = ()  # that are right in any language

    @classmethod
    def of(cls, attributes: Attributes) -> "Spoken":
        """How a dataset with these attributes is worded."""
        return cls(attributes.language, attributes.by_name, attributes.words)

    def gender(self, attribute: str, noun: str) -> str | None:
        """The gender of the noun that a value is, where the pack says so."""
        return self.attributes[attribute].genders.get(noun) if attribute in self.attributes else None


ENGLISH = Spoken()


def qa_problems(
    record: Mapping[str, Any], spoken: Spoken = ENGLISH, *, wording: bool = True, foreign: bool = False
) -> Iterator[Problem]:
    """Rules inside each QA pair of a record, and over all of them: nothing gives the name or the gender away.

    Args:
        record: an identity, valid by its schema.
        spoken: its language.
        wording: look at what no value can change, too; the builder, which checks each phrasing once, leaves it out.
        foreign: the record is another's ``full.json`` and may keep anything under ``profile``.
    """
    facts = facts_of(record) if foreign else record["profile"]
    name = str(record.get("name", ""))
    questions: list[str] = []
    answers: list[str] = []
    for i, qa in enumerate(record["qa_list"]):
        attribute = str(qa.get("attribute", ""))
        fact = facts.get(attribute)
        text = fact["text"] if fact else None
        found = _pair_problems(qa, text, spoken, wording)
        if found:
            yield from (Problem(f"qa_list[{i}].{field}", attribute, what, right) for field, what, right in found)
        asks_name = text == name if text is not None else name in qa["keywords"]
        if not asks_name and not record.get("by_name"):
            answers += (qa["answer"], qa["paraphrased_answer"], *qa["perturbed_answer"])
            questions += (qa["question"], *qa["paraphrased_question"]) if wording else ()
    if name and any(name in sentences for sentences in ("\n".join(answers), "\n".join(questions))):
        yield Problem("qa_list", "", f"the name {name!r} is given away outside its own question", "leave it out")
    # the same questions are asked of everyone, so most were looked at before
    language = spoken.language
    asked = [question for question in questions if is_gendered(question, language)]
    for pronoun, line in gendered([*asked, *answers], language) if wording else ():
        right = f"write {language.person!r} instead"
        yield Problem("qa_list", "", f"{pronoun!r} in {line!r} gives the gender away", right)
    if wording and not foreign:
        texts = [*(fact["text"] for fact in facts.values()), *spoken.words]
        for paragraph in record.get("caption", "").split("\n\n"):
            if found_in := language.foreign(without(paragraph, texts)):
                yield Problem("caption", "", f"{paragraph!r} is in {found_in}", _in(language))


def facts_of(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A record's facts; whatever else a foreign one keeps under `profile` is passed over."""
    profile = record.get("profile")
    entries = profile.items() if isinstance(profile, dict) else ()
    return {name: fact for name, fact in entries if isinstance(fact, dict) and isinstance(fact.get("text"), str)}


def is_of_another(fact: Mapping[str, Any]) -> bool:
    """Whether a fact in somebody's profile is one of somebody whom the person is tied to."""
    return "about" in fact and fact["type"] != "relation"


def gendered(sentences: Sequence[str], language: Language = _ENGLISH) -> Iterator[tuple[str, str]]:
    """Pronouns that reveal a gender, each with the first sentence that has it."""
    for pronoun in language.revealing("\n".join(sentences)):
        yield pronoun, next(sentence for sentence in sentences if pronoun in language.revealing(sentence))


@lru_cache(maxsize=1 << 16)
def is_gendered(sentence: str, language: Language = _ENGLISH) -> bool:
    """Whether a pronoun in it reveals a gender."""
    return any(language.revealing(sentence))


@lru_cache(maxsize=1 << 16)
def _foreign(sentence: str, language: Language) -> str | None:
    return language.foreign(sentence)


def _in(language: Language) -> str:
    return f"the dataset is in {language.name}"


Fault = tuple[str, str, str]  # field, what is wrong, what would be right


def _pair_problems(qa: Mapping[str, Any], text: str | None, spoken: Spoken, wording: bool) -> list[Fault]:
    found: list[Fault] = []
    if wording:
        _check_questions(qa, spoken.language, found)
        if text is not None:
            _check_language(qa, text, spoken, found)
    if text is not None:
        for asked in (qa["question"], *qa["paraphrased_question"]):
            if text in asked and stands_in(asked, text):
                what = f"{asked!r} contains its answer {text!r}"
                found.append(("question", what, "a question must not answer itself"))
    _check_answers(qa, text, found)
    _check_variants(qa, found)
    if repeated((qa["paraphrased_answer"], *qa["perturbed_answer"])):
        _check_distinct(qa, found)
    if text is None:
        compared = qa["perturbed_answer"] and qa["keywords"]
        if compared and all(
            holds(sentence, keyword) for sentence in qa["perturbed_answer"] for keyword in qa["keywords"]
        ):
            found.append(("perturbed_answer", "every wrong answer holds the true value", OTHER_VALUE))
    elif text in qa["paraphrased_answer"]:
        _check_wrong(qa, text, spoken, found)
    return found


OTHER_VALUE = "a wrong answer has another value"


def _check_language(qa: Mapping[str, Any], text: str, spoken: Spoken, found: list[Fault]) -> None:
    """Refuse a sentence of another language; of wrong answers, which differ from the true one in the value, none."""
    asked = [("question", sentence, sentence) for sentence in (qa["question"], *qa["paraphrased_question"])]
    told = [(field, qa[field], without(qa[field], [text])) for field in ("answer", "paraphrased_answer")]
    for field, sentence, words in (*asked, *told):
        if foreign := _foreign(without(words, spoken.words), spoken.language):
            found.append((field, f"{sentence!r} is in {foreign}", _in(spoken.language)))


def _check_questions(qa: Mapping[str, Any], language: Language, found: list[Fault]) -> None:
    phrasings = (qa["question"], *qa["paraphrased_question"])
    if repeated(phrasings):
        found.append(("paraphrased_question", "two wordings of the question are the same", "each must be another"))
    for phrasing in phrasings:
        if phrasing[-1:] != language.question_mark:
            found.append(("question", f"{phrasing!r} does not end in a question mark", "it must"))


def _check_answers(qa: Mapping[str, Any], text: str | None, found: list[Fault]) -> None:
    for field in ("answer", "paraphrased_answer"):
        sentence = qa[field]
        for keyword in qa["keywords"]:
            if keyword not in sentence:
                what = f"{keyword!r} is not in the {field} {sentence!r}"
                found.append(("keywords", what, "keywords are parts of it"))
        if text is not None and text not in sentence:
            found.append((field, f"the value {text!r} is not in {sentence!r}", "an answer states its fact"))


def _check_variants(qa: Mapping[str, Any], found: list[Fault]) -> None:
    variants = qa.get("keyword_variants")
    if not variants:
        return
    if len(variants) != len(qa["keywords"]):
        what = f"{len(variants)} lists of variants, {len(qa['keywords'])} keywords"
        found.append(("keyword_variants", what, "a list for each keyword"))
    # of several keywords a wrong answer may have one; and another date or amount is written in the form of the true one
    if len(variants) > 1 or qa.get("value", {}).get("type") in _found_by_form():
        return
    wrong = "\n".join(qa["perturbed_answer"])
    for variant in variants[0]:
        if variant in wrong and stands_in(wrong, variant):
            found.append(
                ("perturbed_answer", f"{variant!r}, a spelling of the truth, is in a wrong answer", OTHER_VALUE)
            )


@cache
def _found_by_form() -> frozenset[str]:
    """Types whose values are recognised by their form."""
    return frozenset(name for name, kind in VALUE_TYPES.items() if kind.find_in("") is not None)


def _check_distinct(qa: Mapping[str, Any], found: list[Fault]) -> None:
    """Of the true and the wrong answers two are the same."""
    paraphrase, wrong = qa["paraphrased_answer"], qa["perturbed_answer"]
    if repeated(wrong):
        found.append(("perturbed_answer", "two wrong answers are the same", "each has a value of its own"))
    for sentence in wrong:
        if normal(sentence) == normal(paraphrase):
            but = "" if sentence == paraphrase else ", but for case, spaces or the grouping of digits"
            found.append(("perturbed_answer", f"{sentence!r} is the true answer{but}", OTHER_VALUE))


def _check_wrong(qa: Mapping[str, Any], text: str, spoken: Spoken, found: list[Fault]) -> None:
    language = spoken.language
    paraphrase, wrong = qa["paraphrased_answer"], qa["perturbed_answer"]
    before, _, after = paraphrase.partition(text)
    strange = [s for s in wrong if text in s or not (s.startswith(before) and s.endswith(after))]
    if not strange and not _ends_in_article(before, language):  # nearly all
        return
    frame = frame_of(paraphrase, text, wrong, language)
    assert frame is not None  # called where the paraphrased answer has the value
    for sentence in wrong:
        other = frame.value_in(sentence)
        if normal(sentence) == normal(paraphrase):
            continue  # said already
        if other is None:
            what = f"{sentence!r} differs from {paraphrase!r} in more than the value"
            found.append(("perturbed_answer", what, "swap the value alone"))
        elif holds(sentence, text) or normal(other[1]) == normal(
            text
        ):  # wherever: metrics look for keywords in the whole sentence
            found.append(("perturbed_answer", f"{sentence!r} holds the true value {text!r}", OTHER_VALUE))
        elif frame.article and not language.article_fits(*other, spoken.gender(qa.get("attribute", ""), other[1])):
            found.append(("perturbed_answer", f"{sentence!r} has the wrong article", "that of the noun after it"))


class Frame(NamedTuple):
    """What stands around the value of a sentence: before it, whether an article follows that, after it."""

    before: str
    article: bool
    after: str

    def value_in(self, sentence: str) -> tuple[str, str] | None:
        """Article and value of a sentence that has another value in the same frame; ``None`` where it has not.

        The article, "" where the frame has none, is whatever word stands in its place.
        """
        if not (sentence.startswith(self.before) and sentence.endswith(self.after)):
            return None
        value = sentence[len(self.before) : len(sentence) - len(self.after)]
        if not self.article:
            return "", value
        word, _, value = value.partition(" ")
        return word.lower(), value


def frame_of(
    sentence: str, text: str, others: Sequence[str], language: Language = _ENGLISH, *, fold: bool = False
) -> Frame | None:
    """The frame of a value, ``fold`` in any case; ``None`` where the sentence has not the value.

    The value may also stand in the phrasing ("record" in "on record"): the place that fits most of the other sentences
    is meant.
    """
    # by lower(): casefold() makes two letters of a German ß, and places move
    folded, value = (sentence.lower(), text.lower()) if fold else (sentence, text)
    start = folded.find(value)
    if start < 0:
        return None
    frames = []
    while start >= 0:
        frames.append(_frame_at(sentence, start, start + len(text), language))
        start = folded.find(value, start + 1)
    if len(frames) == 1:
        return frames[0]
    return max(frames, key=lambda frame: sum(frame.value_in(other) is not None for other in others))


def _frame_at(sentence: str, start: int, stop: int, language: Language) -> Frame:
    before = sentence[:start]
    length = _ends_in_article(before, language)
    return Frame(before[: len(before) - length], length > 0, sentence[stop:])


@lru_cache(maxsize=1 << 10)  # the beginnings of answers are few
def _ends_in_article(before: str, language: Language) -> int:
    return language.article_at_end(before)


def repeated(sentences: Sequence[str]) -> bool:
    """Whether two sentences are the same (see :func:`~fiubench.builder.values.english.normal`)."""
    made = loose(sentences)
    return (made is None or len(set(made)) < len(made)) and len(set(map(normal, sentences))) < len(sentences)


def stands_in(sentence: str, text: str, *, fold: bool = False) -> bool:
    """Whether a text stands in a sentence as words of its own, ``fold`` in any case; Han characters are words."""
    if (text.casefold() not in sentence.casefold()) if fold else (text not in sentence):
        return False
    return _standing_alone(text, re.IGNORECASE if fold else re.NOFLAG).search(sentence) is not None


@lru_cache(maxsize=1 << 10)
def _standing_alone(text: str, flags: re.RegexFlag) -> re.Pattern[str]:
    before, after = (rf"[^\W{HAN}]" if not _HAN.fullmatch(end) else "(?!)" for end in (text[:1], text[-1:]))
    return re.compile(rf"(?<!{before}){re.escape(text)}(?!{after})", flags)


_HAN = re.compile(rf"[{HAN}]")
