"""Feature vectors of faces, from which a varied subset is chosen: SFHQ's own CLIP features, or a small descriptor."""

import io
import pickle
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from support.errors import SourceError

CLIP_KEY = "CLIP_ViTL_14@336"
_FOLDER = "pretrained_features"
LENGTH = 2000
_SIDE, _LOW = 16, 6
#: All that a pickled numpy array needs. A pickle can name any function; these are the ones that build arrays.
_ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it wants to call {module}.{name}")
        return super().find_class(module, name)


def shape_of(preview: Image.Image) -> tuple[float, ...]:
    """A descriptor of a small picture's looks: the low frequencies of brightness and colour, 108 numbers."""
    pixels = np.asarray(preview.convert("YCbCr").resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)
    low = np.einsum("kx,xyc,ly->klc", _cosines(), pixels - 128.0, _cosines())
    return tuple(np.rint(low.ravel()).tolist())


@cache
def _cosines() -> NDArray[np.float64]:
    k, x = np.arange(_LOW)[:, None], np.arange(_SIDE)[None, :]
    return np.cos(np.pi * (2 * x + 1) * k / (2 * _SIDE))


def read_features(folder: Path, files: Sequence[Path], shapes: Sequence[tuple[float, ...]]) -> NDArray[np.float32]:
    """One vector per face, ``(n, d)``: CLIP features where every face has them, else descriptors.

    All have length ``LENGTH`` and whole numbers as entries. Products of such vectors stay below 2**24 whatever the
    order of summation, so distances are exact in 32 bits and the same on every machine.

    Raises:
        SourceError: a feature file holds something else than an array.
    """
    pickles = [_pickle_of(folder, file) for file in files]
    found = [path for path in pickles if path is not None]
    if len(found) == len(files):
        vectors = np.stack([_clip(path) for path in found]).astype(np.float64)
    else:
        raw = np.array(shapes, dtype=np.float64)
        vectors = (raw - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-9)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.rint(vectors / np.maximum(norms, 1e-12) * LENGTH), dtype=np.float32)


def _pickle_of(folder: Path, file: Path) -> Path | None:
    """``pretrained_features/<name>.pickle`` beside the image's folder, or beside a folder above it."""
    for parent in file.parents:
        path = parent / _FOLDER / f"{file.stem}.pickle"
        if path.is_file():
            return path
        if parent == folder:
            break
    return None


def _clip(path: Path) -> NDArray[np.float32]:
    try:
        content = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
        vector = np.asarray(content[CLIP_KEY], dtype=np.float32).ravel()
    except Exception as error:  # a pickle may raise anything
        raise SourceError(
            f"not a file of CLIP features: {error}",
            where=path,
            hint="Take the pretrained_features folder away, or download it again.",
        ) from error
    if not vector.size or not np.isfinite(vector).all():
        raise SourceError("CLIP features that are no numbers", where=path)
    return vector
