"""What a server takes: how a call is put to it, and what is learnt from what it refuses.

Servers answer 400 or 422 to parameters, forms and roles that they don't know, and mostly name them. What is named is
left out, renamed or put otherwise; nothing that a user asked for by an option of its own is dropped.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fiubench.support.chat.errors import Unanswerable

FORMS = ("json_schema", "json_object", "prompt")
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
_FORMAT, _SYSTEM = "response_format", "system"
_DROPPED = ("seed", "temperature")  # parameters that an answer can do without
_WORDS = {_FORMAT: r"response_format|json_schema|json_object|grammar|guided_\w+|structured[ _]outputs?"}
_WORDS |= dict.fromkeys(LIMIT_NAMES, "|".join(LIMIT_NAMES))
_NO_SYSTEM = re.compile(
    r"\bsystem\b[\s'\"`]*(?:role|message|prompt|instruction)|\broles?\b.{0,80}\bsystem\b|roles must alternate",
    re.I | re.S,
)
_TOO_LONG = re.compile(r"too (?:large|long|many|big)|at most|maximum|exceed|context (?:length|size|window)", re.I)


class Capability(NamedTuple):
    """How a server is asked: what stands here is what its calls have in common."""

    form: str = FORMS[0]  # of JSON
    limit_name: str = LIMIT_NAMES[0]  # of the token limit; empty where it takes none
    without: tuple[str, ...] = ()  # parameters that it refuses
    system: bool = True  # whether it has a system role
    reasons: bool = False  # whether its model spends tokens before the answer, and is given all that are allowed

    def notes(self) -> Iterator[str]:
        """What is out of the ordinary, in words."""
        if self.form != FORMS[0]:
            yield f"answers are asked for by {self.form}: json_schema is refused or not heeded"
        if self.limit_name != LIMIT_NAMES[0]:
            yield f"{LIMIT_NAMES[0]} is refused: " + (
                f"it is called {self.limit_name}" if self.limit_name else "left out"
            )
        yield from (f"{name} is refused: left out" for name in self.without)
        if not self.system:
            yield "the server has no system role: its message stands at the head of the user's"
        if self.reasons:
            yield "the model reasons before it answers: each answer may take --max-output-tokens"


def adapted(how: Capability, refusal: Unanswerable, body: Mapping[str, Any]) -> Capability | None:
    """How to ask after a refusal that names what it does not take; None where it names nothing that can be helped."""
    name = named(refusal, body)
    return _other(how, name) if name else None


def guesses(how: Capability, body: Mapping[str, Any]) -> Iterator[Capability]:
    """What may help where a refusal names nothing: one thing less at a time, each on top of the last."""
    for name in (_FORMAT, _FORMAT, _SYSTEM, *_DROPPED):
        if (name in body or name == _SYSTEM or (name == _FORMAT and how.form != FORMS[-1])) and (
            other := _other(how, name)
        ):
            how = other
            yield how


def named(refusal: Unanswerable, body: Mapping[str, Any]) -> str:
    """The part of a call that a refusal is about: a key of its body, "system", or nothing that can be told.

    A server that says which parameter it means is believed; else it is the one that its message names first.
    """
    has_system = body["messages"][0]["role"] == _SYSTEM
    if has_system and (_NO_SYSTEM.search(refusal.what) or re.match(r"messages\W+0\W+role", refusal.param)):
        return _SYSTEM
    head = re.split(r"\W", refusal.param)[0]
    candidates = [key for key in body if key not in ("model", "messages")]
    if head in body:
        found = head
    else:
        places = {
            match.start(): key
            for key in candidates
            if (match := re.search(rf"(?<![a-z_])(?:{_WORDS.get(key, re.escape(key))})(?![a-z_])", refusal.what, re.I))
        }
        found = places[min(places)] if places else ""
    too_long = found in LIMIT_NAMES and _TOO_LONG.search(refusal.what)
    return "" if too_long or found not in candidates else found


def _other(how: Capability, name: str) -> Capability | None:
    """The same without what is named, or with what stands for it; None where nothing does."""
    if name == _FORMAT:
        return how._replace(form=FORMS[FORMS.index(how.form) + 1]) if how.form != FORMS[-1] else None
    if name in LIMIT_NAMES:
        return how._replace(limit_name=LIMIT_NAMES[1] if name == LIMIT_NAMES[0] else "")
    if name == _SYSTEM:
        return how._replace(system=False) if how.system else None
    return how._replace(without=(*how.without, name)) if name in _DROPPED else None
