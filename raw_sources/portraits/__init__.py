"""The embedded faces: portraits drawn with Pillow, each a pure function of (seed, index, gender, age, picture).

Every face is some sixty numbers (``looks.py``), most of them continuous, so that thousands of people look
different; gender and age move those numbers. In further pictures of a person some of them are others, and the light.
"""

import io

from fiubench.raw_sources.portraits.canvas import Canvas
from fiubench.raw_sources.portraits.clothes import draw_backdrop, draw_body
from fiubench.raw_sources.portraits.details import draw_age, draw_beard, draw_earrings, draw_glasses, draw_marks
from fiubench.raw_sources.portraits.features import draw_brows, draw_eyes, draw_mouth, draw_nose
from fiubench.raw_sources.portraits.head import draw_ears, draw_face, measure
from fiubench.raw_sources.portraits.light import DAYLIGHT, Light, lights, lit
from fiubench.raw_sources.portraits.looks import Traits, traits
from fiubench.raw_sources.portraits.styles import hair_of
from PIL import Image

__all__ = ["Light", "Traits", "draw_portrait", "encode", "lights", "traits"]

_QUALITY = 90
_LEAST = 16


def draw_portrait(traits: Traits, size: int, light: Light = DAYLIGHT) -> Image.Image:
    """The portrait as an RGB picture of ``size`` x ``size`` pixels.

    Raises:
        ValueError: fewer than 16 pixels.
    """
    if size < _LEAST:
        raise ValueError(f"a portrait of {size} pixels shows nothing: ask for {_LEAST} or more")
    canvas = Canvas(size)
    h = measure(traits)
    hair = hair_of(h)
    draw_backdrop(canvas, traits)
    hair.behind(canvas)
    draw_body(canvas, h)
    hair.beside(canvas)
    if not hair.covers_ears:
        draw_ears(canvas, h)
    clip = draw_face(canvas, h)
    hair.shadow(canvas, clip)
    draw_age(canvas, h, clip)
    draw_marks(canvas, h, clip)
    draw_nose(canvas, h, clip)
    draw_eyes(canvas, h)
    draw_beard(canvas, h, clip)
    draw_mouth(canvas, h, clip)
    draw_brows(canvas, h)
    draw_glasses(canvas, h)
    if not hair.covers_ears:
        draw_earrings(canvas, h)
    hair.front(canvas)
    image = canvas.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if traits.mirrored else canvas.image
    return lit(image, light)


def encode(image: Image.Image) -> bytes:
    """The picture as JPEG without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
