"""One commit and one tag: how a staged release gets to the hub, whole or not at all.

Every step looks at the hub before it acts and after it is in doubt, so the command can be repeated at any time:

1. The tag is there: done if its files are those of the stage, else refused. A tag never moves.
2. A commit of this release is there without its tag (a process was killed): it is taken.
3. Else one commit on the branch, main or another, whose parent must be what the branch was when the plan was made. If
   no answer comes, the branch is read again, and only a commit with exactly the staged files is accepted as ours. The
   files, however many and large, are uploaded before it and only named in it, so that it is one.
4. The tag is set on that commit, and read back.

A proposal (:func:`propose`) is that commit in a pull request; publishing the same again once it is merged sets the tag.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from fiubench.builder.hub.client import MAIN, Hub, Refs, takes_xet
from fiubench.builder.hub.session import Conflict, Exists, NoAnswer, TimedOut
from fiubench.builder.release.portraits import STRIP
from fiubench.support.canonical import file_digest
from fiubench.support.errors import HubError, Refused
from fiubench.support.progress import Report, silent
from huggingface_hub import RepoFile

_TRIES = 3
_NAMED = 5  # files that a message names
T = TypeVar("T")
#: Folders and files of the repository that belong to releases; whatever else lies there is left alone.
OWN_FOLDERS = ("data/", "people/", "pictures/", "fiubench/")
OWN_FILES = (STRIP, "README.md", "CHANGELOG.md", "croissant.json", "manifest.json", "splits.json")


@dataclass(frozen=True)
class Outcome:
    """What was done: the release's commit, and whether this run made the commit and the tag."""

    commit: str
    committed: bool
    tagged: bool
    proposal: int | None = None  # number of the pull request in which it is


def is_own(path: str) -> bool:
    """Whether a file of the repository belongs to releases."""
    return path in OWN_FILES or path.startswith(OWN_FOLDERS)


def title_of(tag: str) -> str:
    """Title of a release's commit."""
    return f"Release {tag}"


def is_titled(title: str, tag: str) -> bool:
    """Whether a commit's title is that of a release, also as the hub gives it to a merged pull request."""
    return re.fullmatch(rf"{re.escape(title_of(tag))}(?: \(#\d+\))?", title) is not None


def publish(
    hub: Hub,
    repo: str,
    files: Mapping[str, Path],
    tag: str,
    refs: Refs,
    *,
    branch: str = MAIN,
    message: str = "",
    step: Report = silent,
) -> Outcome:
    """Publish staged files as ``tag`` (see the module's text).

    Args:
        refs: where branches and tags were when the plan was made; ``branch`` is one of them.

    Raises:
        Refused: the tag holds something else, or somebody changed the branch meanwhile.
        HubError: the hub can't be reached or does not permit it; repeating the command is safe.
    """
    if tag in refs.tags:
        check_same(files, hub.tree(repo, refs.tags[tag]), repo, tag)
        return Outcome(refs.tags[tag], committed=False, tagged=False)
    head = refs.branches[branch]
    landed = find_landed(hub, repo, head, files, tag)
    committed = landed is None
    if landed is None:
        check_ignored(hub, repo, files, branch)
        step(f"Uploading to {repo} {'with Xet' if takes_xet() else '(LFS, plain HTTPS)'}")
        landed = _commit(hub, repo, branch, files, tag, head, message)
    step(f"Tagging {tag}")
    return Outcome(landed, committed, _tag(hub, repo, tag, landed))


def propose(
    hub: Hub,
    repo: str,
    files: Mapping[str, Path],
    tag: str,
    refs: Refs,
    *,
    message: str = "",
    step: Report = silent,
) -> Outcome:
    """Open a pull request with staged files, unless there is one, or it was merged (see :func:`publish`)."""
    if tag in refs.tags:
        check_same(files, hub.tree(repo, refs.tags[tag]), repo, tag)
        return Outcome(refs.tags[tag], committed=False, tagged=False)
    if merged := find_landed(hub, repo, refs.main, files, tag):
        return Outcome(merged, committed=False, tagged=False)
    if found := _proposal(hub, repo, files, tag):
        return found
    check_ignored(hub, repo, files, None)
    step(f"Uploading to {repo} {'with Xet' if takes_xet() else '(LFS, plain HTTPS)'}")
    stale = [path for path in hub.tree(repo, refs.main) if is_own(path) and path not in files]
    text = {"title": title_of(tag), "message": message}
    found = until_seen(
        partial(hub.commit, repo, files, stale, parent=refs.main, branch=None, **text),
        lambda _: _proposal(hub, repo, files, tag),
        "the pull request is not seen",
        repo,
    )
    return replace(found, committed=True)


def _proposal(hub: Hub, repo: str, files: Mapping[str, Path], tag: str) -> Outcome | None:
    """The open pull request with exactly these files, if there is one."""
    numbers = hub.proposed(repo, title_of(tag))
    refs = hub.refs(repo) if numbers else None
    for number in numbers:
        oid = refs.proposals.get(number) if refs else None
        if oid and not differing(files, hub.tree(repo, oid)):
            return Outcome(oid, committed=False, tagged=False, proposal=number)
    return None


def check_ignored(hub: Hub, repo: str, files: Mapping[str, Path], branch: str | None) -> None:
    """Nothing, if the hub takes every file on a branch, or in a pull request.

    Raises:
        Refused: a ``.gitignore`` of the repository keeps some out; they are named.
    """
    if left_out := hub.ignored(repo, files, branch):
        what = f"a .gitignore of the repository keeps out {_some(left_out)}; nothing was sent"
        raise Refused(what, where=repo, hint="Change that file on the hub, then run the command again.")


def find_landed(hub: Hub, repo: str, head: str, files: Mapping[str, Path], tag: str) -> str | None:
    """The commit of this release that is on main already, if there is one with exactly these files."""
    for commit in hub.history(repo, head):
        if is_titled(commit.title, tag) and not differing(files, hub.tree(repo, commit.commit_id)):
            return str(commit.commit_id)
    return None


def differing(files: Mapping[str, Path], tree: Mapping[str, RepoFile]) -> list[str]:
    """Paths of a release's files that are not the same in a commit as in the stage, or only in one of them."""
    different = [path for path, local in files.items() if path not in tree or not _same(local, tree[path])]
    return sorted([*different, *(path for path in tree if is_own(path) and path not in files)])


def check_same(files: Mapping[str, Path], tree: Mapping[str, RepoFile], repo: str, tag: str) -> None:
    """Nothing, if a tag's commit holds exactly the staged files.

    Raises:
        Refused: it does not.
    """
    if different := differing(files, tree):
        hint = "A published release never changes. Publish this dataset under a higher --version."
        what = f"{tag} is published already and holds something else: {_some(different)}"
        raise Refused(what, where=repo, hint=hint)


def _some(paths: Sequence[str]) -> str:
    """The first of some paths, and how many there are besides."""
    return ", ".join(paths[:_NAMED]) + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")


def _same(local: Path, remote: RepoFile) -> bool:
    if local.stat().st_size != remote.size:
        return False
    return bool(file_digest(local) == remote.lfs.sha256 if remote.lfs else _blob_id(local) == remote.blob_id)


def _blob_id(path: Path) -> str:
    """Git's id of a file's content."""
    head = b"blob %d\0" % path.stat().st_size
    return hashlib.sha1(head + path.read_bytes(), usedforsecurity=False).hexdigest()


def until_seen(act: Callable[[], None], look: Callable[[HubError | None], T | None], unseen: str, repo: str) -> T:
    """Do something until it is seen: what ``look`` finds, which is told of the trouble that left it in doubt.

    Raises:
        HubError: it is not seen after some tries; ``unseen`` says so where no other trouble does.
    """
    trouble: HubError | None = None
    for _ in range(_TRIES):
        trouble = None
        try:
            act()
        except (NoAnswer, Conflict, Exists) as error:
            trouble = error
        if (found := look(trouble)) is not None:
            return found
        if isinstance(trouble, TimedOut):
            break
    raise trouble or HubError(unseen, where=repo, hint="Run the command again.")


def _commit(hub: Hub, repo: str, branch: str, files: Mapping[str, Path], tag: str, head: str, message: str) -> str:
    """Commit, and find out whether it happened where no answer came."""
    tree = hub.tree(repo, head)
    stale = [path for path in tree if is_own(path) and path not in files]

    def landed(trouble: HubError | None) -> str | None:
        refs = hub.refs(repo)
        now = refs.branches.get(branch, head) if refs else head
        # also after a success: the client reports one where it had nothing to send, whoever made that commit
        if now != head and (found := find_landed(hub, repo, now, files, tag)):
            return found
        if now != head:
            raise _overtaken(hub, repo, branch, files, tag, head, now)
        # nothing to send: the branch holds these files under another title
        return None if trouble or differing(files, tree) else head

    text = {"title": title_of(tag), "message": message}
    commit = partial(hub.commit, repo, files, stale, parent=head, branch=branch, **text)
    return until_seen(commit, landed, "the commit is not seen", repo)


def _overtaken(hub: Hub, repo: str, branch: str, files: Mapping[str, Path], tag: str, head: str, now: str) -> Refused:
    """What to say of a branch that moved from ``head`` to ``now`` without a commit of exactly these files."""
    for commit in hub.history(repo, now):
        if commit.commit_id == head:
            break
        if is_titled(commit.title, tag):
            oid = commit.commit_id
            what = f"{branch} has a commit of {tag} ({oid[:12]}) that is not whole, and has no tag; it differs in "
            what += _some(differing(files, hub.tree(repo, oid)))
            return Refused(what, where=repo, hint="Run the command again: it commits what is missing, then tags it.")
    what = "somebody else changed the repository meanwhile; no commit of this release was made"
    hint = f"Look at what changed, then run the command again: it starts from the new state ({now[:12]})."
    return Refused(what, where=repo, hint=hint)


def _tag(hub: Hub, repo: str, tag: str, oid: str) -> bool:
    """Set the tag, and read it back. True if this run set it."""

    def is_set(trouble: HubError | None) -> bool | None:
        refs = hub.refs(repo)
        target = refs.tags.get(tag) if refs else None
        if target not in (None, oid):
            what = f"the tag {tag} was set on another commit meanwhile ({target[:12]}, not {oid[:12]})"
            raise Refused(what, where=repo, hint="A tag never moves. Publish under a higher --version.")
        return None if target is None else trouble is None or isinstance(trouble, NoAnswer)

    return until_seen(
        partial(hub.tag, repo, tag, oid), is_set, f"the hub took the tag {tag} but does not show it", repo
    )
