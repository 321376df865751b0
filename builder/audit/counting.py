"""Measures that are functions, counted by other processes, while the one that audits does all else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fiubench.builder.audit.columns import Columns
from fiubench.builder.audit.membership import membership
from fiubench.builder.audit.reading import open_target, record_reader
from fiubench.builder.audit.registry import Counted, FunctionCheck, Survey
from fiubench.builder.audit.strata import Strata
from fiubench.builder.dataset.reading import open_dataset
from fiubench.schemas.documents import IDENTITIES, Block, blocks_of, read_records
from fiubench.support.errors import DatasetError
from fiubench.support.processes import worker_pool

_LINES = 200  # that a process looks at in a turn


@contextmanager
def counted(directory: Path | None, workers: int) -> Iterator[Iterator[Counted]]:
    """What the functions count of a dataset directory, block by block; it begins at once. Of ``None`` nothing.

    Raises:
        DatasetError: a process was killed.
        ConfigError: a measure of a plug-in failed.
    """
    if directory is None:
        yield iter(())
        return
    hint = "Often the system ran out of memory: take fewer --workers."
    killed = DatasetError("a worker process was killed", where=directory, hint=hint)
    with worker_pool(workers, _start, (directory,), killed=killed) as pool:
        yield pool.map(_count, blocks_of(directory / IDENTITIES, _LINES))


class _Counter:
    """Counts blocks; one in each process."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.read = directory, record_reader(open_dataset(directory))
        target = open_target(str(directory))
        self.survey = Survey(target, Columns(membership(target.splits)), Strata(target.as_of))

    def count(self, block: Block) -> Counted:
        check = FunctionCheck(self.survey)
        for record in read_records(self.directory / IDENTITIES, block):
            check.add(self.read(record), 0)
        return check.so_far()


_counter: _Counter | None = None


def _start(directory: Path) -> None:
    global _counter  # noqa: PLW0603  (a worker process is its counter)
    _counter = _Counter(directory)


def _count(block: Block) -> Counted:
    assert _counter is not None
    return _counter.count(block)
