"""Worker processes that end with the one they work for, however that ends; and what a signal does here."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from fiubench.support.errors import DatasetError, FiubenchError
from fiubench.support.registry import load_plugins, plugin_files

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
#: Forked workers share what is open and read for free; where there is no safe fork, it is sent to each of them once.
FORK = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
SPAWN = multiprocessing.get_context("spawn")
T = TypeVar("T")
R = TypeVar("R")
_AHEAD = 4  # items for each process that are made or wait for what comes before them


@contextmanager
def worker_pool(
    workers: int,
    start: Callable[..., None] | None = None,
    arguments: Sequence[Any] = (),
    *,
    context: Any = FORK,
    killed: FiubenchError,
) -> Iterator[ProcessPoolExecutor]:
    """Processes to share work out to; each loads the plug-ins and calls ``start(*arguments)`` first.

    What is spawned is bound to its parent before it imports anything of ``start``: ``arguments`` should be plain.

    An interrupt ends them at once; after an error of one, the others finish what they are at.

    Raises:
        FiubenchError: ``killed``, where the system or somebody killed one of them.
    """
    if start is not None and context is SPAWN:
        start = _Named(start.__module__, start.__qualname__)
    initial = (os.getpid(), plugin_files(), start, arguments)
    pool = ProcessPoolExecutor(workers, context, _begin, initial)
    try:
        with _uninterrupted():
            for _ in range(workers):  # all of them start here
                pool.submit(os.getpid)
        yield pool
    except BrokenProcessPool as error:
        raise killed from error
    except Exception:
        raise
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def shared_out(
    prepare: Callable[..., Callable[[T], R]],
    arguments: Sequence[Any],
    items: Iterable[T],
    workers: int,
    *,
    where: Path,
) -> Iterator[R]:
    """What becomes of items, in their order, made here or by several processes; few results wait at a time.

    Args:
        prepare: called with ``arguments`` once in each process, gives the function that takes an item.
        where: the folder that an error names.

    Raises:
        DatasetError: a process was killed.
    """
    if workers == 1:
        yield from map(prepare(*arguments), items)
        return
    hint = "Often the system ran out of memory: take fewer --workers."
    killed = DatasetError("a worker process was killed", where=where, hint=hint)
    with worker_pool(workers, _prepare, (prepare, arguments), killed=killed) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(_take, item))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_prepared: Callable[[Any], Any] | None = None


def _prepare(prepare: Callable[..., Callable[[Any], Any]], arguments: Sequence[Any]) -> None:
    global _prepared  # noqa: PLW0603  (a worker process does one thing)
    _prepared = prepare(*arguments)


def _take(item: Any) -> Any:
    assert _prepared is not None
    return _prepared(item)


@dataclass(frozen=True)
class _Named:
    """A function that is imported when it is called: after a worker is bound to its parent, however long that takes."""

    module: str
    name: str

    def __call__(self, *arguments: Any) -> None:
        getattr(import_module(self.module), self.name)(*arguments)


def _begin(parent: int, plugins: Sequence[Path], start: Callable[..., None] | None, arguments: Sequence[Any]) -> None:
    """What a worker does first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal: the parent decides
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(parent)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
    load_plugins(plugins)
    if start is not None:
        start(*arguments)


def end_with_parent(parent: int) -> None:
    """End this process as soon as its parent has ended, whatever it is at.

    On Linux the system sees to it; elsewhere a thread waits for the end of the pipe that a worker has from its parent.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before
            os._exit(1)
    elif (process := multiprocessing.parent_process()) is not None:
        Thread(target=lambda: (process.join(), os._exit(1)), daemon=True).start()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Signals wait until the block ends; a process that starts in it is born with them waiting."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
