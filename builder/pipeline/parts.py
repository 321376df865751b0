"""Parts: ranges of identities that are made on their own, in any order, by any number of processes or machines.

A part is a pure function of (config, sources, range). It is a folder with all that it adds to a dataset: lines of
``identities.jsonl``, pictures, and the pieces of a release. Its header is written last: it says what the part was made
from and the digest of every file, so that one of another build, a damaged one and one under a wrong name are found.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from fiubench.builder.generation.identities import IdentityMaker
from fiubench.builder.generation.paraphrases import BY_MODEL
from fiubench.builder.pipeline.work import PARTS, Work, name_of
from fiubench.builder.release import read_image
from fiubench.builder.release.pieces import Pieces, Range, piece_names
from fiubench.builder.values import dates
from fiubench.raw_sources.source import EMBEDDED
from fiubench.schemas.documents import IDENTITIES, IMAGES, SHORT_DIGEST, read_bytes
from fiubench.support.canonical import canonical_line, digest, digest_of, file_digest
from fiubench.support.errors import DatasetError
from fiubench.support.files import atomic_writer, held, make_folder, write_atomic

if TYPE_CHECKING:
    from fiubench.builder.pipeline.executing import Executor

HEADER = "part.json"
_BLOCK = 500  # identities in memory at a time
_DRAWN = 50  # pictures that are made at a time
_REMAKE = "Remove it, and it is made again: by --resume, or by `fiubench part`."


@dataclass(frozen=True)
class Part:
    """A part that is there.

    Attributes:
        folder: where it lies.
        files: name -> SHA-256 of each of its files but the pictures.
        entries: unique id, digest and digest of the picture of each identity, as the manifest has them.
        by_model: questions that a model phrased.
        pictures: digests of each identity's pictures after the first, where there are some.
        further: where these lie.
    """

    range: Range
    folder: Path
    files: dict[str, str]
    entries: list[list[str | None]]
    by_model: int
    images: list[Path]
    pictures: list[list[str]]
    further: list[Path]


def read_part(work: Work, part: Range, *, known: bool = False) -> Part | None:
    """A part that is there; ``None`` if it is not, or not finished.

    Args:
        known: it was made in this run: its files need not be looked at.

    Raises:
        DatasetError: it is of another plan, damaged, or another part under this name.
    """
    folder = work.path(part)
    if not (folder / HEADER).exists():
        return None
    try:
        document: dict[str, Any] = orjson.loads(read_bytes(folder / HEADER))
        stated = document.pop("digest")
        (first, last), fingerprint = document["range"], document["fingerprint"]
        files, entries, by_model = document["files"], document["entries"], document["by_model"]
        pictures = document["pictures"]
        names, strange = [unique_id for unique_id, _, _ in entries], files.keys() - _known(work)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError("the part is damaged: its header can't be read", where=folder, hint=_REMAKE) from error
    if fingerprint != work.fingerprint:
        raise DatasetError("the part is of another plan: of other settings or sources", where=folder, hint=_REMAKE)
    if (first, last) != part:
        what = f"holds identities {first} to {last - 1} under the name of others: that part would be there twice"
        raise DatasetError(f"the part {what}", where=folder, hint=_REMAKE)
    if stated != digest_of(document) or names != work.plan.unique_id[slice(*part)] or strange:
        raise DatasetError(f"the part is damaged: {HEADER} is damaged", where=folder, hint=_REMAKE)
    further = list(chain.from_iterable(_further(work, part, folder)))
    found = Part(part, folder, files, entries, by_model, _images(work, part, folder), pictures, further)
    for path, sha256 in () if known else _stated(found):
        if not path.is_file() or file_digest(path)[: len(sha256)] != sha256:
            told = f"{path.relative_to(folder)} is {'damaged' if path.exists() else 'missing'}"
            raise DatasetError(f"the part is damaged: {told}", where=folder, hint=_REMAKE)
    return found


def _known(work: Work) -> set[str]:
    """The files that a part may have, but for its pictures: what it says leads nowhere else."""
    return {IDENTITIES} if work.cut is None else {IDENTITIES, *piece_names(work.cut.cells)}


def _images(work: Work, part: Range, folder: Path, picture: int = 1) -> list[Path]:
    names = (work.plan.image_name(i, picture) for i in range(*part)) if work.plan.config.has_images else ()
    return [folder / IMAGES / name for name in names]


def _further(work: Work, part: Range, folder: Path) -> list[tuple[Path, ...]]:
    """The pictures of each identity after the first."""
    numbers = range(2, work.plan.config.pictures + 1)
    return list(zip(*(_images(work, part, folder, picture) for picture in numbers), strict=True))


def _stated(part: Part) -> Iterator[tuple[Path, str]]:
    """Every file of a part and its digest, or the beginning of it."""
    yield from ((part.folder / name, sha256) for name, sha256 in part.files.items())
    yield from zip(part.images, (str(image) for _, _, image in part.entries), strict=False)
    yield from zip(part.further, chain.from_iterable(part.pictures), strict=True)


def refuse_others(work: Work, there: Iterable[str]) -> None:
    """Refuse a plan's parts if there is one among them that is none of its.

    Raises:
        DatasetError: the first of them is named.
    """
    names = {name_of(part) for part in work.parts}
    if other := next((name for name in there if name not in names), None):
        what = "is no part of this plan: it is of another one, or a copy"
        raise DatasetError(what, where=f"{work.location or work.folder}: {PARTS}/{other}", hint="Remove it.")


class PartMaker:
    """Makes and writes parts; one in each process."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._maker: IdentityMaker | None = None

    @property
    def maker(self) -> IdentityMaker:
        """Made when it is first needed: whoever draws pictures alone can do without."""
        if self._maker is None:
            self._maker = IdentityMaker(self.work.plan, self.work.inputs.attributes, self.work.paraphrases)
        return self._maker

    def make(self, part: Range) -> Range:
        """Make a part, unless it is there.

        Raises:
            DatasetError: it can't be made or written, another process is at it, or what is there can't be used.
        """
        folder = self.work.path(part)
        make_folder(folder)
        busy = DatasetError("another process is making this part", where=folder, hint="Wait for it to end.")
        with held(folder.with_name(f"{folder.name}.lock"), busy):
            if read_part(self.work, part) is None:
                self._write(part, folder)
        return part

    def _write(self, part: Range, folder: Path) -> None:
        """The pictures, the records and what is made of them, and in the end the header."""
        work, entries, by_model = self.work, list[list[str | None]](), 0
        pictures: list[list[str]] = []
        self.draw(part)
        images, further = iter(_images(work, part, folder)), iter(_further(work, part, folder))
        with self._pieces(part, folder) as pieces:
            with atomic_writer(folder / IDENTITIES) as file:
                for records in self._blocks(part):
                    for record in records:
                        line, image = canonical_line(record), read_image(path) if (path := next(images, None)) else None
                        file.write(line)
                        short = None if image is None else digest(image)[:SHORT_DIGEST]
                        entries.append([record["unique_id"], digest(line)[:SHORT_DIGEST], short])
                        by_model += sum(qa["phrasings"]["question"] == BY_MODEL for qa in record["qa_list"])
                        others = [read_image(path) for path in next(further, ())]
                        if others:
                            pictures.append([digest(other)[:SHORT_DIGEST] for other in others])
                        if pieces is not None:
                            pieces.add(record, [] if image is None else [image, *others])
            names = [IDENTITIES, *(pieces.close() if pieces is not None else ())]
        header = {
            "fingerprint": work.fingerprint,
            "range": list(part),
            "files": {name: file_digest(folder / name) for name in names},
            "entries": entries,
            "pictures": pictures,
            "by_model": by_model,
        }
        write_atomic(folder / HEADER, canonical_line({**header, "digest": digest_of(header)}))

    def _pieces(self, part: Range, folder: Path) -> AbstractContextManager[Pieces | None]:
        work = self.work
        if work.cut is None:
            return nullcontext()
        cells, members = work.cut.among(work.plan.unique_id[slice(*part)], part[0])
        config, tied = work.plan.config, work.inputs.attributes.tied
        return Pieces(
            folder, cells, members, part[0], work.asked,
            has_images=config.has_images, are_tied=tied, several=config.pictures > 1,
        )  # fmt: skip

    def _blocks(self, part: Range) -> Iterator[list[dict[str, Any]]]:
        for block in blocks(part, _BLOCK):
            with _without_cycle_search():
                records = self.maker.make(*block)
            yield records

    def draw(self, part: Range) -> None:
        """Write those pictures of some identities that are not there yet."""
        plan = self.work.plan
        if not plan.config.has_images:
            return
        whole = next(each for each in self.work.parts if each[0] <= part[0] < each[1])
        for picture in range(1, plan.config.pictures + 1):
            targets = _images(self.work, part, self.work.path(whole), picture)
            make_folder(targets[0].parent)
            (self._draw if plan.config.faces == EMBEDDED else self._take)(part, targets, picture)

    def _take(self, part: Range, targets: Sequence[Path], picture: int) -> None:
        """From the folder of faces; altered copies of the first pictures, where it has no other ones."""
        from fiubench.raw_sources.reading.images import write_face  # noqa: PLC0415
        from fiubench.raw_sources.reading.variants import variant_of  # noqa: PLC0415

        plan = self.work.plan
        for i, target in zip(range(*part), targets, strict=True):
            if target.exists() or (first := plan.face_at(i)) is None:
                continue
            face = plan.face_at(i, picture)
            alter = variant_of(plan.config.seed, i, picture).of if face is None else None
            write_face(face or first, target, plan.config.image_size, alter)

    def _draw(self, part: Range, targets: Sequence[Path], picture: int) -> None:
        from fiubench.raw_sources.portraits import draw_portrait, encode, lights, traits  # noqa: PLC0415

        plan = self.work.plan
        people, index, seed = plan.people(slice(*part)), np.arange(*part), plan.config.seed
        ages = dates.ages_on(people.birth, dates.to_day(plan.config.as_of))
        faces = zip(traits(seed, index, people.gender, ages, picture), lights(seed, index, picture), strict=True)
        for face, target in zip(faces, targets, strict=True):
            if not target.exists():
                write_atomic(target, encode(draw_portrait(face[0], plan.config.image_size, face[1])))


def blocks(part: Range, size: int = _DRAWN) -> list[Range]:
    """A range in pieces."""
    return [(start, min(start + size, part[1])) for start in range(part[0], part[1], size)]


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


def make_parts(work: Work, executor: "Executor", workers: int) -> Iterator[Part]:
    """Make every part that is not there yet; yields all of them in order, each as soon as it and those before it are.

    Raises:
        DatasetError: a part can't be made or written, can't be used, or is missing in the end.
    """
    refuse_others(work, [path.name for path in sorted((work.folder / PARTS).glob("*/"))])
    found = {part: there for part in work.parts if (there := read_part(work, part)) is not None}
    missing = [part for part in work.parts if part not in found]
    running = iter(executor.run(work, missing, workers)) if missing else iter(())
    try:
        for part in work.parts:
            while part not in found:
                ended = next(running, None)
                if ended is None:
                    raise absent(work, [each for each in work.parts if each not in found])
                if (there := read_part(work, ended, known=True)) is not None:
                    found[ended] = there
            yield found.pop(part)
    finally:
        if hasattr(running, "close"):
            running.close()


def absent(work: Work, missing: Iterable[Range]) -> DatasetError:
    """The error of parts that nobody has made."""
    names = [name_of(part) for part in missing]
    shown = f"{', '.join(names[:3])}{' ..' if len(names) > 3 else ''}"
    hint = "`fiubench part` makes those of a rank that are not there."
    what = f"{len(names)} of {len(work.parts)} parts are missing: {shown}"
    return DatasetError(what, where=work.location or work.folder, hint=hint)
