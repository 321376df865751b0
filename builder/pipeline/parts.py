"""Parts: ranges of identities that are made on their own, in any order, by any number of processes or machines.

A part is a pure function of (config, sources, range). It is written under ``.build/parts`` with its images, and its
file appears under its final name only when both are whole: that file is what a resumed build looks for.
"""

import gc
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.pairing import Plan
from fiubench.builder.generation.paraphrases import Paraphrases
from fiubench.builder.packs.model import Attributes
from fiubench.builder.values import dates
from fiubench.raw_sources.source import EMBEDDED
from fiubench.schemas.documents import IMAGES
from fiubench.support.canonical import canonical_line
from fiubench.support.errors import DatasetError
from fiubench.support.files import make_folder, write_atomic
from fiubench.support.processes import worker_pool

WORK = ".build"
Range = tuple[int, int]
_SMALLEST, _LARGEST, _PARTS = 50, 1000, 16


def ranges(size: int) -> list[Range]:
    """The parts of a build: even ranges, small enough to share out and to hold in memory."""
    step = min(max(-(-size // _PARTS), _SMALLEST), _LARGEST)
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def part_file(out: Path, part: Range) -> Path:
    """Where a part's records are kept until the build is finished."""
    return out / WORK / "parts" / f"{part[0]:09d}-{part[1]:09d}.jsonl"


class PartMaker:
    """Makes and writes parts; one in each process."""

    def __init__(self, plan: Plan, attributes: Attributes, out: Path, paraphrases: Paraphrases | None) -> None:
        self.plan = plan
        self.out = out
        self.maker = IdentityMaker(plan, attributes, paraphrases)

    def write(self, part: Range) -> Range:
        """Write a part's images and then its records."""
        with _without_cycle_search():
            lines = [canonical_line(record) for record in self.maker.make(*part)]
        self._write_images(part)
        write_atomic(part_file(self.out, part), b"".join(lines))
        return part

    def _write_images(self, part: Range) -> None:
        plan, folder = self.plan, self.out / IMAGES
        targets = [folder / plan.image_name(i) for i in range(*part)] if plan.config.has_images else []
        if plan.config.faces == EMBEDDED:
            self._draw(part, targets)
        elif targets:
            from fiubench.raw_sources.reading.images import write_face  # noqa: PLC0415

            for i, target in zip(range(*part), targets, strict=True):
                if (face := plan.face_at(i)) is not None and not target.exists():
                    write_face(face, target, plan.config.image_size)

    def _draw(self, part: Range, targets: Sequence[Path]) -> None:
        from fiubench.raw_sources.portraits import draw_portrait, encode, traits  # noqa: PLC0415

        plan = self.plan
        span = slice(*part)
        people = plan.people(span)
        ages = dates.ages_on(people.birth, dates.to_day(plan.config.as_of))
        for face, target in zip(traits(plan.config.seed, np.arange(*part), people.gender, ages), targets, strict=True):
            if not target.exists():
                write_atomic(target, encode(draw_portrait(face, plan.config.image_size)))


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """Records are trees: looking for cycles among a hundred thousand young dicts costs a quarter of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


_worker: PartMaker | None = None


def _start_worker(plan: Plan, attributes: Attributes, out: Path, paraphrases: Paraphrases | None) -> None:
    global _worker  # noqa: PLW0603  (a worker process is its maker)
    _worker = PartMaker(plan, attributes, out, paraphrases)


def _work(part: Range) -> Range:
    assert _worker is not None
    return _worker.write(part)


def write_parts(
    plan: Plan, attributes: Attributes, out: Path, workers: int, paraphrases: Paraphrases | None = None
) -> Iterator[Range]:
    """Make every part that is not there yet; yields all of them in order, each as soon as it and those before it are.

    Raises:
        DatasetError: a part can't be made or written, or a worker process was killed.
    """
    make_folder(out / WORK / "parts")
    if plan.config.has_images:
        make_folder(out / IMAGES)
    parts = ranges(plan.size)
    missing = [part for part in parts if not part_file(out, part).exists()]
    there = set(parts) - set(missing)
    made = _run(missing, workers, plan, attributes, out, paraphrases)
    try:
        for part in parts:
            while part not in there:
                there.add(next(made))
            yield part
    finally:
        made.close()


def _run(
    missing: Sequence[Range],
    workers: int,
    plan: Plan,
    attributes: Attributes,
    out: Path,
    paraphrases: Paraphrases | None,
) -> Generator[Range, None, None]:
    if not missing:
        return
    if workers <= 1 or len(missing) == 1:
        yield from map(PartMaker(plan, attributes, out, paraphrases).write, missing)
        return
    hint = "Often the system ran out of memory: go on with --resume and fewer --workers."
    killed = DatasetError("a worker process was killed", where=out, hint=hint)
    with worker_pool(workers, _start_worker, (plan, attributes, out, paraphrases), killed=killed) as pool:
        for future in as_completed([pool.submit(_work, part) for part in missing]):
            yield future.result()
