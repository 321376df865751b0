"""Runs command lines and Python blocks, each in a fork of one process that has imported what takes long.

One JSON object a line in, one out: ``{"argv": [..]}`` runs ``fiubench``, ``{"parse": [..]}`` only reads its options,
``{"python": ".."}`` executes code; each with ``cwd`` and ``env``, and ``input`` and ``processes`` where there are any.
``instead`` has functions by name, each with what it gives instead of being called.
The answer has the exit code and what was said. Otherwise a command in a fork differs from one in a process of its own
in what is imported, and in nothing else.
"""

import atexit
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import threading
import traceback
from typing import Any


def parse(arguments: list[str]) -> None:
    """Read a whole command line as the program does, and do nothing."""
    import typer
    from fiubench.cli.main import _plugins_first, app

    command, rest = typer.main.get_command(app), _plugins_first(arguments)
    context = command.make_context("fiubench", rest)
    while hasattr(context.command, "resolve_command"):
        words = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, words)
        context = command.make_context(name, rest, parent=context)


def do(job: dict[str, Any]) -> None:
    for name, given in job.get("instead", {}).items():
        module, _, function = name.rpartition(".")
        setattr(importlib.import_module(module), function, lambda *_, given=given, **__: given)
    if "python" in job:
        exec(compile(job["python"], "<block>", "exec"), {"__name__": "__main__"})
    elif "parse" in job:
        parse(job["parse"])
    else:
        from fiubench.cli.main import run

        sys.argv = ["fiubench", *job["argv"]]
        run()


def in_forks(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job in a process, or the same in several that know of each other as those of ``torchrun`` do."""
    count = job.get("processes", 0)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        given.write(job.get("input", "").encode())
        given.seek(0)
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())} if count else {}
        running = []
        for rank in range(count or 1):
            running.append(os.fork())
            if running[-1] == 0:
                for number, file in enumerate((given, output, errors)):
                    os.dup2(file.fileno(), number)
                names = ("RANK", "LOCAL_RANK"), ("WORLD_SIZE", "LOCAL_WORLD_SIZE")
                place = {name: str(n) for n, both in zip((rank, count), names, strict=True) for name in both}
                os._exit(_code_of(job, {**job["env"], **address, **(place if count else {})}))
        code = 0
        while running:
            ended, status = os.wait()
            running.remove(ended)
            if status:
                code = code or os.waitstatus_to_exitcode(status)
                for other in running:  # which would wait for it
                    os.kill(other, signal.SIGKILL)
        output.seek(0)
        errors.seek(0)
        said, told = (file.read().decode(errors="replace") for file in (output, errors))
        return {"code": code, "stdout": said, "stderr": told}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _code_of(job: dict[str, Any], environment: dict[str, str]) -> int:
    """The exit code of a job, after all that an interpreter does at its end."""
    code = 0
    try:
        sys.stdin = os.fdopen(0, closefd=False)
        os.chdir(job["cwd"])
        os.environ.clear()
        os.environ.update(environment)
        do(job)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(bool(error.code))
    except BaseException:
        traceback.print_exc()
        code = 70
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    sys.path[0] = ""  # as for `python -m fiubench`
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(in_forks(json.loads(line))), flush=True)
