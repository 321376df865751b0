"""The wire: ``openai``'s client with its one retry layer, watched by the limiter, and its errors in our words.

The form of answers is found once per server and model: ``json_schema`` (strict), else ``json_object``, else the schema
in the prompt. Servers differ: some refuse a form with 400, some take it and pay no heed.
"""

import asyncio
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fiubench.support.chat.conversation import Call
from fiubench.support.chat.errors import ChatError
from fiubench.support.chat.limiter import Limiter
from fiubench.support.errors import ConfigError

if TYPE_CHECKING:
    import openai

FORMS = ("json_schema", "json_object", "prompt")
LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PER_POOL, _MOST_POOLS = 16, 8  # slots that share a connection pool; each pool takes some 20 ms to make
_SHORTEST_SECRET = 8  # characters
_LONGEST_WAIT = 600.0  # seconds of Retry-After that are waited for
_NO_KEY = "none"  # local servers take any


@dataclass(frozen=True)
class Endpoint:
    """A server, a model and how it is asked."""

    base_url: str
    model: str
    sampling: Mapping[str, Any]
    timeout: float
    retries: int


class Unanswerable(Exception):
    """The server can't answer this very call, whatever else it does."""


class NotNow(Exception):
    """The server did not answer after every retry; others may have been answered meanwhile."""

    def __init__(self, error: ChatError, *, own: bool) -> None:
        self.error = error
        self.own = own  # the server's own error: it may be about this call alone
        super().__init__(str(error))


def check_url(base_url: str, key: str | None) -> str:
    """The URL without a closing slash.

    Raises:
        ConfigError: no http(s) URL, one with a password in it, or the key would travel in clear text.
    """
    parts = urlsplit(base_url)
    example = "For example http://localhost:8000/v1 or https://api.openai.com/v1."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{base_url!r} is not the URL of a server", where="--base-url", hint=example)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigError("a URL with a name, password or query is not accepted", where="--base-url", hint=example)
    if key and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            f"the API key would be sent to {parts.hostname} in clear text",
            where="--base-url",
            hint="Use https, or unset the variable that holds the key (--key-env names another).",
        )
    return base_url.rstrip("/")


def read_key(base_url: str, key_env: str) -> str | None:
    """The API key from the environment; None where there is none and a local server may not want one.

    Raises:
        ConfigError: OpenAI's own server without a key.
    """
    key = os.environ.get(key_env, "").strip() or None
    if key is None and urlsplit(base_url).hostname == "api.openai.com":
        raise ConfigError(f"no API key in the environment variable {key_env}", hint=f"export {key_env}=...")
    return key


def import_openai() -> Any:
    """The ``openai`` package.

    Raises:
        ChatError: it is not installed.
    """
    try:
        import openai  # noqa: PLC0415
    except ImportError as error:
        raise ChatError("the package openai is not installed", hint="pip install 'fiubench[llm]'") from error
    return openai


def body_of(call: Call, endpoint: Endpoint, form: str, limit_name: str) -> dict[str, Any]:
    """What is posted to ``/chat/completions``."""
    messages = [dict(message) for message in call.messages]
    schema = {key: value for key, value in call.schema.items() if key not in ("$schema", "$id", "title")}
    if form != "json_schema":
        told = json.dumps(schema, separators=(",", ":"))
        how = "one JSON object" if form == "json_object" else "one ```json block and nothing else"
        first = next(i for i, message in enumerate(messages) if message["role"] == "user")
        messages[first]["content"] += f"\n\nAnswer with {how}. Its JSON Schema:\n{told}"
    body: dict[str, Any] = {
        "model": endpoint.model,
        "messages": messages,
        limit_name: call.max_tokens,
        **endpoint.sampling,
    }
    if call.seed is not None:
        body["seed"] = call.seed
    if form == "json_schema":
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": schema},
        }
    elif form == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


class Transport:
    """Sends calls to one endpoint; lives in one event loop."""

    def __init__(self, endpoint: Endpoint, key: str | None, limiter: Limiter, events: Counter[str]) -> None:
        self.endpoint = endpoint
        self.limiter = limiter
        self.events = events
        self._openai = import_openai()
        self._key = key
        # A connection pool looks through all its connections at each request: several small ones save a quarter.
        self._clients = [
            self._openai.AsyncOpenAI(
                base_url=endpoint.base_url,
                api_key=key or _NO_KEY,
                max_retries=endpoint.retries,
                timeout=endpoint.timeout,
                default_headers=headers_for(self._openai, endpoint.base_url),
                http_client=_watched(self._openai, self._watch),
            )
            for _ in range(min(-(-limiter.most // _PER_POOL), _MOST_POOLS))
        ]
        self._turn = itertools.cycle(self._clients)

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.close()

    async def post(self, body: Mapping[str, Any]) -> str:
        """The server's response to a chat completion, as text.

        Raises:
            Unanswerable: 400 or 422: it does not take this body.
            NotNow: no answer after every retry.
            ChatError: nothing can be asked of this server.
        """
        openai, began = self._openai, time.monotonic()
        try:
            response = await next(self._turn).post("/chat/completions", body=dict(body), cast_to=object)
        except openai.APIStatusError as error:
            raise self._told(error) from None
        except openai.APITimeoutError:
            hint = "Give it more time with --timeout, or ask less at once with --concurrency."
            raise NotNow(self._error(f"no answer in {self.endpoint.timeout:g} s", hint), own=False) from None
        except openai.APIConnectionError as error:
            cause = f": {error.__cause__}" if error.__cause__ else ""
            raise NotNow(self._error(f"no connection{cause}", "Is the server running there?"), own=False) from None
        except (openai.APIError, ValueError) as error:
            raise NotNow(self._error(f"the response can't be read: {error}", ""), own=True) from None
        text = json.dumps(response, ensure_ascii=False, separators=(",", ":")) if not isinstance(response, str) else ""
        if not isinstance(response, dict) or "choices" not in response:
            raise NotNow(self._error(f"the response is no chat completion: {str(response)[:200]}", ""), own=True)
        self.limiter.succeeded(began)
        return self._scrub(text)

    def _watch(self, sent: float, status: int, retry_after: str | None) -> None:
        """Tell the limiter of every response, also of those that are retried; status 0 is none at all."""
        if status == 429:
            self.events["429 too many requests"] += 1
            self.limiter.slowed(sent, min(_seconds(retry_after), _LONGEST_WAIT))
        elif status == 0 or status >= 500:
            self.events[f"{status} server error" if status else "connection lost or timed out"] += 1
            self.limiter.failed()

    def _told(self, error: "openai.APIStatusError") -> Exception:
        status, message = error.status_code, self._scrub(_message(error))
        wait = _seconds(error.response.headers.get("retry-after"))
        if status in (401, 403):
            return self._error(f"the server refused the key ({status}): {message}", "Is the right key exported?")
        if status == 404:
            return self._error(f"not found (404): {message}", "Check --base-url (it mostly ends in /v1) and --model.")
        if status == 402 or _is_quota(error):
            return self._error(f"the account's quota is used up ({status}): {message}", "Go on when it is filled.")
        if status == 429:
            hint = "Go on later, or with a lower --concurrency; nothing is paid twice."
            told = self._error(f"too many requests (429): {message}", hint)
            return told if wait > _LONGEST_WAIT else NotNow(told, own=False)
        if status >= 500 or status in (408, 409):
            return NotNow(self._error(f"the server failed ({status}): {message}", "Go on when it works."), own=True)
        return Unanswerable(f"the server does not take the request ({status}): {message}")

    def _error(self, what: str, hint: str) -> ChatError:
        return ChatError(self._scrub(what), where=self.endpoint.base_url, hint=hint)

    def _scrub(self, text: str) -> str:
        """A server may repeat the key: in no message, file or cache it shall stand."""
        return scrub(text, self._key)


def scrub(text: str, key: str | None) -> str:
    """A text without the key. A short one ("none", "test") is a word that local servers ask for, and no secret."""
    return text.replace(key, "[key]") if key and len(key) >= _SHORTEST_SECRET else text


def headers_for(openai: Any, base_url: str) -> dict[str, Any]:
    """What keeps the user's OpenAI organization and project, which ``openai`` reads by itself, from other servers."""
    if urlsplit(base_url).hostname == "api.openai.com":
        return {}
    return {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}


def _watched(openai: Any, watch: Callable[[float, int, str | None], None]) -> Any:
    """openai's own HTTP client that tells each exchange, retries included."""

    class Watched(openai.DefaultAsyncHttpxClient):  # type: ignore[misc]
        async def send(self, request: Any, **options: Any) -> Any:
            sent = time.monotonic()
            try:
                response = await super().send(request, **options)
                if response.status_code == 429:
                    await response.aread()
            except asyncio.CancelledError:
                raise
            except Exception:
                watch(sent, 0, None)
                raise
            watch(sent, response.status_code, response.headers.get("retry-after"))
            if response.status_code == 429 and b"insufficient_quota" in response.content:
                # waiting does not help; an error of openai's own passes its retry layer
                raise openai.RateLimitError("quota", response=response, body=_json(response.content))
            return response

    return Watched()


def _json(content: bytes) -> Any:
    try:
        body = json.loads(content)
    except ValueError:
        return None
    return body.get("error", body) if isinstance(body, dict) else body


def _message(error: "openai.APIStatusError") -> str:
    body = error.body
    message = body.get("message") if isinstance(body, Mapping) else body
    return str(message or error.message)[:300]


def _is_quota(error: "openai.APIStatusError") -> bool:
    return isinstance(error.body, Mapping) and "insufficient_quota" in (error.body.get("code"), error.body.get("type"))


def _seconds(retry_after: str | None) -> float:
    """Retry-After in seconds; a date is left to openai's own waiting."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0
