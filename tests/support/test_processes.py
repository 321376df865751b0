"""Worker processes end with the one they work for, however it ends; nothing here waits for more than seconds."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fiubench.support.errors import FiubenchError
from fiubench.support.files import held
from fiubench.support.processes import FORK, SPAWN, worker_pool

KILLED = FiubenchError("a worker process was killed")
PARENT = """
import sys, time
from pathlib import Path
from fiubench.support.errors import FiubenchError
from fiubench.support.files import held
from fiubench.support.processes import FORK, SPAWN, worker_pool

if __name__ == "__main__":
    folder, context = Path(sys.argv[1]), {"fork": FORK, "spawn": SPAWN}[sys.argv[2]]
    killed = FiubenchError("killed")
    with held(folder / "lock", FiubenchError("held")), worker_pool(3, context=context, killed=killed) as pool:
        work = [pool.submit(time.sleep, 60) for _ in range(3)]
        (folder / "pids").write_text(" ".join(map(str, pool._processes)))
        print("ready", flush=True)
        work[0].result()
"""


def living(pids: list[int]) -> list[int]:
    """Those that run; what has ended and waits for its parent to take note does not."""

    def runs(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return [pid for pid in pids if runs(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path: Path, context: str, how: signal.Signals) -> None:
    (tmp_path / "parent.py").write_text(PARENT)
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path), context]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 3
    parent.send_signal(how)
    began = time.monotonic()
    parent.communicate(timeout=20)  # the pipe is closed when the last of them is gone
    while living(pids) and time.monotonic() - began < 10:
        time.sleep(0.02)
    assert not living(pids)
    assert time.monotonic() - began < 5
    with held(tmp_path / "lock", FiubenchError("held")):
        pass


def test_a_killed_worker_is_told() -> None:
    with pytest.raises(FiubenchError, match="a worker process was killed"), worker_pool(2, killed=KILLED) as pool:
        list(pool.map(os._exit, [9]))


@pytest.mark.parametrize("context", [FORK, SPAWN])
def test_an_interrupt_ends_what_they_are_at(context: object) -> None:
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), worker_pool(2, context=context, killed=KILLED) as pool:
        work = pool.submit(time.sleep, 60)
        while not work.running():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 20


def test_after_an_error_the_others_finish(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), worker_pool(2, killed=KILLED) as pool:
        other = pool.submit(time.sleep, 0.3)
        while not other.running():
            time.sleep(0.01)
        pool.submit(divmod, 1, 0).result()
    assert other.done() and other.exception() is None


def test_a_lock_lives_as_long_as_any_worker(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with held(lock, FiubenchError("held")):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
    try:
        with pytest.raises(FiubenchError, match="held"), held(lock, FiubenchError("held")):
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with held(lock, FiubenchError("held")):
        pass
