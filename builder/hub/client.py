"""A hub's dataset repositories through ``huggingface_hub``: what a publication asks of them, and how often."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import huggingface_hub as hf
from fiubench.builder.hub.access import Access
from fiubench.builder.hub.session import Missing, NoAnswer, guarded, readable
from fiubench.support.errors import HubError
from fiubench.support.version import __version__

_TRIES = 4  # of a request
_WAIT = 0.5  # seconds before the second try, doubled before each further one


@dataclass(frozen=True)
class Refs:
    """Where a repository's main branch and tags point: commit ids."""

    main: str
    tags: Mapping[str, str]


class Hub:
    """A connected hub. Every method raises :class:`HubError` with what went wrong; see also :class:`NoAnswer`."""

    def __init__(self, access: Access) -> None:
        self.access = access
        token = access.token or False  # not None: the library would look for an ambient one
        self._api = hf.HfApi(access.endpoint, token=token, library_name="fiubench", library_version=__version__)

    def refs(self, repo: str) -> Refs | None:
        """Branch and tags, or ``None`` if there is no such repository that this token may see."""
        try:
            refs = self._ask(self._api.list_repo_refs, repo)
        except Missing:
            return None
        main = next((ref.target_commit for ref in refs.branches if ref.name == "main"), None)
        if main is None:
            raise HubError("has no branch main", where=repo, hint="Releases are commits on main.")
        return Refs(main, {ref.name: ref.target_commit for ref in refs.tags})

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

    def commit(
        self, repo: str, files: Mapping[str, Path], delete: Sequence[str], *, parent: str, title: str, message: str
    ) -> None:
        """One commit on main: add or replace files, delete others. The files are uploaded first."""
        operations = [
            *(hf.CommitOperationAdd(path, str(local)) for path, local in files.items()),
            *(hf.CommitOperationDelete(path) for path in delete),
        ]
        text = {"commit_message": title, "commit_description": message}
        self._ask(self._api.create_commit, repo, operations=operations, parent_commit=parent, num_threads=2, **text)

    def tag(self, repo: str, name: str, oid: str) -> None:
        """Point a new tag at a commit."""
        self._ask(self._api.create_tag, repo, tag=name, revision=oid)

    def read(self, repo: str, oid: str, path: str) -> bytes:
        """A small file of a commit."""
        with TemporaryDirectory(prefix="fiubench-") as scratch:
            return self.download(repo, oid, path, Path(scratch)).read_bytes()

    def download(self, repo: str, oid: str, path: str, folder: Path) -> Path:
        """A file of a commit, into a folder under its own path. The caller has checked the path."""
        return Path(self._ask(self._api.hf_hub_download, repo, filename=path, revision=oid, local_dir=folder))

    def _ask(self, method: Callable[..., Any], repo: str, **options: Any) -> Any:
        """Call the library, again where that may help, and turn what it raises into a message for people."""
        failures: Counter[str] = Counter()
        while True:
            try:
                with guarded(self.access, repo):
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
            time.sleep(max(found.wait, _WAIT * 2 ** (tries - 1)))


@contextmanager
def connect(access: Access) -> Iterator[Hub]:
    """A hub; without a terminal, no progress bars are drawn while the block lasts.

    Raises:
        HubError: the library is set to work offline.
    """
    if hf.is_offline_mode():
        raise HubError("HF_HUB_OFFLINE is set, so no hub is asked", hint="Unset it, or use --dry-run.")
    hf.utils.build_hf_headers(token=False)  # the first asks huggingface.co for a list, with a limit of its own
    quiet = not (sys.stderr.isatty() or hf.utils.are_progress_bars_disabled())
    if quiet:
        hf.utils.disable_progress_bars()
    try:
        yield Hub(access)
    finally:
        if quiet:
            hf.utils.enable_progress_bars()
