"""What some people add to a release: finished Parquet files, lines of ``full.json``, and counts for the card.

Who is in which splits is known before any part of a build is made, so each part writes its pieces where it is made, and
whoever puts them together copies bytes.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from fiubench.builder.audit.membership import FORGET, OUTSIDE, Membership, membership
from fiubench.builder.dataset.cells import Cells, make_cells
from fiubench.builder.release.original import FULL_FILE, HOLDOUT_FILE, line_of
from fiubench.builder.release.parquet import BENCHMARK, DATA, EVERY_PICTURE, HELD_OUT, ParquetFiles
from fiubench.builder.release.statistics import Statistics
from fiubench.schemas.splits import HOLDOUT
from fiubench.support.draws import Ints
from fiubench.support.files import atomic_writer, make_folder
from numpy.typing import NDArray

STATISTICS = "statistics.npz"
Range = tuple[int, int]
_PEOPLE = 1_000  # of a part
_PARTS = 40  # at most, so that a release has a few hundred files: the hub takes them in one commit


def ranges(size: int) -> list[Range]:
    """The parts of a dataset: each is made on its own, and has files of its own in a release."""
    count = min(max(-(-size // _PEOPLE), 1), _PARTS)
    return [(size * i // count, size * (i + 1) // count) for i in range(count)]


def piece_names(cells: Cells) -> set[str]:
    """The files that :class:`Pieces` may write."""
    tables = [f"{DATA}/{label}" for label in cells.labels]
    tables += [BENCHMARK, HELD_OUT, EVERY_PICTURE]
    return {FULL_FILE, HOLDOUT_FILE, STATISTICS, *(f"{stem}.parquet" for stem in tables)}


@dataclass(frozen=True)
class Cut:
    """Who is in which splits, of everyone in order.

    Attributes:
        cells: all that there are, without anybody in them.
        members: the two sides of guesses, likewise.
        numbers: cell of each identity.
        sides: side of each identity.
    """

    cells: Cells
    members: Membership
    numbers: Ints
    sides: NDArray[np.uint8]

    @classmethod
    def of(cls, ids: Sequence[str], splits: Mapping[str, Sequence[str]], forgotten: Sequence[str] = ()) -> "Cut":
        """Cut the identities into cells.

        Args:
            ids: of everyone, in order.
            splits: as ``splits.json`` has them.
            forgotten: the attributes that the forget sets are about; everything, if empty.

        Raises:
            DatasetError: a split's name can't be a configuration's.
        """
        cells = make_cells(splits, forgotten)
        members = membership({name: frozenset(names) for name, names in splits.items()})
        sides = bytes(members.side(unique_id, number) for number, unique_id in enumerate(ids))
        return cls(
            replace(cells, of={}),
            replace(members, forget=None if members.forget is None else frozenset(), outside=frozenset()),
            np.array([cells.find(unique_id) for unique_id in ids], dtype=np.int64),
            np.frombuffer(sides, dtype=np.uint8),
        )

    def among(self, ids: Sequence[str], first: int) -> tuple[Cells, Membership]:
        """The cells and sides of some identities that follow each other.

        Args:
            ids: theirs.
            first: number of the first.
        """
        span = slice(first, first + len(ids))
        sides = self.sides[span].tolist()
        chosen = {
            side: frozenset(unique_id for unique_id, own in zip(ids, sides, strict=True) if own == side)
            for side in (FORGET, OUTSIDE)
        }
        members = self.members
        if members.forget is not None:
            members = replace(members, forget=chosen[FORGET], outside=chosen[OUTSIDE])
        return replace(self.cells, of=dict(zip(ids, self.numbers[span].tolist(), strict=True))), members


class Pieces:
    """Writes the pieces of some people into a folder; a context manager.

    Args:
        folder: where to; it may hold other files.
        cells, members: who is in which splits, of these people at least.
        first: number of the first.
        attributes: those that are asked about.
        several: whether people have several pictures.
        tables: what writes the tables there, where not every row is to be made.
    """

    def __init__(
        self,
        folder: Path,
        cells: Cells,
        members: Membership,
        first: int,
        attributes: Sequence[str],
        *,
        has_images: bool,
        are_tied: bool = False,
        several: bool = False,
        tables: ParquetFiles | None = None,
    ) -> None:
        self._folder, self._cells = make_folder(folder), cells
        self._statistics = Statistics(cells, members, first)
        self._parquet = tables or ParquetFiles(
            folder, cells, attributes, has_images=has_images, are_tied=are_tied, several=several
        )
        self._stack = ExitStack()
        self._lines: dict[str, Any] = {}

    def __enter__(self) -> "Pieces":
        self._stack.callback(self._parquet.abandon)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, record: Mapping[str, Any], images: Sequence[bytes]) -> None:
        """Write one identity with the bytes of its pictures; they come in order."""
        self._parquet.add(record, images)
        name = HOLDOUT_FILE if HOLDOUT in self._cells.splits[self._cells.find(record["unique_id"])] else FULL_FILE
        if name not in self._lines:
            self._lines[name] = self._stack.enter_context(atomic_writer(self._folder / name))
        self._lines[name].write(line_of(record))
        self._statistics.add(record)

    def close(self) -> list[str]:
        """Finish all files; their names, relative to the folder."""
        tables = self._parquet.close()
        self._statistics.save(self._folder / STATISTICS)
        self._stack.close()
        return [*tables, *sorted(self._lines), STATISTICS]
