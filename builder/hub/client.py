"""A hub's dataset repositories through ``huggingface_hub``: what a publication asks of them, and how often."""

import base64
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import huggingface_hub as hf
from fiubench.builder.hub.access import Access
from fiubench.builder.hub.session import Missing, NoAnswer, guarded, readable
from fiubench.support.errors import DatasetError, HubError
from fiubench.support.progress import Report, silent
from fiubench.support.version import __version__
from huggingface_hub import constants

_TRIES = 4  # of a request
_WAIT = 0.5  # seconds before the second try, doubled before each further one
_ASKED_AT_ONCE = 256  # files, as the library does
_SAMPLE = 512  # bytes of a file that a hub looks at to tell text from other files
_OTHER_CACHE = "Free some space or mend the permissions; HF_HOME names another folder for it."
_WORTH_TELLING = 5.0  # seconds; a longer pause looks like a program that hangs


MAIN = "main"


@dataclass(frozen=True)
class Refs:
    """Where a repository's branches and tags point: commit ids."""

    branches: Mapping[str, str]
    tags: Mapping[str, str]
    proposals: Mapping[int, str] = field(default_factory=dict)  # number of a pull request -> its newest commit

    @property
    def main(self) -> str:
        """The newest commit of the main branch."""
        return self.branches[MAIN]


class Hub:
    """A connected hub. Every method raises :class:`HubError` with what went wrong; see also :class:`NoAnswer`."""

    def __init__(self, access: Access, say: Report = silent) -> None:
        self.access, self._say, self._date = access, say, ""
        token = access.token or False  # not None: the library would look for an ambient one
        self._api = hf.HfApi(access.endpoint, token=token, library_name="fiubench", library_version=__version__)

    def name_of(self, repo: str) -> str | None:
        """What a repository is called today: one that was renamed is told. ``None`` if this token may see none."""
        try:
            name = str(self._ask(self._api.repo_info, repo).id)
        except Missing:
            return None
        if name != repo:
            self._say(f"{repo} is called {name} now")
        return name

    def refs(self, repo: str) -> Refs | None:
        """Branches, tags and pull requests, or ``None`` if there is no such repository that this token may see."""
        try:
            refs = self._ask(self._api.list_repo_refs, repo, include_pull_requests=True)
        except Missing:
            return None
        branches = {ref.name: ref.target_commit for ref in refs.branches}
        if MAIN not in branches:
            raise HubError("has no branch main", where=repo, hint="Releases are found by tags, and begin with main.")
        proposals = {int(ref.ref.rsplit("/", maxsplit=1)[-1]): ref.target_commit for ref in refs.pull_requests or ()}
        return Refs(branches, {ref.name: ref.target_commit for ref in refs.tags}, proposals)

    def proposed(self, repo: str, title: str) -> list[int]:
        """Numbers of one's own open pull requests of a title, newest first: anybody can open one."""
        asked = {"discussion_type": "pull_request", "discussion_status": "open"}
        found = [each for each in self._ask(self._api.get_repo_discussions, repo, **asked) if each.title == title]
        me = self._ask(lambda *_, **__: self._api.whoami(), repo)["name"] if found else ""
        return sorted((each.num for each in found if each.author == me), reverse=True)

    def settings(self, repo: str) -> tuple[bool, Any]:
        """Whether it is private, and how it is gated (``False``, "auto" or "manual")."""
        info = self._ask(self._api.repo_info, repo)
        return bool(info.private), info.gated

    def create(self, repo: str, *, private: bool) -> None:
        """Create an empty dataset repository."""
        self._ask(self._api.create_repo, repo, private=private)

    def gate(self, repo: str) -> None:
        """Let only those see the files who agree to share their name with the owner."""
        self._ask(self._api.update_repo_settings, repo, gated="auto")

    def tree(self, repo: str, oid: str) -> dict[str, hf.RepoFile]:
        """Every file of a commit: size in bytes, git's blob id, and SHA-256 where it is in LFS."""
        entries = self._ask(self._api.list_repo_tree, repo, revision=oid, recursive=True)
        return {entry.path: entry for entry in entries if isinstance(entry, hf.RepoFile)}

    def history(self, repo: str, oid: str) -> list[hf.GitCommitInfo]:
        """The commits that lead to one, newest first."""
        return list(self._ask(self._api.list_repo_commits, repo, revision=oid))

    def branch(self, repo: str, name: str, oid: str) -> None:
        """Begin a branch at a commit."""
        self._ask(self._api.create_branch, repo, branch=name, revision=oid)

    def commit(
        self,
        repo: str,
        files: Mapping[str, Path],
        delete: Sequence[str],
        *,
        parent: str,
        title: str,
        message: str,
        branch: str | None = MAIN,
    ) -> None:
        """One commit: add or replace files, delete others. The files are uploaded first.

        Args:
            branch: where; ``None`` opens a pull request to main.
        """
        operations = [
            *(hf.CommitOperationAdd(path, str(local)) for path, local in files.items()),
            *(hf.CommitOperationDelete(path) for path in delete),
        ]
        text = {"commit_message": title, "commit_description": message}
        where = {"create_pr": True} if branch is None else {"revision": branch}
        options = {"parent_commit": parent, "num_threads": 2, **text, **where}
        self._ask(self._api.create_commit, repo, operations=operations, **options)

    def ignored(self, repo: str, files: Mapping[str, Path], branch: str | None) -> list[str]:
        """Files that a ``.gitignore`` keeps out, which the library would not tell (see :meth:`commit`)."""
        found: list[str] = []
        described = [{"path": path, "size": f.stat().st_size, "sample": _sample(f)} for path, f in files.items()]
        for first in range(0, len(described), _ASKED_AT_ONCE):
            found += self._ask(self._preupload, repo, files=described[first : first + _ASKED_AT_ONCE], branch=branch)
        return sorted(found)

    def _preupload(self, repo: str, *, repo_type: str, files: list[dict[str, Any]], branch: str | None) -> list[str]:
        address = f"{self.access.endpoint}/api/{repo_type}s/{repo}/preupload/{quote(branch or MAIN, safe='')}"
        headers = hf.utils.build_hf_headers(token=self._api.token)
        params = {} if branch else {"create_pr": "1"}  # whoever proposes need not be allowed to write
        answer = hf.get_session().post(address, json={"files": files}, headers=headers, params=params)
        hf.hf_raise_for_status(answer)
        return [file["path"] for file in answer.json()["files"] if file["shouldIgnore"]]

    def tag(self, repo: str, name: str, oid: str) -> None:
        """Point a new tag at a commit."""
        self._ask(self._api.create_tag, repo, tag=name, revision=oid)

    def read(self, repo: str, oid: str, path: str) -> bytes:
        """A small file of a commit."""
        return self.file(repo, oid, path).read_bytes()

    def file(self, repo: str, oid: str, path: str, *, again: bool = False) -> Path:
        """A file of a commit in the cache of Hugging Face's tools: sent once, or ``again``. Never change it."""
        return self._cached(self._api.hf_hub_download, repo, filename=path, revision=oid, force_download=again)

    def snapshot(self, repo: str, oid: str, paths: Sequence[str]) -> Path:
        """The same for many files, in parallel: a folder in which they lie, those that the commit has."""
        return self._cached(self._api.snapshot_download, repo, revision=oid, allow_patterns=list(paths))

    def _cached(self, method: Callable[..., Any], repo: str, **options: Any) -> Path:
        try:
            return Path(self._ask(method, repo, **options))
        except OSError as error:
            what = f"the cache cannot be written to: {error.strerror}"
            raise DatasetError(what, where=error.filename or "", hint=_OTHER_CACHE) from error

    @property
    def day(self) -> str:
        """The day by the clock of the hub when it answered last, as ``YYYY-MM-DD``; empty if it did not say."""
        with suppress(ValueError):
            return parsedate_to_datetime(self._date).date().isoformat()
        return ""

    def _hear(self, headers: Mapping[str, str]) -> None:
        self._date = headers.get("date", self._date)

    def _ask(self, method: Callable[..., Any], repo: str, **options: Any) -> Any:
        """Call the library, again where that may help, and turn what it raises into a message for people."""
        failures: Counter[str] = Counter()
        while True:
            try:
                with guarded(self.access, repo, self._hear):
                    answer = method(repo, repo_type="dataset", **options)
                    return list(answer) if isinstance(answer, Iterator) else answer
            except Exception as error:
                found = readable(error, repo, self.access)
                if found is None:
                    raise
            # raised here, apart from the library's own error, which names addresses and headers
            if not isinstance(found, NoAnswer) or not found.repeatable:
                raise found
            failures[found.repeatable] += 1
            tries = failures[found.repeatable]
            if tries == _TRIES:
                raise found
            seconds = max(found.wait, _WAIT) * 2 ** (tries - 1)
            if seconds >= _WORTH_TELLING:
                self._say(f"{self.access.endpoint} asks for a pause: going on in {seconds:g} s")
            time.sleep(seconds)


def takes_xet() -> bool:
    """Whether whoever runs this asked for Xet."""
    return os.environ.get("HF_HUB_DISABLE_XET") == "0"


def _sample(path: Path) -> str:
    with path.open("rb") as file:
        return base64.b64encode(file.read(_SAMPLE)).decode("ascii")


@contextmanager
def connect(access: Access, say: Report = silent) -> Iterator[Hub]:
    """A hub; without a terminal, no progress bars are drawn while the block lasts.

    Files go over plain HTTPS, within the time limits that were asked for. Xet, the library's default, has a client of
    its own, which tries a storage that is down for many minutes; ``HF_HUB_DISABLE_XET=0`` takes it.

    Args:
        access: its address, and what it is asked with.
        say: called with a line on what takes long.

    Raises:
        HubError: the library is set to work offline.
    """
    if hf.is_offline_mode():
        raise HubError("HF_HUB_OFFLINE is set, so no hub is asked", hint="Unset it, or use --dry-run.")
    hf.utils.build_hf_headers(token=False)  # the first asks huggingface.co for a list, with a limit of its own
    quiet = not (sys.stderr.isatty() or hf.utils.are_progress_bars_disabled())
    if quiet:
        hf.utils.disable_progress_bars()
    plain, constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_XET, not takes_xet()
    try:
        yield Hub(access, say)
    finally:
        constants.HF_HUB_DISABLE_XET = plain
        if quiet:
            hf.utils.enable_progress_bars()
