"""Is a release what its dataset makes? It is packaged again beside it and compared, tables cell by cell.

Bytes that are the same need no second look. Another version of pyarrow may write a table in other bytes: then its
schema, its metadata and every cell must be the same, and card and Croissant are made anew over what is there.
"""

from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.builder.audit.registry import Table
from fiubench.builder.dataset.intact import release_files
from fiubench.builder.dataset.reading import Dataset
from fiubench.builder.release import CARD, CROISSANT, describe, package
from fiubench.builder.release.card import front_matter_of
from fiubench.builder.release.publication import Publication
from fiubench.builder.release.stage import is_older, write_stage
from fiubench.schemas.documents import MANIFEST, RELEASE, RELEASE_WORDINGS, SPLITS
from fiubench.support.canonical import file_digest
from fiubench.support.files import link_or_copy, scratch_folder

_ROWS = 100  # of a table in memory
_SHOWN = 60  # characters of a text that differs
_MOST = 5  # cells of a file that are named


def release_problems(dataset: Dataset, guesses: Table | None = None) -> Iterator[str]:
    """What in a release is not as the records, pictures and splits beside it make it; nothing of an older layout.

    Args:
        guesses: of the audit's attackers, which the card of a published release holds; without them only the card's
            head is compared, which says what ``datasets`` loads.

    Raises:
        DatasetError: the dataset is damaged.
    """
    if is_older(dataset.manifest):
        return
    with scratch_folder() as scratch:
        try:
            yield from _Comparison(dataset, scratch, guesses).problems()
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # each is well-formed, but not of the other
            yield f"{MANIFEST}: does not fit the records, so that no release can be made of them: {error!r}"


class _Comparison:
    """A release, and what is made again of its dataset."""

    def __init__(self, dataset: Dataset, scratch: Path, guesses: Table | None) -> None:
        self.dataset, self.guesses = dataset, guesses
        self.publication = Publication.of(dataset.manifest)
        self.there = dataset.directory / RELEASE
        self.made = scratch / RELEASE
        package(dataset.directory, dataset.manifest, self.made, linked=False)
        listed = front_matter_of(self.made / CARD)["configs"]
        self.configs = {config["config_name"]: config["data_files"][0]["path"] for config in listed}
        if "wordings" in dataset.manifest:
            link_or_copy(dataset.paraphrases, scratch / RELEASE_WORDINGS)
        if self.publication is not None:
            packaged, self.made = self.made, scratch / "stage"
            self.made.mkdir()
            write_stage(dataset, self.made, self.publication, guesses, release=packaged)

    def problems(self) -> Iterator[str]:
        """What differs, a line each."""
        made, told = set(release_files(self.made)) - {MANIFEST, SPLITS}, set(self.dataset.manifest["release"])
        yield from (f"{RELEASE}/{name}: is no part of this dataset's release" for name in sorted(told - made))
        yield from (f"{RELEASE}/{name}: is not in the manifest" for name in sorted(made - told))
        shared = sorted(name for name in made & told if (self.there / name).is_file())
        tables = [name for name in shared if name.endswith(".parquet")]
        rewritten = [name for name in tables if not self._same(name)]
        for name in rewritten:
            if cells := list(islice(_cells(self.made / name, self.there / name), _MOST)):
                yield from (f"{RELEASE}/{name}: {cell}" for cell in cells)
            else:
                (self.made / name).unlink()
                (self.made / name).symlink_to((self.there / name).resolve())
        if rewritten:
            apart = self.publication is None
            describe(
                self.dataset.directory, self.dataset.manifest, self.made, self.configs, self.publication, self.guesses,
                apart=apart,
            )  # fmt: skip
        for name in shared:
            if name not in tables and not self._same(name):
                yield from self._text(name)

    def _same(self, name: str) -> bool:
        return file_digest(self.made / name) == file_digest(self.there / name)

    def _text(self, name: str) -> Iterator[str]:
        nameless = self.publication is not None and not self.publication.repo  # as those of before are
        if nameless and name == CROISSANT:
            return
        if name == CARD and self.publication is not None and (nameless or self.guesses is None):
            ours, theirs = front_matter_of(self.made / name), front_matter_of(self.there / name)
            for key in sorted(ours.keys() | theirs.keys()):
                if ours.get(key) != theirs.get(key):
                    yield f"{RELEASE}/{name}: {key}: {_pair(str(ours.get(key)), str(theirs.get(key)))}"
            return
        lines = zip_longest(
            *(f.read_bytes().splitlines() for f in (self.made / name, self.there / name)), fillvalue=b""
        )
        for number, (made, there) in enumerate(lines, 1):
            if made != there:
                yield f"{RELEASE}/{name}, line {number}: {_pair(made.decode(), there.decode(errors='replace'))}"
                return
        yield f"{RELEASE}/{name}: has other ends of lines"


def _cells(made: Path, there: Path) -> Iterator[str]:
    """The first things in which two Parquet files differ for whoever reads them."""
    try:
        with pq.ParquetFile(made) as ours, pq.ParquetFile(there) as theirs:
            if _columns(ours) != _columns(theirs):
                yield f"columns: {_pair(_columns(ours), _columns(theirs))}"
            elif _said(ours) != _said(theirs):
                yield f"metadata: {_pair(_said(ours), _said(theirs))}"
            elif ours.metadata.num_rows != theirs.metadata.num_rows:
                yield f"{theirs.metadata.num_rows} rows, not {ours.metadata.num_rows}"
            else:
                for row, other in zip(_rows(ours), _rows(theirs), strict=True):
                    who = f"{row['unique_id']} {row.get('attribute', '')}".strip()
                    differing = (column for column in row if row[column] != other[column])
                    yield from (
                        f"{who}: {column}: {_pair(str(row[column]), str(other[column]))}" for column in differing
                    )
    except (pa.ArrowException, OSError, ValueError) as error:
        yield f"can't be read as Parquet: {' '.join(str(error).split())[:200]}"


def _columns(file: Any) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in file.schema_arrow)


def _said(file: Any) -> str:
    return str(sorted((file.metadata.metadata or {}).items()))


def _rows(file: Any) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(_ROWS):
        yield from batch.to_pylist()


def _pair(made: str, there: str) -> str:
    """Two texts side by side, as far as they differ."""
    start = next((i for i, (a, b) in enumerate(zip(made, there, strict=False)) if a != b), min(len(made), len(there)))
    start = max(0, start - _SHOWN // 3)
    return " | ".join(f"{'..' * bool(start)}{text[start : start + _SHOWN]}" or "-" for text in (made, there))
