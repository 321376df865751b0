"""One request as a conversation: ask, check, send back what is wrong, start afresh; whoever sends the calls.

The conversation is a generator of calls that is sent answers, so that the same code asks a server, replays a cache and
counts what is missing. It is a pure function of the request and the answers.
"""

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fiubench.support.chat.cache import Stored

try:
    from jsonschema_rs import Draft202012Validator
except ImportError:  # no wheel for this machine: the reference implementation serves
    from jsonschema import Draft202012Validator  # type: ignore[no-redef]

CORRECTIONS, FRESH_TRIES = 2, 2
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL | re.IGNORECASE)
_MOST_PROBLEMS, _LONGEST_PROBLEM = 12, 300
Message = Mapping[str, str]
Check = Callable[[Any], Sequence[str]]


@dataclass(frozen=True)
class Request:
    """What is asked."""

    id: str  # the caller's name for it
    messages: Sequence[Message]  # the conversation so far, each ``{"role": .., "content": ..}``
    schema: Mapping[str, Any]  # JSON Schema of the answer: flat, ``additionalProperties: false``, everything required
    # is called with every answer that fits the schema and returns what is wrong with it, in words for the model;
    # empty is fine. It may keep a state of its own: answers come in order, also from a cache.
    check: Check = lambda _: ()
    seed: int | None = None  # sent to the server, one higher with each attempt; servers may ignore it
    max_tokens: int = 1024  # the longest answer; a cut one is asked again with twice that


@dataclass(frozen=True)
class Call:
    """One call to the server."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    seed: int | None
    max_tokens: int
    attempt: int

    def prompt_bound(self) -> int:
        """More tokens than the prompt will have: half its bytes, with the schema, which some servers add to it."""
        text = sum(len(message["content"].encode()) + 16 for message in self.messages)
        return (text + len(json.dumps(self.schema))) // 2 + 64


@dataclass(frozen=True)
class Attempt:
    """One answer: what was wrong with it (nothing: accepted), its kind, and what it took."""

    problems: tuple[str, ...]
    kind: str  # "fine", "wrong", "not json", "schema", "truncated", "refused", "no answer"
    model: str
    prompt_tokens: int
    completion_tokens: int


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


def converse(request: Request) -> Generator[Call, Stored, Outcome]:
    """Ask, correct at most twice, start afresh at most twice: yields calls, is sent answers, returns the outcome."""
    attempts: list[Attempt] = []
    max_tokens = request.max_tokens
    for fresh in range(1 + FRESH_TRIES):
        messages = [*request.messages]
        for turn in range(1 if fresh else 1 + CORRECTIONS):
            number = len(attempts)
            seed = None if request.seed is None else request.seed + number
            stored = yield Call(tuple(messages), request.schema, seed, max_tokens, number)
            content, answer, kind, problems = _judge(request, stored)
            tokens = stored.prompt_tokens, stored.completion_tokens
            attempts.append(Attempt(tuple(problems), kind, stored.model, *tokens))
            if not problems or (kind == "no answer" and not turn):  # the server can't: asking again would not help
                return Outcome(request, answer, tuple(attempts))
            if kind == "truncated":
                max_tokens = request.max_tokens * 2
            if kind in ("truncated", "refused", "no answer"):  # the last: perhaps the corrections made it too long
                break
            messages += [{"role": "assistant", "content": content}, {"role": "user", "content": _correction(problems)}]
    return Outcome(request, None, tuple(attempts))


def _judge(request: Request, stored: Stored) -> tuple[str, Any, str, list[str]]:
    """(content, answer, kind, problems) of a stored response."""
    if stored.response is None:
        return "", None, "no answer", [stored.error or "the server has no answer"]
    content, kind, problem = read_content(stored.response)
    if problem:
        return content, None, kind, [problem]
    answer, problem = parse_answer(content)
    if problem:
        return content, None, "not json", [problem]
    problems = schema_problems(request.schema, answer)
    if problems:
        return content, None, "schema", problems
    problems = [text[:_LONGEST_PROBLEM] for text in request.check(answer)][:_MOST_PROBLEMS]
    return content, answer, "wrong" if problems else "fine", problems


def _correction(problems: Sequence[str]) -> str:
    lines = "\n".join(f"- {problem}" for problem in problems)
    return f"That answer can't be used:\n{lines}\nAnswer again as JSON of the same form, with every fault mended."


def read_content(response: str) -> tuple[str, str, str]:
    """(text, kind, problem) of a chat completion: a whole text has no problem."""
    try:
        choice = json.loads(response)["choices"][0]
        message = choice.get("message") or {}
        content = message.get("content") or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", "not json", "the server's response holds no answer"
    if not isinstance(content, str):
        return "", "not json", "the server's response holds no text"
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return content, "refused", "the model refused to answer"
    if choice.get("finish_reason") == "length":
        return content, "truncated", "the answer was cut off: it is too long"
    return content, "fine", ""


def parse_answer(content: str) -> tuple[Any, str]:
    """(value, problem) of an answer's text: JSON alone, or in one fenced block; thoughts before it are passed over."""
    text = content.rpartition("</think>")[2].strip()
    blocks = _FENCED.findall(text)
    if len(blocks) == 1 and not text.startswith(("{", "[")):
        text = blocks[0]
    try:
        return json.loads(text, parse_constant=_refuse_constant), ""
    except (ValueError, RecursionError) as error:
        return None, f"it is not JSON ({error})"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return Draft202012Validator(json.loads(schema))


def schema_problems(schema: Mapping[str, Any], answer: Any) -> list[str]:
    """Every place where an answer breaks its schema, in words."""
    problems = []
    for error in _validator(json.dumps(schema)).iter_errors(answer):
        place = error.instance_path if hasattr(error, "instance_path") else error.absolute_path
        problems.append(f"{'.'.join(map(str, place)) or 'the answer'}: {error.message}")
    return problems


def heeds(call: Call, stored: Stored) -> bool:
    """Whether an answer keeps to the form that was asked for; one that was cut or refused does not show it."""
    content, kind, _ = read_content(stored.response or "")
    if kind in ("truncated", "refused"):
        return True
    answer, problem = parse_answer(content)
    return not problem and not schema_problems(call.schema, answer)
