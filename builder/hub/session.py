"""The session of ``huggingface_hub``, held to what that library does not do by itself.

A time limit, the token for one host alone, failures that are repeated in one place, errors that people can read, and
the difference between "it did not happen" and "nobody knows whether it happened" (:class:`NoAnswer`).
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import huggingface_hub as hf
from fiubench.builder.hub.access import DEFAULT_ENDPOINT, Access, origin
from fiubench.support.errors import FiubenchError, HubError

#: Requests that may have happened although no answer came: the protocol looks before it asks again.
_ONCE = ("/commit/", "/tag/", "/branch/", "/repos/create")
_TOO_MANY = 429  # a promise that nothing was done
_FORBIDDEN = 403
_STORAGE = re.compile(r"\bstorage\b.*\b(?:limit|quota|exceed|full)|\bquota\b", re.IGNORECASE)
_REFUSED_UPLOAD = "LFS batch API returned errors:"  # how the library begins, with the hub's reasons after it
_RETRIED = (408, _TOO_MANY, 500, 502, 503, 504)
_LONGEST_WAIT = 600  # seconds that a hub may ask us to wait; the window of huggingface.co is 300
_UNSAID = 10.0  # seconds before the first repetition, where a hub has had too many requests and says no more
_BORROWED = threading.Lock()  # held while the library's session is guarded


class NoAnswer(HubError):
    """No answer came, so what was asked for may or may not have happened."""

    repeatable = ""  # the request, where sending it again does no harm
    wait = 0.0  # seconds to wait at least before that


class TimedOut(NoAnswer):
    """The hub was silent for as long as it was given."""


class Conflict(HubError):
    """The hub's main branch is not where it was looked at."""


class Exists(HubError):
    """A repository or tag of this name is there already."""


class Missing(HubError):
    """No such repository, revision or file, or none that this token may see."""


_AGAIN = "Run the command again."
#: Class or status of what went wrong -> error, what is wrong, what to do. The classes of the HTTP library, which is no
#: dependency of ours, are known by their names, as those of huggingface_hub are.
_ERRORS: dict[str | int, tuple[type[HubError], str, str]] = {
    "GatedRepoError": (
        HubError,
        "is gated, and this token has no access",
        "Ask for access at {endpoint}/datasets/{repo}.",
    ),
    "RepositoryNotFoundError": (Missing, "no such dataset, or it is private", "{check}"),
    "RevisionNotFoundError": (Missing, "has no such revision", "`fiubench releases OWNER/NAME` lists them."),
    "RemoteEntryNotFoundError": (Missing, "lacks a file that a release has", "Was it made with fiubench?"),
    401: (HubError, "the hub {accepts} token", "{check}"),
    403: (HubError, "not permitted: {said}", "The token needs write access to datasets of {owner}."),
    "storage": (
        HubError,
        "the storage of {owner} on the hub is full: {said}",
        "Free some or get more (settings of {owner} on the hub), then run the command again; what was uploaded stays.",
    ),
    409: (Exists, "exists already: {said}", ""),
    412: (Conflict, "somebody else changed it meanwhile", _AGAIN),
    **dict.fromkeys(_RETRIED, (NoAnswer, "the hub answers {status} {said}", _AGAIN)),
    "HfHubHTTPError": (HubError, "the hub answers {status} {said}", ""),
    "TimeoutException": (
        TimedOut,
        "{endpoint} has not answered for {timeout:g} s",
        "Run the command again, or allow more with --timeout; what was sent is not sent twice.",
    ),
    **dict.fromkeys(
        ("ConnectError", "UnsupportedProtocol", "ProxyError"),
        (HubError, "{endpoint} can't be reached: {said}", "Check network and address."),
    ),
    "TransportError": (NoAnswer, "the connection to {endpoint} broke off", _AGAIN),
}


@contextmanager
def guarded(access: Access, repo: str, hear: Callable[[Mapping[str, str]], None]) -> Iterator[None]:
    """The library's session, whoever made it, with a time limit and the token for one host alone.

    What the hub's own host answers, ``hear`` is told the headers of.

    It is borrowed for one call: a factory of the user's own could be replaced, but not read and put back. What fails
    leaves as an error of ours, which the library does not know, so that it repeats nothing by itself.
    """

    def send_guarded(request: Any, **options: Any) -> Any:
        if origin(str(request.url)) != access.origin:
            request.headers.pop("authorization", None)
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), access.timeout)
        response = None
        try:
            response = send(request, **options)
            if origin(str(response.url)) == access.origin:
                hear(response.headers)
            if response.status_code in _RETRIED:
                hf.hf_raise_for_status(response)
            return response
        except Exception as error:
            found = readable(error, repo, access)
            if found is None:
                raise
        if type(found) is NoAnswer:
            once = request.method == "POST" and any(part in request.url.path for part in _ONCE)
            if not once or (response is not None and response.status_code == _TOO_MANY):
                found.repeatable = f"{request.method} {request.url.path}"
            found.wait = _time_to_wait(response, access) if response is not None else 0
        raise found

    with _BORROWED:
        session: Any = hf.get_session()
        send, session.send = session.send, send_guarded
        try:
            yield
        finally:
            session.send = send


def _time_to_wait(response: Any, access: Access) -> float:
    """Seconds to wait: by ``Retry-After``, by the rate limit, else some where there were too many requests."""
    limit, after = hf.utils.parse_ratelimit_headers(response.headers), response.headers.get("retry-after", "")
    asked = [int(after)] if after.isdecimal() else []
    if limit and not limit.remaining:
        asked.append(limit.reset_in_seconds)
    if asked and max(asked) > _LONGEST_WAIT:
        raise HubError(f"{access.endpoint} asks to wait {max(asked)} s", hint="Run the command again after that.")
    return max(asked) if asked else _UNSAID if response.status_code == _TOO_MANY else 0.0


def readable(error: Exception, repo: str, access: Access) -> FiubenchError | None:
    """The error to report for what the library raised, or ``None`` if it is none of the network's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FiubenchError):
            return cause
        keys: list[str | int] = [kind.__name__ for kind in type(cause).__mro__]
        status, said = 0, str(cause)
        if isinstance(cause, hf.errors.HfHubHTTPError) and cause.response is not None:
            status, said = cause.response.status_code, " ".join((cause.server_message or "").split())[:300]
            full = status == _FORBIDDEN and _STORAGE.search(said)
            keys.insert(keys.index("HfHubHTTPError"), "storage" if full else status)
        if isinstance(cause, ValueError) and said.startswith(_REFUSED_UPLOAD):
            status, said = _FORBIDDEN, " ".join(said.removeprefix(_REFUSED_UPLOAD).split())[:300]
            keys.insert(0, "storage" if _STORAGE.search(said) else "HfHubHTTPError")
        for key in keys:
            if key in _ERRORS:
                kind, what, hint = _ERRORS[key]
                words = _words(repo, access) | {"status": status, "said": said}
                return kind(what.format(**words).strip(), where=repo, hint=hint.format(**words))
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, OSError) and error.errno is None:  # of the XET transfer, which has a client of its own
        if _STORAGE.search(str(error)):  # not repeated: it may hold signed addresses
            kind, what, hint = _ERRORS["storage"]
            words = _words(repo, access) | {"said": "no room for the upload"}
            return kind(what.format(**words), where=repo, hint=hint.format(**words))
        return HubError("the transfer failed", where=repo, hint=f"{_AGAIN} HF_HUB_DISABLE_XET=1 may help.")
    return None


def _words(repo: str, access: Access) -> dict[str, Any]:
    """What the texts of ``_ERRORS`` say of what was asked."""
    if access.token:
        check = "Check the name, and whether the token may see it."
    elif access.endpoint == DEFAULT_ENDPOINT:
        check = "Check the name, or give a token: --token-file, HF_TOKEN, or `hf auth login`."
    else:
        check = "Check the name, or give a token with --token-file: an ambient one is only sent to huggingface.co."
    return {
        "accepts": "does not accept the" if access.token else "wants a",
        "check": check,
        "endpoint": access.endpoint,
        "owner": repo.split("/", maxsplit=1)[0],
        "repo": repo,
        "timeout": access.timeout,
    }
