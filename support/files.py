"""Writing so that a file under its final name is always whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from fiubench.support.errors import DatasetError

PARTIAL = ".partial"
_MOST_AT_ONCE = 1 << 30


@contextmanager
def atomic_writer(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of ``path``; at the end of the block fsync it and rename it to ``path``.

    The temporary name ends in ``.partial`` and carries the process id. On an exception it is removed.

    Raises:
        DatasetError: the folder can't be written to, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise write_error(error, path) from error
    finally:
        with suppress(OSError):  # reported above, where the folder itself is at fault
            temporary.unlink(missing_ok=True)


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
        DatasetError: it is there and not an empty folder.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError("is not an empty folder", where=out, hint="Name another --out.")


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which becomes ``out`` when the block ends; on an exception nothing of it is left.

    Raises:
        DatasetError: ``out`` can't be written to.
    """
    make_folder(out.parent)
    try:
        with TemporaryDirectory(prefix=f".{out.name}.partial-", dir=out.parent) as scratch:
            folder = make_folder(Path(scratch) / out.name)
            yield folder
            folder.replace(out)  # an empty folder may be there already
    except OSError as error:
        raise write_error(error, out) from error


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


def take_lock(file: IO[str]) -> bool:
    """Lock an open file for this process, however it ends; ``False`` if another process holds it.

    On Windows, where the system has no such lock, every process gets it.
    """
    try:
        import fcntl  # noqa: PLC0415
    except ImportError:
        return True
    try:
        # a lock of the process, not of the open file: workers that outlive a killed one do not hold it
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def write_error(error: OSError, path: Path) -> DatasetError:
    """The readable form of an operating-system error met while writing ``path``."""
    reason = error.strerror or str(error)
    hint = "Choose another --out, free some space or mend the permissions; a build continues with --resume."
    return DatasetError(f"cannot write: {reason}", where=path, hint=hint)
