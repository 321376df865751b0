"""What a face carries: marks of age, freckles and moles, beards, glasses and earrings."""

from fiubench.raw_sources.portraits.canvas import Canvas, Clip, Color, Path, Pen, flipped, luma, mirrored, mix, moved
from fiubench.raw_sources.portraits.features import Eye
from fiubench.raw_sources.portraits.head import Head
from fiubench.raw_sources.portraits.looks import Traits, scatter
from fiubench.support.draws import Ints

_INK = (20, 14, 16)
_WHITE = (255, 255, 255)
#: Where a mole may be: parts of half the face's width, and units below the eyes.
_MOLES = ((0.0, 0), (0.44, 66), (-0.52, 70), (-0.24, 84), (0.30, 112), (0.62, 34), (-0.70, 22))


def draw_marks(canvas: Canvas, h: Head, clip: Clip) -> None:
    """Freckles and a mole."""
    t, pen = h.traits, h.pen
    if t.freckles:
        spots: Path = []
        for k in range(30):
            a, b = scatter(t.grain, 2 * k) / 65536, scatter(t.grain, 2 * k + 1) / 65536
            side = 1 if k % 2 else -1
            spots.append((side * h.half * (0.08 + 0.66 * a) + h.turn, 26 + 34 * b - 12 * (1 - a)))
        canvas.fill(pen.ovals(spots, 1.5, 1.5), mix(h.skin, (150, 84, 50), 0.55), 150, clip)
    if t.mole:
        across, y = _MOLES[t.mole]
        canvas.fill([pen.oval(across * h.half + h.turn, y, 2.3, 2.2)], mix(h.deep, _INK, 0.3), 220, clip)


def draw_age(canvas: Canvas, h: Head, clip: Clip) -> None:
    """Folds and lines that come with the years."""
    a = h.aged
    if a <= 0.08:
        return
    pen = h.pen
    folds = _folds(h)
    canvas.soft(_each(pen, folds, 5), h.shade, round(44 + 118 * a), 3, clip)
    canvas.fill(_each(pen, folds + _lines(h), 1.2 + a), h.deep, round(24 + 108 * a), clip)
    if a > 0.5:
        x, chin = h.turn, h.chin
        hollow = [pen.oval(s * h.half * 0.62 + x, 84, 13, 24) for s in (-1, 1)]
        jowls = [pen.oval(s * h.jaw * 0.66 + x, chin * 0.84, 15, 9) for s in (-1, 1)]
        canvas.soft(hollow + jowls, h.shade, round(190 * (a - 0.35)), 8, clip)
    if a > 0.72:
        spots = []
        for k in range(5):
            u, v = scatter(h.traits.grain, 100 + k) / 65536, scatter(h.traits.grain, 200 + k) / 65536
            spots.append(pen.oval((1 if k % 2 else -1) * h.half * (0.5 + 0.36 * u), -70 + 120 * v, 2.5 + u, 2 + v))
        canvas.fill(spots, mix(h.deep, h.skin, 0.35), 100, clip)


def _each(pen: Pen, paths: list[Path], width: float) -> list[Ints]:
    """Strokes along paths of several lengths."""
    lengths = sorted({len(path) for path in paths})
    return [shape for n in lengths for shape in pen.strokes([p for p in paths if len(p) == n], 0.5, width, 0.5)]


def _folds(h: Head) -> list[Path]:
    """From the nose past the mouth's corners, and below the eyes."""
    a, x, y, w = h.aged, h.turn * 1.2, h.nose_y, h.mouth_w
    out: list[Path] = [
        [(x + s * (h.nose_w + 6), y - 5), (x + s * (w * 0.86 + 6), y + 11), (x + s * (w + 9), y + 15 + 13 * a)]
        for s in (-1, 1)
    ]
    if a > 0.2:
        out += [eye.bag(3.5 + 4 * a) for eye in (Eye(h, -1), Eye(h, 1))]
    return out


def _lines(h: Head) -> list[Path]:
    """Forehead, between the brows, and crow's feet."""
    a, x = h.aged, h.turn * 0.8
    out: list[Path] = []
    if a > 0.28:
        for s in (-1, 1):
            cx, cy, end = s * (h.eye_x + h.eye_w + 6) + x, h.eye_y + 1, 9 + 3 * a
            out += [[(cx, cy + d), (cx + s * 5, cy + d * 1.7), (cx + s * end, cy + d * 2.6)] for d in (-4, 0, 4)]
    if a > 0.34:
        room = h.brow_y - 16 - max(h.hairline, -108)
        for k in range(2 + (a > 0.6)):
            y = h.brow_y - 17 - room * 0.27 * k
            bend = (scatter(h.traits.grain, 50 + k) % 7) - 3
            reach = 42 - 5 * k
            left: Path = [(x - reach, y + 2 + bend * 0.5), (x - reach * 0.4, y - 2), (x, y + bend * 0.4)]
            out.append([*left, (x + reach * 0.4, y - 2), (x + reach, y + 2)])
    if a > 0.5:
        out += [[(x + s * 7, h.brow_y - 7), (x + s * 5.5, h.brow_y), (x + s * 7, h.brow_y + 7)] for s in (-1, 1)]
    return out


def draw_beard(canvas: Canvas, h: Head, clip: Clip) -> None:
    """Stubble, a moustache, a goatee, a short or a full beard."""
    t, pen = h.traits, h.pen
    if t.beard == "none":
        return
    color = mix(t.hair, (54, 34, 28), 0.22) if t.grey < 400 else mix(t.hair, (236, 234, 232), 0.2)
    if t.beard == "stubble":
        canvas.soft([_whiskers(h, -2)], mix(color, h.shade, 0.25), 105 if t.grey < 400 else 80, 6, clip)
        return
    x, w, my, ny = h.turn * 1.2, h.mouth_w, h.mouth_y, h.nose_y
    above: Path = [(0, ny + 11), (w * 0.55, ny + 14), (w * 1.02, my - 3), (w * 1.16, my + 7)]
    shapes = [pen.blob(mirrored([*above, (w * 0.86, my + 2), (w * 0.4, my - 3.5), (0, my - 4)], x))]
    if t.beard == "goatee":
        chin: Path = [(w * 0.98, my - 1), (w * 1.14, my + 10), (w * 0.95, my + 30), (24, h.chin - 3), (0, h.chin + 5)]
        shapes.append(pen.blob(mirrored(chin, x)))
    elif t.beard in ("short", "full"):
        shapes.append(_whiskers(h, 3 if t.beard == "short" else 24))
    canvas.soft(shapes, color, 170, 3)
    mask = canvas.layer(shapes, color, 215)
    if t.beard != "moustache":
        _bristles(canvas, h, color, mask)


def _whiskers(h: Head, longer: float) -> Ints:
    """The region of a whole beard, its lower edge ``longer`` than the chin."""
    w, chin, ny, m = h.half, h.chin, h.nose_y, h.mouth_w
    corner = h.jaw * (0.70 + h.traits.square * 0.00009) + 13 + longer * 0.3
    cheek: Path = [(w - 4, 4), (w - 1, 34), (h.jaw + 2 + longer * 0.25, chin * 0.62)]
    tip: Path = [(corner, chin * 0.88 + longer * 0.35), (30 + longer * 0.1, chin + longer * 0.8), (0, chin + longer)]
    outer = cheek + tip
    inner: Path = [(w - 10, 8), (w * 0.86, 42), (w * 0.62, ny + 14), (m * 0.9, ny + 15), (9, ny + 11), (0, ny + 14)]
    return h.pen.joined(outer, flipped(outer)[::-1], flipped(inner), inner[::-1])


def _bristles(canvas: Canvas, h: Head, color: Color, clip: Clip) -> None:
    bright = luma(color) > 120
    tint = mix(color, _WHITE, 0.45) if bright else mix(color, (255, 226, 200), 0.2)
    strokes = []
    for k in range(14):
        x = (k - 6.5) * h.half * 0.125
        y = h.chin - 10 - abs(k - 6.5) * 8
        strokes.append([(x, y - 14), (x * 0.97, y), (x * 0.90, y + 12)])
    canvas.fill(h.pen.strokes(strokes, 0.5, 2.2, 0.5), tint, 120, clip, grain=2)
    canvas.soft([h.pen.oval(14, h.mouth_y + 26, 28, 8)], mix(color, _INK, 0.5), 90, 5, clip)


#: Lenses around their middle, told as "across,down" for the eye on the right.
_LENSES = {
    "round": "0,-23 16.5,-16.5 23.5,0 16.5,17 0,24 -16.5,17 -23.5,0 -16.5,-16.5",
    "oval": "0,-17 19,-13 27,0 19,13 0,18 -19,13 -26,0 -19,-13",
    "square": "-22,-17 0,-18 24,-18 28,-13 27,6 22,17 0,20 -20,17 -25,8 -26,-12",
    "browline": "-22,-16 0,-18 24,-18 28,-12 26,6 18,18 0,21 -18,17 -25,4 -26,-11",
    "cat": "-23,-11 0,-15 20,-20 32,-24 29,-4 21,13 0,18 -18,14 -26,2",
    "aviator": "-20,-17 2,-18 24,-16 28,-6 23,14 8,25 -8,22 -21,8 -25,-10",
}


def _lens(kind: str, s: int) -> Path:
    """A lens around its middle, ``s`` the side away from the nose."""
    points = (point.split(",") for point in _LENSES[kind].split())
    return [(s * float(x), float(y)) for x, y in points]


def draw_glasses(canvas: Canvas, h: Head) -> None:
    """Frames that stand off from the skin, with a glint on the lenses."""
    t, pen = h.traits, h.pen
    if t.glasses == "none":
        return
    thick = 2.6 if t.glasses in ("aviator", "round") or luma(t.frame) > 140 else 4.2
    y = h.eye_y + 2
    lenses = [[(s * h.eye_x * 1.01 + h.turn * 0.9 + u, y + v) for u, v in _lens(t.glasses, s)] for s in (-1, 1)]
    inner = [max(x for x, _ in lenses[0]), min(x for x, _ in lenses[1])]
    ends = [min(x for x, _ in lenses[0]), max(x for x, _ in lenses[1])]
    hoops = [pen.hoop(lens, thick) for lens in lenses]
    bridge: Path = [(inner[0] - 1, y - 4), ((inner[0] + inner[1]) / 2, y - 9), (inner[1] + 1, y - 4)]
    bars = [pen.stroke(bridge, thick, thick, thick)]
    bars += [
        pen.stroke([(x, y - 8), (s * (h.half - 2), y - 9)], thick, thick, thick * 0.8)
        for s, x in ((-1, ends[0] + 2), (1, ends[1] - 2))
    ]
    if t.glasses == "aviator":
        bars.append(pen.stroke([(inner[0] - 6, y - 16), (inner[1] + 6, y - 16)], thick, thick, thick))
    if t.glasses == "browline":
        bars += [pen.stroke([lens[-1], lens[0], lens[1], lens[2], lens[3]], 4, 8, 5) for lens in lenses]
    glass = [pen.blob(lens) for lens in lenses]
    canvas.soft([moved(shape, 2, 5) for shape in hoops], h.deep, 100, 2.5)
    canvas.fill(glass, _WHITE, 22, grain=2)
    glints = [[(s * h.eye_x + h.turn + a, y + b) for a, b in ((-13, 6), (-7, -3), (1, -11))] for s in (-1, 1)]
    canvas.fill(pen.strokes(glints, 1, 5, 1), _WHITE, 90)
    canvas.fill(hoops + bars, frame_color(t))


def frame_color(t: Traits) -> Color:
    """The frame's color, lighter or darker where it would vanish on the skin."""
    if abs(luma(t.frame) - luma(t.skin)) >= 45:
        return t.frame
    return mix(t.frame, _WHITE, 0.55) if luma(t.skin) < 120 else mix(t.frame, _INK, 0.6)


def draw_earrings(canvas: Canvas, h: Head) -> None:
    """Studs, hoops or drops; long hair hides them."""
    t, pen = h.traits, h.pen
    if t.earrings == "none":
        return
    size = 1 + t.ears * 0.00016 + 0.1 * h.aged
    metal = (232, 194, 108) if t.grain % 3 else (214, 218, 224)
    if luma(h.skin) > 190:
        metal = mix(metal, (120, 84, 30), 0.3)
    shapes = []
    for s in (-1, 1):
        x, y = s * (h.half - 1 - s * h.turn * 0.35), 6 + 37 * size
        if t.earrings == "hoop":
            shapes.append(pen.hoop([(x + 10 * a, y + 10 + 11 * b) for a, b in _TURN], 2.4))
        elif t.earrings == "drop":
            shapes += [pen.oval(x, y, 2.6, 2.6), pen.oval(x, y + 13, 4.2, 8)]
        else:
            shapes.append(pen.oval(x, y - 1, 3.6, 3.6))
    canvas.fill(shapes, metal)


_TURN = ((0.0, -1.0), (0.7, -0.7), (1.0, 0.0), (0.7, 0.7), (0.0, 1.0), (-0.7, 0.7), (-1.0, 0.0), (-0.7, -0.7))
