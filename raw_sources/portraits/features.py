"""The features of a drawn face: nose, eyes, brows and mouth."""

from fiubench.raw_sources.portraits.canvas import Canvas, Clip, Color, Path, luma, mirrored, mix, times
from fiubench.raw_sources.portraits.head import Head
from fiubench.support.draws import Ints


def draw_nose(canvas: Canvas, h: Head, clip: Clip) -> None:
    """Bridge, tip, wings and nostrils."""
    y, w, t = h.nose_y, h.nose_w, h.traits
    root, tip = h.turn * 0.8, h.turn * 1.6
    pen = h.pen
    bridge: Path = [(root + 5, -14), (root + 10, 6), (tip + w * 0.62, y - 18), (tip + w + 1, y - 3)]
    back: Path = [(tip + 4, y + 4), (tip + 5, y - 14), (root + 4, 4)]
    canvas.soft([pen.blob(bridge + back), pen.oval(tip + 2, y + 7, w * 0.8, 3.5)], h.shade, 170, 3.4, clip)
    ridge = pen.blob([(root - 4, -8), (root, -8), (tip + 1, y - 12), (tip - 4, y - 10)])
    canvas.soft([ridge, pen.oval(tip - 2, y - 8, 6, 5)], h.glow, 120, 3.2, clip)
    low = t.nose_tip * 0.002
    wings = [[(tip + s * w * 0.86, y - 11), (tip + s * (w + 1.5), y - 4), (tip + s * w * 0.72, y + 2)] for s in (-1, 1)]
    holes: list[Path] = [
        [(tip + s * w * 0.66, y), (tip + s * w * 0.36, y - 2.2), (tip + s * w * 0.14, y + 2 + low)] for s in (-1, 1)
    ]
    base: Path = [(tip - w * 0.3, y + 2 + low), (tip, y + 4.5 + low), (tip + w * 0.3, y + 2 + low)]
    lines = pen.strokes(wings, 0.6, 2.2, 1) + pen.strokes(holes, 1, 3.6, 1) + pen.strokes([base], 0.4, 1.2, 0.4)
    canvas.fill(lines, h.deep, 205)


def draw_eyes(canvas: Canvas, h: Head) -> None:
    """Whites, irises, lids and lashes of both eyes."""
    t = h.traits
    eyes = [Eye(h, side) for side in (-1, 1)]

    def discs(rx: float, ry: float, dx: float = 0.0, dy: float = 0.0) -> list[Ints]:
        return h.pen.ovals([(eye.pupil[0] + dx, eye.pupil[1] + dy) for eye in eyes], rx, ry)

    white = mix((250, 246, 241), h.skin, 0.10 if luma(h.skin) < 110 else 0.05)
    iris = eyes[0].iris
    lid = h.pen.strokes([eye.upper(1.6) for eye in eyes], 3, 4.2, 3)  # its shadow on the eyeball
    whites = [h.pen.joined(eye.upper(), eye.lower()) for eye in eyes]
    canvas.patch(
        whites,
        [
            (whites, white),
            (lid, mix(white, h.deep, 0.30)),
            (discs(iris, iris), mix(t.iris, (16, 12, 14), 0.55)),
            (discs(iris - 1.8, iris - 1.8), t.iris),
            (discs(iris * 0.6, iris * 0.38, 0, 4.2), mix(t.iris, (255, 236, 200), 0.22)),
            (discs(4.1, 4.1), (18, 14, 16)),
            (discs(2.2, 2.2, -3, -3.4), (246, 246, 248)),
        ],
    )
    _lids(canvas, h, eyes)


class Eye:
    """One eye's curves."""

    def __init__(self, h: Head, side: int) -> None:
        self._h, self._side = h, side
        self._x = side * h.eye_x + h.turn * 0.8
        self._w = h.eye_w * (1 - side * h.turn * 0.006)
        self._outer = h.traits.eye_slant * 0.0028 + (2.6 if h.traits.gender == "female" else 1.2) - 2.4 * h.aged
        self.iris = 9.3 + h.traits.eye_size * 0.0006
        self.pupil = (self._x + h.traits.gaze * 0.0012 + h.turn * 0.12, h.eye_y - 1.6)

    def _path(self, points: Path) -> Path:
        h = self._h
        return [(self._x + self._side * u * self._w, h.eye_y + v) for u, v in points]

    def upper(self, lower: float = 0.0) -> Path:
        """From the inner corner to the outer."""
        e = self._h.eye_h
        return self._path(
            [(-1, 3.6), (-0.62, -0.5 * e + lower), (-0.06, -e + lower), (0.55, -0.72 * e + lower), (1, -self._outer)]
        )

    def lower(self) -> Path:
        """From the outer corner to the inner."""
        e = self._h.eye_h
        return self._path([(1, -self._outer), (0.52, 0.46 * e), (-0.1, 0.66 * e), (-0.66, 0.5 * e), (-1, 3.6)])

    def crease(self, rise: float) -> Path:
        """The fold above the lid; it sinks over the outer corner with age."""
        e, sunk = self._h.eye_h, 5 * self._h.aged
        inner: Path = [(-0.86, -1.5 - rise * 0.5), (-0.45, -0.66 * e - rise), (0.1, -e - rise)]
        outer: Path = [(0.66, -0.72 * e - rise + sunk * 0.5), (1.12, -self._outer - rise * 0.35 + sunk)]
        return self._path(inner + outer)

    def lash(self, flick: float) -> Path:
        """The upper lid's edge, past the outer corner by the length of the lashes."""
        return self.upper()[:-1] + self._path([(1 + flick * 0.03, -self._outer - flick * 0.75)])

    def bag(self, drop: float) -> Path:
        """Below the eye."""
        e = self._h.eye_h
        return self._path(
            [(-0.9, 5 + drop * 0.4), (-0.35, 0.66 * e + drop), (0.3, 0.6 * e + drop), (0.85, 2 + drop * 0.4)]
        )


def _lids(canvas: Canvas, h: Head, eyes: list[Eye]) -> None:
    t, pen = h.traits, h.pen
    rise = 5.2 - t.hood * 0.002
    canvas.fill(pen.strokes([eye.crease(rise) for eye in eyes], 0.8, 2.2, 0.8), h.deep, 170)
    if t.makeup > 500:
        shadow = mix(h.deep, (120, 70, 96), 0.4)
        canvas.soft(pen.strokes([eye.upper(-2.5) for eye in eyes], 2, 6, 3), shadow, 90, 2)
    ink = mix(h.deep, (22, 16, 18), 0.75)
    female = t.gender == "female"
    flick = (3.0 + t.makeup * 0.004) * (1 - 0.5 * h.aged) if female else 0.6
    weight = (3.4 + t.makeup * 0.0014) if female else 2.9
    canvas.fill(pen.strokes([eye.lash(flick) for eye in eyes], 1.2, weight, 1.2 if female else 1.6), ink, 245)
    canvas.fill(pen.strokes([eye.lower() for eye in eyes], 1.2, 1.5, 0.6), h.deep, 150)


def draw_brows(canvas: Canvas, h: Head) -> None:
    """Eyebrows in the hair's color, darker than it unless it is dark."""
    t = h.traits
    female = t.gender == "female"
    color = mix(t.hair, (40, 28, 28), 0.34 if luma(t.hair) > 60 else 0.0)
    if t.grey > 500:
        color = mix(t.hair, (96, 90, 90), 0.5)
    if abs(luma(color) - luma(h.skin)) < 34:
        color = mix(color, (14, 10, 12), 0.5) if luma(color) <= luma(h.skin) else mix(color, (250, 246, 240), 0.35)
    weight = (6.2 if female else 9.2) + t.brow_weight * (0.0016 if female else 0.0022) - (1.2 * h.aged if female else 0)
    arch = (5.0 if female else 3.0) + t.brow_arch * 0.0028
    slant = t.brow_slant * 0.002 - 1
    y = h.brow_y
    paths = []
    for side in (-1, 1):
        x = side * h.eye_x + h.turn * 0.85
        inner, outer = h.eye_w * 1.12, h.eye_w * (1.34 if female else 1.30)
        start: Path = [(x - side * inner, y + 4 - slant), (x - side * inner * 0.3, y - arch * 0.55)]
        bow = (x + side * outer * 0.42, y - arch - slant * 0.4)
        paths.append([*start, bow, (x + side * outer, y + 5 + slant + 2 * h.aged)])
    shapes = h.pen.strokes(paths, weight * 0.62, weight * 1.04, weight * 0.10)
    canvas.fill(shapes, color, 232)


def lip_color(h: Head) -> Color:
    """Natural or painted, and readable on the skin."""
    t = h.traits
    natural = mix(times(h.skin, (222, 150, 146)), (170, 70, 76), 0.22)
    if luma(h.skin) < 95:
        natural = mix(times(h.skin, (235, 170, 170)), (150, 70, 78), 0.30)
    paint = mix((168, 40, 56), (206, 92, 98), t.lip_tint / 1000)
    if luma(h.skin) < 110:
        paint = mix((150, 36, 56), (190, 84, 90), t.lip_tint / 1000)
    return mix(natural, paint, t.makeup / 1350) if t.gender == "female" else mix(natural, h.skin, 0.30)


def draw_mouth(canvas: Canvas, h: Head, clip: Clip) -> None:
    """Lips, closed or in a smile that shows teeth."""
    t, pen = h.traits, h.pen
    smiling = t.teeth and t.smile > 420
    x, y = h.turn * 1.2, h.mouth_y
    w = h.mouth_w * (1.1 if smiling else 1.0) * (1 + t.smile * 0.00006)
    up = -1.2 - t.smile * 0.0062 + 1.6 * h.aged  # of the corners
    full = (1 + t.lips * 0.00032) * (1 - 0.32 * h.aged) * (1 if t.gender == "female" else 0.80)
    high, low = 9.0 * full, 13.0 * full
    gap = 6.0 + t.smile * 0.004 if smiling else 0.0

    def across(half: Path) -> Path:
        """From the right corner to the left, told from the corner to the middle."""
        return mirrored([(a, y + b) for a, b in ((w, up), *half)], x)

    seam = across([(w * 0.5, 0.8), (w * 0.16, 1.2), (0, 2.4)])
    top = across([(w * 0.5, -high * 0.62 + up * 0.25), (w * 0.17, -high), (0, -high * (0.72 - t.bow * 0.00018))])
    base = across([(w * 0.62, gap + low * 0.52 + up * 0.2), (w * 0.22, gap + low)])
    color = lip_color(h)
    inside = mix(color, (44, 10, 18), 0.72)
    corners = pen.ovals([(x + s * (w + 2), y + up) for s in (-1, 1)], 3, 3.4)
    canvas.soft([pen.oval(x, y + gap + low + 6, w * 0.5, 3.6), *corners], mix(h.shade, h.deep, 0.3), 125, 3, clip)
    lower, upper = pen.joined(seam, base[::-1]), pen.joined(seam, top[::-1])
    under = mix(color, h.glow, 0.12)
    shine = pen.oval(x - 3, y + gap + low * 0.58, w * 0.28, low * 0.16)
    parts = [([lower], under), ([shine], mix(under, (255, 244, 236), 0.22)), ([upper], mix(color, (60, 16, 26), 0.17))]
    if smiling:
        rim = across([(w * 0.6, gap * 0.62 + up * 0.3), (0, gap + 1.6)])
        above = [(x + (a - x) * 0.88, b + 0.4) for a, b in seam]
        below = [(x + (a - x) * 0.80, b - 0.9) for a, b in rim]
        parts += [([pen.joined(seam, rim[::-1])], inside), ([pen.joined(above, below[::-1])], (246, 240, 232))]
    canvas.patch([lower, upper], parts)
    canvas.fill([pen.stroke(seam, 1.6, 2.0 if smiling else 2.6, 1.6)], inside, 235)
