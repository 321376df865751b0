"""Tests of a group are run by one worker, as `make test` asks: what they share is made once."""

import pytest


@pytest.mark.xdist_group("one")
def test_a_group_is_known_to_xdist(request: pytest.FixtureRequest) -> None:
    _is_in(request, "one")


def test_a_file_is_a_group(request: pytest.FixtureRequest) -> None:
    _is_in(request, "tests/test_groups.py")


def _is_in(request: pytest.FixtureRequest, group: str) -> None:
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("one process, or tests are shared out in another way")
    assert request.node.nodeid.endswith(f"@{group}"), "pytest-xdist does not see groups: another version of pytest?"
