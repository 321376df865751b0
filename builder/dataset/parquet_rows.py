"""Rows and pictures of Parquet files that anybody may have written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fiubench.support.errors import DatasetError
from fiubench.support.reading import open_file

_AT_ONCE = 100  # rows in memory
HINT = "A dataset folder, a JSON, JSON lines or Parquet file or a folder of them, or OWNER/NAME on the Hub."


def column_names(file: Path) -> tuple[str, ...]:
    """The columns of a file.

    Raises:
        DatasetError: no Parquet file, or a damaged one.
    """
    with _opened(file) as table:
        return tuple(table.schema_arrow.names)


def parquet_rows(file: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    """The rows, with those of the columns that there are.

    Raises:
        DatasetError: no Parquet file, or a damaged one.
    """
    with _opened(file) as table:
        wanted = None if columns is None else [name for name in table.schema_arrow.names if name in columns]
        for batch in table.iter_batches(_AT_ONCE, columns=wanted, use_threads=False):
            batch.validate(full=True)
            yield from batch.to_pylist()


class StoredPictures:
    """The pictures in tables of people, by unique id; a row group of them is held at a time.

    Args:
        files: with columns ``unique_id`` and ``image``; others have no pictures.

    Raises:
        DatasetError: no Parquet file, or a damaged one.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self._places: dict[str, tuple[Path, int, int]] = {}
        self._held: tuple[tuple[Path, int] | None, Any] = None, None
        for file in files:
            with _opened(file) as table:
                if not {"unique_id", "image"} <= {*table.schema_arrow.names}:
                    continue
                for group in range(table.num_row_groups):
                    ids = table.read_row_group(group, ["unique_id"], use_threads=False).column(0).to_pylist()
                    for number, unique_id in enumerate(ids):
                        self._places.setdefault(str(unique_id), (file, group, number))

    def of(self, unique_id: str) -> bytes | None:
        """The bytes of somebody's picture, where there is one."""
        if unique_id not in self._places:
            return None
        file, group, number = self._places[unique_id]
        if self._held[0] != (file, group):
            with _opened(file) as table:
                images = table.read_row_group(group, ["image"], use_threads=False)
                images.validate(full=True)
            self._held = (file, group), images.column(0)
        stored = self._held[1][number].as_py()
        image = stored.get("bytes") if isinstance(stored, Mapping) else None
        return image if isinstance(image, bytes) else None


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with open_file(file, DatasetError, hint=HINT) as stream, pq.ParquetFile(stream) as table:
            yield table
    except (pa.ArrowException, OSError, OverflowError, ValueError) as error:
        what = f"no Parquet file, or a damaged one: {str(error).splitlines()[0]:.200}"
        raise DatasetError(what, where=file, hint=HINT) from error
