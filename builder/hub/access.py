"""Which hub, with which token: decided once, before anything is sent."""

import ipaddress
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from fiubench.builder.hub.settings import HubSettings
from fiubench.support.errors import ConfigError
from fiubench.support.reading import read_small
from huggingface_hub import get_token

DEFAULT_ENDPOINT = "https://huggingface.co"
TIMEOUT = 60.0
_TOKEN = re.compile(r"[\x21-\x7e]{1,1000}")
_REPO = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Access:
    """A hub's address and what it is asked with."""

    endpoint: str = DEFAULT_ENDPOINT  # scheme and host, without a closing slash
    token: str | None = field(default=None, repr=False)  # goes to the endpoint's own host and nowhere else; never shown
    timeout: float = TIMEOUT  # seconds that the hub may stay silent

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port that the token may go to."""
        return origin(self.endpoint)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def make_access(endpoint: str | None = None, token_file: str | None = None, timeout: float = TIMEOUT) -> Access:
    """A checked access.

    The token is the one in ``token_file`` ("-" is standard input). Without one, and for the default endpoint alone, it
    is the one that Hugging Face's own tools use: ``HF_TOKEN`` or the stored login. An ambient token is sent nowhere
    else.

    Args:
        endpoint: address of the hub; else ``HF_ENDPOINT``, else huggingface.co.
        token_file: file that holds the token.
        timeout: seconds that the hub may stay silent.

    Raises:
        ConfigError: an address that would carry the token in clear text, or a file that holds no token.
    """
    address = _checked_endpoint(endpoint or os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT)
    if token_file is not None:
        return Access(address, _read_token(token_file), timeout)
    return Access(address, _ambient_token() if address == DEFAULT_ENDPOINT else None, timeout)


def access_of(settings: HubSettings) -> Access:
    """The access that settings describe (see :func:`make_access`)."""
    return make_access(settings.endpoint, settings.token_file, settings.timeout)


def checked_repo(name: str) -> str:
    """A repository's name with its owner.

    Raises:
        ConfigError: it has another form.
    """
    parts = name.split("/")
    if len(parts) != 2:
        hint = f"Put the owner before it: OWNER/{parts[-1] or 'NAME'}."
        raise ConfigError(f"{name!r} is not of the form OWNER/NAME", where="repository", hint=hint)
    for part in parts:
        if not _REPO.fullmatch(part) or ".." in part or "--" in part or part.endswith(".git"):
            hint = "Letters, digits, '-', '_' and '.', at most 96, no '--' or '..', not ending in '.git'."
            raise ConfigError(f"{name!r} can't be a repository's name", where="--repo", hint=hint)
    return name


def _checked_endpoint(endpoint: str) -> str:
    where = f"--endpoint {endpoint}"
    try:
        parts = urlsplit(endpoint.strip().rstrip("/"))
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"not an address: {error}", where=where) from error
    if parts.scheme not in _PORTS or not host or parts.query or parts.fragment:
        raise ConfigError("not an address of a hub", where=where, hint=f"For example {DEFAULT_ENDPOINT}.")
    if parts.username or parts.password:
        raise ConfigError("holds a name or password", where="--endpoint", hint="Give the token with --token-file.")
    if parts.scheme == "http" and not _is_loopback(host):
        hint = "Use https://, or a hub on this machine."
        raise ConfigError("http:// would send the token in clear text", where=where, hint=hint)
    return parts.geturl()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_token(file: str) -> str:
    where, hint = f"--token-file {file}", "Check the path, or give - and the token on standard input."
    try:
        text = sys.stdin.read(4096) if file == "-" else read_small(Path(file), ConfigError, hint=hint).decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if not _TOKEN.fullmatch(token := text.strip()):  # its content is not repeated: it may be another secret
        raise ConfigError("holds no token", where=where, hint="One line with the token, nothing else.")
    return token


def _ambient_token() -> str | None:
    token: str | None = get_token()
    if token is not None and not _TOKEN.fullmatch(token):
        raise ConfigError("HF_TOKEN or the stored login holds no token", hint="Log in again, or give --token-file.")
    return token
