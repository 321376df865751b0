"""What a type of value is: the one place that says how it is written, read, found, compared and generated.

A type is a file of this folder, or a plug-in::

    @register
    class Percent(ValueType):
        name = "percent"
        help = "percentages"
        json_type = {"type": "number", "minimum": 0, "maximum": 100}

        def write(self, value):
            return f"{value:g} %"

Everything else has a default; :class:`ValueType` says what each part is for. A value is kept in its JSON form: a date
is "2022-04-05", an amount of money a number of dollars, an address an object of street, city, state and zip.
"""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np
from fiubench.builder.languages.base import LANGUAGES, Language
from fiubench.builder.languages.english import English
from fiubench.builder.values.english import Span, apart, find_words, words_of
from fiubench.raw_sources.drawn import Drawn
from fiubench.raw_sources.places import Places
from fiubench.support.draws import Ints, Words, draw
from fiubench.support.errors import PackError
from fiubench.support.registry import Registry

from fiubench import schemas

#: Wrong values of a true one.
WRONG = 3
#: The largest number that keeps its cents.
LARGEST_NUMBER = 10**12
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}


class Stated(NamedTuple):
    """A place of a text where a value is stated: where it begins and ends, and the value in comparable form."""

    span: Span
    value: Any


class Given(NamedTuple):
    """What an expression of a pack gives for each identity."""

    source: str
    values: list[Any]
    where: object


@dataclass(frozen=True)
class Drawing:
    """What values are generated from.

    Attributes:
        seed, purpose: key of the draws.
        index: of each identity.
        options: what the pack says below ``generate``.
        given: what those options give that are expressions, in the order of :attr:`ValueType.expressions`.
        where: the attribute, for messages.
    """

    seed: int
    purpose: str
    index: Ints
    options: Any = field(default_factory=dict)
    given: tuple[Given, ...] = ()
    where: object = ""

    def words(self, count: int) -> Words:
        """Random words, ``(n, count)``."""
        return draw(self.seed, self.purpose, self.index, words=count)


class ValueType:
    """A type of value. Instances hold nothing but a language: one of each is registered, for English.

    Attributes:
        name: what packs and records call it.
        help: what its values are, as a plural ("calendar dates"): for lists, and for the prompts of a language model.
        json_type: JSON Schema of a value. Numbers are numbers to the audit, too, unless :meth:`number` says otherwise.
        hint: what to do where a pack makes another type of value.
        options: keys of an attribute that only this type has, each with its JSON Schema.
        generator: the key below ``generate`` that makes values of it; empty: none does.
        generator_options: JSON Schema of what stands there. ``#/$defs/expression`` is an expression of the pack.
        expressions: those options that are expressions.
        ordered: values are near or far from each other, by :meth:`number`, so that wrong ones can be so.
        form: how a value looks where it stands alone; ``None``: whatever :meth:`parse` can read.
        identifier: a value should be one person's alone.
        unique: what a value is called in the message that two people have the same; empty where they may.
        dated: values are days in ISO form, so questions about them ask "when".
        worded: values are words, so that a short answer without a verb may be one.
        wrong: what wrong values of generated ones are, for people who write packs.
        in_parts: a right answer holds each of the :meth:`keyword_parts`, in whatever order.
        translated: how a value is written and read depends on the :attr:`language`.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    json_type: ClassVar[Mapping[str, Any]] = {"type": "string", "minLength": 1}
    hint: ClassVar[str] = "text(..) makes text of a number."
    options: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    generator: ClassVar[str] = ""
    generator_options: ClassVar[Mapping[str, Any]] = {}
    expressions: ClassVar[tuple[str, ...]] = ()
    ordered: ClassVar[bool] = False
    form: ClassVar[re.Pattern[str] | None] = None
    identifier: ClassVar[bool] = False
    unique: ClassVar[str] = ""
    dated: ClassVar[bool] = False
    worded: ClassVar[bool] = False
    in_parts: ClassVar[bool] = False
    translated: ClassVar[bool] = False
    language: Language = English()
    wrong: ClassVar[str] = "other values"

    @lru_cache(maxsize=256)  # noqa: B019 (few are made, and kept)
    def spoken(self, language: Language) -> Self:
        """The type as a language writes it."""
        if not self.translated or language is self.language:
            return self
        made = copy.copy(self)
        made.language = language
        return made

    # --- what a value is

    @cached_property
    def _python_type(self) -> type | tuple[type, ...]:
        return _PYTHON_TYPES.get(str(self.json_type.get("type")), object)

    @cached_property
    def _valid(self) -> Callable[[Any], bool]:
        valid: Callable[[Any], bool] = schemas.compiled(self.json_type).is_valid
        return valid

    def is_valid(self, value: Any) -> bool:
        """Whether it is a value of this type; a number must be one that can be given to the cent."""
        if isinstance(value, bool) or not isinstance(value, self._python_type):
            return False
        return not (isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER) and self._valid(value)

    def check(self, made: Sequence[Any], where: object) -> None:
        """Refuse what an attribute's expression or generator made if it is not of this type.

        Raises:
            PackError: a value is not valid; ``where`` is the attribute.
        """
        for value in made:
            if not self.is_valid(value):
                raise PackError(f"makes {value!r}, which is no {self.name}", where=where, hint=self.hint)

    # --- how it is written and read

    def write(self, value: Any) -> str:
        """A value as it reads in the middle of a sentence."""
        return str(value)

    def writer(self, options: Mapping[str, Any]) -> Callable[[Any], str]:
        """:meth:`write` for an attribute with these options of the type."""
        del options
        return self.write

    def ways(self, value: Any) -> tuple[str, ...]:
        """Every way in which options let it be written, the default first."""
        return (self.write(value),)

    def writes(self, value: Any, text: str) -> bool:
        """Whether a text is one of the ways in which options let a value be written."""
        return text in self.ways(value)

    def parse(self, text: str) -> Any:
        """The value that a text of nothing else writes, in upper or lower case; ``None`` where it is none."""
        return text

    def looks_right(self, text: str) -> bool:
        """Whether a text has the form of a value."""
        known = self.form and (not self.translated or self.language.code == English.code)
        return self.form.fullmatch(text) is not None if known and self.form else self.parse(text) is not None

    # --- where a text states it

    def find_in(self, text: str) -> Iterable[Stated] | None:
        """Every value that a text states, for a type that is recognised by its form; ``None``: it is not."""
        del text
        return None

    def comparable(self, value: Any) -> Any:
        """A value as :meth:`find_in` gives it."""
        return value

    def word_forms(self, value: Any) -> list[list[str]]:
        """The sequences of words that state a value, for a type that is not recognised by its form."""
        return [words_of(self.write(value))]

    def states(self, value: Any, text: str) -> list[Span]:
        """The places of a text where a value is stated, in any legal form; none where it is not.

        "April 5, 2022", "5 April 2022" and "2022-04-05" are one date, "$16,115.65" and "16115.65 dollars" one amount,
        while a digit, a sign or a word that moves is another value. What is not recognised is refused.
        """
        found = self.find_in(text)
        if found is None:
            return find_words(self.word_forms(value), text)
        wanted = self.comparable(value)
        return apart([stated.span for stated in found if stated.value == wanted])

    # --- what a right answer must contain

    def keyword(self, text: str) -> str:
        """What of a written value must stand in a right answer."""
        return text

    def keyword_parts(self, value: Any) -> dict[str, str]:
        """Parts of the written value that give some of it away: name -> part. Nothing where it has none.

        They make up the keywords where a pack says ``keywords: parts``.
        """
        del value
        return {}

    def spellings(self, keyword: str) -> Sequence[str]:
        """How else an answer may spell a keyword; itself is not among them."""
        del keyword
        return ()

    # --- how it compares

    def number(self, value: Any) -> float:
        """A value as a number in the order of its type; nan where it has no order."""
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan

    def parts(self, value: Any) -> dict[str, str]:
        """The parts of a value that another fact could give away: name -> part."""
        del value
        return {}

    def faults(self, value: Any, states: Sequence[str], places: Places) -> Iterator[tuple[str, str]]:
        """Why a value can't be, or may be a living person's: what is wrong, what would be right.

        Args:
            value: of this type.
            states: where the person lives, by what :meth:`parts` of other facts give as ``state``.
            places: the real places.
        """
        del value, states, places
        return iter(())

    # --- how it is made

    def check_options(self, options: Any, where: object) -> None:
        """Refuse options of the generator that a schema can't (``max`` below ``min``).

        Raises:
            PackError: they contradict each other.
        """

    def check_written(self, generated: Any, options: Mapping[str, Any], where: object) -> None:
        """Refuse options of the type that write two values alike which the generator tells apart.

        Raises:
            PackError: they do.
        """

    def one_each(self, options: Any) -> bool:
        """Whether everyone gets another value, so that none may be drawn again.

        Args:
            options: of the generator; ``None`` where values come from elsewhere.
        """
        del options
        return False

    def generate(self, drawing: Drawing) -> list[Any]:
        """One value per identity, from keyed draws alone.

        Raises:
            PackError: the options can't be met.
        """
        raise NotImplementedError(f"{self.name} names a generator and has none")

    def computed(self, values: list[Any]) -> list[Any]:
        """What an expression or a file gives, rounded or put right as the type is."""
        return values

    def drawn(self, values: Sequence[Any], drawing: Drawing) -> Drawn | None:
        """What :meth:`generate` drew the values from, so that wrong ones can be drawn alike.

        ``None`` (the default): more values are generated, to see what there is.
        """
        del values, drawing
        return None


VALUE_TYPES: Registry[ValueType] = Registry("value type", "value_types", "fiubench.builder.values")


def reader(name: str, language: Language, text: str) -> ValueType | None:
    """The type of a name in the language, or the variety of it, that a text is written in; ``None``: no such type."""
    kind = VALUE_TYPES.get(name)
    if kind is None or not kind.translated:
        return kind
    varieties = [language, *(each for each in LANGUAGES.values() if each.family == language.family)]
    return next((found for each in varieties if (found := kind.spoken(each)).looks_right(text)), kind.spoken(language))


C = TypeVar("C", bound=type[ValueType])


def register(entry: C) -> C:
    """Decorator that registers a type."""
    VALUE_TYPES.add(entry.name, entry())
    schemas.forget()
    return entry


def _add_to_identities(document: dict[str, Any]) -> None:
    """Let identities hold values of registered plug-ins, instead of any type that ``identity.schema.json`` lacks."""
    for name in ("typed", "value"):
        document["$defs"][name]["anyOf"].pop()
    branches: list[dict[str, Any]] = document["$defs"]["typed"]["anyOf"]
    kinds = [branch["properties"]["type"] for branch in branches]
    listed = {kind for entry in kinds for kind in (entry.get("enum") or [entry["const"]])}
    for name, entry in VALUE_TYPES.items():
        if name not in listed:
            branches.append({"properties": {"type": {"const": name}, "value": entry.json_type}})
            document["$defs"]["value"]["anyOf"].append(entry.json_type)


schemas.complete("identity", _add_to_identities)
