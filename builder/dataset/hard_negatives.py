"""Hard negatives: for everyone to be forgotten, the person to be kept whose face is nearest.

Forgetting one face should not cost its neighbours: they are where it shows first. Two measures of nearness:
``looks``, the low frequencies of brightness and colour (exact, no extra library), and ``embedding``, what a network for
face recognition sees (dlib's, King 2017; extra ``faces``).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from fiubench.raw_sources.reading.embeddings import embedder
from fiubench.raw_sources.reading.features import LENGTH, read_features, shape_of
from fiubench.raw_sources.reading.images import BadImage, look
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean
from fiubench.support.extras import install
from numpy.typing import NDArray

MEASURES = ("looks", "embedding")
_DECIMALS = 3

Seen = TypeVar("Seen")
Vectors = Mapping[str, NDArray[np.float32]]
Pair = list[str | float]


def vectors_of(images: Mapping[str, Path], measure: str) -> dict[str, NDArray[np.float32]]:
    """A vector for every face, ``(d,)``; faces that a network does not find are left out.

    Args:
        images: unique id -> picture.
        measure: one of :data:`MEASURES`.

    Raises:
        ConfigError: no such measure, no pictures, or the extra is not installed.
        DatasetError: a picture does not open.
    """
    where = f"--hard-negatives {measure}"
    if measure not in MEASURES:
        raise ConfigError("no such measure", where=where, hint=did_you_mean(measure, MEASURES))
    if not images:
        raise ConfigError("there are no faces to compare", where=where, hint="The dataset was built with --faces none.")
    if measure == "embedding":
        embed = embedder()
        if embed is None:
            raise ConfigError("the extra `faces` is not installed", where=where, hint=install("faces"))
        found = {unique_id: _seen(embed, path) for unique_id, path in images.items()}
        return {unique_id: vector for unique_id, vector in found.items() if vector is not None}
    shapes = np.stack([_seen(lambda face: shape_of(look(face)[1]), path) for path in images.values()])
    folder = next(iter(images.values())).parent
    vectors = read_features(folder, list(images.values()), shapes) / np.float32(LENGTH)
    return dict(zip(images, vectors, strict=True))


def _seen(measure: Callable[[Path], Seen], path: Path) -> Seen:
    try:
        return measure(path)
    except BadImage as bad:
        raise DatasetError(f"does not open: {bad}", where=path) from bad
    except OSError as error:
        raise DatasetError(f"cannot be read: {error.strerror}", where=path) from error


def nearest_pairs(vectors: Vectors, forget: Sequence[str], retain: Sequence[str]) -> list[Pair]:
    """[forgotten, kept, distance] for each of ``forget`` in turn: the nearest of ``retain`` that is not taken yet.

    The distance is Euclidean. Of two that are equally near the earlier one is taken; nobody is paired twice.
    """
    kept = [unique_id for unique_id in retain if unique_id in vectors]
    if not kept:
        return []
    matrix = np.stack([vectors[unique_id] for unique_id in kept])
    free = np.ones(len(kept), dtype=bool)
    pairs: list[Pair] = []
    for unique_id in forget:
        if unique_id not in vectors or not free.any():
            continue
        distances = np.linalg.norm(matrix - vectors[unique_id], axis=1)
        distances = np.where(free, np.round(distances.astype(np.float64), _DECIMALS), np.inf)
        nearest = int(np.argmin(distances))
        free[nearest] = False
        pairs.append([unique_id, kept[nearest], float(distances[nearest])])
    return pairs
