"""A hub through ``huggingface_hub``: explicit token and endpoint, a time limit, and errors that people can read.

What the client does not do by itself: give up on a silent hub, try again what may be repeated, keep the token from
other hosts, and tell "it did not happen" from "nobody knows whether it happened" (:class:`NoAnswer`).
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fiubench.builder.hub.access import DEFAULT_ENDPOINT, Access
from fiubench.support.errors import FiubenchError, HubError
from fiubench.support.version import __version__

DATASET = "dataset"
#: Requests that may have happened although no answer came: the protocol looks before it asks again.
_ONCE = ("/commit/", "/tag/", "/repos/create")
_TOO_MANY = 429
_RETRIED = (_TOO_MANY, 500, 502, 503, 504)
_TRIES = 4
_WAIT = 0.5  # seconds before the second try, doubled before each further one
_LONGEST_WAIT = 120.0  # seconds that a hub may ask us to wait


class NoAnswer(HubError):
    """No answer came, so what was asked for may or may not have happened."""


class Silent(NoAnswer):
    """The hub said nothing for as long as it was given."""


class Stale(HubError):
    """The hub's main branch is not where it was looked at."""


class Exists(HubError):
    """A repository or tag of this name is there already."""


class Missing(HubError):
    """No such repository, revision or file, or none that this token may see."""


@dataclass(frozen=True)
class Refs:
    """Where a repository's main branch and tags point: commit ids."""

    main: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class RemoteFile:
    """A file of a commit: size in bytes, and SHA-256 where it is in LFS, else git's blob id."""

    size: int
    blob: str
    sha256: str | None


@dataclass(frozen=True)
class RemoteCommit:
    """A commit in a history."""

    oid: str
    title: str
    date: datetime


class Hub:
    """A connected hub. Every method raises :class:`HubError` with what went wrong; see also :class:`NoAnswer`."""

    def __init__(self, access: Access) -> None:
        from huggingface_hub import HfApi  # noqa: PLC0415

        self.access = access
        token = access.token or False  # not None: the client would look for an ambient one
        self._api: Any = HfApi(
            endpoint=access.endpoint, token=token, library_name="fiubench", library_version=__version__
        )

    def refs(self, repo: str) -> Refs | None:
        """Branch and tags, or ``None`` if there is no such repository that this token may see."""
        try:
            with self._told(repo):
                refs = self._api.list_repo_refs(repo, repo_type=DATASET)
        except Missing:
            return None
        main = next((ref.target_commit for ref in refs.branches if ref.name == "main"), None)
        if main is None:
            raise HubError("has no branch main", where=repo, hint="Releases are commits on main.")
        return Refs(main, {ref.name: ref.target_commit for ref in refs.tags})

    def settings(self, repo: str) -> tuple[bool, Any]:
        """Whether it is private, and how it is gated (``False``, "auto" or "manual")."""
        with self._told(repo):
            info = self._api.dataset_info(repo)
        return bool(info.private), info.gated

    def create(self, repo: str, *, private: bool) -> None:
        """Create an empty dataset repository."""
        with self._told(repo):
            self._api.create_repo(repo, repo_type=DATASET, private=private)

    def gate(self, repo: str) -> None:
        """Let only those see the files who agree to share their name with the owner."""
        with self._told(repo):
            self._api.update_repo_settings(repo, repo_type=DATASET, gated="auto")

    def tree(self, repo: str, oid: str) -> dict[str, RemoteFile]:
        """Every file of a commit."""
        with self._told(repo):
            entries = list(self._api.list_repo_tree(repo, repo_type=DATASET, revision=oid, recursive=True))
        return {
            entry.path: RemoteFile(entry.size, entry.blob_id, entry.lfs.sha256 if entry.lfs else None)
            for entry in entries
            if hasattr(entry, "blob_id")
        }

    def history(self, repo: str, oid: str) -> list[RemoteCommit]:
        """The commits that lead to one, newest first."""
        with self._told(repo):
            commits = self._api.list_repo_commits(repo, repo_type=DATASET, revision=oid)
        return [RemoteCommit(commit.commit_id, commit.title, commit.created_at) for commit in commits]

    def commit(
        self, repo: str, files: Mapping[str, Path], delete: Sequence[str], *, parent: str, title: str, message: str
    ) -> None:
        """One commit on main: add or replace files, delete others. The files are uploaded first."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete  # noqa: PLC0415

        operations: list[Any] = [CommitOperationAdd(path, str(local)) for path, local in files.items()]
        operations += [CommitOperationDelete(path) for path in delete]
        with self._told(repo):
            self._api.create_commit(
                repo,
                operations,
                repo_type=DATASET,
                parent_commit=parent,
                commit_message=title,
                commit_description=message,
                num_threads=2,
            )

    def tag(self, repo: str, name: str, oid: str) -> None:
        """Point a new tag at a commit."""
        with self._told(repo):
            self._api.create_tag(repo, repo_type=DATASET, tag=name, revision=oid)

    def read(self, repo: str, oid: str, path: str) -> bytes:
        """A small file of a commit."""
        with TemporaryDirectory(prefix="fiubench-") as scratch:
            return self.download(repo, oid, [path], Path(scratch))[path].read_bytes()

    def download(self, repo: str, oid: str, paths: Sequence[str], folder: Path) -> dict[str, Path]:
        """Files of a commit, into a folder under their own paths. The caller has checked the paths."""
        with self._told(repo):
            return {
                path: Path(
                    self._api.hf_hub_download(repo, path, repo_type=DATASET, revision=oid, local_dir=str(folder))
                )
                for path in paths
            }

    @contextmanager
    def _told(self, repo: str) -> Iterator[None]:
        """Turn whatever the client raises into a message for people."""
        try:
            yield
        except Exception as error:
            for cause in _causes(error):
                if isinstance(cause, FiubenchError):
                    raise cause from None
            told = _readable(error, repo, self.access)
            if told is None:
                raise
            raise told from None  # the client's own text names addresses and headers


@contextmanager
def connect(access: Access) -> Iterator[Hub]:
    """A hub, with the client's sessions set up for it while the block lasts.

    Raises:
        HubError: ``huggingface_hub`` is not installed.
    """
    try:
        from huggingface_hub import constants, set_client_factory  # noqa: PLC0415
        from huggingface_hub.utils import (  # noqa: PLC0415
            are_progress_bars_disabled,
            disable_progress_bars,
            enable_progress_bars,
        )
        from huggingface_hub.utils._http import default_client_factory  # noqa: PLC0415
    except ImportError as error:
        hint = "pip install 'fiubench[hub]'"
        raise HubError("huggingface_hub 2.0 or later is not installed", hint=hint) from error
    if constants.is_offline_mode():
        raise HubError("HF_HUB_OFFLINE is set, so no hub is asked", hint="Unset it, or use --dry-run.")
    quiet = not (sys.stderr.isatty() or are_progress_bars_disabled())  # bars are for terminals
    if quiet:
        disable_progress_bars()
    set_client_factory(lambda: _client(access))
    try:
        yield Hub(access)
    finally:
        set_client_factory(default_client_factory)
        if quiet:
            enable_progress_bars()


def _client(access: Access) -> Any:
    import httpx2  # noqa: PLC0415
    from huggingface_hub.utils._http import hf_request_event_hook  # noqa: PLC0415

    class Client(httpx2.Client):
        """With a time limit, further tries of what may be repeated, and the token for one host alone."""

        def send(self, request: Any, **options: Any) -> Any:
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), access.timeout)
            again = _has_fixed_body(request)
            once = request.method == "POST" and any(part in request.url.path for part in _ONCE)
            repeatable = again and not once
            for attempt in range(_TRIES):
                last = attempt == _TRIES - 1
                wait = _WAIT * 2**attempt
                try:
                    response = super().send(request, **options)
                except httpx2.TimeoutException:
                    silent = f"{access.endpoint} has not answered for {access.timeout:g} s"
                    hint = "Run the command again, or allow more with --timeout; what was sent is not sent twice."
                    raise Silent(silent, hint=hint) from None
                except (httpx2.ConnectError, httpx2.UnsupportedProtocol, httpx2.ProxyError) as error:
                    raise HubError(f"{access.endpoint} can't be reached: {error}", hint="Check network and address.") \
                        from None  # fmt: skip
                except httpx2.TransportError:
                    if last or not repeatable:
                        raise
                else:
                    # a 429 is a promise that nothing was done
                    may = again if response.status_code == _TOO_MANY else repeatable
                    if last or not may or response.status_code not in _RETRIED:
                        return response
                    response.close()
                    wait = max(wait, _asked_to_wait(response.headers.get("retry-after"), access))
                time.sleep(wait)
            raise AssertionError("unreachable")

    def keep_token_home(request: Any) -> None:
        url = request.url
        if (url.scheme, url.host.lower(), url.port or {"https": 443, "http": 80}.get(url.scheme)) != access.origin:
            request.headers.pop("authorization", None)

    hooks = {"request": [hf_request_event_hook, keep_token_home]}
    return Client(event_hooks=hooks, follow_redirects=True, timeout=access.timeout)


def _has_fixed_body(request: Any) -> bool:
    """Whether the body can be sent again: an upload that streams from a file can't, the client repeats that itself."""
    try:
        request.content  # noqa: B018
    except Exception:
        return False
    return True


def _asked_to_wait(header: str | None, access: Access) -> float:
    try:
        seconds = float(header or 0)
    except ValueError:
        return 0.0
    if seconds > _LONGEST_WAIT:
        raise HubError(f"{access.endpoint} asks to wait {seconds:g} s", hint="Run the command again after that.")
    return seconds


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _readable(error: Exception, repo: str, access: Access) -> HubError | None:  # noqa: PLR0911
    """What to tell of an exception of the client, or ``None`` if it is none of the network's."""
    import httpx2  # noqa: PLC0415
    from huggingface_hub.errors import (  # noqa: PLC0415
        BadRequestError,
        GatedRepoError,
        HfHubHTTPError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    token = "The token" if access.token else "Without a token"
    for cause in _causes(error):
        match cause:
            case GatedRepoError():
                return HubError("is gated, and this token has no access", where=repo,
                                hint=f"Ask for access at {access.endpoint}/datasets/{repo}.")  # fmt: skip
            case RepositoryNotFoundError():
                return Missing("no such dataset, or it is private", where=repo, hint=_token_hint(access))
            case RevisionNotFoundError():
                return Missing("has no such revision", where=repo, hint="`fiubench releases OWNER/NAME` lists them.")
            case RemoteEntryNotFoundError():
                return Missing("lacks a file that a release has", where=repo, hint="Was it made with fiubench?")
            case BadRequestError() | HfHubHTTPError() if cause.response is not None:
                status, said = cause.response.status_code, cause.server_message or ""
                return _status_error(status, said, repo, f"{token} is not enough", access)
            case httpx2.TransportError():
                return NoAnswer("the connection broke off", where=access.endpoint, hint="Run the command again.")
    return None


def _status_error(status: int, said: str, repo: str, not_enough: str, access: Access) -> HubError:
    said = " ".join(said.split())[:300]
    match status:
        case 401:
            return HubError("the hub does not accept the token" if access.token else "the hub wants a token",
                            where=repo, hint=_token_hint(access))  # fmt: skip
        case 403:
            owner = repo.split("/", maxsplit=1)[0]
            hint = f"{not_enough}: it needs write access to datasets of {owner}."
            return HubError(f"not permitted: {said or 'forbidden'}", where=repo, hint=hint)
        case 409:
            return Exists(f"exists already: {said}", where=repo)
        case 412:
            return Stale("somebody else changed it meanwhile", where=repo, hint="Run the command again.")
        case 429 | 500 | 502 | 503 | 504:
            return NoAnswer(f"the hub answers {status} {said}".strip(), where=repo, hint="Run the command again.")
    return HubError(f"the hub answers {status} {said}".strip(), where=repo)


def _token_hint(access: Access) -> str:
    if access.token:
        return "Check the name, and whether the token may see it."
    if access.endpoint != DEFAULT_ENDPOINT:
        return "Check the name, or give a token with --token-file: an ambient one is only sent to huggingface.co."
    return "Check the name, or give a token: --token-file, HF_TOKEN, or `hf auth login`."


__all__ = ["Exists", "Hub", "Missing", "NoAnswer", "Refs", "RemoteCommit", "RemoteFile", "Silent", "Stale", "connect"]
