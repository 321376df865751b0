"""Runs command lines and Python blocks in a folder, each in a fork of one process that has imported what takes long.

One JSON object a line in, one out: ``{"argv": [..]}`` runs ``fiubench``, ``{"parse": [..]}`` only reads its options,
``{"python": ".."}`` executes code; the answer is ``{"code": 0, "output": ".."}``.
"""

import importlib
import json
import os
import sys
import tempfile
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
    if "python" in job:
        exec(compile(job["python"], "<block>", "exec"), {"__name__": "__main__"})
    elif "parse" in job:
        parse(job["parse"])
    else:
        from fiubench.cli.main import run

        sys.argv = ["fiubench", *job["argv"]]
        run()


def in_a_fork(job: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
            code = 0
            try:
                do(job)
            except SystemExit as error:
                code = error.code if isinstance(error.code, int) else int(bool(error.code))
            except BaseException:
                traceback.print_exc()
                code = 70
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        file.seek(0)
        return {"code": code, "output": file.read().decode(errors="replace")}


if __name__ == "__main__":
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(in_a_fork(json.loads(line))), flush=True)
