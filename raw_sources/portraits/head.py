"""The head of a drawn portrait: its measures, ears, and the skin with its light and shade.

Coordinates are units of the sheet (512 to a picture) around the middle between the eyes; the light comes from the left.
"""

from dataclasses import dataclass

from fiubench.raw_sources.portraits.canvas import Canvas, Clip, Color, Path, Pen, luma, mix, times
from fiubench.raw_sources.portraits.looks import Traits
from fiubench.support.draws import Ints

_UMBER = (72, 40, 40)  # what skin darkens towards
_WARM = (255, 240, 222)  # what it lightens towards
_ROSE = (206, 84, 92)


@dataclass(frozen=True)
class Head:
    """A face measured in units, with the pens and colors its parts share."""

    traits: Traits
    pen: Pen  # the head: may be tilted
    body: Pen
    half: float  # half the width at the cheekbones
    top: float  # of the skull, negative
    chin: float
    jaw: float  # half its width
    hairline: float
    eye_x: float
    eye_y: float
    eye_w: float  # half its width
    eye_h: float
    brow_y: float
    nose_y: float
    nose_w: float
    mouth_y: float
    mouth_w: float
    turn: float  # how far the nose moves aside when the head turns
    skin: Color
    shade: Color
    deep: Color  # lines in the skin
    glow: Color

    @property
    def aged(self) -> float:
        """Marks of age, 0 to 1."""
        return self.traits.wrinkles / 1000


def measure(t: Traits) -> Head:
    """Turn traits into measures."""
    male = t.gender == "male"
    aged = t.wrinkles / 1000
    chin = 140 + t.height * 0.012 + (5 if male else 0)
    half = 96 + t.width * 0.009 + (3 if male else 0)
    nose_y = 53 + t.nose_length * 0.008 + 3 * aged
    x, y = 256 + round(t.shift * 0.024), 243 + round(t.height * 0.004 + t.lift * 0.011)
    size = 1090 + round(t.zoom * 0.055)
    dark = luma(t.skin) < 95
    return Head(
        traits=t,
        pen=Pen(x, y, size, round(t.tilt * 0.080)),
        body=Pen(256 + round(t.shift * 0.018), y - 8, 1090 + round(t.zoom * 0.025)),
        half=half,
        top=-150 - t.temple * 0.004 - t.height * 0.004,
        chin=chin,
        jaw=half * ((0.82 if male else 0.775) + t.jaw * 0.00007) + 2 * aged,
        hairline=-101 - t.hairline * 0.011,
        eye_x=44.5 + t.eye_gap * 0.0042,
        eye_y=t.eye_level * 0.005,
        eye_w=22 + t.eye_size * 0.003 + (0.5 if not male else 0),
        eye_h=(10.2 + t.eye_open * 0.0024 + (1.1 if not male else -0.3)) * (1 - 0.2 * aged),
        brow_y=-29 - t.brow_level * 0.006 + (2.5 if male else -1.5) + t.eye_level * 0.005,
        nose_y=nose_y,
        nose_w=17.5 + t.nose_width * 0.0052 + (1.5 if male else -1) + 1.5 * aged,
        mouth_y=nose_y + 31 + t.mouth_level * 0.005 + (1 if male else -1),
        mouth_w=31 + t.mouth_width * 0.006 + (1.5 if male else 0),
        turn=t.yaw * 0.010,
        skin=t.skin,
        shade=mix(times(t.skin, (214, 176, 168)), _UMBER, 0.06),
        deep=mix(times(t.skin, (168, 120, 112)), (30, 14, 16), 0.25 if dark else 0.08),
        glow=mix(t.skin, _WARM, 0.26 if dark else 0.42),
    )


def face_outline(h: Head) -> Ints:
    """The head without ears and hair."""
    t, half, chin = h.traits, h.half, h.chin
    temple = half * (0.965 + t.temple * 0.00003)
    cheek = half * (1.0 + t.cheek * 0.00002)
    square = (0.70 if t.gender == "male" else 0.60) + t.square * 0.00009
    tip = 25 + t.chin * 0.008 + (5 if t.gender == "male" else 0)
    upper: Path = [(0, h.top), (half * 0.54, h.top * 0.89), (half * 0.87, h.top * 0.57), (temple, -28), (cheek, 22)]
    corner = (h.jaw * square + 8, chin * 0.87)
    return h.pen.twin([*upper, (h.jaw, chin * 0.62), corner, (tip, chin * 0.982), (0, chin)])


def draw_ears(canvas: Canvas, h: Head) -> None:
    """Both ears, before the face covers where they are attached."""
    size = 1 + h.traits.ears * 0.00016 + 0.1 * h.aged
    outer: Path = [(-10, -14), (4, -24), (15, -17), (17, 2), (10, 24), (4, 38), (-8, 40)]
    inner: Path = [(0, -10), (8, -14), (11, -4), (7, 10), (1, 18)]
    for shapes, color, opacity in (
        ([_ear(h, outer, size, side) for side in (-1, 1)], mix(h.skin, h.shade, 0.35), 255),
        ([_ear(h, inner, size, side) for side in (-1, 1)], h.shade, 210),
    ):
        canvas.fill([h.pen.blob(path) for path in shapes], color, opacity, grain=2)


def _ear(h: Head, path: Path, size: float, side: int) -> Path:
    far = h.half - 3 - side * h.turn * 0.35
    return [(side * (far + x * size), 6 + y * size) for x, y in path]


def draw_face(canvas: Canvas, h: Head) -> Clip:
    """Skin with soft light and shade; the face's mask clips what is drawn on it later."""
    outline = face_outline(h)
    clip = canvas.layer([outline], h.skin)
    pen, half, chin = h.pen, h.half, h.chin
    # The side away from the light, the temples and below the chin.
    inside: Path = [(half * 0.62, -150), (half * 0.80, -60), (half * 0.72, 10), (half * 0.70, 60)]
    below: Path = [(half * 0.36, chin * 0.88), (-20, chin + 2), (60, chin + 30)]
    outside: Path = [(half + 40, 40), (half + 20, -120)]
    canvas.soft([pen.blob(inside + below + outside)], h.shade, 150, 16, clip)
    lit = [pen.oval(-half * 0.46, 34, 25, 17), pen.oval(-10, -68, 44, 17), pen.oval(-2, chin - 20, 13, 7)]
    canvas.soft(lit, h.glow, 95, 9, clip)
    _cheeks(canvas, h, clip)
    _sockets(canvas, h, clip)
    return clip


def _cheeks(canvas: Canvas, h: Head, clip: Clip) -> None:
    t = h.traits
    color = mix(times(h.skin, (255, 150, 140)), _ROSE, 0.25)
    opacity = 36 + t.blush * 0.06 + t.makeup * 0.025
    spots = [h.pen.oval(side * h.half * 0.60 + h.turn, 46, 24, 15) for side in (-1, 1)]
    canvas.soft(spots, color, round(opacity), 10, clip)


def _sockets(canvas: Canvas, h: Head, clip: Clip) -> None:
    """The shade between brow and eye, and beside the nose's bridge."""
    x, eye, y = h.turn * 0.8, h.eye_x, h.eye_y
    path = ((13, h.brow_y + 12), (eye, y - 17), (eye + h.eye_w, y - 8), (eye + 4, y + 4), (17, y + 8))
    shapes = [h.pen.blob([(side * across + x, down) for across, down in path]) for side in (-1, 1)]
    canvas.soft(shapes, h.shade, 125, 5, clip)
