"""Processes on this machine."""

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed

from fiubench.builder.pipeline.executing import LOCAL, Executor, register
from fiubench.builder.pipeline.parts import PartMaker, blocks
from fiubench.builder.pipeline.work import Work
from fiubench.builder.release.pieces import Range
from fiubench.support.errors import DatasetError
from fiubench.support.processes import worker_pool

_worker: PartMaker | None = None


def _start(work: Work) -> None:
    global _worker  # noqa: PLW0603  (a worker process is its maker)
    _worker = PartMaker(work)


def _make(part: Range) -> Range:
    assert _worker is not None
    return _worker.make(part)


def _draw(part: Range) -> None:
    assert _worker is not None
    _worker.draw(part)


@register
class Local(Executor):
    """Processes on this machine. Pictures are shared out in small ranges first: a part has a thousand of them."""

    name = LOCAL
    title = "Processes on this machine."
    planned = False

    def run(self, work: Work, missing: Sequence[Range], workers: int) -> Iterator[Range]:
        """The parts, as they are made."""
        pictures = [each for part in missing for each in blocks(part)] if work.plan.config.has_images else []
        if workers <= 1 or max(len(missing), len(pictures)) == 1:
            yield from map(PartMaker(work).make, missing)
            return
        hint = "Often the system ran out of memory: go on with --resume and fewer --workers."
        killed = DatasetError("a worker process was killed", where=work.folder.parent, hint=hint)
        with worker_pool(workers, _start, (work,), killed=killed) as pool:
            list(pool.map(_draw, pictures))
            for future in as_completed([pool.submit(_make, part) for part in missing]):
                yield future.result()
