"""Feature vectors of faces, from which a varied subset is chosen: SFHQ's own CLIP features, or a small descriptor."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.raw_sources.reading.likeness import cosines
from fiubench.support.errors import SourceError
from fiubench.support.reading import open_regular
from numpy.typing import NDArray
from PIL import Image

CLIP_KEY = "CLIP_ViTL_14@336"
_FOLDER = "pretrained_features"
LENGTH = 2000
_SIDE, _LOW = 16, 6
_HINT = "Take the pretrained_features folder away, or download it again."
_LARGEST = 16 << 20  # bytes of a feature file; SFHQ's have a few thousand
_NUMBERS = [order + size for order in "<>=" for size in ("f2", "f4", "f8")]


class _Dtype:
    """Stands in for ``numpy.dtype`` in a pickle: the name of a type and its byte order."""

    def __init__(self, name: str, *_: Any) -> None:
        self.name, self.order = name, "="

    def __setstate__(self, state: Sequence[Any]) -> None:
        self.order = state[1]


class _Array:
    """Stands in for ``numpy.ndarray`` in a pickle: its bytes and their type.

    Arrays that numpy itself rebuilds are not safe: a made-up type can have it take any bytes for addresses.
    """

    def __init__(self, *_: Any) -> None:
        self.__setstate__((1, (), None, False, b""))

    def __setstate__(self, state: Sequence[Any]) -> None:
        _, _, self.dtype, _, self.data = state

    @classmethod
    def from_buffer(cls, data: Any, dtype: Any, shape: Any, order: Any) -> "_Array":
        made = cls()
        made.__setstate__((1, shape, dtype, order, data))
        return made

    def numbers(self) -> NDArray[np.float64]:
        """The numbers in it, flat.

        Raises:
            pickle.UnpicklingError: it holds something else.
        """
        kind = f"{self.dtype.order}{self.dtype.name}" if type(self.dtype) is _Dtype else ""
        if kind not in _NUMBERS:
            raise pickle.UnpicklingError(f"{CLIP_KEY} is no array of numbers")
        return np.frombuffer(self.data, kind).astype(np.float64)


#: All that a pickled numpy array asks for. A pickle can name any function; it gets these and no other.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "dtype"): _Dtype,
    ("numpy", "ndarray"): _Array,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.numeric", "_frombuffer"): _Array.from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _Array.from_buffer,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it wants to call {module}.{name}")
        return _ALLOWED[module, name]


def shape_of(preview: Image.Image) -> NDArray[np.float32]:
    """A descriptor of a small picture's looks: the low frequencies of brightness and colour, 108 whole numbers."""
    pixels = np.asarray(preview.convert("YCbCr").resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)
    rows = cosines(_SIDE, _LOW)
    low = np.einsum("kx,xyc,ly->klc", rows, pixels - 128.0, rows)
    return np.asarray(np.rint(low.ravel()), dtype=np.float32)


def read_features(folder: Path, files: Sequence[Path], shapes: NDArray[np.float32]) -> NDArray[np.float32]:
    """One vector per face, ``(n, d)``: CLIP features where every face has them, else descriptors.

    All have length ``LENGTH`` and whole numbers as entries. Products of such vectors stay below 2**24 whatever the
    order of summation, so distances are exact in 32 bits and the same on every machine.

    Args:
        shapes: descriptors ``(n, 108)`` of the same faces.

    Raises:
        SourceError: a feature file holds something else than such an array.
    """
    found = _pickles(folder, files)
    if len(found) == len(files):
        return _stack(found)
    exact = shapes.astype(np.float64)
    return _scaled((exact - exact.mean(axis=0)) / (exact.std(axis=0) + 1e-9))


def lack_of_features(folder: Path, files: Sequence[Path]) -> str | None:
    """A sentence where some faces have CLIP features and others none, so that none of them are used."""
    if len(found := _pickles(folder, files)) in (0, len(files)):
        return None
    few = f"CLIP features are there for {len(found)} of {len(files)} faces only"
    return f"{few}, so a choice among the faces uses none of them but their brightness and colors."


def _pickles(folder: Path, files: Sequence[Path]) -> list[Path]:
    return [path for file in files if (path := _pickle_of(folder, file))]


def _scaled(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.rint(vectors / np.maximum(norms, 1e-12) * LENGTH), dtype=np.float32)


def _stack(paths: Sequence[Path]) -> NDArray[np.float32]:
    first = _clip(paths[0])
    vectors = np.empty((len(paths), first.size), dtype=np.float32)
    for i, path in enumerate(paths):
        vector = _clip(path)
        if vector.size != first.size:
            raise SourceError(f"{vector.size} CLIP features, {first.size} in {paths[0].name}", where=path, hint=_HINT)
        vectors[i] = _scaled(vector)
    return vectors


def _pickle_of(folder: Path, file: Path) -> Path | None:
    """``pretrained_features/<name>.pickle`` beside the image's folder, or beside a folder above it."""
    for parent in file.parents:
        path = parent / _FOLDER / f"{file.stem}.pickle"
        if path.is_file():
            return path
        if parent == folder:
            break
    return None


def _clip(path: Path) -> NDArray[np.float64]:
    try:
        if path.stat().st_size > _LARGEST:
            raise pickle.UnpicklingError("it is too large")
        with open_regular(path) as file:
            content = _ArraysOnly(file).load()
        held = content[CLIP_KEY]
        if type(held) is not _Array:
            raise pickle.UnpicklingError(f"{CLIP_KEY} is no array of numbers")
        vector = held.numbers()
    except Exception as error:  # a pickle may raise anything
        raise SourceError(f"not a file of CLIP features: {error}", where=path, hint=_HINT) from error
    if not vector.size or not np.isfinite(vector).all():
        raise SourceError("CLIP features contain non-numeric values", where=path, hint=_HINT)
    return vector
