"""A small part of the kills of ``tests/soak/kills.py``, for every run of the tests; the whole is run by hand."""

import sys

import pytest

from tests.soak.kills import line, soak


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_nothing_is_lost_doubled_or_left_behind() -> None:
    tallies = soak(12, ["build by two", "split", "export"], seconds=25)
    assert sum(tally.kills for tally in tallies.values()) > 0
    assert all(tally.clean for tally in tallies.values()), "\n".join(line(n, t) for n, t in tallies.items())
