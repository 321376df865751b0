"""A question about a picture as a question about a name, for models that see no pictures.

The phrasings of a pack speak of "this person", "the individual shown here", "the person in the photo". Where one speaks
of nobody, the name is put before it.
"""

import re
from collections.abc import Mapping
from typing import Any

_SUBJECT = re.compile(
    r"\b(?:the|this) (?:person|individual|man|woman|subject)"
    r"(?: (?:shown|pictured|depicted|seen)(?: here)?)?"
    r"(?: (?:in|from|on) (?:the|this) (?:photo|photograph|picture|image|portrait))?"
    r"(?P<possessive>['\u2019]s)?(?!\w)",
    re.IGNORECASE,
)


def named_question(question: str, name: str) -> str:
    """A question with the name where it spoke of the person in the picture."""
    named, count = _SUBJECT.subn(lambda match: name + (match["possessive"] or ""), question)
    return named if count else f"About {name}: {question}"


def named_answer(answer: str, name: str) -> str:
    """An answer with the name where it spoke of the person in the picture; one that spoke of nobody stays."""
    return _SUBJECT.sub(lambda match: name + (match["possessive"] or ""), answer)


def asks_for_the_name(record: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    """Whether the answer is the name itself, so that a question with the name would give it away."""
    return bool(pair["value"]["type"] == "name" and pair["value"]["value"] == record["name"])
