"""Servers as they are known to behave: what each refuses, in whose words, and where its answers stand.

From the servers' documentation and from error messages as their users report them. A profile is given to
:class:`tests.support.chat.server.ChatServer`, whose writer is the model behind it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
Refusal = tuple[int, Any]  # status, and a JSON body or text
Message = tuple[dict[str, Any], str]  # message and finish_reason


def _takes_all(body: Body) -> Refusal | None:
    return None


def _plain(text: str, body: Body) -> Message:
    return {"role": "assistant", "content": text}, "stop"


@dataclass(frozen=True)
class Profile:
    """One kind of server."""

    about: str
    refuses: Callable[[Body], Refusal | None] = _takes_all
    says: Callable[[str, Body], Message] = _plain
    busy_every: int = 0  # of so many calls one gets a 429
    hopeless: bool = False  # nothing can be had of it: the client says so before a second call is paid


def _error(message: str, code: str = "invalid_request_error", param: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def _format(body: Body) -> str:
    return str(body.get("response_format", {}).get("type", ""))


def _limit(body: Body) -> int:
    return int(body.get("max_completion_tokens") or body.get("max_tokens") or 10**9)


def _thinking(tokens: int, message: Callable[[str], dict[str, Any]]) -> Callable[[str, Body], Message]:
    """A model that thinks for so many tokens first, and is cut where they are not allowed."""

    def says(text: str, body: Body) -> Message:
        if _limit(body) < tokens + len(text) // 4:
            return {"role": "assistant", "content": None, "reasoning_content": "Let me see."}, "length"
        return {"role": "assistant", **message(text)}, "stop"

    return says


def _content(make: Callable[[str], Any]) -> Callable[[str, Body], Message]:
    return lambda text, body: ({"role": "assistant", "content": make(text)}, "stop")


# --- what is refused --------------------------------------------------------------------------------------------------
def _openai_reasoning(body: Body) -> Refusal | None:
    if "max_tokens" in body:
        what = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return 400, _error(what, "unsupported_parameter", "max_tokens")
    if body.get("temperature", 1) != 1:
        what = (
            f"Unsupported value: 'temperature' does not support {body['temperature']} with this model. Only the "
            "default (1) value is supported."
        )
        return 400, _error(what, "unsupported_value", "temperature")
    return None


def _azure(body: Body) -> Refusal | None:
    if _format(body) == "json_schema":
        what = "response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later"
        return 400, {"error": {"code": "BadRequest", "message": what, "param": None, "type": None}}
    return None


def _vllm(body: Body) -> Refusal | None:
    if "seed" in body and body["seed"] is None:
        return 400, {"object": "error", "message": "seed", "type": "BadRequestError", "param": None, "code": 400}
    if _format(body) == "json_object":
        what = "guided_json is not supported by this backend"
        return 400, {"object": "error", "message": what, "type": "BadRequestError", "param": None, "code": 400}
    return None


def _llamacpp(body: Body) -> Refusal | None:
    if _format(body) == "json_schema":
        return 400, {"error": {"code": 400, "message": "Failed to parse grammar", "type": "invalid_request_error"}}
    return None


def _strict(*known: str) -> Callable[[Body], Refusal | None]:
    """As serde says it: unknown fields are refused, and those that are known listed."""

    def refuses(body: Body) -> Refusal | None:
        for name in body:
            if name not in known:
                what = "Failed to deserialize the JSON body into the target type: "
                return 422, f"{what}unknown field `{name}`, expected one of " + ", ".join(f"`{k}`" for k in known)
        return None

    return refuses


def _fastapi(*unknown: str) -> Callable[[Body], Refusal | None]:
    """As pydantic says it, with the place."""

    def refuses(body: Body) -> Refusal | None:
        found = [name for name in unknown if name in body]
        detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted",
                   "input": body[name]} for name in found]  # fmt: skip
        return (422, {"detail": detail}) if detail else None

    return refuses


def _no_role(message: str, param: str | None = None) -> Callable[[Body], Refusal | None]:
    def refuses(body: Body) -> Refusal | None:
        return (400, _error(message, param=param)) if body["messages"][0]["role"] == "system" else None

    return refuses


def _no_format(message: str) -> Callable[[Body], Refusal | None]:
    return lambda body: (400, _error(message)) if "response_format" in body else None


def _silent(*names: str) -> Callable[[Body], Refusal | None]:
    return lambda body: (400, _error("Bad request")) if set(names) & set(body) else None


def _always(status: int, what: Any) -> Callable[[Body], Refusal | None]:
    return lambda body: (status, what)


# --- where the answer stands ------------------------------------------------------------------------------------------
def _tool_call(text: str, body: Body) -> Message:
    call = {"id": "call_0", "type": "function", "function": {"name": "answer", "arguments": text}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"


def _chatty_unless_fenced(text: str, body: Body) -> Message:
    asked = json.dumps(body["messages"])
    return {"role": "assistant", "content": text if "```json block" in asked else "Of course! What about?"}, "stop"


_PARTS = _content(lambda text: [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm {"}]},
                                {"type": "text", "text": text}])  # fmt: skip
_PROSE = _content(lambda text: f"Here you are, with {{value}} in place:\n{text}\nLet me know if that is of help!")
_FENCED = _content(lambda text: f"Sure:\n```json\n{text}\n```\nAnything else?")
_CHANNELS = (
    "<|channel|>analysis<|message|>The user wants {{}}.<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>"
)

PROFILES: Mapping[str, Profile] = {
    "openai chat": Profile("takes all that is sent"),
    "openai reasoning": Profile(
        "max_completion_tokens, no temperature, thinks first",
        _openai_reasoning,
        _thinking(2500, lambda text: {"content": text}),
    ),
    "azure": Profile("json_schema by newer API versions alone", _azure),
    "vllm": Profile("takes json_schema", _vllm),
    "vllm reasoning parser": Profile(
        "thoughts beside the content",
        says=_thinking(1500, lambda text: {"content": text, "reasoning_content": "Let me see."}),
    ),
    "vllm reasoning parser without an end": Profile(
        "the answer stands among the thoughts",
        says=lambda text, body: ({"role": "assistant", "content": None, "reasoning_content": text}, "stop"),
    ),
    "llama.cpp": Profile("a grammar that it can't read", _llamacpp),
    "ollama": Profile(
        "fenced, with `reasoning`",
        says=lambda text, body: (
            {"role": "assistant", "content": f"```json\n{text}\n```", "reasoning": "Let me see."},
            "stop",
        ),
    ),
    "tgi strict": Profile(
        "422 on unknown fields, of which it lists those that it knows",
        _strict("messages", "model", "max_tokens", "temperature", "top_p", "stop"),
    ),
    "strict without a token limit": Profile("422 on unknown fields", _strict("messages", "model")),
    "no system role": Profile("a chat template without it", _no_role("System role not supported")),
    "no system role by parameter": Profile(
        "as OpenAI says it of o1-mini",
        _no_role(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.", "messages[0].role"
        ),
    ),
    "alternating roles": Profile(
        "a chat template that counts", _no_role("Conversation roles must alternate user/assistant/user/assistant/...")
    ),
    "content parts": Profile("a list of parts, thoughts among them", says=_PARTS),
    "tool calls only": Profile("the answer is a call's arguments", says=_tool_call),
    "prose around": Profile("JSON in the middle of a text", _no_format("response_format is not supported"), _PROSE),
    "fenced": Profile("a fenced block with prose", says=_FENCED),
    "think tags": Profile(
        "thoughts in the text", says=_content(lambda text: f'<think>\nPerhaps {{"a": 1}}?\n</think>\n\n{text}')
    ),
    "channel tags": Profile("harmony, unparsed", says=_content(_CHANNELS.format)),
    "refuses seed": Profile("422 with the place", _fastapi("seed")),
    "refuses seed and temperature": Profile("one after the other", _fastapi("seed", "temperature")),
    "refuses response_format": Profile("any of them", _no_format("This response_format type is unavailable now")),
    "ignores response_format": Profile("heeds the prompt alone", says=_chatty_unless_fenced),
    "refuses without a word": Profile("400 on two parameters", _silent("response_format", "seed")),
    "rate limited": Profile("429 with Retry-After", busy_every=3),
    "never done thinking": Profile(
        "all tokens go into thoughts", says=_thinking(10**8, lambda text: {"content": text}), hopeless=True
    ),
    "refuses everything": Profile("whatever is sent", _always(400, _error("Bad request")), hopeless=True),
    "no such model": Profile(
        "404", _always(404, _error("The model `m` does not exist.", "model_not_found")), hopeless=True
    ),
    "no such model by 400": Profile(
        "names the model", _always(400, _error("Invalid model name passed in model=m.", param="model")), hopeless=True
    ),
    "wrong key": Profile("401", _always(401, _error("Incorrect API key provided.", "invalid_api_key")), hopeless=True),
}
