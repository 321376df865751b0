"""Reading files that somebody names: never a device, never more than a file of its kind holds, never for ever."""

import errno
import os
import select
import stat
import time
from io import BufferedReader
from pathlib import Path

from fiubench.support.errors import FiubenchError

SMALL = 4 << 20  # bytes; nobody writes more by hand
_PATIENCE = 10.0  # seconds that a pipe gets for all of its content
_CHUNK = 1 << 16


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have, being too long, is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def open_regular(path: Path, *, pipes: bool = False) -> BufferedReader:
    """A file to be read, which is no folder, device or socket, and a pipe only with ``pipes``.

    Raises:
        OSError: it is something else, or can't be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind) or (pipes and stat.S_ISFIFO(kind)):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, f"it is {_kind(kind)}, and a file is expected", str(path))


def open_file(path: Path, error: type[FiubenchError], *, pipes: bool = False, hint: str = "") -> BufferedReader:
    """The same with a message for people (see :func:`open_regular`).

    Raises:
        error: it is something else, or can't be opened.
    """
    try:
        return open_regular(path, pipes=pipes)
    except FileNotFoundError as problem:
        raise error("no such file", where=path, hint=hint or "Check the path.") from problem
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"cannot be read: {reason}", where=path, hint=hint) from problem


def read_small(path: Path, error: type[FiubenchError], *, most: int = SMALL, hint: str = "") -> bytes:
    """The content of a small file, or of a pipe that gives it within ten seconds.

    Args:
        path: the file.
        error: what is raised.
        most: bytes that such a file has at most.
        hint: how to mend it where it can't be read.

    Raises:
        error: there is no such file, it can't be read, it is a device or a socket, too large, or too slow.
    """
    with open_file(path, error, pipes=True, hint=hint) as file:
        try:
            content = file.read(most + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else _piped(file, most)
        except TimeoutError as problem:
            raise error(f"gave nothing whole within {_PATIENCE:g} seconds", where=path, hint=hint) from problem
        except OSError as problem:
            raise error(f"cannot be read: {problem.strerror}", where=path, hint=hint) from problem
    if len(content) > most:
        size = f"{most >> 20} MB" if most >= 1 << 20 else f"{most:,} bytes"
        raise error(f"larger than {size}", where=path, hint=hint or "Is it the right file?")
    return content


def _piped(file: BufferedReader, most: int) -> bytes:
    """What a pipe gives until it is closed, at most one byte more than ``most``."""
    deadline, content = time.monotonic() + _PATIENCE, bytearray()
    while len(content) <= most:
        # a pipe that nobody has opened for writing yet is not ready; at its end it is, with nothing to read
        ready, _, _ = select.select([file], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        if not (more := os.read(file.fileno(), _CHUNK)):
            break
        content += more
    return bytes(content[: most + 1])


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")
