"""Face embeddings: 128 numbers that are near for faces that look alike (dlib's ResNet, King 2017).

Needs the extra ``faces``. The weights come with the package ``face_recognition_models``; nothing is downloaded.
A face takes about 80 CPU-milliseconds.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.raw_sources.reading.images import flat_picture
from numpy.typing import NDArray

_MODELS = "face_recognition_models"
_SIDE = 300  # pixels to which a picture is brought before a face is looked for
_PREDICTOR = "shape_predictor_5_face_landmarks.dat"
_NETWORK = "dlib_face_recognition_resnet_model_v1.dat"

Embedder = Callable[[Path | bytes], NDArray[np.float32] | None]


def embedder() -> Embedder | None:
    """A function from a picture to its embedding (``None`` where no face is found); ``None`` without the extra.

    It raises :class:`~fiubench.raw_sources.reading.images.BadImage` or OSError where the picture does not open.
    """
    found = importlib.util.find_spec(_MODELS)  # importing it would need a part of setuptools that is gone
    if found is None or importlib.util.find_spec("dlib") is None or not found.submodule_search_locations:
        return None
    import dlib  # noqa: PLC0415

    models = Path(found.submodule_search_locations[0]) / "models"
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(str(models / _PREDICTOR))
    network = dlib.face_recognition_model_v1(str(models / _NETWORK))

    def embed(source: Path | bytes) -> NDArray[np.float32] | None:
        pixels = _pixels(source)
        boxes: Any = detector(pixels, 0)
        if not boxes:
            return None
        largest = max(boxes, key=lambda box: box.width() * box.height())
        return np.asarray(network.compute_face_descriptor(pixels, predictor(pixels, largest)), dtype=np.float32)

    return embed


def _pixels(source: Path | bytes) -> NDArray[np.uint8]:
    picture = flat_picture(source, _SIDE)
    picture.thumbnail((_SIDE, _SIDE))
    return np.asarray(picture)
