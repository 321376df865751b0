"""Keywords: what of a value a right answer must contain, how else that may be spelled, and the parts of the value."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fiubench.builder.packs.model import Attribute, Variant
from fiubench.support.errors import PackError


class Keywords(NamedTuple):
    """Of one value: ``variants`` has a list for each of ``words``; ``parts`` are for answers that are partly right."""

    words: list[str]
    variants: list[list[str]]
    parts: dict[str, str]

    def fields(self) -> dict[str, Any]:
        """What a QA pair holds of them; what is empty is left out."""
        fields: dict[str, Any] = {"keywords": self.words}
        if self.parts:
            fields["keyword_parts"] = self.parts
        if any(self.variants):
            fields["keyword_variants"] = self.variants
        return fields


def keywords_of(attribute: Attribute, value: Any, text: str) -> Keywords:
    """The keywords of a value of an attribute, which is written ``text``."""
    parts = attribute.type.keyword_parts(value)
    words = list(parts.values()) if parts and attribute.keywords == "parts" else [attribute.type.keyword(text)]
    return Keywords(words, [_spellings(attribute, word) for word in words], parts)


def _spellings(attribute: Attribute, word: str) -> list[str]:
    found = dict.fromkeys(attribute.type.spellings(word))
    for variant in attribute.variants:
        if match := variant.pattern.search(word):
            before, after = word[: match.start()], word[match.end() :]
            rest = match[1] if match.re.groups else ""
            found |= dict.fromkeys(f"{before}{other.replace('*', rest)}{after}" for other in variant.others)
    found.pop(word, None)
    return list(found)


def compile_variants(variants: Mapping[str, Sequence[str]], where: str) -> tuple[Variant, ...]:
    """What a pack says below ``variants``: words -> how else they are spelled; ``*`` stands for the rest of a value.

    Raises:
        PackError: a ``*`` that stands for nothing.
    """
    made = []
    for words, others in variants.items():
        for text in (words, *others):
            if text.count("*") > (words.count("*") > 0):
                hint = "Write one * in the words, for the rest of a value, and at most one in each variant."
                raise PackError(f"variants: {text!r} of {words!r} has a * too many", where=where, hint=hint)
        pattern = re.escape(words).replace(r"\*", "(.+)")
        made.append(Variant(re.compile(rf"(?<!\w){pattern}(?!\w)"), tuple(others)))
    return tuple(made)
