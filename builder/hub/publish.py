"""``fiubench publish``: check, plan, stage, prove, then one commit and one tag."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.hub import protocol
from fiubench.builder.hub.access import Access, access_of, checked_repo
from fiubench.builder.hub.client import MAIN, Hub, Refs, connect
from fiubench.builder.hub.protocol import Outcome, is_own, is_titled, title_of, until_seen
from fiubench.builder.hub.pull import NotOurs, fetch, read_manifest, resolved
from fiubench.builder.hub.settings import PublishSettings
from fiubench.builder.hub.staging import Stage, check_untouched, licensed_sources, staged
from fiubench.builder.hub.versions import Changes, Version, changes_between, check_order, parse_version, versions_of
from fiubench.builder.release.metadata import Metadata
from fiubench.builder.release.publication import Publication
from fiubench.schemas import is_valid
from fiubench.support.errors import ConfigError, HubError, Refused
from fiubench.support.files import check_new, copy, make_folder, new_folder, scratch_folder
from fiubench.support.progress import Report, silent
from huggingface_hub import GitCommitInfo

_LONGEST_MESSAGE = 2000
_BRANCH = re.compile(r"(?!refs/)[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Plan:
    """What a publication will do, shown before anything is sent."""

    repo: str  # OWNER/NAME
    version: str  # the tag
    files: Mapping[str, int]  # path -> bytes
    proofs: Sequence[str]  # what was proved of the release
    against: str = ""  # the tag or folder that it is compared with, if any
    changes: Changes = field(default_factory=Changes)  # what changes against that
    suggested: str = ""  # the version that the changes call for, if there was something to compare with
    left_alone: Sequence[str] = ()  # files of the repository that are not the release's
    removed: Sequence[str] = ()  # files of the last state that this release no longer has


@dataclass(frozen=True)
class Request:
    """What is to be published, and how."""

    directory: Path
    repo: str
    version: Version
    settings: PublishSettings
    metadata: Metadata

    @property
    def date(self) -> str:
        """The day of publication, where it is given."""
        return self.settings.date or self.metadata.text("date")

    @property
    def tag(self) -> str:
        """The version as the tag is called."""
        return str(self.version)

    @property
    def branch(self) -> str:
        """The branch that the commit is made on."""
        return self.settings.revision or MAIN

    @property
    def about(self) -> dict[str, dict[str, str]]:
        """Source -> title and licence that it has in this release, where they are given."""
        given = (("title", self.settings.titles), ("license", self.settings.licenses))
        said: dict[str, dict[str, str]] = {}
        for key, texts in given:
            for source, text in texts.items():
                said.setdefault(source, {})[key] = text
        return said


@dataclass(frozen=True, repr=False)
class Published:
    """What a publication did."""

    plan: Plan  # what it was going to do
    outcome: Outcome | None = None  # the commit and what was done; ``None`` of a dry run
    address: str = ""  # of the release on the hub; empty of a dry run

    def __repr__(self) -> str:
        name = f"{self.plan.repo} {self.plan.version}"
        if self.outcome is None:
            return f"{name}: {len(self.plan.files)} files; nothing was sent (dry run)"
        if self.outcome.proposal is not None:
            done = "proposed" if self.outcome.committed else "is proposed already"
            return f"{name} {done}: commit {self.outcome.commit[:12]}\n{self.address}"
        done = "finished" if self.outcome.tagged else "is published already; nothing to do"
        done = "published" if self.outcome.committed else done
        return f"{name} {done}: commit {self.outcome.commit[:12]}\n{self.address}"


def publish(
    directory: str | Path,
    repo: str,
    version: str | None = None,
    *,
    show: Callable[[Plan], None] = silent,
    step: Report = silent,
    **settings: Any,
) -> Published:
    """Publish a dataset as a version: one commit, one tag. Safe to repeat: what is done already is not done again.

    With ``create_pr`` the commit is a pull request without a tag; with ``revision`` it is made on another branch.

    >>> print(publish("dataset", "alice/faces", "v1.0.0"))                      # doctest: +SKIP

    Args:
        directory: the dataset.
        repo: ``OWNER/NAME`` on the hub.
        version: the release's version and tag, for example ``v1.0.0``; by default that of the metadata file.
        show: called with the plan before anything is sent.
        step: called with a line on what is being done.
        settings: those of :class:`~fiubench.builder.hub.settings.PublishSettings`, by name.

    Raises:
        ConfigError: a name, version, message or setting that can't be used.
        Refused: the version is taken or goes backwards, the dataset was edited by hand or does not load, a file or
            folder that it was made from has no licence, the repository is not one of releases, or somebody else
            changed it meanwhile.
        HubError: the hub can't be reached or does not permit it.
    """
    chosen = PublishSettings.parse(settings)
    _check_options(chosen)
    metadata = Metadata.read(chosen.metadata) if chosen.metadata is not None else Metadata()
    request = Request(Path(directory), checked_repo(repo), _version(version, metadata), chosen, metadata)
    if not chosen.dry_run:
        return _publish(request, access_of(chosen), show, step)
    with resolved(chosen.previous or "", partial(access_of, chosen)) as earlier:
        plan = replace(_plan_offline(request, earlier if chosen.previous else None), against=chosen.previous or "")
    show(plan)
    return Published(plan)


def _check_options(chosen: PublishSettings) -> None:
    """Refuse options that can't be used, or not together, before any work."""
    if chosen.previous is not None and not chosen.dry_run:
        hint = "Without it the last release on the hub is compared with."
        raise ConfigError("goes with --dry-run alone", where="--previous", hint=hint)
    if chosen.stage is not None and not chosen.dry_run:
        raise ConfigError("goes with --dry-run alone", where="--stage", hint="`fiubench pull` brings back a release.")
    if chosen.stage is not None:
        check_new(Path(chosen.stage))
    if chosen.date is not None and not is_valid("release")({"date": chosen.date}):
        raise ConfigError(f"{chosen.date!r} is no day", where="--date", hint="For example 2026-01-31.")
    if len(chosen.message) > _LONGEST_MESSAGE or not chosen.message.isprintable():
        hint = "Shorten it to one sentence, without line breaks."
        raise ConfigError(f"is not one line of at most {_LONGEST_MESSAGE} characters", where="--message", hint=hint)
    if chosen.create_pr and chosen.revision is not None:
        hint = "A pull request is one to main."
        raise ConfigError("does not go with --revision", where="--create-pr", hint=hint)
    if chosen.revision is not None and not _is_branch(chosen.revision):
        hint = "Letters, digits, '-', '_', '.' and '/'; not a version, which is a tag."
        raise ConfigError(f"{chosen.revision!r} can't be a branch", where="--revision", hint=hint)


def _version(given: str | None, metadata: Metadata) -> Version:
    """The version that is given, or that of the metadata file.

    Raises:
        ConfigError: there is none, or there are two.
    """
    own = metadata.text("version")
    if given is None and not own:
        raise ConfigError("no version is given", where="--version", hint="For example --version v1.0.0.")
    version = parse_version(given or own)
    if own and parse_version(own) != version:
        hint = "Change one of them."
        raise ConfigError(f"is {version}, and the metadata file says {own}", where="--version", hint=hint)
    return version


def _publish(request: Request, access: Access, show: Callable[[Plan], None], step: Report) -> Published:
    """Publish to a hub, whatever was done of it before."""
    dataset = open_dataset(request.directory)
    check_untouched(dataset)
    sources = licensed_sources(dataset, request.about)
    with connect(access, step) as hub:
        step(f"Looking at {request.repo}")
        name = hub.name_of(request.repo)
        request = replace(request, repo=name or request.repo)
        refs = hub.refs(request.repo) if name else None
        _check_access(request, access, refs)
        tree = hub.tree(request.repo, _head(request, refs)) if refs else {}
        _check_repository(request, tree)
        publication, changes, against = _compared(hub, request, refs, dataset)
        is_there = refs is not None and request.tag in refs.tags  # then nothing is sent, only compared
        step("Staging" if is_there else "Staging, and proving that it loads")
        accept = request.settings.accept
        with staged(request.directory, publication, sources, accept=accept, proved=not is_there) as stage:
            suggested = str(parse_version(against).raised(changes.level)) if against else ""
            plan = _plan(request, stage, changes, against, suggested, tree)
            show(plan)
            refs = refs or _create(hub, request)
            _check_settings(hub, request, refs)
            outcome = _send(hub, request, stage.files, refs, step)
    page = f"tree/{request.tag}" if outcome.proposal is None else f"discussions/{outcome.proposal}"
    return Published(plan, outcome, f"{access.endpoint}/datasets/{request.repo}/{page}")


def _check_access(request: Request, access: Access, refs: Refs | None) -> None:
    """Refuse what can't be published before anything is staged."""
    if refs is not None:
        return
    if not request.settings.create or request.settings.create_pr:
        option = "--create-pr" if request.settings.create_pr else "--no-create"
        raise HubError("no such dataset, or it is private", where=request.repo,
                       hint=f"Leave out {option} to create it, or check name and token.")  # fmt: skip
    if access.token is None:
        raise HubError("publishing needs a token", where=request.repo, hint="Give one with --token-file.")


def _is_branch(name: str) -> bool:
    return bool(_BRANCH.fullmatch(name)) and ".." not in name and not versions_of([name])


def _head(request: Request, refs: Refs) -> str:
    """The commit that the release follows: the newest of its branch, of main where that has yet to be begun."""
    return refs.branches.get(request.branch, refs.main)


def _send(hub: Hub, request: Request, files: Mapping[str, Path], refs: Refs, step: Report) -> Outcome:
    """Publish or propose staged files."""
    repo, tag, message = request.repo, request.tag, request.settings.message
    if request.settings.create_pr:
        return protocol.propose(hub, repo, files, tag, refs, message=message, step=step)
    if request.branch not in refs.branches and tag not in refs.tags:
        step(f"Beginning the branch {request.branch}")
        refs = until_seen(
            partial(hub.branch, repo, request.branch, refs.main),
            lambda _: now if (now := hub.refs(repo)) and request.branch in now.branches else None,
            f"the branch {request.branch} was begun, but can't be seen",
            repo,
        )
    return protocol.publish(hub, repo, files, tag, refs, branch=request.branch, message=message, step=step)


def _plan_offline(request: Request, previous: Path | None) -> Plan:
    """Stage and prove a release without a hub; ``previous`` is a dataset directory to compare with."""
    dataset = open_dataset(request.directory)
    check_untouched(dataset)
    sources = licensed_sources(dataset, request.about)
    changes = changes_between(previous, request.directory) if previous else _first(dataset)
    known = open_dataset(previous).manifest.get("published") if previous else None
    publication = _publication(request, changes, known, request.date)
    with staged(request.directory, publication, sources, accept=request.settings.accept) as stage:
        if request.settings.stage is not None:
            _keep(stage, Path(request.settings.stage))
        suggested = Version(*parse_version(known["version"])).raised(changes.level) if known else ""
        return _plan(request, stage, changes, str(previous or ""), str(suggested))


def _keep(stage: Stage, out: Path) -> None:
    """Copy a stage into a new folder."""
    with new_folder(out) as folder:
        for path, local in stage.files.items():
            copy(local, make_folder((folder / path).parent) / local.name)


def _compared(hub: Hub, request: Request, refs: Refs | None, dataset: Dataset) -> tuple[Publication, Changes, str]:
    """How the release is called, with its changelog; what changes against the last one; and that one's tag.

    Where this version was begun or published before, its own changelog is taken, so that repeating a command stages
    the very same files.
    """
    tag, repo, version = request.tag, request.repo, request.version
    history = hub.history(repo, _head(request, refs)) if refs else []
    commits = {commit.commit_id for commit in history}
    # on main all versions go up; on another branch those that are in it: v1.0.2 may follow v2.0.0 there
    tags = [name for name, oid in refs.tags.items() if request.branch == MAIN or oid in commits] if refs else []
    published = versions_of(tags)
    begun = _begun(hub, request, refs, history, dataset) if refs else None
    if begun is not None:
        own = next(entry for entry in begun["changelog"] if entry["version"] == tag)
        publication = Publication(
            repo, tag, begun["changelog"],
            metadata=request.metadata if request.metadata.document else Metadata.parse(begun.get("metadata", {}), repo),
            date=request.date or begun.get("date", ""),
            accepted=begun.get("accepted", ()),
        )  # fmt: skip
        return publication, Changes("patch", list(own["changes"])), ""
    if refs is None or tag not in refs.tags:
        check_order(version, published, repo)
    day = request.date or hub.day
    earlier = [known for known in published if known < version]
    if refs is None or not earlier:
        changes = _first(dataset)
        return _publication(request, changes, None, day), changes, ""
    last = str(earlier[-1])
    with scratch_folder() as scratch:
        folder = scratch / "last"
        try:
            fetch(hub, repo, refs.tags[last], folder, pictures=False)
        except NotOurs:  # from before the repository was fiubench's
            changes, known, last = _first(dataset), None, ""
        else:
            changes = changes_between(folder, request.directory)
            known = open_dataset(folder).manifest.get("published")
    return _publication(request, changes, known, day), changes, last


def _begun(
    hub: Hub, request: Request, refs: Refs, history: Sequence[GitCommitInfo], dataset: Dataset
) -> dict[str, Any] | None:
    """What the manifest of this version says of itself, if this dataset was published, committed or proposed as it."""
    repo, tag = request.repo, request.tag
    candidates = [refs.tags[tag]] if tag in refs.tags else []
    if not candidates:
        candidates = [commit.commit_id for commit in history if is_titled(commit.title, tag)]
    if not candidates and request.settings.create_pr:
        numbers = hub.proposed(repo, title_of(tag))
        candidates = [refs.proposals[number] for number in numbers if number in refs.proposals]
    for oid in candidates:
        try:
            manifest = read_manifest(hub, repo, oid)
        except NotOurs:
            continue  # somebody else's commit of that title
        own: dict[str, Any] = manifest.get("published", {})
        told = tag in (entry["version"] for entry in own.get("changelog", ()))
        if manifest["digests"] == dataset.manifest["digests"] and own.get("version") == tag and told:
            return own
    return None


def _first(dataset: Dataset) -> Changes:
    counts = dataset.manifest["counts"]
    people = f"{counts['identities']:,} identities and {counts['holdout']:,} in the holdout"
    return Changes("major", [f"First release: {people}, {counts['questions']} questions each."])


def _publication(request: Request, changes: Changes, known: Mapping[str, Any] | None, day: str) -> Publication:
    """The release as it is called, with its changelog on top of the ``known`` one."""
    sentences = [*filter(None, [request.settings.message]), *changes.sentences]
    changelog = [{"version": request.tag, "changes": sentences}, *(known["changelog"] if known else ())]
    return Publication(request.repo, request.tag, changelog, request.metadata, day)


def _check_repository(request: Request, tree: Mapping[str, Any]) -> None:
    """Refuse a repository that holds something else: a wrong name must not cost anybody a dataset."""
    foreign = [path for path in tree if is_own(path) and path != "README.md"]
    if foreign and "manifest.json" not in tree:
        what = f"holds a dataset that fiubench did not publish ({', '.join(sorted(foreign)[:3])})"
        hint = "It would be overwritten. Name another --repo, or empty this one first."
        raise Refused(what, where=request.repo, hint=hint)


def _create(hub: Hub, request: Request) -> Refs:
    """Create the repository, and find out whether it happened where no answer came."""
    create = partial(hub.create, request.repo, private=request.settings.private)
    return until_seen(create, lambda _: hub.refs(request.repo), "was created, but can't be seen", request.repo)


def _check_settings(hub: Hub, request: Request, refs: Refs) -> None:
    """Hold the repository to what was asked for before anything is in it."""
    asked = request.settings
    if not (asked.private or asked.gated) or request.tag in refs.tags:
        return
    private, gated = hub.settings(request.repo)
    if asked.private and not private:
        hint = "Make it private in its settings on the hub, or leave out --private."
        raise Refused("is public, and --private was given", where=request.repo, hint=hint)
    if asked.gated and not gated:
        hub.gate(request.repo)


def _plan(
    request: Request, stage: Stage, changes: Changes, against: str, suggested: str, tree: Mapping[str, Any] = {}
) -> Plan:
    sizes = {path: local.stat().st_size for path, local in stage.files.items()}
    others = sorted(path for path in tree if path != ".gitattributes" and not is_own(path))
    removed = sorted(path for path in tree if is_own(path) and path not in sizes)
    return Plan(request.repo, request.tag, sizes, stage.proofs, against, changes, suggested, others, removed)
