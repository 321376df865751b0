"""Arrow arrays from Python values by way of their buffers.

``pyarrow.array`` imports pandas wherever it is installed, half a CPU second that a build has no use for.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa


def texts(values: Sequence[str]) -> Any:
    """Strings."""
    return _variable(pa.string(), [value.encode() for value in values])


def binaries(values: Sequence[bytes]) -> Any:
    """Byte strings."""
    return _variable(pa.binary(), values)


def lists(values: Sequence[Sequence[Any]], build: Callable[[Sequence[Any]], Any] = texts) -> Any:
    """Lists of strings, or of what else ``build`` makes."""
    offsets = integers(_offsets(map(len, values), len(values)))
    return pa.ListArray.from_arrays(offsets, build(list(chain.from_iterable(values))))


def repeated(values: Sequence[Any], build: Callable[[Sequence[Any]], Any]) -> Any:
    """The values, each distinct one held once.

    The dictionary must have no value twice: Parquet would then store all rows in full, and pyarrow 26 fills what it
    had set aside for the dictionary with whatever is in memory.
    """
    places: dict[Any, int] = {}
    place = np.array([places.setdefault(value, len(places)) for value in values], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(integers(place), build(list(places)))


def integers(values: Any) -> Any:
    """Whole numbers, of an array of numpy's int32."""
    return pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values)])


def _variable(kind: Any, values: Sequence[bytes]) -> Any:
    offsets = _offsets(map(len, values), len(values))
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(values))])


def _offsets(lengths: Iterable[int], count: int) -> Any:
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.fromiter(lengths, dtype=np.int64, count=count), out=offsets[1:])
    if offsets[-1] > np.iinfo(np.int32).max:
        raise OverflowError("more than 2 GiB in one row group")
    return offsets.astype(np.int32)
