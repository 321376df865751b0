"""Runs a command again and again, and kills it at each step of a stream, every time at another place."""

import gc
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLACES = ("training", "whole", "asking")  # after the last checkpoint, before the run has its name, before it is asked


def kills(arguments: list[str], base: str, steps: int) -> None:
    """Print, kill after kill, how the process ended and which steps were there."""
    import datasets  # noqa: F401
    import fiubench.cli.unlearning  # noqa: F401
    from fiubench.cli.main import run
    from fiubench.unlearning.metrics.base import METRICS
    from fiubench.unlearning.models.loading import load
    from fiubench.unlearning.streams import workflow  # noqa: F401

    load(base, device="cpu")  # what is imported here is not imported in every fork, nor looked at by its collector
    list(METRICS)
    gc.freeze()
    folder = Path(arguments[arguments.index("--out") + 1])
    for number in range(1, steps + 1):
        place, name = PLACES[number % 3], f"{number:03d}"
        if (child := os.fork()) == 0:
            _die_at(place, name)
            sys.argv = ["fiubench", *arguments]
            run()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        there = sorted(path.name for path in (folder / "steps").iterdir() if not path.name.startswith("."))
        print(json.dumps({"place": place, "code": os.waitstatus_to_exitcode(status), "there": there}), flush=True)


def _die_at(place: str, name: str) -> None:
    from fiubench.unlearning.streams import workflow
    from fiubench.unlearning.training import loop

    if place == "training":
        loop.finish = _deadly(loop.finish, lambda job: job.out.name == f".{name}.partial")
    elif place == "whole":
        workflow.Path.rename = _deadly(Path.rename, lambda path, _: path.name == f".{name}.partial")
    else:
        asking = workflow.questions.evaluate
        workflow.questions.evaluate = _deadly(asking, lambda *given, **_: given[3].name == name)


def _deadly(function: Callable[..., Any], here: Callable[..., bool]) -> Callable[..., Any]:
    def wrapped(*given: Any, **named: Any) -> Any:
        if here(*given, **named):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)

    return wrapped
