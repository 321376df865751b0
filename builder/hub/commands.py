"""What :mod:`fiubench` does with the Hub: publish, list and pull releases, and compare datasets wherever they lie.

Every function takes the address of the hub, the file of the token and the seconds that the hub may stay silent (see
:func:`~fiubench.builder.hub.access.make_access`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fiubench.builder.dataset.compare import Difference, compare
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.hub import pull as pulling
from fiubench.builder.hub.access import TIMEOUT, make_access
from fiubench.builder.hub.protocol import Outcome
from fiubench.builder.hub.publish import Plan, Request, plan_offline, publish_dataset
from fiubench.support.errors import ConfigError
from fiubench.support.progress import Progress


@dataclass(frozen=True, repr=False)
class Published:
    """What a publication did.

    Attributes:
        plan: what it was going to do.
        outcome: the commit and what was done; ``None`` of a dry run.
        address: of the release on the hub; empty of a dry run.
    """

    plan: Plan
    outcome: Outcome | None = None
    address: str = ""

    def __repr__(self) -> str:
        name = f"{self.plan.repo} {self.plan.version}"
        if self.outcome is None:
            return f"{name}: {len(self.plan.files)} files; nothing was sent (dry run)"
        done = "finished" if self.outcome.tagged else "is published already; nothing to do"
        done = "published" if self.outcome.committed else done
        return f"{name} {done}: commit {self.outcome.commit[:12]}\n{self.address}"


def publish(
    directory: str | Path,
    repo: str,
    version: str,
    *,
    message: str = "",
    dry_run: bool = False,
    previous: str | None = None,
    private: bool = False,
    gated: bool = False,
    create: bool = True,
    endpoint: str | None = None,
    token_file: str | None = None,
    timeout: float = TIMEOUT,
    show: Callable[[Plan], None] = lambda _: None,
    step: Callable[[str], None] = lambda _: None,
) -> Published:
    """Publish a dataset as a version: one commit, one tag. Safe to repeat: what is done already is not done again.

    >>> print(publish("dataset", "alice/faces", "v1.0.0"))                      # doctest: +SKIP

    Args:
        directory: the dataset.
        repo: ``OWNER/NAME`` on the hub.
        version: the release's version and tag, for example ``v1.0.0``.
        message: a sentence for the changelog and the commit.
        dry_run: stage, prove and plan alone; no hub is asked and no token needed.
        previous: with ``dry_run``: compare with this folder, or with ``OWNER/NAME@version`` from the hub.
        private: a new repository is private; a public one is refused.
        gated: readers must agree to share their name first.
        create: create the repository if there is none.
        endpoint, token_file, timeout: the hub.
        show: called with the plan before anything is sent.
        step: called with a line on what is being done.

    Raises:
        ConfigError: a name, version or message that can't be used.
        Refused: the version is taken or goes backwards, the dataset was edited by hand or does not load, the
            repository is not one of releases, or somebody else changed it meanwhile.
        HubError: the hub can't be reached or does not permit it.
    """
    request = Request(Path(directory), repo, version, message, private, gated, create)
    if previous is not None and not dry_run:
        hint = "Without it the last release on the hub is compared with."
        raise ConfigError("goes with --dry-run alone", where="--previous", hint=hint)
    if dry_run:
        with pulling.resolved(previous or "", lambda: make_access(endpoint, token_file, timeout)) as earlier:
            plan = plan_offline(request, earlier if previous else None)
        plan = replace(plan, against=previous or "")
        show(plan)
        return Published(plan)
    access = make_access(endpoint, token_file, timeout)
    plans: list[Plan] = []

    def planned(plan: Plan) -> None:
        plans.append(plan)
        show(plan)

    outcome = publish_dataset(request, access, show=planned, step=step)
    return Published(plans[-1], outcome, f"{access.endpoint}/datasets/{repo}/tree/{plans[-1].version}")


def releases(
    repo: str, *, endpoint: str | None = None, token_file: str | None = None, timeout: float = TIMEOUT
) -> list[pulling.ReleaseInfo]:
    """The published versions of a dataset, newest first.

    >>> [release.version for release in releases("alice/faces")]                # doctest: +SKIP

    Args:
        repo: ``OWNER/NAME`` on the hub.
        endpoint, token_file, timeout: the hub.

    Raises:
        HubError: no such repository, or the hub can't be reached.
    """
    return pulling.releases(repo, make_access(endpoint, token_file, timeout))


def pull(
    repo: str,
    out: str | Path,
    *,
    version: str | None = None,
    endpoint: str | None = None,
    token_file: str | None = None,
    timeout: float = TIMEOUT,
    progress: Progress | None = None,
) -> Dataset:
    """Download a release as a dataset folder that everything else accepts; every digest is checked.

    >>> pull("alice/faces", "faces", version="v1.0.0").rows("forget05")         # doctest: +SKIP

    Args:
        repo: ``OWNER/NAME`` on the hub.
        out: a folder that is not there yet, or is empty.
        version: the release; the highest version by default.
        endpoint, token_file, timeout: the hub.
        progress: called with (what, done, total).

    Raises:
        HubError: no such repository or release, or the hub can't be reached.
        DatasetError: what is published is damaged or was not made by fiubench, or the folder can't be written to.
    """
    pulling.pull(repo, Path(out), make_access(endpoint, token_file, timeout), version=version, progress=progress)
    return open_dataset(Path(out))


def diff(
    a: str | Path,
    b: str | Path,
    *,
    endpoint: str | None = None,
    token_file: str | None = None,
    timeout: float = TIMEOUT,
) -> Iterator[Difference]:
    """Every difference between two datasets, identity by identity, as it is found.

    >>> for difference in diff("dataset", "alice/faces@v1.0.0"): print(difference)          # doctest: +SKIP

    Args:
        a: a dataset folder, or ``OWNER/NAME@version`` on the hub.
        b: another.
        endpoint, token_file, timeout: the hub.

    Raises:
        DatasetError: one of them is no dataset.
        HubError: the hub can't be reached, or has no such release.
    """
    access = lambda: make_access(endpoint, token_file, timeout)  # noqa: E731
    with pulling.resolved(str(a), access) as left, pulling.resolved(str(b), access) as right:
        yield from compare(left, right)
