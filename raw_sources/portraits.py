"""The embedded faces: portraits drawn with Pillow, each a pure function of (seed, index, gender, age).

Everything about a face is a number on a continuous scale (how wide the jaw is, how high the hairline), so thousands of
people look different; gender and age move those numbers. Drawn at three times the size and averaged down, which is what
makes the edges smooth.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from raw_sources import portrait_hair as hair
from raw_sources import portrait_parts as parts
from raw_sources.portrait_canvas import Canvas, Color, clamp, mix
from support.draws import Ints, draw

_DICE = 72
_OVERSAMPLING = 3
_QUALITY = 90

# Skin from light to dark; between two neighbours a tone is mixed, then made a little warmer or cooler.
_SKIN: tuple[Color, ...] = (
    (247, 220, 200),
    (240, 205, 178),
    (229, 187, 154),
    (214, 166, 128),
    (192, 141, 102),
    (164, 113, 77),
    (132, 88, 60),
    (101, 66, 46),
    (76, 50, 37),
)
_HAIR: tuple[Color, ...] = (
    (28, 24, 24),
    (44, 34, 30),
    (70, 48, 36),
    (98, 66, 44),
    (132, 92, 58),
    (170, 126, 78),
    (206, 168, 112),
    (146, 70, 42),
)
_GREY: Color = (196, 194, 192)
# Irises from dark to light: the lighter the skin, the more of them are likely.
_IRIS: tuple[Color, ...] = ((52, 36, 28), (70, 46, 32), (96, 66, 40), (84, 104, 70), (74, 110, 138), (96, 120, 128))
_BACKGROUND: tuple[Color, ...] = (
    (206, 222, 232),
    (222, 214, 230),
    (232, 220, 206),
    (208, 228, 214),
    (238, 214, 208),
    (214, 214, 218),
    (196, 212, 208),
    (236, 228, 196),
    (188, 200, 222),
    (226, 206, 220),
)
_CLOTHES: tuple[Color, ...] = (
    (52, 70, 104),
    (124, 52, 56),
    (64, 98, 82),
    (228, 224, 216),
    (92, 84, 78),
    (58, 58, 64),
    (176, 130, 70),
    (96, 120, 160),
    (140, 100, 136),
    (196, 96, 80),
    (84, 128, 132),
    (214, 190, 130),
    (162, 178, 150),
    (40, 62, 70),
)
_STYLES = {
    "female": ("long", "bob", "bun", "wavy", "curly", "pixie", "ponytail", "straight", "afro", "side"),
    "male": ("short", "side", "crew", "curly", "swept", "buzz", "wavy_short", "afro", "bald", "short"),
}


@dataclass(frozen=True)
class Traits:
    """What one face looks like. Lengths are parts of the picture's side, shares lie between 0 and 1."""

    gender: str
    age: int
    skin: Color
    hair: Color
    grey: float  # share of grey hair
    iris: Color
    background: Color
    clothes: Color
    accent: Color
    style: str
    collar: int
    face_width: float
    face_height: float
    jaw: float  # width of the jaw against that of the cheeks
    chin: float  # 0 pointed, 1 square
    hairline: float
    eye_gap: float
    eye_width: float
    eye_height: float
    eye_slant: float
    eye_level: float
    brow_height: float
    brow_weight: float
    brow_arch: float
    nose_length: float
    nose_width: float
    mouth_width: float
    mouth_level: float
    lips: float
    smile: float
    ears: float
    neck: float
    shoulders: float
    glasses: int  # 0 none, else a shape
    beard: int  # 0 none, 1 stubble, 2 moustache, 3 goatee, 4 full
    earrings: int
    marks: tuple[tuple[float, float, float], ...]  # moles and freckles: across, down, radius
    halo: tuple[float, float, float, float]  # across, down, radius, tone of a disc in the background
    parting: float
    mirrored: bool  # light, parting and ponytail on the other side
    volume: float


def traits(seed: int, index: Ints, gender: list[str], age: Ints) -> list[Traits]:
    """Draw the looks of a block of identities; those of one depend on no other.

    Args:
        seed: of the build.
        index: the identities' indices, shape ``(n,)``.
        gender: ``female`` or ``male`` each.
        age: in years, shape ``(n,)``.
    """
    dice = (draw(seed, "portrait", index, words=_DICE) >> np.uint64(8)).astype(np.float64) / float(1 << 24)
    return [_traits(g, int(a), row) for g, a, row in zip(gender, age, dice.tolist(), strict=True)]


def draw_portrait(traits: Traits, size: int) -> Image.Image:
    """The portrait as an RGB picture of ``size`` x ``size`` pixels."""
    canvas = Canvas(size * _OVERSAMPLING, traits.background)
    parts.backdrop(canvas, traits)
    hair.hair_behind(canvas, traits)
    parts.neck_and_clothes(canvas, traits)
    parts.ears(canvas, traits)
    parts.head(canvas, traits)
    parts.age_marks(canvas, traits)
    parts.beard(canvas, traits)
    parts.eyes(canvas, traits)
    parts.nose(canvas, traits)
    parts.mouth(canvas, traits)
    parts.skin_marks(canvas, traits)
    hair.hair_front(canvas, traits)
    parts.brows(canvas, traits)
    parts.glasses(canvas, traits)
    parts.earrings(canvas, traits)
    image = canvas.image.reduce(_OVERSAMPLING)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if traits.mirrored else image


def encode(image: Image.Image) -> bytes:
    """The picture as JPEG without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _between(u: float, low: float, high: float) -> float:
    return low + (high - low) * u


def _scale(colors: tuple[Color, ...], u: float) -> Color:
    """A color at a place on a scale of colors."""
    place = u * (len(colors) - 1)
    i = min(int(place), len(colors) - 2)
    return mix(colors[i], colors[i + 1], place - i)


def _marks(u: list[float], darkness: float) -> tuple[tuple[float, float, float], ...]:
    """Freckles on both cheeks of some fair skins, else one mole or none."""
    if u[11] < 0.14 and darkness < 0.4:
        return tuple(
            (
                _between(u[40 + 2 * k], 0.20, 0.80) * (1 if k % 2 else -1),
                _between(u[41 + 2 * k], 0.22, 0.50),
                0.0017 + 0.0004 * (k % 3),
            )
            for k in range(10)
        )
    if u[11] > 0.75:
        side = 1 if u[43] < 0.5 else -1
        return ((_between(u[40], 0.25, 0.8) * side, _between(u[41], 0.3, 0.9), _between(u[42], 0.003, 0.0045)),)
    return ()


def _traits(gender: str, age: int, u: list[float]) -> Traits:
    female = gender == "female"
    darkness = u[0]
    skin = _scale(_SKIN, darkness)
    warm = _between(u[1], -7, 7)
    skin = clamp((skin[0] + warm, skin[1], skin[2] - warm))
    # the darker the skin, the darker the hair may be expected, but not always
    tone = u[2] * (1 - 0.75 * darkness)
    hair = _HAIR[7] if u[3] > 0.95 and darkness < 0.4 else _scale(_HAIR[:7], tone**1.3)
    grey = min(1.0, max(0.0, (age - _between(u[4], 34, 58)) / 26))
    if female and u[5] < 0.35:
        grey *= 0.25  # colored
    hair = mix(hair, mix(_GREY, (236, 234, 230), max(0, age - 65) / 40), grey)
    old = max(0.0, (age - 45) / 45)
    style = _STYLES[gender][int(u[6] * 10)]
    receding = 0.0 if female else max(0.0, (age - 28) / 60) * _between(u[7], 0.1, 1.5)
    if receding > 0.85 or (not female and age > 50 and u[8] < (age - 50) / 90):
        style = "bald"
    if female and age > 60 and style in ("long", "ponytail", "wavy") and u[8] < 0.6:
        style = "bob"
    beard = 0
    if not female and u[9] < 0.55:
        beard = 1 + int(u[10] * 4)
    clothes = _CLOTHES[int(u[12] * len(_CLOTHES))]
    return Traits(
        gender=gender,
        age=age,
        skin=skin,
        hair=hair,
        grey=grey,
        iris=_IRIS[int(u[13] * (6 if darkness < 0.3 else 3 if darkness < 0.6 else 2))],
        background=mix(_BACKGROUND[int(u[14] * len(_BACKGROUND))], (255, 255, 255), _between(u[15], 0.0, 0.3)),
        clothes=clothes,
        accent=_CLOTHES[int(u[16] * len(_CLOTHES))],
        style=style,
        collar=int(u[17] * 5),
        face_width=_between(u[18], 0.185, 0.222) - (0.008 if female else 0),
        face_height=_between(u[19], 0.245, 0.285),
        jaw=_between(u[20], 0.62, 0.80) + (0 if female else 0.10),
        chin=_between(u[21], 0.05, 0.55) + (0 if female else 0.25),
        hairline=min(0.82, _between(u[22], 0.50, 0.66) + receding * 0.25),
        eye_gap=_between(u[23], 0.078, 0.098),
        eye_width=_between(u[24], 0.036, 0.046) + (0.003 if female else 0),
        eye_height=(_between(u[25], 0.018, 0.027) + (0.003 if female else 0)) * (1 - 0.25 * old),
        eye_slant=_between(u[26], -0.010, 0.012) - 0.006 * old,
        eye_level=_between(u[27], -0.03, 0.012),
        brow_height=_between(u[28], 0.040, 0.058) + (0.006 if female else 0),
        brow_weight=_between(u[29], 0.008, 0.015) * (0.75 if female else 1.25),
        brow_arch=_between(u[30], 0.0, 0.016) + (0.005 if female else 0),
        nose_length=_between(u[31], 0.085, 0.122) + 0.008 * old,
        nose_width=_between(u[32], 0.026, 0.046) + (0 if female else 0.004),
        mouth_width=_between(u[33], 0.062, 0.090),
        mouth_level=_between(u[34], 0.048, 0.064),
        lips=_between(u[35], 0.010, 0.021) * (1.15 if female else 0.85) * (1 - 0.35 * old),
        smile=_between(u[36], 0.003, 0.024),
        ears=_between(u[37], 0.8, 1.25) * (1 + 0.15 * old),
        neck=_between(u[38], 0.085, 0.110) + (0 if female else 0.024),
        shoulders=_between(u[39], 0.30, 0.36) + (0 if female else 0.055),
        glasses=(1 + int(u[66] * 4)) if u[65] < 0.18 + max(0, age - 40) / 150 else 0,
        beard=beard,
        earrings=1 + int(u[67] * 2) if female and u[68] < 0.4 and style not in parts.OVER_EARS else 0,
        marks=_marks(u, darkness),
        halo=(
            _between(u[71], -0.22, 0.22),
            _between(u[64], -0.20, 0.20),
            _between(u[63], 0.24, 0.44),
            0.30 if u[62] < 0.5 else -0.16,
        ),
        parting=_between(u[69], -0.6, 0.6),
        mirrored=u[61] < 0.5,
        volume=_between(u[70], 0.7, 1.3),
    )
