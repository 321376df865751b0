"""A model on an OpenAI-compatible server: how a call is posted there, and what the server's errors mean.

Retries are those of the ``openai`` package (429, 5xx, lost connections), which waits as Retry-After says.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from fiubench.support.canonical import digest_of
from fiubench.support.chat.capability import FORMS, Capability
from fiubench.support.chat.conversation import Call
from fiubench.support.chat.errors import ChatError, NoAnswer, Unanswerable
from fiubench.support.errors import ConfigError
from fiubench.support.extras import install

MOST_TOKENS = 8192  # of one answer, the model's reasoning included, unless the user says otherwise
_OPENAI = "api.openai.com"
_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "For example http://localhost:8000/v1 or https://api.openai.com/v1."
_PATIENCE = 10.0  # seconds in which a server takes a connection
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHORTEST_SECRET = 8  # characters; a shorter key ("none", "test") is a word that local servers ask for
_LONGEST_WAIT = 120  # seconds of Retry-After that openai waits for
#: Status of a refusal -> whom it concerns, what is wrong, what to do. The run ends, or waits for other calls; or it is
#: of this call alone; or the server does not take this request.
_QUOTA = ("run", "the account's quota is used up", "Run it again when the quota is refilled: nothing is paid twice.")
_NOT_TAKEN = ("request", "the server does not take the request", "")
_MEANINGS = {
    401: ("run", "the server refused the key", "Is the right key exported?"),
    402: _QUOTA,
    404: ("run", "not found", "Check --base-url (it usually ends in /v1) and --model."),
    429: ("others", "too many requests", "Run it again later, or with a lower --concurrency: nothing is paid twice."),
    500: ("call", "the server failed", "Run it again when the server works: nothing is paid twice."),
}
_ALIKE = {403: 401, 408: 500, 409: 500}
_LONGEST_REFUSAL = 1000  # characters: it names what is refused
_NOT_SENT = ("$schema", "$id", "title")  # keys of a schema


@dataclass(frozen=True)
class Server:
    """A server, a model, and how it is asked. The key shows in no representation of it."""

    base_url: str
    model: str
    sampling: Mapping[str, Any]
    timeout: float
    retries: int
    key: str | None = field(repr=False)
    most_tokens: int = MOST_TOKENS

    def key_of(self, call: Call) -> str:
        """SHA-256 of all that decides an answer: its key in the cache. The form of JSON may change, and is left out."""
        asked = {name: getattr(call, name) for name in ("seed", "max_tokens", "attempt")}
        asked["messages"] = [dict(message) for message in call.messages]
        asked["schema"] = None if call.schema is None else dict(call.schema)
        return digest_of({"endpoint": self.base_url, "model": self.model, "sampling": dict(self.sampling), **asked})

    def limit(self, call: Call, how: Capability) -> int:
        """The most tokens that the answer to a call may take, thoughts of the model included."""
        return self.most_tokens if how.reasons else min(call.max_tokens, self.most_tokens)

    def body(self, call: Call, how: Capability) -> dict[str, Any]:
        """What is posted to ``/chat/completions``."""
        messages = [dict(message) for message in call.messages]
        if not how.system and messages[0]["role"] == "system":
            said = messages.pop(0)["content"]
            messages[0]["content"] = f"{said}\n\n{messages[0]['content']}"
        body: dict[str, Any] = {"model": self.model, "messages": messages}
        if how.limit_name:
            body[how.limit_name] = self.limit(call, how)
        body |= self.sampling
        if call.seed is not None:
            body["seed"] = call.seed
        if call.schema is not None:
            self._ask_for_json(body, call.schema, how.form)
        return {name: value for name, value in body.items() if name not in how.without}

    def _ask_for_json(self, body: dict[str, Any], whole: Mapping[str, Any], form: str) -> None:
        schema = {key: value for key, value in whole.items() if key not in _NOT_SENT}
        if form == FORMS[0]:
            described = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": form, "json_schema": described}
            return
        wanted = "one ```json block and nothing else"
        if form == "json_object":
            body["response_format"], wanted = {"type": form}, "one JSON object"
        first = next(message for message in body["messages"] if message["role"] == "user")
        first["content"] += f"\n\nAnswer with {wanted}. Its JSON Schema:\n{json.dumps(schema, separators=(',', ':'))}"

    def openai_client(self, kind: str = "OpenAI", **options: Any) -> Any:
        """A client of the ``openai`` package (``OpenAI`` or ``AsyncOpenAI``) for this server.

        Raises:
            ChatError: the package is not installed.
        """
        openai = import_openai()
        hidden = () if urlsplit(self.base_url).hostname == _OPENAI else ("OpenAI-Organization", "OpenAI-Project")
        return getattr(openai, kind)(
            base_url=self.base_url,
            api_key=self.key or "none",  # local servers take any
            max_retries=self.retries,
            timeout=self.timeout,
            default_headers=dict.fromkeys(hidden, openai.omit),  # openai reads them by itself; other servers get none
            **options,
        )

    def scrub(self, text: str) -> str:
        """A text without the key, which a server may repeat: it must reach no message, file or cache."""
        return text.replace(self.key, "[key]") if self.key and len(self.key) >= _SHORTEST_SECRET else text

    async def reach(self) -> None:
        """Find out in seconds, and without a request, whether there is a server at all.

        Raises:
            ChatError: there is none.
        """
        import_openai()  # where it is missing, that is what is wrong
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        if parts.scheme in getproxies() and not proxy_bypass(host):
            return  # reached through another
        try:
            opened = asyncio.open_connection(host, parts.port or _PORTS[parts.scheme])
            _, writer = await asyncio.wait_for(opened, _PATIENCE)
        except (OSError, TimeoutError) as error:
            reason = error.strerror or str(error) or f"nothing within {_PATIENCE:g} s"
            raise self.error(f"no connection: {reason}", "Is the server running? Check --base-url.") from None
        writer.close()

    async def post(self, client: Any, call: Call, how: Capability) -> str:
        """The response to a chat completion, as JSON text without the key; ``client`` is from :func:`connect`.

        Raises:
            Unanswerable: 400 or 422: it does not take this body.
            NoAnswer: no answer after every retry.
            ChatError: nothing can be asked of this server.
        """
        try:
            response = await client.post("/chat/completions", body=self.body(call, how), cast_to=object)
        except (import_openai().APIError, ValueError) as error:
            raise self.meaning(error) from None
        if not isinstance(response, dict) or "choices" not in response:
            raise self.no_answer(f"the response is no chat completion: {self.scrub(str(response))[:200]}", own=True)
        return self.scrub(json.dumps(response, ensure_ascii=False, separators=(",", ":")))

    def error(self, what: str, hint: str = "") -> ChatError:
        """An error that ends the run."""
        return ChatError(self.scrub(what), where=self.base_url, hint=hint)

    def no_answer(self, what: str, hint: str = "", *, own: bool) -> NoAnswer:
        """An error of one call."""
        return NoAnswer(self.scrub(what), where=self.base_url, hint=hint, own=own)

    def meaning(self, error: Any) -> Exception:
        """What an error of ``openai``, a refusal of the server above all, means for the call and for the run."""
        openai = import_openai()
        if isinstance(error, openai.APITimeoutError):
            hint = "Allow more time with --timeout, or send fewer calls at once with --concurrency."
            return self.no_answer(f"no answer in {self.timeout:g} s", hint, own=False)
        if isinstance(error, openai.APIConnectionError):
            cause = f": {error.__cause__}" if error.__cause__ else ""
            return self.no_answer(f"no connection{cause}", "Is the server running?", own=False)
        if not isinstance(error, openai.APIStatusError):
            return self.no_answer(f"the response can't be read: {error}", own=True)
        status = error.status_code
        body = error.body if isinstance(error.body, Mapping) else {"message": error.body}
        concerns, what, hint = _MEANINGS.get(_ALIKE.get(status, min(status, 500)), _NOT_TAKEN)
        if "insufficient_quota" in (body.get("code"), body.get("type")):
            concerns, what, hint = _QUOTA
        wait = error.response.headers.get("retry-after", "")
        if status == 429 and wait.isdecimal() and int(wait) > _LONGEST_WAIT:
            concerns = "run"
        # before it is cut: a part of a key is not recognised as one
        said = self.scrub(str(body.get("message") or body.get("detail") or error.message))
        if concerns == "request":
            what = f"{what} ({status}): {said[:_LONGEST_REFUSAL]}"
            return Unanswerable(self.scrub(what), str(body.get("param") or ""))
        what = f"{what} ({status}): {said[:300]}"
        return self.error(what, hint) if concerns == "run" else self.no_answer(what, hint, own=concerns == "call")


def connect(server: Server, events: Counter[str]) -> Any:
    """A client of ``openai`` for one event loop; ``events`` counts retries, and responses that ask for them."""

    async def count_retries(request: Any) -> None:
        if request.headers.get("x-stainless-retry-count", "0") != "0":
            events["retries"] += 1

    async def inspect(response: Any) -> None:
        if response.status_code == 429 or response.status_code >= 500:
            events[f"responses with status {response.status_code}"] += 1
        if response.status_code == 429 and b"insufficient_quota" in await response.aread():
            response.headers["x-should-retry"] = "false"  # openai heeds it; waiting would not help

    hooks = {"request": [count_retries], "response": [inspect]}
    return server.openai_client("AsyncOpenAI", http_client=import_openai().DefaultAsyncHttpxClient(event_hooks=hooks))


def import_openai() -> Any:
    """The ``openai`` package.

    Raises:
        ChatError: it is not installed.
    """
    try:
        import openai  # noqa: PLC0415
    except ImportError as error:
        raise ChatError("the package openai is not installed", hint=install()) from error
    return openai


def check_url(base_url: str, key: str | None) -> str:
    """The URL without a closing slash.

    Raises:
        ConfigError: no http(s) URL, one with a password in it, or the key would travel in clear text.
    """
    parts = _parts(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("a URL with a name, password or query is not accepted", where="--base-url", hint=_EXAMPLE)
    if key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        hint = "Use https, or unset the variable that holds the key (--key-env names another)."
        raise ConfigError(f"the API key would be sent to {parts.hostname} in clear text", where="--base-url", hint=hint)
    return base_url.rstrip("/")


def _parts(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        if parts.scheme in _PORTS and parts.hostname and parts.port != 0:
            return parts
    except ValueError as error:
        raise ConfigError(f"{base_url!r} is not a URL: {error}", where="--base-url", hint=_EXAMPLE) from error
    raise ConfigError(f"{base_url!r} is not the URL of a server", where="--base-url", hint=_EXAMPLE)


def read_key(base_url: str, key_env: str) -> str | None:
    """The API key from the environment; None where there is none and a local server may not want one.

    Raises:
        ConfigError: OpenAI's own server without a key.
    """
    key = os.environ.get(key_env, "").strip() or None
    if key is None and _parts(base_url).hostname == _OPENAI:
        raise ConfigError(f"no API key in the environment variable {key_env}", hint=f"export {key_env}=...")
    return key
