"""The gate: a phrasing passes if it asks or states exactly its attribute's fact, whatever the value, and nothing else.

Everything here is decided by form, words and values, without a model. The rules are strict on purpose: a phrasing that
loses or changes a fact must not pass, and one that is rejected is only replaced by a template.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from fiubench.builder.generation.profiles import Profiles
from fiubench.builder.languages.english import English
from fiubench.builder.packs.model import A_VALUE, VALUE, Attribute
from fiubench.builder.phrasings.prompts import load_document
from fiubench.builder.values.english import folded

_SHORTEST, _LONGEST = 12, 200  # characters
_HOLDERS = re.compile(r"\{[^{}]*\}")
_ARTICLE = re.compile(r"\b(an?) (?:\{value\}|\{a value\})")
_BAD_MARKS = re.compile(r"[\x00-\x1f<>\[\]*#_`|\\~^=;]|https?:|www\.")
_WORDS = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)*")
_CAPITAL = re.compile(r"(?<![A-Za-z'\u2019])[A-Z][A-Za-z'\u2019]*")
_PERSON = re.compile(r"\b(?:person|individual|someone|somebody|subject)\b", re.IGNORECASE)
_QUESTION_WORDS = frozenset(("who", "whom", "whose", "where", "when", "why", "how"))
_HOW = re.compile(r"\bhow (\w+)", re.IGNORECASE)
_LISTS = load_document("words.yaml")
#: Words that change what a sentence says or make it less than a statement, and what they do.
_FORBIDDEN = tuple((frozenset(entry["words"].split()), entry["why"]) for entry in _LISTS["forbidden"].values())
_COMMON = frozenset(_LISTS["common"].split())
_NEUTRAL = frozenset(_LISTS["neutral"].split())
#: Fine in a question's polite opening: "Could you tell me ...?"
_OPENING = re.compile(
    r"^(?:(?:can|could|would|will|may|might) (?:you|i|we|anyone|somebody|someone)(?: please)?(?: kindly)? (?:tell|give|"
    r"share|say|state|name|provide|find|identify|describe|specify|confirm|ask|know|learn|let|show)"
    r"(?: (?:me|us|out|know))?"
    r"|(?:do|does|did) (?:you|anyone|somebody) (?:know|happen to know|remember|recall)"
    r"|i(?: would|'d) like to know|please (?:tell|give)(?: me)?|is it known|any idea|i wonder|tell me|may i ask"
    r"|are you able to (?:tell|say|identify|give)(?: me)?)\b[,: ]*",
    re.IGNORECASE,
)
_ENDINGS = ("ation", "ions", "ion", "ing", "ies", "ied", "ed", "es", "er", "or", "ly", "s", "e")
_SHARED = 5  # letters from which one stem may begin another: "birth", "birthday"
_BEFORE_VALUE = re.compile(r"([A-Za-z]+) \"?\{(?:a )?value\}")
_DATE_QUESTION = re.compile(r"\b(?:when|dates?|days?|birthday)\b", re.IGNORECASE)
_DATE_ANSWER = re.compile(r"\b(?:dates?|dated|day|birthday)\b|\b(?:on|since) \{value\}", re.IGNORECASE)


@lru_cache(maxsize=1 << 14)
def stem(word: str) -> str:
    """A word without its ending, for comparing what texts are about: "admitted" and "admits" are one."""
    word = word.lower().replace("\u2019", "'").removesuffix("'s").removesuffix("'")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def features(text: str) -> frozenset[str]:
    """What a text is about: stems of its content words, how it asks, and the word before its value."""
    plain = _OPENING.sub("", _HOLDERS.sub(" ", text)).lower()
    content = {stem(word) for word in _WORDS.findall(plain) if word not in _COMMON and len(word) > 2}
    before = {f"{match.lower()}>" for match in _BEFORE_VALUE.findall(text)} - {"is>", "was>"}
    return frozenset(content | before | _asked_with(text))


def tidy(text: str) -> str:
    """A text as a pack would write it: single spaces, straight quotes, the article left to the value."""
    for curly, straight in (("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u00a0", " ")):
        text = text.replace(curly, straight)
    text = " ".join(text.split())
    return _ARTICLE.sub(A_VALUE, text)


def same_phrasing(text: str) -> str:
    """What two phrasings have in common when they differ in case and punctuation alone."""
    return " ".join(_WORDS.findall(text.replace(A_VALUE, VALUE).lower()))


@dataclass(frozen=True)
class Subject:
    """An attribute as the checks see it: its phrasings are the model of what may be said."""

    attribute: Attribute
    values: Sequence[str] = ()  # that it takes, as they are written: what no phrasing may hold

    @cached_property
    def templates(self) -> tuple[str, ...]:
        """All its phrasings without placeholders."""
        return tuple(_HOLDERS.sub(" ", t) for t in (*self.attribute.questions, *self.attribute.answers))

    @cached_property
    def own_words(self) -> frozenset[str]:
        """The words of its phrasings: what may be said of it in any case."""
        return frozenset(w.lower() for t in self.templates for w in _WORDS.findall(_OPENING.sub("", t)))

    @cached_property
    def allowed(self) -> frozenset[str]:
        """Stems of the words that may be used: neutral ones, and those that describe it."""
        described = f"{_plain(self.attribute.name)} {self.attribute.description} {' '.join(self.own_words)}".lower()
        of_category = _LISTS["by_category"].get(self.attribute.category, "")
        return frozenset(map(stem, (*_NEUTRAL, *_WORDS.findall(described), *of_category.split())))

    @cached_property
    def capitals(self) -> frozenset[str]:
        """Words that its phrasings write with a capital inside a sentence."""
        return frozenset(c for t in self.templates for c in _CAPITAL.findall(t[1:]))

    @cached_property
    def features(self) -> Mapping[str, float]:
        """What it is about: feature -> share of its phrasings that have it; its name and description count as one.

        Words of its name count most.
        """
        name = _plain(self.attribute.name)
        texts = [*self.attribute.questions, *self.attribute.answers, f"{name} {self.attribute.description}"]
        counted = Counter(feature for text in texts for feature in features(text))
        return {feature: count / len(texts) for feature, count in counted.items()} | dict.fromkeys(features(name), 1.5)

    def likeness(self, feature: str) -> tuple[float, str]:
        """How much it is about a feature, and which of its own that is: half for one that begins as one of its own."""
        if feature in self.features:
            return self.features[feature], feature
        near = [own for own in self.features if min(len(own), len(feature)) >= _SHARED
                and (own.startswith(feature) or feature.startswith(own))]  # fmt: skip
        return max(((0.5 * self.features[own], own) for own in near), default=(0.0, feature))

    def named_in(self, found: frozenset[str]) -> float:
        """Share of its name's words that a text has."""
        name = features(_plain(self.attribute.name))
        return len(name & found) / max(len(name), 1)

    @property
    def dated(self) -> bool:
        """Whether it is a day: days are asked for and stated in ways of their own."""
        return self.attribute.type.dated

    @cached_property
    def asks(self) -> frozenset[str]:
        """Question words of its questions."""
        return frozenset(q for t in self.attribute.questions for q in _asked_with(t))

    @cached_property
    def known_values(self) -> frozenset[str]:
        """Its values as whole words; those that its own phrasings hold say nothing."""
        own = folded(" ".join(self.templates))
        return frozenset(f for value in self.values if len(f := folded(value)) > 3 and f not in own)

    @cached_property
    def value_sizes(self) -> Mapping[str, int]:
        """First word of a value -> number of words of the longest that begins so."""
        sizes: dict[str, int] = {}
        for value in self.known_values:
            first, *rest = value.split()
            sizes[first] = max(sizes.get(first, 0), 1 + len(rest))
        return sizes


def _asked_with(question: str) -> set[str]:
    if not question.endswith("?"):
        return set()
    words = set(_WORDS.findall(question.lower())) & (_QUESTION_WORDS - {"how"})
    return words | {f"how {match.lower()}" for match in _HOW.findall(question)}


class Checks:
    """The checks of phrasings for a set of attributes that are asked together."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self.subjects = {subject.attribute.name: subject for subject in subjects}
        counted = Counter(feature for subject in self.subjects.values() for feature in subject.features)
        self.weights = {feature: 1.0 / n for feature, n in counted.items()}
        self._scores: dict[str, list[float]] = {}  # of each feature that was met, one per subject

    @classmethod
    def of(cls, profiles: Profiles) -> "Checks":
        """The checks of what a build asks, with the values that its reference population has."""
        reference = profiles.reference
        return cls(Subject(a, tuple(dict.fromkeys(reference[a.name].text))) for a in profiles.asked)

    def question(self, name: str, text: str) -> list[str]:
        """What is wrong with a question about an attribute; nothing: it may be used."""
        subject = self.subjects[name]
        problems = list(_form(text))
        if not text.endswith("?") or text.count("?") > 1:
            problems.append(f"{text!r} must be one question that ends in a question mark")
        if "{" in text or "}" in text:
            problems.append(f"{text!r} must not hold a placeholder: a question does not contain its answer")
        if not _PERSON.search(text):
            problems.append(f"{text!r} must speak of the person in the picture ('this person', 'the individual')")
        if strange := sorted(_asked_with(text) - subject.asks):
            problems.append(f"{text!r} asks {strange[0]!r}, which is another question about {_plain(name)}")
        if bool(_DATE_QUESTION.search(text)) != subject.dated:
            problems.append(f"{text!r} must{'' if subject.dated else ' not'} ask for a date")
        problems += self._content(subject, _OPENING.sub("", text), text)
        return problems

    def answer(self, name: str, text: str) -> list[str]:
        """What is wrong with an answer that states an attribute's value by a placeholder."""
        subject = self.subjects[name]
        problems = list(_form(_HOLDERS.sub("x", text)))
        holders = _HOLDERS.findall(text)
        if [h for h in holders if h not in (VALUE, A_VALUE)]:
            problems.append(f"{text!r} has an unknown placeholder: only {VALUE} is there")
        elif len(holders) != 1 or text.count("{") != 1 or text.count("}") != 1:
            problems.append(f"{text!r} must hold {VALUE} exactly once")
        if not text.endswith(".") or text.count(".") > 1:
            problems.append(f"{text!r} must be one sentence that ends in a full stop")
        if "?" in text:
            problems.append(f"{text!r} must be a statement")
        if text.startswith("{"):
            problems.append(f"{text!r} must begin with a word, not with the value")
        if re.search(r"\w\{|\}(?![\s.,\"'])", text) or re.search(r"[$-]\{", text):
            problems.append(f"{text!r} must leave a space around {VALUE}")
        if bool(_DATE_ANSWER.search(text)) != subject.dated:
            problems.append(f"{text!r} must{'' if subject.dated else ' not'} state a date")
        problems += self._content(subject, text, text)
        return problems

    def _content(self, subject: Subject, text: str, whole: str) -> Iterator[str]:
        rest = _HOLDERS.sub(" , ", text)
        stray = list(self.stray(subject, rest, whole))
        yield from stray
        strange = [w for w in _WORDS.findall(rest.lower()) if stem(w) not in subject.allowed]
        if strange and not stray:
            yield f"{whole!r} uses {strange[0]!r}: choose a plainer word, or one of {_plain(subject.attribute.name)}"
        if gendered := English.gendered.search(rest):
            yield f"{whole!r} gives the gender away with {gendered[0]!r}: write 'this person'"
        yield from self._about(subject, text, whole)

    def stray(self, subject: Subject, rest: str, whole: str) -> Iterator[str]:
        """What the words around a value may not be: another value, another person, a doubt, a denial."""
        if re.search(r"\d", rest):
            yield f"{whole!r} has a number of its own"
        words = [w.lower().replace("\u2019", "'") for w in _WORDS.findall(rest)]
        for forbidden, why in _FORBIDDEN:
            if strange := [w for w in words if w in forbidden and w not in subject.own_words]:
                yield f"{whole!r} {why} ({strange[0]!r})"
        if strange := [c for c in _CAPITAL.findall(rest.strip()[1:]) if c not in subject.capitals]:
            yield f"{whole!r} names something of its own ({strange[0]!r})"
        if found := self._value_in(subject, rest):
            yield f"{whole!r} holds a value ({found!r}): it must leave the value to the placeholder"

    def _value_in(self, subject: Subject, rest: str) -> str | None:
        words = folded(rest).split()
        for start, word in enumerate(words):
            for size in range(1, subject.value_sizes.get(word, 0) + 1):
                if f" {(part := ' '.join(words[start : start + size]))} " in subject.known_values:
                    return part
        return None

    def _about(self, subject: Subject, text: str, whole: str) -> Iterator[str]:
        """A phrasing belongs to the attribute that its words are nearest to, and to no other."""
        found = features(text)
        totals = [sum(column) for column in zip(*map(self._score, found), strict=True)] or [0.0] * len(self.subjects)
        scores = {
            name: (round(total, 6), other.named_in(found))  # where two are as near, the one whose whole name is there
            for (name, other), total in zip(self.subjects.items(), totals, strict=True)
            if other.dated == subject.dated
        }
        own = scores.pop(subject.attribute.name)
        rival = max(scores, key=lambda name: scores[name], default=None)
        plain = _plain(subject.attribute.name)
        if own[0] <= 0:
            yield f"{whole!r} does not say clearly that it is about {plain}"
        elif rival is not None and scores[rival] >= own:
            yield f"{whole!r} can be taken for {_plain(rival)}: say clearly that it is about {plain}"

    def _score(self, feature: str) -> list[float]:
        """How much each subject is about a feature; kept, since words repeat."""
        if feature not in self._scores:
            if len(self._scores) > 1 << 16:
                self._scores.clear()
            found = [subject.likeness(feature) for subject in self.subjects.values()]
            self._scores[feature] = [share * self.weights.get(own, 0.0) for share, own in found]
        return self._scores[feature]

    def sentence(self, name: str, value: Any, text: str, written: str) -> list[str]:
        """What is wrong with a finished sentence that should state a value, and nothing else, of an attribute.

        A sentence that holds the value as it is ``written`` by default need not be understood.
        """
        subject = self.subjects[name]
        spans = subject.attribute.type.states(value, text)
        if not spans and written in text:
            start = text.index(written)
            spans = [(start, start + len(written))]
        if not spans:
            return [f"{text!r} does not state {written!r}"]
        rest, at = "", 0
        for start, end in spans:
            rest += text[at:start] + " , "
            at = end
        return list(self.stray(subject, rest + text[at:], text))


def stated(qa: Mapping[str, Any], text: str, attribute: Attribute) -> list[tuple[Any, str, str]]:
    """What a finished QA pair states: value, sentence and the value as it is written, the wrong ones included."""
    wrong = zip(qa["perturbed_value"], qa["perturbed_answer"], strict=True)
    answers = [(qa["value"]["value"], qa[key], text) for key in ("answer", "paraphrased_answer")]
    return answers + [(value, sentence, attribute.write(value)) for value, sentence in wrong]


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _form(text: str) -> Iterator[str]:
    if not _SHORTEST <= len(text) <= _LONGEST:
        yield f"{text!r} must have {_SHORTEST} to {_LONGEST} characters"
    if marks := _BAD_MARKS.search(text):
        yield f"{text!r} holds {marks[0]!r}, which no sentence needs"
    if not text.isascii():
        yield f"{text!r} holds a character that is not ASCII"
    if text[:1].islower():
        yield f"{text!r} must begin with a capital"
    if text.count('"') % 2 or text.count("(") != text.count(")"):
        yield f"{text!r} leaves a quote or bracket open"
    if "  " in text or " ." in text or " ?" in text or " ," in text or ".." in text or ",." in text:
        yield f"{text!r} has stray spaces or marks"


def distinct_problems(texts: Mapping[str, str]) -> list[str]:
    """Paraphrases (by the name of their field) that are the same but for case and punctuation."""
    seen: dict[str, str] = {}
    problems = []
    for field, text in texts.items():
        first = seen.setdefault(same_phrasing(text), field)
        if first != field:
            problems.append(f"{field} is the same as {first}: each must be worded differently")
    return problems
