"""Values that are words: free text, one of a few, names of people."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from fiubench.builder.values.base import Drawing, ValueType, register
from fiubench.builder.values.combinations import combinations
from fiubench.builder.values.english import words_of
from fiubench.support.draws import integers
from fiubench.support.errors import PackError

_ARTICLE = re.compile(r"(?:an?|the) (?=\S)")
_PART = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Words(ValueType):
    """What all of them share: a generator that fills a template from lists."""

    worded = True
    generator = "words"
    generator_options = {
        "type": "object",
        "required": ["template"],
        "properties": {
            "template": {"type": "string", "minLength": 1},
            "unique": {"type": "boolean", "description": "Whether everyone gets another text (default false)."},
        },
        "additionalProperties": {
            "type": "array",
            "minItems": 2,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1},
        },
    }

    def check_options(self, options: Any, where: object) -> None:
        template, lists = options["template"], _lists(options)
        named = _PART.findall(template)
        for name in named:
            if name not in lists:
                message, hint = f"the template's {{{name}}} has no list", f"Add `{name}: [..]` beside `template`."
                raise PackError(f"generate.words: {message}", where=where, hint=hint)
        for name in lists:
            if name not in named:
                message, hint = f"the template has no {{{name}}}", "Use the list, or leave it out."
                raise PackError(f"generate.words: {message}", where=where, hint=hint)
        for text in (_PART.sub("", template), *(word for name in lists for word in options[name])):
            if "{" in text or "}" in text:
                raise PackError(
                    f"generate.words: a brace that is no placeholder in {text!r}",
                    where=where,
                    hint="Write {part} in the template, where `part` is one of the lists beside it.",
                )
        if options.get("unique"):
            _check_unique(options, where)

    def one_each(self, options: Any) -> bool:
        return bool(options and options.get("unique"))

    def generate(self, drawing: Drawing) -> list[Any]:
        options, index, template = drawing.options, drawing.index, drawing.options["template"]
        lists = _lists(options)
        sizes = [len(options[part]) for part in lists]
        if options.get("unique"):
            picks = combinations(drawing, sizes, f"the lists make {prod(sizes)} texts", "Lengthen the lists.")
        else:
            keys = [f"{drawing.purpose}.{part}" for part in lists]
            picks = [integers(drawing.seed, key, index, size) for key, size in zip(keys, sizes, strict=True)]
        columns = [[options[part][k] for k in pick.tolist()] for part, pick in zip(lists, picks, strict=True)]
        return [template.format_map(dict(zip(lists, words, strict=True))) for words in zip(*columns, strict=True)]


def _lists(options: Mapping[str, Any]) -> list[str]:
    """The lists beside a template, sorted: a mapping has no order (a manifest sorts it)."""
    return sorted(key for key, words in options.items() if isinstance(words, list))


def _check_unique(options: Mapping[str, Any], where: object) -> None:
    """Refuse lists of which two combinations may read alike, as "{a}{b}" of ab + c and a + bc."""
    pieces = _PART.split(f"{options['template']}\n".casefold())
    for part, after in zip(pieces[1::2], pieces[2::2], strict=True):
        words = sorted(word.casefold() + after for word in options[part])
        for word, longer in pairwise(words):
            if longer.startswith(word):
                raise PackError(
                    f"generate.words: {part!r} may read alike in two texts: {word.strip()!r} begins {longer.strip()!r}",
                    where=where,
                    hint=f"Put a sign behind {{{part}}} that no word of the list holds.",
                )


class Phrases(Words):
    """Common nouns and names of things, which may begin with an article."""

    def keyword(self, text: str) -> str:
        """Without its article in lower case, which is the sentence's: "a drug offense", but "The Aurora Clinic"."""
        return text[match.end() :] if (match := _ARTICLE.match(text)) else text

    def spellings(self, keyword: str) -> Sequence[str]:
        return (keyword.removeprefix("The "),) if keyword.startswith("The ") else ()


@register
class Text(Phrases):
    """Free text."""

    name = "text"
    help = "names or short phrases"


@register
class Name(Words):
    """Names of people."""

    name = "name"
    help = "names of people"

    def word_forms(self, value: Any) -> list[list[str]]:
        words = words_of(value)
        return [words, [words[-1], *words[:-1]]] if len(words) >= 2 else [words]  # "Smith, Jane"

    def parts(self, value: Any) -> dict[str, str]:
        return {"given name": value.split(" ")[0], "family name": value.split(" ")[-1]}

    def keyword_parts(self, value: Any) -> dict[str, str]:
        return self.parts(value) if " " in value else {}

    def spellings(self, keyword: str) -> Sequence[str]:
        given, _, family = keyword.rpartition(" ")
        return (f"{family}, {given}",) if given else ()


@register
class Enum(Phrases):
    """One of a few."""

    name = "enum"
    help = "short words or phrases"
