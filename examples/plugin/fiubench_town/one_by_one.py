"""An executor: ranks one after the other, each in a Python of its own.

fiubench --plugin one_by_one.py build --out dataset --executor one_by_one --workers 4
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence

from fiubench.builder.pipeline.executing import Executor, register
from fiubench.builder.pipeline.work import Work
from fiubench.support.errors import DatasetError


@register
class OneByOne(Executor):
    """A process for each rank, the next one when it has ended."""

    name = "one_by_one"
    title = "Ranks one after the other."

    def run(self, work: Work, missing: Sequence[tuple[int, int]], workers: int) -> Iterator[tuple[int, int]]:
        """The parts that were missing, when all ranks have ended."""
        for rank in range(workers):
            command = ["part", work.location, "--rank", str(rank), "--world-size", str(workers)]
            done = subprocess.run([sys.executable, "-m", "fiubench", *command], check=False)  # noqa: S603
            if done.returncode:
                raise DatasetError("it failed", where=f"rank {rank}")
        yield from missing
