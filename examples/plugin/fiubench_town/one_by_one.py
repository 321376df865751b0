"""Ranks one after the other, each in a Python of its own."""

import subprocess
import sys
from collections.abc import Iterator, Sequence

from fiubench.builder.pipeline.executing import Executor, register
from fiubench.builder.pipeline.work import Work
from fiubench.support.errors import DatasetError


@register
class OneByOne(Executor):
    name = "one-by-one"
    title = "Ranks one after the other."

    def run(self, work: Work, missing: Sequence[tuple[int, int]], workers: int) -> Iterator[tuple[int, int]]:
        for rank in range(workers):
            command = ["part", work.location, "--rank", str(rank), "--world-size", str(workers)]
            done = subprocess.run([sys.executable, "-m", "fiubench", *command], capture_output=True, text=True)
            if done.returncode:
                raise DatasetError(done.stderr.strip(), where=f"rank {rank}")
        yield from missing
