"""What holds for every test."""

import pytest
from hypothesis import settings

from tests.installed import python, wheel

__all__ = ["python", "wheel"]

# no test is a stopwatch: a busy machine is no failure
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups, each of which one worker does alone, come first, so that none is left over at the end."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
