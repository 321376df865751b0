"""A folder for what a command is to look at: a dataset on this machine, or a release that is brought for it.

What talks to a hub is imported where there is one to talk to: a command on a folder starts in half the time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fiubench.builder.hub.settings import HubSettings
from fiubench.schemas.hub import HubName
from fiubench.support.progress import Report, silent


@contextmanager
def downloaded(target: str | Path, *, step: Report = silent, **hub: Any) -> Iterator[Path]:
    """A dataset folder for what is one, or for a release on the Hub, which is there as long as the block lasts.

    >>> with downloaded("alice/faces@v1.0.0") as folder: list(validate(folder))             # doctest: +SKIP

    Args:
        target: a path, or ``OWNER/NAME`` or ``OWNER/NAME@version``, without a version the highest.
        step: called with a line on what takes long, or is otherwise than asked for.
        hub: settings of :class:`~fiubench.builder.hub.settings.HubSettings`, by name.

    Raises:
        HubError: the hub can't be reached, or has no such release.
        DatasetError: what is published is damaged or was not made by fiubench.
    """
    settings = HubSettings.parse(hub)
    if HubName.named(str(target)) is None:
        yield Path(target)
        return
    from fiubench.builder.hub.access import access_of  # noqa: PLC0415
    from fiubench.builder.hub.pull import resolved  # noqa: PLC0415

    with resolved(str(target), partial(access_of, settings), step, pictures=True) as folder:
        yield folder
