"""One request as a conversation: ask, check, send back what is wrong, start afresh; whoever sends the calls.

The conversation is a generator of calls that is sent answers, so that the same code asks a server, replays a cache and
counts what is missing. It is a pure function of the request and the answers.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from fiubench.support.chat.answers import parse_answer, read_content, schema_problems
from fiubench.support.chat.cache import Stored

CORRECTIONS, FRESH_TRIES = 2, 2
_MOST_PROBLEMS, _LONGEST_PROBLEM = 12, 300
Message = Mapping[str, str]
Check = Callable[[Any], Sequence[str]]


@dataclass(frozen=True)
class Request:
    """What is asked."""

    id: str  # the caller's name for it
    messages: Sequence[Message]  # the conversation so far, each ``{"role": .., "content": ..}``
    # JSON Schema of the answer: flat, ``additionalProperties: false``, everything required; None: it is plain text
    schema: Mapping[str, Any] | None
    # is called with every answer that fits the schema and returns what is wrong with it, in words for the model;
    # empty is fine. It may keep a state of its own: answers come in order, also from a cache.
    check: Check = lambda _: ()
    seed: int | None = None  # sent to the server, one higher with each attempt; servers may ignore it
    max_tokens: int = 1024  # the longest answer; a cut one is asked again with twice that
    used: Callable[[], int] = lambda: 0  # how much of the answers the check has kept, where it keeps parts
    # makes the messages of the next attempt from its number and what was wrong, where a correction would not do
    retry: Callable[[int, Sequence[str]], Sequence[Message]] | None = None
    fresh_tries: int = FRESH_TRIES
    # calls that it still takes where every answer is accepted: for estimates
    needed: Callable[[], int] = lambda: 1


@dataclass(frozen=True)
class Call:
    """One call to the server."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None
    seed: int | None
    max_tokens: int
    attempt: int
    further: bool = False  # beyond the attempts of a run: made where the cache has it, or where failures are retried

    def prompt_bound(self) -> int:
        """More tokens than the prompt will have: half its bytes, with the schema, which some servers add to it."""
        text = sum(len(message["content"].encode()) + 16 for message in self.messages)
        return (text + len(json.dumps(self.schema))) // 2 + 64


@dataclass(frozen=True)
class Attempt:
    """One answer: what was wrong with it (nothing: accepted), its kind, and what it took."""

    problems: tuple[str, ...]
    kind: str  # "fine", "wrong", "not json", "schema", "truncated", "spent", "refused", "no answer"
    model: str
    prompt_tokens: int
    completion_tokens: int
    used: bool  # whether all or a part of it was kept


@dataclass(frozen=True)
class Outcome:
    """What became of a request: the accepted answer, or None with the problems of the last attempt."""

    request: Request
    answer: Any
    attempts: tuple[Attempt, ...]

    @property
    def accepted(self) -> bool:
        """Whether an answer passed its check."""
        return not self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What was wrong with the last answer."""
        return self.attempts[-1].problems

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of all prompts and of all answers."""
        return sum(a.prompt_tokens for a in self.attempts), sum(a.completion_tokens for a in self.attempts)


def converse(request: Request, attempts: list[Attempt] | None = None) -> Generator[Call, Stored | None, Outcome]:
    """Ask, correct at most twice, start afresh at most twice: yields calls, is sent answers, returns the outcome.

    After that it yields further fresh calls until one is accepted or is sent None, which ends it.

    Args:
        request: what is asked.
        attempts: is filled with the attempts as they come.
    """
    attempts = [] if attempts is None else attempts
    max_tokens, problems = request.max_tokens, list[str]()
    for fresh in count():
        messages = [*(request.retry(fresh, problems) if fresh and request.retry else request.messages)]
        for turn in range(1 if fresh or request.retry else 1 + CORRECTIONS):
            number = len(attempts)
            seed = None if request.seed is None else request.seed + number
            further = fresh > request.fresh_tries
            stored = yield Call(tuple(messages), request.schema, seed, max_tokens, number, further)
            if stored is None:
                return Outcome(request, None, tuple(attempts))
            before = request.used()
            content, answer, kind, problems = _judge(request, stored)
            used = not problems or request.used() > before
            tokens = stored.prompt_tokens, stored.completion_tokens
            attempts.append(Attempt(tuple(problems), kind, stored.model, *tokens, used))
            # asking again would not help where the server can't answer, or the tokens that are allowed don't do
            if not problems or kind == "spent" or (kind == "no answer" and not turn):
                return Outcome(request, answer, tuple(attempts))
            if kind == "truncated":
                max_tokens = request.max_tokens * 2
            if kind in ("truncated", "refused", "no answer"):  # the last: perhaps the corrections made it too long
                break
            messages += [{"role": "assistant", "content": content}, {"role": "user", "content": _correction(problems)}]
    raise AssertionError("calls are yielded until the outcome is there")


def _judge(request: Request, stored: Stored) -> tuple[str, Any, str, list[str]]:
    """(content, answer, kind, problems) of a stored response."""
    if stored.response is None:
        return "", None, "no answer", [stored.error]
    content, kind, problem = read_content(stored.response)
    if problem:
        return content, None, kind, [problem]
    answer: Any = content
    if request.schema is not None:
        answer, problem = parse_answer(content)
        if problem:
            return content, None, "not json", [problem]
        if problems := schema_problems(request.schema, answer):
            return content, None, "schema", problems
    problems = [text[:_LONGEST_PROBLEM] for text in request.check(answer)][:_MOST_PROBLEMS]
    return content, answer, "wrong" if problems else "fine", problems


def _correction(problems: Sequence[str]) -> str:
    lines = "\n".join(f"- {problem}" for problem in problems)
    return f"That answer can't be used:\n{lines}\nAnswer again as JSON of the same form, with every fault mended."
