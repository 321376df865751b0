"""The scripts below benchmarks/ that time the builder run, on a few people."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.mark.parametrize("script", ["text.py", "yardstick.py"])
def test_records_are_timed(script: str) -> None:
    done = subprocess.run([sys.executable, BENCHMARKS / script, "100"], capture_output=True, text=True, check=True)
    seconds, size = map(float, done.stdout.split())
    assert seconds > 0
    assert 10_000 < size < 50_000  # bytes of a record


def test_what_start_up_costs() -> None:
    subprocess.run([sys.executable, "-c", runpy.run_path(str(BENCHMARKS / "run.py"))["_START"]], check=True)
