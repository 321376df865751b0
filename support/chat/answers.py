"""Reading what a server answered: the text of a chat completion, wherever it stands, and the JSON in it."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

try:
    from jsonschema_rs import Draft202012Validator
except ImportError:  # no wheel for this machine: the reference implementation serves
    from jsonschema import Draft202012Validator  # type: ignore[no-redef]

_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL | re.IGNORECASE)
_THINK = r"think|thinking|thought|thoughts|reasoning|reflection|analysis"
#: What ends the thoughts of a model where its server leaves them in the text; the last one counts.
_THOUGHTS = re.compile(
    rf"\A.*(?:</(?:{_THINK})>|\[/THINK\]|<\|channel\|>\s*final[^<]*<\|message\|>|<\|end_of_thought\|>)", re.I | re.S
)
_OPEN_THOUGHTS = re.compile(rf"\s*(?:<(?:{_THINK})>|\[THINK\]|<\|channel\|>\s*analysis|<\|begin_of_thought\|>)", re.I)
_TAGS = re.compile(r"<\|[a-z_]+\|>|</?(?:answer|response|final)>", re.IGNORECASE)  # that some templates leave around it
#: Problems of answers without a text, which say nothing of the question: they are not kept.
SPENT = "the model spent its tokens before it began to answer: raise --max-output-tokens or lower --reasoning-effort"
EMPTY = "the server's response holds no text"


def read_content(response: str) -> tuple[str, str, str]:
    """(text, kind, problem) of a chat completion: a whole text has no problem."""
    try:
        choice = json.loads(response)["choices"][0]
        message = choice.get("message") or {}
        finish = choice.get("finish_reason")
        if message.get("refusal") or finish == "content_filter":
            return "", "refused", "the model refused to answer"
        raw = _text(message)
        thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", "not json", EMPTY
    text = _TAGS.sub("", _THOUGHTS.sub("", raw)).strip()
    if finish == "length" and (not text or (_OPEN_THOUGHTS.match(raw) and not _THOUGHTS.match(raw))):
        return "", "spent", SPENT
    if not text and isinstance(thoughts, str):  # a parser of reasoning that found no end of it
        text = _THOUGHTS.sub("", thoughts).strip()
    if not text:
        return "", "not json", EMPTY
    return (text, "truncated", "the answer was cut off: it is too long") if finish == "length" else (text, "fine", "")


def _text(message: Mapping[str, Any]) -> str:
    """The text of a message: plain, in parts, or as the arguments of a tool call."""
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") if isinstance(part, dict) else str(part) for part in content)
    if not content.strip():
        calls = [call["function"] for call in message.get("tool_calls") or () if "function" in call]
        arguments = (calls[0] if calls else message.get("function_call") or {}).get("arguments") or ""
        content = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return str(content)


def parse_answer(text: str) -> tuple[Any, str]:
    """(value, problem) of an answer's text: JSON alone, in one fenced block, or one object with prose around it."""
    blocks = _FENCED.findall(text)
    if len(blocks) == 1 and not text.startswith(("{", "[")):
        text = blocks[0]
    try:
        return json.loads(text, parse_constant=_refuse_constant), ""
    except (ValueError, RecursionError) as error:
        objects = _objects(text)
        return (objects[0], "") if len(objects) == 1 else (None, f"it is not JSON ({error})")


def _objects(text: str) -> list[Any]:
    """Every JSON object in a text, outermost ones; none where one does not end."""
    decoder, found, at = json.JSONDecoder(parse_constant=_refuse_constant), [], text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if error.pos > at + 1:  # more than a brace in the prose, such as that of a placeholder
                return []
            end = at + 1
        except (ValueError, RecursionError):
            return []
        else:
            found.append(value)
        at = text.find("{", end)
    return found


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


def holds_text(response: str) -> bool:
    """Whether a response says anything about its question: a text or a refusal. One that does not is no answer."""
    _, _, problem = read_content(response)
    return problem not in (SPENT, EMPTY)


def heeds(schema: Mapping[str, Any], response: str) -> bool:
    """Whether an answer keeps to the form that was asked for; one that was cut or refused does not show it."""
    content, kind, _ = read_content(response)
    if kind in ("truncated", "refused"):
        return True
    answer, problem = parse_answer(content)
    return not problem and not schema_problems(schema, answer)
