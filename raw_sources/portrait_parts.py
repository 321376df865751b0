"""The parts of a drawn portrait, each a few shapes on a canvas. Light comes from the left, so the right is in shade."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from raw_sources.portraits import Traits

Color = tuple[int, int, int]
Point = tuple[float, float]

CENTER, MIDDLE = 0.5, 0.47  # of the head
_TURN = np.linspace(0.0, 2 * np.pi, 73)[:-1]
_COS, _SIN = np.cos(_TURN), np.sin(_TURN)


class Canvas:
    """A square picture addressed in parts of its side."""

    def __init__(self, side: int, background: Color) -> None:
        self.side = side
        column = Image.new("RGB", (1, 3))
        column.putdata([mix(background, (255, 255, 255), 0.35), background, mix(background, (60, 60, 80), 0.18)])
        self.image = column.resize((side, side), Image.Resampling.BILINEAR)
        self.pen = ImageDraw.Draw(self.image)

    def shape(self, points: NDArray[np.float64] | list[Point], color: Color) -> None:
        """Fill a polygon."""
        flat = np.rint(np.asarray(points) * self.side).astype(int).ravel().tolist()
        self.pen.polygon(flat, fill=color)

    def oval(self, x: float, y: float, across: float, down: float, color: Color) -> None:
        """Fill an upright ellipse given by its center and half axes."""
        s = self.side
        box = (round((x - across) * s), round((y - down) * s), round((x + across) * s), round((y + down) * s))
        self.pen.ellipse(box, fill=color)

    def stroke(self, points: list[Point], color: Color, width: float) -> None:
        """Draw a line with round joints and ends."""
        s = self.side
        thick = max(1, round(width * s))
        spots = [(round(x * s), round(y * s)) for x, y in points]
        self.pen.line(spots, fill=color, width=thick, joint="curve")
        if thick > 2:
            half = thick // 2
            for x, y in (spots[0], spots[-1]):
                self.pen.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def ring(self, x: float, y: float, across: float, down: float, color: Color, width: float) -> None:
        """Draw the outline of an ellipse."""
        s = self.side
        box = (round((x - across) * s), round((y - down) * s), round((x + across) * s), round((y + down) * s))
        self.pen.ellipse(box, outline=color, width=max(1, round(width * s)))


def clamp(color: tuple[float, float, float]) -> Color:
    """A color with whole parts between 0 and 255."""
    r, g, b = (min(255, max(0, round(part))) for part in color)
    return r, g, b


def mix(a: Color, b: Color, share: float) -> Color:
    """A color between two: 0 is the first, 1 the second."""
    return clamp((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share))


def luminance(color: Color) -> float:
    """How bright a color looks, 0 to 1."""
    return (0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]) / 255


def shade(color: Color, share: float) -> Color:
    """Darker, towards a warm brown rather than black."""
    return mix(color, (46, 24, 26), share)


def light(color: Color, share: float) -> Color:
    """Lighter."""
    return mix(color, (255, 246, 232), share)


def outline(t: "Traits", grow: float = 0.0) -> NDArray[np.float64]:
    """Points around the head, ``(72, 2)``: an oval whose lower half narrows to the jaw."""
    down = np.clip(_SIN, 0, None)
    narrowing = 1 - (1 - t.jaw) * down ** (1.6 + 1.6 * t.chin)
    square = np.sign(_COS) * np.abs(_COS) ** (1 - 0.22 * t.chin * down)
    x = CENTER + (t.face_width + grow) * square * narrowing
    y = MIDDLE + (t.face_height + grow) * _SIN
    return np.stack([x, y], axis=1)


def eye_y(t: "Traits") -> float:
    """Height of the eyes."""
    return MIDDLE + t.eye_level


def curve(a: Point, b: Point, bend: float, steps: int = 8) -> list[Point]:
    """Points of a parabola from a to b that sinks by ``bend`` in its middle."""
    return [
        (a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps + bend * 4 * k * (steps - k) / steps**2)
        for k in range(steps + 1)
    ]


def mirrored(points: list[Point]) -> list[Point]:
    """The other side of the face."""
    return [(2 * CENTER - x, y) for x, y in points]


# --- body -------------------------------------------------------------------------------------------------------------


def neck_and_clothes(c: Canvas, t: "Traits") -> None:
    """Neck, shoulders, and one of five collars."""
    chin = MIDDLE + t.face_height
    top, base = chin - 0.06, 0.86
    half = t.neck / 2 + 0.02
    shadow = shade(t.skin, 0.30)
    c.shape([(CENTER - half, top), (CENTER + half, top), (CENTER + half + 0.03, base), (CENTER - half - 0.03, base)], t.skin)
    c.shape([(CENTER - half, top), (CENTER + half, top), (CENTER + half, chin + 0.035), (CENTER, chin + 0.065),
             (CENTER - half, chin + 0.02)], shadow)  # fmt: skip
    wide, high = t.shoulders, 0.815
    left = [(CENTER - half - 0.012, high - 0.015), (CENTER - wide * 0.72, high + 0.045), (CENTER - wide, high + 0.10),
            (CENTER - wide - 0.04, 1.0)]  # fmt: skip
    body = [*left, *reversed(mirrored(left))]
    dip = (0.035, 0.075, 0.10, 0.03, 0.05)[t.collar]
    neckline = curve((CENTER + half + 0.012, high - 0.015), (CENTER - half - 0.012, high - 0.015), dip)
    c.shape([*body, *neckline], t.clothes)
    right = [(CENTER + wide * 0.45, high + 0.03), (CENTER + wide * 0.72, high + 0.045), (CENTER + wide, high + 0.10),
             (CENTER + wide + 0.04, 1.0), (CENTER + wide * 0.55, 1.0)]  # fmt: skip
    c.shape(right, shade(t.clothes, 0.18))
    if t.collar == 1:  # shirt with open collar
        flap = [(CENTER - half - 0.02, high - 0.03), (CENTER - 0.01, high + 0.085), (CENTER - half - 0.045, high + 0.075)]
        for side in (flap, mirrored(flap)):
            c.shape(side, light(t.clothes, 0.25))
    elif t.collar == 2:  # jacket over a shirt
        c.shape([(CENTER - half, high), (CENTER + half, high), (CENTER, 1.0)], light(t.accent, 0.55))
        lapel = [(CENTER - half - 0.02, high - 0.02), (CENTER - half + 0.03, high + 0.05), (CENTER, 1.0), (CENTER - half - 0.08, 1.0)]
        for side in (lapel, mirrored(lapel)):
            c.shape(side, shade(t.clothes, 0.22))
    elif t.collar == 3:  # crew neck with a band
        c.stroke(neckline, shade(t.clothes, 0.25), 0.016)
    elif t.collar == 4:  # turtleneck
        c.shape([(CENTER - half - 0.006, high - 0.055), (CENTER + half + 0.006, high - 0.055),
                 (CENTER + half + 0.022, high + 0.03), (CENTER - half - 0.022, high + 0.03)], shade(t.clothes, 0.10))  # fmt: skip
        c.stroke([(CENTER - half - 0.006, high - 0.05), (CENTER + half + 0.006, high - 0.05)], shade(t.clothes, 0.25), 0.006)


def ears(c: Canvas, t: "Traits") -> None:
    """Both ears, half behind the head."""
    y = eye_y(t) + 0.035
    for side in (-1, 1):
        x = CENTER + side * (t.face_width + 0.004)
        tone = t.skin if side < 0 else shade(t.skin, 0.14)
        c.oval(x, y, 0.026 * t.ears, 0.046 * t.ears, tone)
        c.oval(x, y + 0.002, 0.013 * t.ears, 0.028 * t.ears, shade(t.skin, 0.22))


def head(c: Canvas, t: "Traits") -> None:
    """The head in three tones, with warm cheeks."""
    around = outline(t)
    c.shape(around, shade(t.skin, 0.13))
    lit = around.copy()
    right = lit[:, 0] > CENTER
    lit[right, 0] = CENTER + (lit[right, 0] - CENTER) * 0.80
    c.shape(lit, t.skin)
    c.oval(CENTER - 0.02, MIDDLE - t.face_height * 0.52, t.face_width * 0.55, t.face_height * 0.20, light(t.skin, 0.10))
    blush = mix(t.skin, (206, 92, 84), 0.20 if t.gender == "female" else 0.12)
    for side in (-1, 1):
        c.oval(CENTER + side * t.face_width * 0.55, MIDDLE + t.face_height * 0.30, 0.038, 0.027, mix(t.skin, blush, 0.5))
        c.oval(CENTER + side * t.face_width * 0.55, MIDDLE + t.face_height * 0.30, 0.024, 0.016, blush)


# --- face -------------------------------------------------------------------------------------------------------------


def eyes(c: Canvas, t: "Traits") -> None:
    """Whites, irises, pupils, a glint, lids and, on women, lashes."""
    lid = shade(t.skin, 0.55)
    white = mix((250, 248, 244), t.skin, 0.08)
    y = eye_y(t)
    for side in (-1, 1):
        x = CENTER + side * t.eye_gap
        inner, outer = (x - side * t.eye_width, y + 0.003), (x + side * t.eye_width, y - t.eye_slant)
        upper, lower = curve(inner, outer, -t.eye_height), curve(outer, inner, t.eye_height * 0.75)
        socket = [(px, py - 0.012) for px, py in upper]
        c.shape([*socket, *reversed(upper)], shade(t.skin, 0.16))
        c.shape([*upper, *lower], white)
        radius = min(t.eye_height * 0.98, t.eye_width * 0.56)
        c.oval(x, y - 0.001, radius, radius, t.iris)
        c.oval(x, y - 0.001, radius * 0.5, radius * 0.5, (18, 14, 14))
        c.oval(x - radius * 0.32, y - radius * 0.38, radius * 0.2, radius * 0.2, (250, 250, 250))
        c.shape([*[(px, py - 0.004) for px, py in upper], *reversed([(px, py + 0.003) for px, py in upper])], lid)
        if t.gender == "female":
            c.stroke([outer, (outer[0] + side * 0.010, outer[1] - 0.008)], lid, 0.005)
        c.stroke(lower, shade(t.skin, 0.28), 0.003)


def brows(c: Canvas, t: "Traits") -> None:
    """Eyebrows in the hair's color, never too pale to be seen."""
    color = mix(t.hair, (70, 54, 46), 0.35)
    if abs(luminance(color) - luminance(t.skin)) < 0.18:
        color = shade(t.skin, 0.55)
    y = eye_y(t) - t.brow_height
    for side in (-1, 1):
        a = (CENTER + side * (t.eye_gap - t.eye_width * 0.95), y + 0.006)
        b = (CENTER + side * (t.eye_gap + t.eye_width * 1.15), y + 0.004 - t.eye_slant * 0.6)
        over = curve(a, b, -t.brow_arch - 0.004)
        under = [(x, v + t.brow_weight * (1 - 0.6 * k / 8)) for k, (x, v) in enumerate(over)]
        c.shape([*over, *reversed(under)], color)


def nose(c: Canvas, t: "Traits") -> None:
    """A shaded side, a tip and two nostrils."""
    top, tip = eye_y(t) - 0.004, eye_y(t) + t.nose_length
    dark = shade(t.skin, 0.24)
    w = t.nose_width
    c.shape([(CENTER + 0.010, top), (CENTER + 0.016, top), (CENTER + w, tip - 0.006), (CENTER + w * 0.45, tip + 0.010)], shade(t.skin, 0.15))
    c.oval(CENTER - w * 0.72, tip, w * 0.34, 0.013, mix(t.skin, dark, 0.35))
    c.oval(CENTER + w * 0.72, tip, w * 0.34, 0.013, mix(t.skin, dark, 0.75))
    c.oval(CENTER, tip - 0.003, w * 0.62, 0.018, t.skin)
    c.oval(CENTER - w * 0.15, tip - 0.009, w * 0.22, 0.007, light(t.skin, 0.22))
    for side in (-1, 1):
        c.oval(CENTER + side * w * 0.45, tip + 0.010, w * 0.20, 0.0048, shade(t.skin, 0.5))


def mouth(c: Canvas, t: "Traits") -> None:
    """Lips by gender and age; their color keeps a distance from the skin's."""
    y = eye_y(t) + t.nose_length + t.mouth_level
    red = (176, 62, 66) if t.gender == "female" else (158, 84, 76)
    color = mix(t.skin, red, 0.62 if t.gender == "female" else 0.42)
    if luminance(t.skin) < 0.38:
        color = mix(t.skin, (196, 96, 96), 0.5)
    left, right = (CENTER - t.mouth_width, y - t.smile), (CENTER + t.mouth_width, y - t.smile)
    line = curve(left, right, t.smile)
    bow = [left, (CENTER - t.mouth_width * 0.35, y - t.lips * 0.95), (CENTER, y - t.lips * 0.62),
           (CENTER + t.mouth_width * 0.35, y - t.lips * 0.95), right]  # fmt: skip
    c.shape([*curve(left, right, t.smile + t.lips * 1.25), *reversed(line)], color)
    c.shape([*bow, *reversed(line)], shade(color, 0.16))
    c.oval(CENTER - t.mouth_width * 0.12, y + t.smile + t.lips * 0.55, t.mouth_width * 0.32, t.lips * 0.2, light(color, 0.22))
    c.stroke(line, shade(color, 0.58), 0.005)
    c.stroke(curve((CENTER - 0.03, y + t.lips + 0.030), (CENTER + 0.03, y + t.lips + 0.030), 0.006, 4), shade(t.skin, 0.15), 0.004)


def age_marks(c: Canvas, t: "Traits") -> None:
    """Folds, bags and wrinkles, fainter or deeper with age."""
    depth = min(1.0, max(0.0, (t.age - 32) / 45))
    if depth <= 0:
        return
    tone = shade(t.skin, 0.10 + 0.24 * depth)
    y, w = eye_y(t), 0.0035 + 0.0025 * depth
    tip, corner = y + t.nose_length, y + t.nose_length + t.mouth_level
    fold = curve((CENTER + t.nose_width + 0.012, tip - 0.004), (CENTER + t.mouth_width + 0.020, corner + 0.014), -0.004, 5)
    bag = curve((CENTER + t.eye_gap - t.eye_width * 0.8, y + 0.024), (CENTER + t.eye_gap + t.eye_width * 0.8, y + 0.022), 0.011, 5)
    for line in (fold, mirrored(fold)):
        c.stroke(line, tone, w)
    if depth > 0.25:
        for line in (bag, mirrored(bag)):
            c.stroke(line, tone, w)
    if depth > 0.4:
        for k in range(1 + round(2 * depth)):
            v = MIDDLE - t.face_height * (0.40 + 0.085 * k)
            c.stroke(curve((CENTER - 0.075, v), (CENTER + 0.075, v), -0.006, 5), tone, w * 0.8)
    if depth > 0.5:
        for k in (-1, 0, 1):
            foot = [(CENTER + t.eye_gap + t.eye_width + 0.008, y + 0.004 * k), (CENTER + t.eye_gap + t.eye_width + 0.026, y + 0.012 * k)]
            for line in (foot, mirrored(foot)):
                c.stroke(line, tone, w * 0.8)
        jowl = curve((CENTER + t.mouth_width + 0.018, corner + 0.03), (CENTER + t.mouth_width + 0.012, corner + 0.065), 0.003, 4)
        for line in (jowl, mirrored(jowl)):
            c.stroke(line, tone, w)


def skin_marks(c: Canvas, t: "Traits") -> None:
    """Moles and freckles."""
    for across, down, radius in t.marks:
        c.oval(CENTER + across * t.face_width * 0.75, MIDDLE + down * t.face_height * 0.6, radius, radius, shade(t.skin, 0.42))


def beard(c: Canvas, t: "Traits") -> None:
    """Stubble, moustache, goatee or full beard."""
    if not t.beard:
        return
    color = mix(t.hair, t.skin, 0.08)
    y = eye_y(t) + t.nose_length + t.mouth_level
    if t.beard in (1, 4):
        color = mix(t.skin, t.hair, 0.30) if t.beard == 1 else color
        around = outline(t, 0.0 if t.beard == 1 else 0.007)
        low = around[around[:, 1] > MIDDLE + t.face_height * 0.22]
        low = low[np.argsort(-low[:, 0])]
        right, left = low[low[:, 0] >= CENTER], low[low[:, 0] < CENTER]
        rim = [*map(tuple, right[np.argsort(right[:, 1])]), *map(tuple, left[np.argsort(-left[:, 1])])]
        inner = [
            (CENTER - t.face_width * 0.70, MIDDLE + t.face_height * 0.36), (CENTER - t.mouth_width - 0.02, y - 0.022),
            (CENTER - t.nose_width, y - 0.036), (CENTER + t.nose_width, y - 0.036),
            (CENTER + t.mouth_width + 0.02, y - 0.022), (CENTER + t.face_width * 0.70, MIDDLE + t.face_height * 0.36),
        ]  # fmt: skip
        c.shape([*rim, *inner], color)
    if t.beard in (2, 3, 4):
        wing = curve((CENTER, y - 0.030), (CENTER + t.mouth_width + 0.014, y + 0.006), -0.010, 5)
        under = [(CENTER + t.mouth_width * 0.9, y + 0.002), (CENTER, y - 0.010)]
        for side in ([*wing, *under], mirrored([*wing, *under])):
            c.shape(side, shade(color, 0.10))
    if t.beard == 3:
        chin = MIDDLE + t.face_height
        c.oval(CENTER, (y + chin) / 2 + 0.022, t.mouth_width * 0.72, (chin - y) / 2, color)


# --- hair -------------------------------------------------------------------------------------------------------------


def hair_behind(c: Canvas, t: "Traits") -> None:
    """What falls behind head and shoulders."""
    w, top = t.face_width, MIDDLE - t.face_height
    dark = shade(t.hair, 0.30)
    lengths = {"long": 0.94, "straight": 0.90, "wavy": 0.88, "bob": 0.70, "side": 0.74 if t.gender == "female" else 0}
    if end := lengths.get(t.style):
        spread = 0.055 * t.volume
        left = [(CENTER, top - 0.06), (CENTER - w * 0.7, top - 0.035), (CENTER - w - spread, MIDDLE - 0.08),
                (CENTER - w - spread * 1.15, MIDDLE + 0.10), (CENTER - w - spread * 0.9, end), (CENTER, end)]  # fmt: skip
        c.shape(smooth([*left, *reversed(mirrored(left))]), dark)
        if t.style == "wavy":
            for k in range(5):
                for side in (-1, 1):
                    c.oval(CENTER + side * (w + 0.035), MIDDLE + 0.02 + k * 0.075, 0.045, 0.048, dark)
    elif t.style == "bun":
        c.oval(CENTER + 0.02 * t.parting, top - 0.055, 0.085 * t.volume, 0.075 * t.volume, dark)
    elif t.style == "ponytail":
        tail = [(CENTER + w * 0.7, MIDDLE - 0.12), (CENTER + w + 0.09, MIDDLE), (CENTER + w + 0.075, MIDDLE + 0.20),
                (CENTER + w + 0.02, MIDDLE + 0.30), (CENTER + w * 0.8, MIDDLE + 0.12)]  # fmt: skip
        c.shape(smooth(tail), dark)
    elif t.style == "afro":
        c.oval(CENTER, MIDDLE - 0.085, w + 0.105 * t.volume, t.face_height + 0.02 + 0.04 * t.volume, dark)
    elif t.style == "curly" and t.gender == "female":
        for k in range(13):
            angle = np.pi * (0.92 + 1.16 * k / 12)
            c.oval(CENTER + (w + 0.045) * float(np.cos(angle)), MIDDLE - 0.02 + 0.27 * float(np.sin(angle)), 0.062, 0.062, dark)
        for side in (-1, 1):
            for k in range(3):
                c.oval(CENTER + side * (w + 0.04), MIDDLE + 0.06 + 0.075 * k, 0.06, 0.058, dark)


def smooth(points: list[Point]) -> NDArray[np.float64]:
    """A closed curve through the points (Catmull-Rom, six steps each)."""
    p = np.array(points)
    before, after, beyond = np.roll(p, 1, axis=0), np.roll(p, -1, axis=0), np.roll(p, -2, axis=0)
    s = (np.arange(6) / 6)[None, :, None]
    a, b, d, e = before[:, None], p[:, None], after[:, None], beyond[:, None]
    made = 0.5 * (2 * b + (d - a) * s + (2 * a - 5 * b + 4 * d - e) * s**2 + (3 * b - a - 3 * d + e) * s**3)
    return np.asarray(made.reshape(-1, 2))


def hair_front(c: Canvas, t: "Traits") -> None:
    """The cap of hair above the hairline, by style."""
    if t.style == "bald":
        _fringe(c, t)
        return
    w, h, v = t.face_width, t.face_height, t.volume
    line = MIDDLE - h * t.hairline
    top = MIDDLE - h
    thick = {"buzz": 0.006, "crew": 0.022, "pixie": 0.035, "afro": 0.05, "curly": 0.045, "swept": 0.055}.get(t.style, 0.034) * v
    sides = {"buzz": 0.004, "crew": 0.006, "afro": 0.03, "curly": 0.022, "bob": 0.028, "long": 0.026, "straight": 0.022,
             "wavy": 0.028}.get(t.style, 0.012)  # fmt: skip
    drop = {"bob": 0.16, "long": 0.14, "straight": 0.14, "wavy": 0.14, "pixie": 0.02, "curly": 0.03, "bun": -0.02, "ponytail": -0.02,
            "side": 0.12 if t.gender == "female" else -0.01}.get(t.style, -0.015)  # fmt: skip
    low = eye_y(t) + drop
    part = CENTER + t.parting * w * 0.6
    outer = [(CENTER - w - sides, low), (CENTER - w - sides, MIDDLE - h * 0.35), (CENTER - w * 0.72, top - thick * 0.55),
             (CENTER - w * 0.1, top - thick), (CENTER + w * 0.72, top - thick * 0.55), (CENTER + w + sides, MIDDLE - h * 0.35),
             (CENTER + w + sides, low)]  # fmt: skip
    temple = w * (0.93 if drop < 0.05 else 0.86)
    inner = [(CENTER + temple, low - 0.01), (CENTER + w * 0.86, line + 0.035), (CENTER + (part - CENTER) * 0.5 + w * 0.4, line + 0.004),
             (part, line - 0.018), (CENTER + (part - CENTER) * 0.5 - w * 0.4, line + 0.004), (CENTER - w * 0.86, line + 0.035),
             (CENTER - temple, low - 0.01)]  # fmt: skip
    if t.style == "buzz":
        c.shape(smooth([*outer, *inner]), mix(t.skin, t.hair, 0.55))
        return
    c.shape(smooth([*outer, *inner]), t.hair)
    if t.style in ("curly", "afro"):
        _curls(c, t, top, line, thick)
    if t.style in ("side", "swept", "pixie", "bob"):  # a lock across the forehead
        toward = 1 if t.parting < 0 else -1
        lock = [(part, line - 0.05), (CENTER + toward * w * 0.35, line - 0.005), (CENTER + toward * w * 0.92, line + 0.075),
                (CENTER + toward * (w + sides * 0.5), line - 0.02), (CENTER + toward * w * 0.5, top - thick * 0.2)]  # fmt: skip
        c.shape(smooth(lock), light(t.hair, 0.06))
    _strands(c, t, top, line, thick, part)


def _strands(c: Canvas, t: "Traits", top: float, line: float, thick: float, part: float) -> None:
    """A few lighter and darker lines that tell which way the hair lies."""
    if t.style in ("afro", "curly", "crew"):
        return
    w = t.face_width
    for k, share in enumerate((-0.75, -0.4, 0.35, 0.72)):
        color = light(t.hair, 0.16) if k % 2 else shade(t.hair, 0.22)
        start = (part + share * 0.03, (top + line) / 2 - thick * 0.5 - 0.01)
        c.stroke(curve(start, (CENTER + share * w * 1.04, line + 0.015), -0.016, 5), color, 0.0045)


def _curls(c: Canvas, t: "Traits", top: float, line: float, thick: float) -> None:
    for k in range(9):
        angle = np.pi * (1.05 + 0.9 * k / 8)
        x = CENTER + (t.face_width + 0.004) * float(np.cos(angle))
        y = MIDDLE - 0.02 + (t.face_height + thick * 0.35) * float(np.sin(angle))
        c.oval(x, y, 0.048, 0.044, t.hair if k % 2 else mix(t.hair, light(t.hair, 0.2), 0.35))
    for k in range(5):
        c.oval(CENTER + (k - 2) * t.face_width * 0.36, line - 0.02 - 0.012 * (k % 2), 0.042, 0.034, light(t.hair, 0.05 * (k % 2)))


def _fringe(c: Canvas, t: "Traits") -> None:
    """What a bald man has left: hair at the sides, and a shine."""
    color = mix(t.hair, t.skin, 0.15)
    y = eye_y(t)
    side = [(CENTER + t.face_width - 0.012, y - 0.055), (CENTER + t.face_width + 0.014, y - 0.05), (CENTER + t.face_width + 0.016, y + 0.02),
            (CENTER + t.face_width - 0.004, y + 0.03)]  # fmt: skip
    if t.volume > 0.95:
        for points in (side, mirrored(side)):
            c.shape(smooth(points), color)
    c.oval(CENTER - 0.06, MIDDLE - t.face_height * 0.82, 0.045, 0.018, light(t.skin, 0.28))


# --- things worn ------------------------------------------------------------------------------------------------------


def glasses(c: Canvas, t: "Traits") -> None:
    """Round, oval, square or half-rim frames, light on dark skin and dark on light."""
    if not t.glasses:
        return
    frame: Color = (34, 32, 38) if luminance(t.skin) > 0.42 else (206, 186, 140)
    if t.glasses == 2:
        frame = mix(frame, (150, 70, 40), 0.45)
    y, width = eye_y(t) + 0.004, 0.0075
    across, down = ((0.050, 0.046), (0.054, 0.038), (0.055, 0.037), (0.055, 0.036))[t.glasses - 1]
    across = min(across, t.eye_gap - 0.014)
    for side in (-1, 1):
        x = CENTER + side * t.eye_gap
        if t.glasses in (1, 2):
            c.ring(x, y, across, down, frame, width)
        else:
            s = c.side
            box = [round((x - across) * s), round((y - down) * s), round((x + across) * s), round((y + down) * s)]
            if t.glasses == 3:
                c.pen.rounded_rectangle(box, radius=round(0.016 * s), outline=frame, width=round(width * s))
            else:
                c.stroke([(x - across, y + down * 0.2), (x - across, y - down), (x + across, y - down), (x + across, y + down * 0.2)], frame, width * 1.2)
        c.stroke([(x + side * across, y - 0.008), (CENTER + side * (t.face_width + 0.006), y - 0.012)], frame, width)
    c.stroke(curve((CENTER - t.eye_gap + across, y - 0.006), (CENTER + t.eye_gap - across, y - 0.006), -0.008, 4), frame, width)


def earrings(c: Canvas, t: "Traits") -> None:
    """Studs or hoops."""
    if not t.earrings:
        return
    gold: Color = (222, 184, 96)
    y = eye_y(t) + 0.035 + 0.046 * t.ears
    for side in (-1, 1):
        x = CENTER + side * (t.face_width + 0.006)
        if t.earrings == 1:
            c.oval(x, y, 0.008, 0.008, gold)
        else:
            c.ring(x, y + 0.020, 0.018, 0.022, gold, 0.005)
