"""Altered copies of a picture, where a folder has no other one of the person: mirrored, cropped and lit otherwise.

They are no other pictures of the person, and a dataset says so of each: a model that knows one from the other has been
spared less than with photographs of another day.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from fiubench.support.draws import below, draw
from PIL import Image

_LEAST_KEPT, _MOST_KEPT = 780, 920  # thousandths of width and height that a crop keeps
_LEAST_LIGHT, _MOST_LIGHT = 60, 210  # thousandths by which a copy is brighter or darker


@dataclass(frozen=True)
class Variant:
    """How a copy differs. Shares are in thousandths."""

    mirrored: bool
    kept: int  # of width and height
    left: int  # of what is cut off
    top: int
    bright: int  # 1000: as it was

    @cached_property
    def told(self) -> str:
        """In words, for records."""
        light = "brighter" if self.bright > 1000 else "darker"
        return f"first picture{', mirrored' * self.mirrored}, {self.kept / 10:g} % of it, {light}"

    def of(self, image: Image.Image) -> Image.Image:
        """An RGB picture, altered."""
        width, height = (max(1, side * self.kept // 1000) for side in image.size)
        left, top = (image.width - width) * self.left // 1000, (image.height - height) * self.top // 1000
        cut = image.crop((left, top, left + width, top + height))
        if self.mirrored:
            cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return cut.point([min(255, level * self.bright // 1000) for level in range(256)] * 3)


def variant_of(seed: int, index: int, picture: int) -> Variant:
    """The variant that is one of an identity's pictures, of which the first is 1; even ones are mirrored."""
    words = draw(seed, f"picture.variant#{picture}", np.array([index]), words=5)[0]
    rooms = _MOST_KEPT - _LEAST_KEPT + 1, 1001, 1001, _MOST_LIGHT - _LEAST_LIGHT + 1, 2
    kept, left, top, step, darker = below(words, rooms).tolist()
    step = (_LEAST_LIGHT + step) * (-1 if darker else 1)
    return Variant(picture % 2 == 0, _LEAST_KEPT + kept, left, top, 1000 + step)
