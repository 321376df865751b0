"""What holds for every test."""

import os

# before numpy and torch are imported: threads of several workers, and those of a tiny model, only wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from tests.installed import python, wheel

__all__ = ["python", "wheel"]

# no test is a stopwatch: a busy machine is no failure
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are no name: those of an archive tell the time, and workers have to agree on names."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads what groups there are
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file is a group of its own, where it names no other: one worker does it, and makes once what its tests share.

    Named groups come first, so that none is left over at the end.
    """
    named = {item: item.get_closest_marker("xdist_group") is not None for item in items}
    for item in items:
        if not named[item]:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    items.sort(key=lambda item: not named[item])


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: some tests wait, for servers, other processes and a browser."""
    return (os.cpu_count() or 1) + 1
