"""Runs ``fiubench`` as its user does, without the seconds that each process takes to import its libraries."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FIUBENCH = [sys.executable, "-m", "fiubench"]
#: What commands on datasets import. Nothing that reads the environment when it is imported, as huggingface_hub does.
LIGHT = (
    "fiubench.builder.audit.run", "fiubench.builder.exports.write", "fiubench.builder.hub.proof",
    "fiubench.builder.pipeline.build", "fiubench.builder.pipeline.verify", "fiubench.builder.release.stage",
    "fiubench.cli.main", "fiubench.cli.options", "fiubench.unlearning.training.settings", "httpx2", "jinja2",
    "matplotlib.figure", "rich.console", "typer.rich_utils",
)  # fmt: skip
#: What commands on models import besides.
HEAVY = (*LIGHT, "accelerate", "peft", "rouge_score.rouge_scorer", "scipy.stats", "torch", "transformers")


class Forking:
    """A process that has imported modules and runs one job after the other, each in a fork (``forking.py``)."""

    def __init__(
        self,
        modules: tuple[str, ...] = LIGHT,
        env: Mapping[str, str] = os.environ,
        python: str | Path = sys.executable,
        cwd: Path = ROOT,
    ) -> None:
        command = [str(python), str(Path(__file__).with_name("forking.py")), *modules]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=cwd
        )

    def __call__(self, cwd: Path, env: Mapping[str, str], **job: Any) -> "subprocess.CompletedProcess[str]":
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({**job, "cwd": str(cwd), "env": dict(env)}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return subprocess.CompletedProcess(job.get("argv", []), answer["code"], answer["stdout"], answer["stderr"])

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)


forking = cache(Forking)  # ends with this process, which holds the pipe


def _for_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(("PYTHON", "LC_", "TZ"))}


def fiubench(
    *arguments: object, cwd: Path = ROOT, env: Mapping[str, str] = os.environ, models: bool = False, **job: Any
) -> "subprocess.CompletedProcess[str]":
    """One command, in a fork; in a process of its own where the environment has something for the interpreter.

    A test of a process's beginning or end, its signals or its limits starts one of its own.

    Args:
        models: whether it is about models, for which more is imported.
        job: ``input``, and how many ``processes`` do it together as those of ``torchrun`` do.
    """
    if _for_python(env) != _for_python(os.environ):
        command = [*FIUBENCH, *map(str, arguments)]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, **job)
    return forking(HEAVY if models else LIGHT)(cwd, env, argv=list(map(str, arguments)), **job)
