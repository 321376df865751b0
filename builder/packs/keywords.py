"""Keywords: what of a value a right answer must contain, how else that may be spelled, and the parts of the value."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from fiubench.builder.packs.model import Attribute, Variant
from fiubench.support.errors import PackError


def keywords_of(attribute: Attribute) -> Callable[[Any, str], dict[str, Any]]:
    """What a QA pair holds of the keywords of a value, which is written as a text: a function of both.

    ``keywords``; and where there are any, ``keyword_variants``, a list for each of them, and ``keyword_parts``.
    """
    kind, as_parts = attribute.type, attribute.keywords == "parts" or attribute.type.in_parts
    spellings = partial(_spellings, attribute.variants, kind.spellings) if attribute.variants else kind.spellings

    def fields(value: Any, text: str) -> dict[str, Any]:
        parts = kind.keyword_parts(value)
        words = list(parts.values()) if as_parts and parts else [kind.keyword(text)]
        variants = [list(spellings(word)) for word in words]
        made: dict[str, Any] = {"keywords": words}
        if parts:
            made["keyword_parts"] = parts
        if any(variants):
            made["keyword_variants"] = variants
        return made

    return fields


def _spellings(variants: Sequence[Variant], known: Callable[[str], Sequence[str]], word: str) -> Iterable[str]:
    found = dict.fromkeys(known(word))
    for variant in variants:
        if match := variant.pattern.search(word):
            before, after = word[: match.start()], word[match.end() :]
            rest = match[1] if match.re.groups else ""
            found |= dict.fromkeys(f"{before}{other.replace('*', rest)}{after}" for other in variant.others)
    found.pop(word, None)
    return found


def compile_variants(variants: Mapping[str, Sequence[str]], where: object) -> tuple[Variant, ...]:
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
