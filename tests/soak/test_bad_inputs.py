"""A part of the bad inputs of ``tests/soak/bad_inputs.py``, for every run of the tests; the whole is run by hand."""

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.bad_inputs import Case, Ground, soak, tried

QUICK = ["build", "preview", "attributes", "split", "export", "show", "validate", "verify", "presets", "formats",
         "sources"]  # fmt: skip


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(tempfile, "tempdir", tempfile.tempdir)


@pytest.mark.slow
def test_bad_input_is_refused_in_words() -> None:
    counts, wrong = soak(120, QUICK)  # as many on every machine: what is wrong here is wrong there
    assert counts.total() == 120
    assert wrong == []


def test_what_is_wrong_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial itself: a fault, a hang, and bad input that is taken."""
    from fiubench.cli import main

    ground = Ground(tmp_path)
    assert tried(Case(("measures", "list"), refused=False), ground) == ""
    assert tried(Case(("measures", "list"), refused=True), ground) == "is accepted"
    assert tried(Case(("measures", "lst"), refused=True), ground) == ""
    monkeypatch.setattr("tests.soak.bad_inputs.LIMIT", 0.2)
    ends: dict[str, Callable[[], object]] = {
        "takes more than": lambda: time.sleep(60),
        "dies of signal 9": lambda: signal.raise_signal(signal.SIGKILL),
        "exit code 99": lambda: 1 / 0,
    }
    for seen, end in ends.items():
        monkeypatch.setattr(main, "run", end)
        assert tried(Case(("x",), refused=True), ground).startswith(seen)
