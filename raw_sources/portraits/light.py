"""The light of a drawn portrait's further pictures: brighter or darker, warmer or cooler, from one side."""

from typing import NamedTuple

from fiubench.raw_sources.portraits.canvas import Color
from fiubench.support.draws import Ints, below, draw
from PIL import Image, ImageChops

_WARM, _COOL = (255, 238, 212), (220, 234, 255)  # what white becomes at the most
_SHADE = (164, 158, 172)  # what white becomes on the side away from the light
_PARTS = 1000


class Light(NamedTuple):
    """Three numbers in thousandths, from -1000 to 1000; all of them 0 is the light of a first picture."""

    bright: int = 0
    warm: int = 0
    side: int = 0  # where the shade falls: left (below 0) or right


DAYLIGHT = Light()


def lights(seed: int, index: Ints, picture: int) -> list[Light]:
    """The light in one of the pictures of each identity of a block, from 1."""
    if picture == 1:
        return [DAYLIGHT] * len(index)
    words = draw(seed, f"portrait.light#{picture}", index, words=3)
    return [Light(*row) for row in (below(words, 2 * _PARTS + 1).astype(int) - _PARTS).tolist()]


def lit(image: Image.Image, light: Light) -> Image.Image:
    """A picture in another light, in whole numbers."""
    if light == DAYLIGHT:
        return image
    tint = _mixed(_WARM if light.warm > 0 else _COOL, abs(light.warm))
    gain = 256 + light.bright * (30 if light.bright > 0 else 34) // _PARTS
    curve = [min(255, level * white * gain // (255 * 256)) for white in tint for level in range(256)]
    image = image.point(curve)
    slope = Image.linear_gradient("L").rotate(90 if light.side > 0 else -90).resize(image.size)
    shade = Image.composite(
        Image.new("RGB", image.size, _mixed(_SHADE, abs(light.side))), Image.new("RGB", image.size, "white"), slope
    )
    return ImageChops.multiply(image, shade)


def _mixed(color: Color, share: int) -> Color:
    """White with ``share`` thousandths of a color."""
    red, green, blue = (255 - (255 - level) * share // _PARTS for level in color)
    return red, green, blue
