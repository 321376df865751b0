"""How a command ends that does not come to its end: an exit code, and a line for people on stderr."""

import contextlib
import errno
import io
import os
import select
import signal
import sys
from typing import NoReturn

import typer
from fiubench.support.errors import FiubenchError
from fiubench.support.extras import missing

#: Command -> what to know after an interrupt.
_INTERRUPTED = {
    "build": "go on with --resume",
    **dict.fromkeys(("split", "export"), "nothing was written"),
    **dict.fromkeys(
        ["faces", "phrasings", "sources", "publish", "pull", "finetune", "unlearn", "evaluate", "experiment"],
        "the same command goes on",
    ),
}
_MOST = 300  # characters of an unforeseen message


def listen() -> None:
    """Take Ctrl-C, and the SIGTERM of a system that stops, as an interrupt; print names that are no text all the same.

    A second one ends the process on the spot.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(each) != signal.SIG_IGN:  # a shell's `command &`
            signal.signal(each, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _interrupt(*_: object) -> NoReturn:
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    raise KeyboardInterrupt


def tell(error: BaseException, command: str) -> int:
    """Say on stderr what ended a command; returns the exit code."""
    if isinstance(error, BrokenPipeError) and _reader_has_left():
        with contextlib.suppress(OSError, AttributeError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, typer.Exit):
        return error.exit_code
    if hasattr(error, "show"):  # of the parser of the command line
        error.show()
        return int(error.exit_code)  # type: ignore[attr-defined]
    code, line = _told(error, command)
    typer.echo(f"fiubench: {line}", err=True)
    return code


def _told(error: BaseException, command: str) -> tuple[int, str]:
    if isinstance(error, ModuleNotFoundError):
        error = missing(error) or error
    match error:
        case FiubenchError():
            return error.exit_code, str(error)
        case KeyboardInterrupt():
            return 130, "; ".join(filter(None, ("interrupted", _INTERRUPTED.get(command))))
        case EOFError() | typer.Abort():
            return 2, "the input has ended"
        case OSError(errno=errno.ENOSPC, filename=None):
            return 2, f"cannot print: {error.strerror}"
        case OSError() if error.filename is not None:
            return 2, f"{error.filename}: {error.strerror}"
    return 3, _fault(error, command)


def _reader_has_left() -> bool:
    """Whether nobody reads what is printed any more (`head`, a pager)."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return bool(poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no such call here, or nothing to print to
        return True


def _fault(error: BaseException, command: str) -> str:
    """What nobody foresaw, in a line; the traceback is in the file that it names."""
    import tempfile
    import traceback

    what = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="fiubench-fault-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.writelines(traceback.format_exception(error))
    except OSError as full:
        return f"{command} failed, which is a fault of fiubench: {what} (no traceback: {full.strerror})"
    return f"{command} failed, which is a fault of fiubench: {what} (traceback: {file.name})"
