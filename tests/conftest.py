"""What holds for every test."""

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups, each of which one worker does alone, come first, so that none is left over at the end.

    What the tests of a file share is made once: they are a group.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None and _shares(item):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def _shares(item: pytest.Item) -> bool:
    """Whether a test uses a fixture that is made once for its file."""
    found = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]
    return any(fixture.scope == "module" for fixtures in found.values() for fixture in fixtures)
