"""What :mod:`fiubench` does with the Hub: publish, list and pull releases, and compare datasets wherever they lie.

Every function takes the settings of :class:`~fiubench.builder.hub.settings.HubSettings` by name: ``endpoint``,
``token_file`` and ``timeout``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from fiubench.builder.dataset.compare import Difference, compare
from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.hub import pull as pulling
from fiubench.builder.hub.access import Access, make_access
from fiubench.builder.hub.protocol import Outcome
from fiubench.builder.hub.publish import Plan, Request, plan_offline, publish_dataset
from fiubench.builder.hub.settings import HubSettings, PublishSettings
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
    show: Callable[[Plan], None] = lambda _: None,
    step: Callable[[str], None] = lambda _: None,
    **settings: Any,
) -> Published:
    """Publish a dataset as a version: one commit, one tag. Safe to repeat: what is done already is not done again.

    >>> print(publish("dataset", "alice/faces", "v1.0.0"))                      # doctest: +SKIP

    Args:
        directory: the dataset.
        repo: ``OWNER/NAME`` on the hub.
        version: the release's version and tag, for example ``v1.0.0``.
        show: called with the plan before anything is sent.
        step: called with a line on what is being done.
        settings: those of :class:`~fiubench.builder.hub.settings.PublishSettings`, by name.

    Raises:
        ConfigError: a name, version or message that can't be used.
        Refused: the version is taken or goes backwards, the dataset was edited by hand or does not load, the
            repository is not one of releases, or somebody else changed it meanwhile.
        HubError: the hub can't be reached or does not permit it.
    """
    chosen = PublishSettings.parse(settings)
    request = Request(Path(directory), repo, version, chosen.message, chosen.private, chosen.gated, chosen.create)
    if chosen.previous is not None and not chosen.dry_run:
        hint = "Without it the last release on the hub is compared with."
        raise ConfigError("goes with --dry-run alone", where="--previous", hint=hint)
    if chosen.dry_run:
        with pulling.resolved(chosen.previous or "", lambda: _access(chosen)) as earlier:
            plan = plan_offline(request, earlier if chosen.previous else None)
        plan = replace(plan, against=chosen.previous or "")
        show(plan)
        return Published(plan)
    access = _access(chosen)
    plans: list[Plan] = []

    def planned(plan: Plan) -> None:
        plans.append(plan)
        show(plan)

    outcome = publish_dataset(request, access, show=planned, step=step)
    return Published(plans[-1], outcome, f"{access.endpoint}/datasets/{repo}/tree/{plans[-1].version}")


def _access(settings: HubSettings) -> Access:
    return make_access(settings.endpoint, settings.token_file, settings.timeout)


def releases(repo: str, **hub: Any) -> list[pulling.ReleaseInfo]:
    """The published versions of a dataset, newest first.

    >>> [release.version for release in releases("alice/faces")]                # doctest: +SKIP

    Args:
        repo: ``OWNER/NAME`` on the hub.
        hub: settings of the hub.

    Raises:
        HubError: no such repository, or the hub can't be reached.
    """
    return pulling.releases(repo, _access(HubSettings.parse(hub)))


def pull(
    repo: str,
    out: str | Path,
    *,
    version: str | None = None,
    progress: Progress | None = None,
    **hub: Any,
) -> Dataset:
    """Download a release as a dataset folder that everything else accepts; every digest is checked.

    >>> pull("alice/faces", "faces", version="v1.0.0").rows("forget05")         # doctest: +SKIP

    Args:
        repo: ``OWNER/NAME`` on the hub.
        out: a folder that is not there yet, or is empty.
        version: the release; the highest version by default.
        progress: called with (what, done, total).
        hub: settings of the hub.

    Raises:
        HubError: no such repository or release, or the hub can't be reached.
        DatasetError: what is published is damaged or was not made by fiubench, or the folder can't be written to.
    """
    access = _access(HubSettings.parse(hub))
    pulling.pull(repo, Path(out), access, version=version, progress=progress)
    return open_dataset(Path(out))


def diff(a: str | Path, b: str | Path, **hub: Any) -> Iterator[Difference]:
    """Every difference between two datasets, identity by identity, as it is found.

    >>> for difference in diff("dataset", "alice/faces@v1.0.0"): print(difference)          # doctest: +SKIP

    Args:
        a: a dataset folder, or ``OWNER/NAME@version`` on the hub.
        b: another.
        hub: settings of the hub.

    Raises:
        DatasetError: one of them is no dataset.
        HubError: the hub can't be reached, or has no such release.
    """
    access = partial(_access, HubSettings.parse(hub))
    with pulling.resolved(str(a), access) as left, pulling.resolved(str(b), access) as right:
        yield from compare(left, right)
