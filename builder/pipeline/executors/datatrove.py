"""Ranks that `datatrove <https://github.com/huggingface/datatrove>`_ runs: here, or by Slurm or Ray with its executors.

:class:`MakeParts` is a step of its pipelines; ``docs/how-to/cluster.md`` gives it to its ``SlurmPipelineExecutor``.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fiubench.builder.pipeline.executing import Executor, register
from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import Range
from fiubench.support.extras import need
from fiubench.support.registry import load_plugins, plugin_files


class MakeParts:
    """A step of a pipeline of datatrove's: makes the parts of its rank, of the plan in a folder or under an URL."""

    name, type = "Make parts", "fiubench"

    def __init__(self, location: str, plugins: Sequence[str] = ()) -> None:
        self.location, self.plugins = location, list(plugins)

    def __call__(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Make them; no documents pass through."""
        from fiubench.builder.pipeline.steps import part  # noqa: PLC0415  (which imports the registry of executors)

        load_plugins(map(Path, self.plugins))
        part(self.location, rank, world_size)
        yield from data or ()


@register
class Datatrove(Executor):
    """Ranks in processes of datatrove's on this machine."""

    name = "datatrove"
    title = "Ranks of datatrove's LocalPipelineExecutor; for Slurm and Ray see docs/how-to/cluster.md."

    def run(self, work: Work, missing: Sequence[Range], workers: int) -> Iterator[Range]:
        """The parts, when all ranks have ended."""
        need("datatrove")
        from datatrove.executor import LocalPipelineExecutor  # noqa: PLC0415  few have it

        step = MakeParts(work.location, [str(file) for file in plugin_files()])
        with TemporaryDirectory(prefix="fiubench-datatrove-") as logs:
            LocalPipelineExecutor([step], tasks=workers, workers=workers, logging_dir=logs).run()
        yield from missing
