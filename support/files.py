"""Writing so that a file under its final name is always whole, and that nothing stays of what was killed."""

import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import IO, Any

from fiubench.support.errors import DatasetError, FiubenchError

PARTIAL = ".partial"
_SCRATCH = "fiubench-scratch-"
_LOCK = "lock"
_GRACE = 1.0  # seconds in which what a killed process held becomes free: its workers end after it
_MOST_AT_ONCE = 1 << 30


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of ``path``; at the end of the block fsync it and rename it to ``path``.

    The neighbour's name ends in ``.partial``. On an exception it is removed; what a killed process left of it is
    written over by the next. A link is followed: the file that it leads to is replaced, or made. A device, a pipe and
    a file that is open already (``/dev/stdout``) are written to as they are.

    Raises:
        DatasetError: the folder can't be written to, the disk is full, or another process writes the same file.
        BrokenPipeError: whoever read the pipe has seen enough.
    """
    try:
        if _is_written_through(path):
            with path.open("ab") as file:
                yield file
            return
        final = Path(os.path.realpath(path))
        temporary = final.with_name(f".{final.name}{PARTIAL}")
        if (held_file := _hold(temporary)) is None:
            raise DatasetError("another process is writing this file", where=path, hint="Wait for it to end.")
        with held_file as file:
            try:
                file.truncate(0)
                yield file
                file.flush()
                os.fsync(file.fileno())
                if os.name == "nt":
                    file.close()  # no open file can be renamed there
                temporary.replace(final)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise write_error(error, path) from error


def _is_written_through(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # not there; anything else is told when it is written
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return True
    while path.is_symlink():
        if os.path.realpath(path.parent).startswith("/proc/"):
            return True
        path = path.parent / path.readlink()
    return False


def _hold(path: Path, *, make_parent: bool = False) -> IO[bytes] | None:
    """Open a file for reading and writing that no other process holds, and lock it; ``None`` if another one has it.

    It still has its name when it is locked: whoever held it before may have renamed or removed it. Who waits while it
    goes from hand to hand waits on: the time runs anew with each new file of that name.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    seen, deadline = None, 0.0
    while True:
        if make_parent:
            path.parent.mkdir(parents=True, exist_ok=True)
        file = os.fdopen(os.open(path, flags, 0o666), "r+b")
        if (number := os.fstat(file.fileno()).st_ino) != seen:
            seen, deadline = number, time.monotonic() + _GRACE
        if locked := take_lock(file):
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return file
        file.close()
        if not locked:
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)


@contextmanager
def held(lock: Path, refusal: FiubenchError) -> Iterator[None]:
    """Hold a lock file, for as long as the block lasts and any process lives that was forked in it.

    Raises:
        FiubenchError: ``refusal``, where another process holds it.
        DatasetError: it can't be written.
    """
    try:
        file = _hold(lock, make_parent=True)
    except OSError as error:
        raise write_error(error, lock) from error
    if file is None:
        raise refusal
    with file:
        yield


@contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder that ``what`` is written to bit by bit, for this process and those that it starts.

    Its lock is gone when the block ends, and the folder if nothing was written to it.

    Raises:
        DatasetError: another process holds it; or it can't be written.
    """
    lock, there = folder / f".{_LOCK}", folder.exists()
    if there and not os.access(folder, os.W_OK):  # what is finished there may be looked at
        yield
        return
    hint = "Wait for it to end, or name another --out."
    with held(lock, DatasetError(f"another {what} is running in this folder", where=folder, hint=hint)):
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
            if not there:
                with suppress(OSError):
                    folder.rmdir()  # an empty one


def write_atomic(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` in one step (see :func:`atomic_writer`)."""
    with atomic_writer(path) as file:
        file.write(data)


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; an existing one is fine.

    Raises:
        DatasetError: it can't be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, path) from error
    return path


def check_new(out: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        DatasetError: it is there and not an empty folder, or it can't be.
    """
    try:
        used = out.exists() and (not out.is_dir() or any(out.iterdir()))
        above = next((path for path in out.absolute().parents if path.exists()), out)
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except (OSError, ValueError) as error:  # the latter: a NUL in the name
        raise write_error(error, out) from error
    if used:
        raise DatasetError("is not an empty folder", where=out, hint="Name another --out.")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``out`` when the block ends; on an exception nothing of it is left.

    What a killed process left of it is removed. A link is followed.

    Raises:
        DatasetError: ``out`` can't be written to, holds something, or is being filled by another process.
    """
    check_new(out)
    final = Path(os.path.realpath(out))
    scratch = final.with_name(f".{final.name}{PARTIAL}")
    hint = "Wait for it to end, or name another --out."
    try:
        with held(scratch / _LOCK, DatasetError("another process is filling this folder", where=out, hint=hint)):
            try:
                check_new(out)  # again: another process may have filled it meanwhile
                folder = scratch / final.name
                if folder.exists():
                    shutil.rmtree(folder)
                yield make_folder(folder)
                folder.replace(final)  # an empty folder may be there already
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise write_error(error, out) from error


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder in the system's temporary one, gone when the block ends; what killed processes left goes too."""
    for lock in Path(gettempdir()).glob(f"{_SCRATCH}*/{_LOCK}"):
        with suppress(OSError), lock.open("r+b") as file:  # another user's
            if take_lock(file):
                shutil.rmtree(lock.parent)
    with TemporaryDirectory(prefix=_SCRATCH) as name, (Path(name) / "new").open("wb") as file:
        take_lock(file)
        Path(file.name).rename(Path(name) / _LOCK)  # locked before it can be found
        yield make_folder(Path(name) / "files")


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file of our own a second name, a hard link where the file system can; else copy it. A target stays.

    Never for a file of the user's: whoever edits one of two names edits the other (:func:`copy`).
    """
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        copy(source, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file, sharing its blocks where the file system can (Linux: Btrfs, XFS). A target stays.

    Raises:
        DatasetError: the target can't be written.
        OSError: the source can't be read.
    """
    if target.exists():
        return
    with source.open("rb") as file, atomic_writer(target) as out:
        if hasattr(os, "copy_file_range"):
            with suppress(OSError):  # between file systems of two kinds; what is left is read and written
                while os.copy_file_range(file.fileno(), out.fileno(), _MOST_AT_ONCE):
                    pass
        file.seek(os.lseek(out.fileno(), 0, os.SEEK_CUR))
        shutil.copyfileobj(file, out, 1 << 20)


def take_lock(file: IO[Any]) -> bool:
    """Lock an open file until it is closed here and in every process forked meanwhile; ``False`` if it is locked.

    So a lock lives as long as any worker. On Windows, where the system has no such lock, everyone gets it.
    """
    try:
        import fcntl  # noqa: PLC0415
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_error(error: Exception, path: Path) -> DatasetError:
    """The readable form of an error of the operating system met while writing ``path``."""
    reason = getattr(error, "strerror", None) or str(error)
    hint = "Choose another --out, free some space or mend the permissions; a build continues with --resume."
    return DatasetError(f"cannot write: {reason}", where=path, hint=hint)
