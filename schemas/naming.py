"""Questions about the person in a picture, asked with the name instead.

The phrasings of a pack speak of "this person", "the individual shown here", "the person in the photo". Where one speaks
of nobody, the name is put before it.
"""

import re

_SUBJECT = re.compile(
    r"\b(?:the|this) (?:person|individual|man|woman|subject)"
    r"(?: (?:shown|pictured|depicted|seen)(?: here)?)?"
    r"(?: (?:in|from|on) (?:the|this) (?:photo|photograph|picture|image|portrait))?"
    r"(?P<possessive>['\u2019]s)?(?!\w)",
    re.IGNORECASE,
)


def named_question(question: str, name: str) -> str:
    """A question with the name where it spoke of the person in the picture.

    >>> named_question("What is this person's blood type?", "Ana Vell")
    "What is Ana Vell's blood type?"
    """
    named, count = _SUBJECT.subn(lambda match: name + (match["possessive"] or ""), question)
    return named if count else f"About {name}: {question}"


def named_answer(answer: str, name: str) -> str:
    """An answer with the name where it spoke of the person in the picture; one that spoke of nobody stays."""
    return _SUBJECT.sub(lambda match: name + (match["possessive"] or ""), answer)
