"""How commands end that do not come to their end: signals, readers that leave, faults of our own."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import typer
from fiubench.cli import ending
from fiubench.support.errors import DatasetError, Refused

FIUBENCH = [sys.executable, "-m", "fiubench"]


def begun(out: Path, workers: int) -> subprocess.Popen[str]:
    """A build whose first part is written, in a session of its own as on a terminal."""
    command = [*FIUBENCH, "build", "--out", str(out), "--identities", "2400", "--faces", "none"]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not list(out.glob(".build/parts/0*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.mark.parametrize(("how", "whom"), [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)])
@pytest.mark.parametrize("workers", [1, 4])
def test_an_interrupt_is_told_at_once(tmp_path: Path, how: signal.Signals, whom: object, workers: int) -> None:
    process = begun(tmp_path / "out", workers)
    began = time.monotonic()
    whom(process.pid, how)  # type: ignore[operator]
    _, said = process.communicate(timeout=30)  # until the last worker has closed the pipe
    assert time.monotonic() - began < 10  # two seconds on a machine that does nothing else
    assert (process.returncode, said) == (130, "fiubench: interrupted; go on with --resume\n")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_folder_is_free_as_soon_as_its_build_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    out = tmp_path / "out"
    process = begun(out, 2)
    process.send_signal(how)
    small = ["build", "--out", out, "--identities", "60", "--ratios", "10", "--faces", "none", "--overwrite"]
    done = subprocess.run([*FIUBENCH, *map(str, small)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    process.communicate(timeout=30)
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == []


def test_the_second_interrupt_is_the_last(tmp_path: Path) -> None:
    code = """
import signal, sys, time
from fiubench.cli import ending
ending.listen()
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("first", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in ("ready\n", "first\n"):
        assert process.stdout.readline() == line
        process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1] == "" and process.returncode == -signal.SIGINT


@pytest.mark.parametrize(
    "command", [["measures", "list"], ["presets", "show", "tiny"], ["--help"], ["build", "--help"]]
)
def test_a_reader_that_leaves_early_is_fine(command: list[str]) -> None:
    reads, writes = os.pipe()
    process = subprocess.Popen([*FIUBENCH, *command], stdout=writes, stderr=subprocess.PIPE, text=True)
    os.close(writes)
    os.close(reads)
    assert process.communicate(timeout=60)[1] == "" and process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_what_cannot_be_printed_is_told() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*FIUBENCH, "measures", "list"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (2, "fiubench: cannot print: No space left on device\n")


def test_a_closed_output_is_no_fault() -> None:
    shell = shutil.which("sh")
    assert shell
    line = f"'{sys.executable}' -m fiubench measures list >&-"
    done = subprocess.run([shell, "-c", line], stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "" and done.returncode == 0


def test_what_nobody_foresaw_is_one_line(tmp_path: Path) -> None:
    code = """
import sys, fiubench
from fiubench.cli.main import run
def broken(*_, **__):
    raise KeyError("half\\nof \\ud800 it")
fiubench.split = broken
sys.argv = ["fiubench", "split", "somewhere", "--out", "elsewhere"]
run()
"""
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 3 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("fiubench: split failed, which is a fault of fiubench: KeyError: ")
    (file,) = tmp_path.iterdir()
    assert f"(traceback: {file})" in line
    assert file.stat().st_mode & 0o077 == 0
    assert "in broken" in file.read_text() and "Traceback" in file.read_text()


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DatasetError("odd", where="x", hint="mend it"), 2, "fiubench: x: odd\n  mend it\n"),
        (Refused("no"), 1, "fiubench: no\n"),
        (typer.Exit(1), 1, ""),
        (KeyboardInterrupt(), 130, "fiubench: interrupted; nothing was written\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a/b"), 2, "fiubench: a/b: No such file\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "fiubench: cannot print: No space left on device\n"),
        (EOFError(), 2, "fiubench: the input has ended\n"),
        (ModuleNotFoundError("no torch", name="torch.nn"), 2, "fiubench: needs the package torch, .*\n"),
        (MemoryError(), 3, "fiubench: split failed, which is a fault of fiubench: MemoryError: .*\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 3, "fiubench: split failed, .*: BrokenPipeError: .*\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_its_line(
    error: BaseException, code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ending, "_reader_has_left", lambda: False)
    assert ending.tell(error, "split") == code
    assert re.fullmatch(says, capsys.readouterr().err)


def test_a_fault_whose_traceback_has_no_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    assert ending.tell(ValueError("odd"), "build") == 3
    assert "ValueError: odd (no traceback: No such file or directory)" in capsys.readouterr().err
