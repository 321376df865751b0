"""What is around a drawn head: the backdrop, neck and shoulders, clothes and a necklace."""

from functools import lru_cache

from fiubench.raw_sources.portraits.canvas import (
    Canvas,
    Clip,
    Color,
    Mask,
    Path,
    Pen,
    flipped,
    luma,
    mirrored,
    mix,
    moved,
)
from fiubench.raw_sources.portraits.head import Head
from fiubench.raw_sources.portraits.looks import Traits
from fiubench.support.draws import Ints
from PIL import Image

_NIGHT = (34, 30, 44)
_FLOOR = 300  # below the picture's edge
_LOW_CUT = ("scoop", "boat", "vneck")


def draw_backdrop(canvas: Canvas, t: Traits) -> None:
    """A gradient in one of eight directions, with or without a large disc."""
    light, dark = t.backdrop
    canvas.image.paste(light, (0, 0, canvas.size, canvas.size))
    canvas.lay(_slope(canvas.size, t.backdrop_turn), (0, 0, canvas.size, canvas.size), dark)
    if t.disc:
        sheet = Pen(0, 0)
        x, y = 256 + ((t.disc * 37) % 260 - 130), 210 + ((t.disc * 91) % 220 - 110)
        color = mix(light, (255, 255, 255), 0.45) if t.disc % 2 else mix(dark, _NIGHT, 0.16)
        canvas.fill([sheet.oval(x, y, 150 + t.disc % 90, 150 + t.disc % 90)], color, 150, grain=2)


@lru_cache(maxsize=16)
def _slope(size: int, turn: int) -> Mask:
    """A gradient over the picture; ``turn`` counts eighths of a circle."""
    around = (0, 76, 140, 255, 255, 178, 102, 38)
    small = Image.new("L", (2, 2))
    small.putdata([around[(turn + 2 * k) % 8] for k in (0, 1, 3, 2)])
    return small.resize((size, size), Image.Resampling.BILINEAR, (0.5, 0.5, 1.5, 1.5))


def draw_body(canvas: Canvas, h: Head) -> None:
    """Neck, shoulders and clothes."""
    t = h.traits
    male = t.gender == "male"
    neck = (59 if male else 48) + t.neck * 0.006
    wide = (1.06 if male else 0.95) + t.shoulders * 0.00007
    pen = h.body
    side: Path = [(0, 60), (neck, 80), (neck, 150), (neck + 6, 184), (neck + 40, 212)]
    skin = pen.twin([*side, (126 * wide, 231), (120 * wide, 276), (0, 280)])
    clip = canvas.layer([skin], mix(h.skin, h.shade, 0.22))
    _neck_shade(canvas, h, neck, clip)
    _CLOTHES[t.clothes](canvas, h, neck, wide)


def _neck_shade(canvas: Canvas, h: Head, neck: float, clip: Clip) -> None:
    """The head's shadow on the neck, its two cords and the collar bones."""
    pen, chin = h.body, h.chin
    below: Path = [(neck + 10, chin + 40), (28, chin + 34), (-neck * 0.4, chin + 16), (-neck - 4, chin - 16)]
    shadow = pen.blob([(-neck - 4, 90), (neck + 10, 90), *below])
    canvas.fill([shadow], mix(h.shade, h.deep, 0.25), 190, clip, grain=2)
    if h.traits.clothes not in _LOW_CUT:
        return
    lines = pen.strokes([[(s * 16, 226), (s * 52, 219), (s * 104, 224)] for s in (-1, 1)], 1, 3.4, 1)
    if h.aged > 0.45:
        cords: list[Path] = [[(s * neck * 0.42, 160), (s * neck * 0.30, 190), (s * 12, 214)] for s in (-1, 1)]
        lines += pen.strokes(cords, 1, 3, 1)
    canvas.soft(lines, h.deep, 64, 2.6, clip)


def _shoulders(wide: float, neck: float, rise: float = 0.0) -> Path:
    """From the neck's right side to the bottom right: where a garment's edge runs."""
    corner = (230 * wide, _FLOOR)
    slope: Path = [(neck + 10, 186 - rise), (neck + 38, 206 - rise * 0.5), (148 * wide, 227), (200 * wide, 255)]
    return [*slope, corner, corner]


def _garment(pen: Pen, shoulder: Path, opening: Path) -> Ints:
    """A garment from its right shoulder and the right half of its opening, told from the shoulder to the middle."""
    start = opening[0]
    shoulder = [start] + [point for point in shoulder if point[0] > start[0] + 12]
    return pen.joined(shoulder[::-1], opening, flipped(opening)[::-1], flipped(shoulder))


def _cloth(canvas: Canvas, h: Head, shape: Ints, color: Color, pattern: str) -> Clip:
    """Fill a garment, with its pattern and soft folds."""
    clip = canvas.layer([shape], color)
    _pattern(canvas, h, color, pattern, clip)
    pen = h.body
    fold = pen.blob([(50, 200), (112, 236), (150, 300), (260, 300), (250, 240)])
    canvas.soft([fold], mix(color, _NIGHT, 0.5), 96, 14, clip)
    sheen = pen.stroke([(-66, 206), (-120, 224), (-170, 244)], 4, 12, 4)
    canvas.soft([sheen], mix(color, (255, 255, 255), 0.5), 70, 6, clip)
    return clip


def _pattern(canvas: Canvas, h: Head, color: Color, pattern: str, clip: Clip) -> None:
    pen, tint = h.body, h.traits.cloth_under
    if pattern == "plain":
        return
    if abs(luma(tint) - luma(color)) < 40:
        tint = mix(color, (255, 255, 255) if luma(color) < 128 else _NIGHT, 0.4)
    bows: list[Path] = [[(-240, y + 12), (-90, y - 6), (90, y - 6), (240, y + 12)] for y in range(196, 300, 17)]
    rows = pen.strokes(bows, 5, 5, 5)
    if pattern == "stripes":
        canvas.fill(rows, tint, 210, clip, grain=2)
    elif pattern == "pinstripes":
        pins = pen.strokes([[(x, 170), (x * 1.08, 300)] for x in range(-224, 225, 14)], 1.4, 1.4, 1.4)
        canvas.fill(pins, tint, 150, clip)
    elif pattern == "checks":
        columns = pen.strokes([[(x, 170), (x * 1.08, 300)] for x in range(-224, 225, 28)], 6, 6, 6)
        canvas.fill(rows[::2], tint, 110, clip, grain=2)
        canvas.fill(columns, tint, 110, clip, grain=2)
    elif pattern == "dots":
        dot = pen.oval(0, 0, 3.4, 3.4)[::4]
        spots = [moved(dot, x + row % 2 * 11, 190 + row * 13) for row in range(8) for x in range(-220, 221, 22)]
        canvas.fill(spots, tint, 220, clip)


def _band(canvas: Canvas, h: Head, opening: Path, color: Color, width: float) -> None:
    """A hem along an opening told from the shoulder to the middle."""
    canvas.fill([h.body.stroke(mirrored(opening), 1, width, 1)], color)


def _simple(canvas: Canvas, h: Head, neck: float, wide: float, opening: Path, hem: float) -> None:
    t = h.traits
    shape = _garment(h.body, _shoulders(wide, neck), opening)
    _cloth(canvas, h, shape, t.cloth, t.pattern)
    if hem:
        _band(canvas, h, opening, mix(t.cloth, _NIGHT, 0.18), hem)


def _crew(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    opening: Path = [(neck + 9, 186), (neck * 0.86, 206), (neck * 0.45, 219), (0, 223)]
    _simple(canvas, h, neck, wide, opening, 8)
    _necklace(canvas, h, neck, 0)


def _scoop(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    opening: Path = [(neck + 26, 205), (neck + 8, 228), (neck * 0.6, 252), (0, 262)]
    _simple(canvas, h, neck, wide, opening, 5)
    _necklace(canvas, h, neck, 16)


def _boat(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    opening: Path = [(neck + 52, 226), (neck + 22, 234), (neck * 0.6, 239), (0, 241)]
    _simple(canvas, h, neck, wide, opening, 5)
    _necklace(canvas, h, neck, 4)


def _vneck(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    opening: Path = [(neck + 12, 188), (neck * 0.8, 216), (0, 268), (0, 268)]
    _simple(canvas, h, neck, wide, opening, 0)
    for side in (-1, 1):
        edge = [(side * x, y) for x, y in opening[:3]]
        canvas.fill([h.body.stroke(edge, 6, 6, 6)], mix(h.traits.cloth, _NIGHT, 0.18))
    _necklace(canvas, h, neck, 10)


def _turtleneck(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    t, pen = h.traits, h.body
    opening: Path = [(neck + 6, 178), (0, 196)]
    _cloth(canvas, h, _garment(pen, _shoulders(wide, neck, 8), opening), t.cloth, t.pattern)
    top = h.chin + 20
    collar = pen.joined(
        mirrored([(neck + 5, top - 8), (neck * 0.5, top + 4), (0, top + 8)])[::-1],
        [(neck + 5, top - 8), (neck + 9, 190), (neck + 9, 206)],
        [(neck + 9, 206), (0, 228), (-neck - 9, 206)],
        [(-neck - 9, 206), (-neck - 9, 190), (-neck - 5, top - 8)],
    )
    clip = canvas.layer([collar], mix(t.cloth, (255, 255, 255), 0.06))
    ribs = pen.strokes([[(x, top - 10), (x * 1.08, 230)] for x in range(-63, 64, 9)], 1.2, 1.2, 1.2)
    canvas.fill(ribs, mix(t.cloth, _NIGHT, 0.35), 110, clip)
    side = pen.blob([(10, top - 10), (neck + 20, top - 10), (neck + 20, 230), (30, 226)])
    rim = pen.stroke([(-neck - 12, 208), (0, 230), (neck + 12, 208)], 2, 5, 2)
    canvas.soft([side, rim], mix(t.cloth, _NIGHT, 0.6), 110, 5, clip)


def _collar(pen: Pen, neck: float, side: int, drop: float) -> Ints:
    """One wing of a shirt's collar."""
    return pen.joined(
        [(side * 3, 214), (side * neck * 0.62, 190), (side * (neck + 6), 172)],
        [(side * (neck + 6), 172), (side * (neck + 18), 196)],
        [(side * (neck + 18), 196), (side * (neck * 0.55 + 8), 218 + drop)],
        [(side * (neck * 0.55 + 8), 218 + drop), (side * 3, 214)],
    )


def _shirt(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    t, pen = h.traits, h.body
    opening: Path = [(neck + 12, 186), (neck * 0.6, 200), (0, 238), (0, 238)]
    _cloth(canvas, h, _garment(pen, _shoulders(wide, neck), opening), t.cloth, t.pattern)
    dark = mix(t.cloth, _NIGHT, 0.34)
    canvas.fill([pen.stroke([(0, 232), (2, _FLOOR)], 1.6, 1.6, 1.6)], dark, 200)
    _collars(canvas, h, neck, t.cloth)
    canvas.fill([pen.oval(6, 258, 2.6, 2.6), pen.oval(7, 282, 2.6, 2.6)], mix(t.cloth, _NIGHT, 0.5))


def _collars(canvas: Canvas, h: Head, neck: float, color: Color) -> None:
    wings = [_collar(h.body, neck, side, 16) for side in (-1, 1)]
    canvas.soft([moved(wing, 0, 4) for wing in wings], mix(color, _NIGHT, 0.7), 110, 3)
    canvas.fill([wings[0]], mix(color, (255, 255, 255), 0.14))
    canvas.fill([wings[1]], mix(color, _NIGHT, 0.07))


def _jacket(canvas: Canvas, h: Head, neck: float, wide: float, low: float) -> None:
    """A jacket's body and lapels, open down to ``low``."""
    t, pen = h.traits, h.body
    color = t.cloth if luma(t.cloth) < 190 else mix(t.cloth, (120, 110, 104), 0.3)
    opening: Path = [(neck + 14, 186), (neck * 0.9, 214), (10, low), (10, low)]
    shape = _garment(pen, _shoulders(wide, neck, 3), opening)
    _cloth(canvas, h, shape, color, t.pattern if t.pattern in ("pinstripes", "checks") else "plain")
    for side, tint in ((-1, mix(color, (255, 255, 255), 0.10)), (1, mix(color, _NIGHT, 0.10))):
        lapel = pen.joined(
            [(side * (neck + 13), 184), (side * neck * 0.86, 216), (side * 8, low)],
            [(side * 8, low), (side * (neck * 0.9 + 6), 268), (side * (neck + 30), 240)],
            [(side * (neck + 30), 240), (side * (neck + 15), 236)],
            [(side * (neck + 15), 236), (side * (neck + 34), 224), (side * (neck + 22), 190)],
        )
        canvas.soft([moved(lapel, 0, 3)], mix(color, _NIGHT, 0.7), 90, 3)
        canvas.fill([lapel], tint)


def _blazer(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    """A jacket over a plain top."""
    t = h.traits
    opening: Path = [(neck + 8, 190), (neck * 0.8, 214), (neck * 0.4, 234), (0, 240)]
    under = t.cloth_under if abs(luma(t.cloth_under) - luma(t.cloth)) > 40 else (240, 236, 230)
    _cloth(canvas, h, _garment(h.body, _shoulders(wide * 0.9, neck - 8), opening), under, "plain")
    _necklace(canvas, h, neck, 4)
    _jacket(canvas, h, neck, wide, _FLOOR)


def _suit(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    """A jacket over a light shirt with a tie."""
    t, pen = h.traits, h.body
    shirt = mix((244, 243, 240), t.cloth_under, 0.12)
    opening: Path = [(neck + 8, 186), (neck * 0.5, 200), (0, 222), (0, 222)]
    _cloth(canvas, h, _garment(pen, _shoulders(wide * 0.9, neck - 4), opening), shirt, "plain")
    tie = t.cloth_under if luma(t.cloth_under) < 150 else mix(t.cloth_under, (60, 30, 60), 0.5)
    canvas.fill([pen.lines([(-11, 214), (11, 214), (7, 232), (17, 302), (-17, 302), (-7, 232)])], tie)
    canvas.fill([pen.lines([(-11, 213), (11, 213), (7, 233), (-7, 233)])], mix(tie, _NIGHT, 0.25))
    _collars(canvas, h, neck, shirt)
    _jacket(canvas, h, neck, wide, _FLOOR - 4)


def _hoodie(canvas: Canvas, h: Head, neck: float, wide: float) -> None:
    t, pen = h.traits, h.body
    opening: Path = [(neck + 12, 184), (neck * 0.7, 212), (0, 232), (0, 232)]
    _cloth(canvas, h, _garment(pen, _shoulders(wide, neck), opening), t.cloth, "plain")
    dark = mix(t.cloth, _NIGHT, 0.3)
    for side, tint in ((-1, mix(t.cloth, (255, 255, 255), 0.08)), (1, mix(t.cloth, _NIGHT, 0.08))):
        hood = pen.joined(
            [(side * (neck - 2), 158), (side * neck * 0.94, 196), (0, 236)],
            [(0, 236), (side * 30, 256), (side * (neck + 30), 232)],
            [(side * (neck + 30), 232), (side * (neck + 40), 196), (side * (neck + 22), 160), (side * (neck - 2), 158)],
        )
        canvas.fill([hood], tint)
        canvas.fill([pen.stroke([(side * (neck + 30), 232), (side * 30, 256), (0, 236)], 1, 2.4, 1)], dark)
    cords = [pen.stroke([(s * 20, 244), (s * 24, 268), (s * 22, 290)], 3, 3, 3.4) for s in (-1, 1)]
    canvas.fill(cords, mix(t.cloth, (255, 255, 255), 0.75) if luma(t.cloth) < 170 else dark)


def _necklace(canvas: Canvas, h: Head, neck: float, low: float) -> None:
    """A thin chain with a pendant."""
    t = h.traits
    if not t.necklace:
        return
    path = mirrored([(-neck - 6, 186), (-neck * 0.62, 212 + low * 0.7), (0, 226 + low)])
    gold = (226, 184, 96) if luma(h.skin) < 170 else (188, 140, 62)
    canvas.fill([h.body.stroke(path, 1.8, 1.8, 1.8)], gold)
    canvas.fill([h.body.oval(0, 230 + low, 4, 5)], gold)


#: A garment is drawn by the function of its name.
_GARMENTS = (_crew, _scoop, _boat, _vneck, _turtleneck, _shirt, _blazer, _suit, _hoodie)
_CLOTHES = {draw.__name__[1:]: draw for draw in _GARMENTS}
