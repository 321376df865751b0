"""What an attribute pack is once it is read: attributes, where their values come from, how wrong ones are made."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fiubench.builder.languages.base import LANGUAGES, Language
from fiubench.builder.languages.english import English
from fiubench.builder.packs.expressions import Expression
from fiubench.builder.packs.tables import DeclaredTable
from fiubench.builder.values.base import VALUE_TYPES, ValueType
from fiubench.raw_sources.source import SOURCES, Source
from fiubench.support.canonical import digest_of
from fiubench.support.errors import PackError
from fiubench.support.yaml_file import line_of

#: Facts that every expression may read besides the pack's own.
AMBIENT = ("as_of",)
BUILT_IN = "built-in"
RELATION = "relation"  # the generator of the value type of that name
#: Where an answer's phrasing holds the value, without and with an (English) article.
VALUE, A_VALUE = "{value}", "{a value}"
_VALUE = re.compile(r"\{(?:([^{}\s]+) )?value\}")
_ENGLISH: Language = English()
_SHOWN = 20  # values that a message lists


@dataclass(frozen=True)
class Place:
    """Where something of a pack stands, for messages: "pets.yaml: pet: compute (line 12)".

    Attributes:
        file: the pack's.
        location: keys and numbers that lead there.
        names: what people call it.
        known: whether the file is there; else only a manifest has its content.
    """

    file: str
    location: tuple[str | int, ...] = ()
    names: tuple[str, ...] = ()
    known: bool = False

    def at(self, *location: str | int, name: str | None = None) -> "Place":
        """A place below it."""
        called = ".".join(str(step) for step in location if isinstance(step, str)) if name is None else name
        return replace(self, location=(*self.location, *location), names=(*self.names, *filter(None, [str(called)])))

    def __str__(self) -> str:
        """The line is looked up when it is asked for: there is hardly ever an error."""
        line = line_of(Path(self.file), self.location) if self.known else None
        return ": ".join((self.file, *self.names)) + (f" (line {line})" if line else "")


@dataclass(frozen=True)
class Origin:
    """Where values come from: a source's column, a weighted choice, a generator or an expression."""

    kind: str  # "from", "choose", "compute", "through", or the generator of a value type
    options: Any = None
    expressions: tuple[Expression, ...] = ()

    @property
    def generated(self) -> Any:
        """Options of the generator; ``None`` where values come from elsewhere."""
        return None if self.kind in ("from", "choose", "compute", "through") else self.options

    @property
    def label(self) -> str:
        """How a fact's provenance names it."""
        if self.kind == "from":
            return str(self.options)
        if self.kind == "through":
            relation, fact = self.options.split(".")
            return f"{fact} of {relation}"
        return {"choose": "choice"}.get(self.kind, f"generated:{self.kind}")


@dataclass(frozen=True)
class Perturbation:
    """What a pack says about wrong values (see :mod:`fiubench.builder.generation.alternatives`).

    Attributes:
        extra: texts that stand in where the attribute takes fewer than four values.
        within: only values of people who share this fact.
        distance: how far from each other ordered values lie; ``None``: as the build says.
    """

    extra: tuple[str, ...] = ()
    within: str | None = None
    distance: str | None = None


@dataclass(frozen=True)
class Variant:
    """Words of a value and how else they are spelled; ``*`` in these is what the pattern's group found."""

    pattern: re.Pattern[str]
    others: tuple[str, ...]


@dataclass(frozen=True)
class Attribute:
    """One attribute: a fact of everyone's profile and, where it has phrasings, a question about it."""

    name: str
    category: str
    kind: str
    origin: Origin
    pack: str
    sensitivity: str = "low"
    options: Mapping[str, Any] = field(default_factory=dict)  # keys of the type's own ("cents")
    reserve: bool = False
    constraints: tuple[Expression, ...] = ()
    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    caption: str | None = None
    keywords: str = "value"
    variants: tuple[Variant, ...] = ()
    perturb: Perturbation = field(default_factory=Perturbation)
    description: str = ""
    language: Language = _ENGLISH
    values: Mapping[str, str] = field(default_factory=dict)  # value -> how it is written, where that is another word
    genders: Mapping[str, str] = field(default_factory=dict)  # of nouns, as they are written
    where: Place = field(default=Place(""), compare=False)

    @property
    def type(self) -> ValueType:
        """The type of its values, as its language writes them."""
        return VALUE_TYPES[self.kind].spoken(self.language)

    @property
    def write(self) -> Callable[[Any], str]:
        """Writes a value as this attribute does."""
        return self._translated if self.values else self.type.writer(self.options)

    def is_valid(self, value: Any) -> bool:
        """Whether it is a value of the attribute's type, with a word in its language where values have words."""
        return self.type.is_valid(value) and (not self.values or value in self.values)

    def writes(self, value: Any, text: str) -> bool:
        """Whether a text is one of the ways in which this attribute may write a value."""
        return self.values.get(value) == text if self.values else self.type.writes(value, text)

    def _translated(self, value: str) -> str:
        if value not in self.values:
            raise untranslated(self, [value])
        return self.values[value]

    def frame(self, phrasing: str) -> Callable[[str], str]:
        """An answer's phrasing as a function: a value's text to the sentence that states it."""
        return frame(phrasing, self.language, self.genders)

    @property
    def hops(self) -> int:
        """How far its value is from the person: 2, where it is a fact of somebody whom the person is tied to."""
        return 1 + (self.origin.kind == "through")

    @property
    def tied(self) -> bool:
        """Whether it needs somebody whom the person is tied to. Not everybody has such a fact."""
        return self.origin.kind in (RELATION, "through")

    @property
    def asked(self) -> bool:
        """Whether it can be asked about."""
        return bool(self.questions)

    def needs(self) -> list[str]:
        """Facts that its own value is made from, or checked against when it is drawn."""
        made_from = [n for e in self.origin.expressions for n in e.names]
        checked_with = [n for e in self.constraints for n in e.names if n != self.name]
        return [n for n in (*made_from, *checked_with) if n not in AMBIENT]

    def reads(self) -> Iterator[tuple[str, Expression]]:
        """Every expression with the place it stands in."""
        yield from (("value", e) for e in self.origin.expressions)
        yield from (("constraints", e) for e in self.constraints)


@dataclass(frozen=True)
class Phrased:
    """Phrasings that a pack adds to an attribute of another one, or replaces by those of another language."""

    questions: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    caption: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    genders: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True)
class Pack:
    """A pack as read: its attributes in order, caption paragraphs, and the document itself."""

    name: str
    file: str
    document: dict[str, Any]
    attributes: tuple[Attribute, ...]
    caption: tuple[tuple[str, ...], ...]
    phrasings: Mapping[str, "Phrased"] = field(default_factory=dict)  # added to attributes of other packs
    shared: Mapping[str, int] = field(default_factory=dict)  # fact -> how many people have the same, about
    language: Language = _ENGLISH
    where: Place = field(default=Place(""), compare=False)

    @property
    def sha256(self) -> str:
        """Digest of the content: comments and layout of the file do not count."""
        return digest_of(self.document)


@dataclass(frozen=True)
class Attributes:
    """All packs of a build together, checked against each other."""

    packs: tuple[Pack, ...]
    by_name: dict[str, Attribute]
    order: tuple[str, ...]  # an order in which values can be made
    tables: Mapping[str, DeclaredTable] = field(default_factory=dict)  # of the user's own, by name

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words that the packs say are right, in whatever language."""
        return tuple(word for pack in self.packs for word in pack.document.get("words", ()))

    @cached_property
    def language(self) -> Language:
        """The language that the built-in questions are asked in, and so all others."""
        return next((a.language for a in self.by_name.values() if a.asked and a.pack == BUILT_IN), _ENGLISH)

    @cached_property
    def made_from(self) -> Mapping[str, frozenset[str]]:
        """Fact -> the facts that its value was made or drawn from, and what those were made from."""
        columns = {a.origin.options: a.name for a in self.by_name.values() if a.origin.kind == "from"}
        direct: dict[str, set[str]] = {}
        for name, attribute in self.by_name.items():
            direct[name] = {n for e in attribute.origin.expressions for n in e.names if n not in AMBIENT}
            if attribute.origin.kind == "from":
                source, column = attribute.origin.options.split(".")
                other = columns.get(f"{source}.{self.source(source).drawn_with.get(column)}")
                direct[name] |= {other} if other else set()

        made: dict[str, frozenset[str]] = {}
        for name in direct:
            found, left = set[str](), [name]
            while left:
                further = direct[left.pop()] - found
                found |= further
                left.extend(further)
            made[name] = frozenset(found)
        return made

    def behind(self, name: str, kept: frozenset[str]) -> frozenset[str]:
        """The facts that a value is made from, and what those are made from, but for what is behind those kept."""
        found, left = set[str](), [name]
        while left:
            needed = {n for e in self.by_name[left.pop()].origin.expressions for n in e.names if n not in AMBIENT}
            left.extend(needed - kept - found)
            found |= needed - kept
        return frozenset(found)

    @cached_property
    def drawn(self) -> frozenset[str]:
        """Facts that are generated or chosen: neither taken from a source nor computed."""
        return frozenset(name for name, a in self.by_name.items() if a.origin.kind not in ("from", "compute"))

    @cached_property
    def shared(self) -> Mapping[str, int]:
        """Facts that several people have in common, and about how many have the same."""
        return {name: people for pack in self.packs for name, people in pack.shared.items()}

    @property
    def tied(self) -> bool:
        """Whether people are tied to each other."""
        return any(attribute.tied for attribute in self.by_name.values())

    def through(self, attribute: Attribute) -> tuple[Attribute, Attribute]:
        """The relation and the fact that an attribute with ``through`` names."""
        relation, fact = attribute.origin.options.split(".")
        return self.by_name[relation], self.by_name[fact]

    def relation(self, attribute: Attribute) -> Attribute:
        """The relation that a tied attribute is, or goes through."""
        return attribute if attribute.kind == RELATION else self.through(attribute)[0]

    def source(self, name: str) -> Source:
        """A source that packs may name: one of everybody's, or a table of the user's own."""
        return self.tables[name] if name in self.tables else SOURCES[name]

    def asked(self, questions: int | None = None) -> list[Attribute]:
        """The attributes a build asks about, in order.

        ``questions`` counts within the built-in pack: its regular ones first, then its reserve; ``None`` means all
        regular ones. Every other pack's come on top.

        Raises:
            PackError: the built-in pack has fewer, or there is no question at all.
        """
        own = [a for a in self.by_name.values() if a.asked and a.pack == BUILT_IN]
        ranked = sorted(own, key=lambda a: a.reserve)
        count = sum(not a.reserve for a in ranked) if questions is None else questions
        if count > len(ranked):
            raise PackError(
                f"{count} questions are asked for, and the built-in pack has {len(ranked)}",
                where="--questions",
                hint="Declare more attributes in a pack of your own and name it with --attributes.",
            )
        added = [a for a in self.by_name.values() if a.asked and not a.reserve and a.pack != BUILT_IN]
        if not (count or added):
            hint = "Ask some of the built-in pack, or add a pack of your own with --attributes."
            raise PackError("nobody is asked anything", where="--questions", hint=hint)
        return ranked[:count] + added


def are_tied(packs: Iterable[Mapping[str, Any]]) -> bool:
    """Whether people are tied to each other in a dataset with these packs, as its manifest lists them."""
    entries = (entry for pack in packs for entry in pack["content"].get("attributes", ()))
    return any("through" in entry or RELATION in entry.get("generate", ()) for entry in entries)


def placeholders(template: str, language: Language = _ENGLISH) -> list[tuple[str, str]]:
    """(article or "", fact or pronoun) for each placeholder of a caption template."""
    return language.placeholder.findall(template)


def articles(phrasing: str) -> list[str]:
    """What stands before ``value`` in each placeholder of an answer's phrasing, empty where nothing does."""
    return _VALUE.findall(phrasing)


def without(text: str, parts: Iterable[str]) -> str:
    """A text without some parts, the longest first."""
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, " ")
    return text


def without_value(phrasing: str, instead: str = "") -> str:
    """An answer's phrasing with something else in the value's place."""
    return _VALUE.sub(instead, phrasing)


def frame(phrasing: str, language: Language = _ENGLISH, genders: Mapping[str, str] = {}) -> Callable[[str], str]:
    """An answer's phrasing as a function: a value's text to the sentence that states it."""
    match = _VALUE.search(phrasing)
    assert match is not None  # as the schema says
    before, after, wanted = phrasing[: match.start()], phrasing[match.end() :], match[1]
    if wanted:
        return lambda text: f"{before}{language.article(wanted, text, genders.get(text))} {text}{after}"
    return lambda text: f"{before}{text}{after}"


def fill(phrasing: str, text: str) -> str:
    """An answer's English phrasing with a value's text in it."""
    return frame(phrasing)(text)


def untranslated(attribute: Attribute, values: Collection[str], others: Sequence[str] = ()) -> PackError:
    """The error that some values of an attribute, and some of others, are not in their tables of words."""
    some = ", ".join(repr(value) for value in sorted(values)[:_SHOWN])
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    also = f", nor for values of {', '.join(others)}" if others else ""
    what = f"no {attribute.language.name} for {some}{more}{also}"
    hint = f"Add them below `values` of {attribute.name} in a pack with `language: {attribute.language.code}`."
    return PackError(what, where=attribute.where, hint=hint)


def language_of_manifest(manifest: Mapping[str, Any]) -> Language:
    """The language of a dataset, which its manifest names where it is not English."""
    return LANGUAGES.find(manifest.get("language", _ENGLISH.code), "manifest.json")
