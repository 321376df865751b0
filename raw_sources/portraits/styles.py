"""Hair styles: functions that add outlines to a :class:`Hair`, told in units around the middle between the eyes."""

from collections.abc import Callable

from fiubench.raw_sources.portraits.canvas import Path, mirrored, mix
from fiubench.raw_sources.portraits.hair import Hair, between
from fiubench.raw_sources.portraits.head import Head

# Outlines read better with several points to a line.
# fmt: off


def hair_of(h: Head) -> Hair:
    """The hair of a head, by its style."""
    hair = Hair(h)
    _STYLES[h.traits.style](hair, h)
    return hair


def _volume(h: Head, least: float, most: float) -> float:
    thin = 1 - 0.35 * max(0, h.traits.age - 55) / 40
    return (least + (most - least) * (h.traits.volume + 1000) / 2000) * thin


def _hairline(h: Head, ends: float = 14) -> Path:
    """From the left sideburn over the forehead to the right one."""
    w, top, r = h.half, h.hairline, h.traits.receding / 1000
    return mirrored([
        (-w + 6, ends), (-w * 0.925, -26), (-w * 0.86, -58 - 16 * r), (-w * 0.62, top + 14 - 34 * r),
        (-w * 0.28, top + 1 - 12 * r), (0, top - 14 * r),
    ])


def _skull(h: Head, v: float, side: float, ends: float = 15) -> Path:
    """The contour of short hair, as many points as a hairline."""
    w, top = h.half, h.top
    return mirrored([
        (-w + 1, ends), (-w - 2 - side * 0.6, -26), (-w * 0.97 - 1 - side, -68),
        (-w * 0.79 - side * 0.5, top * 0.71 - v * 0.8), (-w * 0.42, top * 0.935 - v), (0, top - v),
    ])


def _part(h: Head, most: float = 46) -> float:
    return h.traits.parting * most / 1000


def _curtain(hair: Hair, h: Head, length: float, v: float, flare: float, wave: float = 0.0, tuck: float = 0.0) -> None:
    """Hair parted on top that falls on both sides of the face down to ``length``."""
    hair.covers_ears = True
    w, top, line, p = h.half, h.top, h.hairline, _part(h)
    for s in (-1, 1):
        reach = s * w - p
        inner: Path = [
            (p, line), (p + reach * 0.42, line + 17), (s * w * 0.84, -58), (s * w * 0.95, -6 + wave * 0.4),
            (s * (w - 2 + wave), length * 0.36), (s * (w + 2 - wave + flare * 0.3 - tuck * 0.3), length * 0.68),
            (s * (w - 2 + flare * 0.2 - tuck), length - 6),
        ]
        outer: Path = [
            (p, top - v), (p + reach * 0.58, top * 0.93 - v), (s * (w + 2 + v * 0.5), -88),
            (s * (w + 9 + v * 0.6 + wave), -2), (s * (w + 12 + v * 0.7 + flare * 0.5 - wave * 0.6), length * 0.36),
            (s * (w + 15 + v * 0.7 + flare + wave), length * 0.70),
            (s * (w + 12 + flare * 1.2 - tuck * 0.8), length + 2),
        ]
        hair.panel(inner, outer, 7)
    hair.low_strands.append(h.pen.stroke([(p, line), (p * 0.96, top - v + 2)], 2.4, 2.0, 1.0))


def _fall(hair: Hair, h: Head, length: float, wide: float) -> None:
    """What hangs behind the neck."""
    w, top = h.half, h.top
    hair.back.append(
        h.pen.twin([
            (0, top), (w * 0.8, top * 0.7), (w + wide * 0.6, 0), (w + wide, length * 0.5),
            (w + wide * 0.9, length - 12), (w * 0.6, length), (0, length),
        ])
    )


def _long(hair: Hair, h: Head) -> None:
    _fall(hair, h, 310, 22)
    _curtain(hair, h, 305, _volume(h, 8, 19), 26, wave=2)


def _wavy(hair: Hair, h: Head) -> None:
    _fall(hair, h, 262, 22)
    _curtain(hair, h, 262, _volume(h, 13, 25), 26, wave=8)


def _bob(hair: Hair, h: Head) -> None:
    length = 128 + h.traits.hairline * 0.012
    _fall(hair, h, length, 12)
    _curtain(hair, h, length, _volume(h, 9, 20), 9, tuck=16)


def _lob(hair: Hair, h: Head) -> None:
    length = 186 + h.traits.hairline * 0.012
    _fall(hair, h, length, 14)
    _curtain(hair, h, length, _volume(h, 8, 20), 12, tuck=9)


def _fringe(hair: Hair, h: Head) -> None:
    length = 140 if h.traits.parting < 0 else 240
    _fall(hair, h, length, 12)
    w, line = h.half, h.hairline
    _curtain(hair, h, length, _volume(h, 9, 18), 9 + length * 0.05, tuck=10)
    edge = h.brow_y - 15
    top: Path = mirrored([(-w * 0.90, -58), (-w * 0.72, line - 2), (-w * 0.3, line - 26), (0, line - 32)])
    bottom: Path = mirrored([(-w * 0.95, edge + 26), (-w * 0.62, edge + 4), (-w * 0.3, edge), (0, edge - 2)])
    hair.panel(bottom, top, 11, across=True)


def _pixie(hair: Hair, h: Head) -> None:
    w, top, line, v = h.half, h.top, h.hairline, _volume(h, 8, 20)
    p = -28 + _part(h, 24)
    small_in: Path = [(p, line), (-w * 0.66, line + 22), (-w * 0.88, -54), (-w * 0.93, -20), (-w + 8, 22)]
    small_out: Path = [(p, top - v), (-w * 0.76, top * 0.82 - v), (-w - 6, -72), (-w - 7, -24), (-w + 1, 24)]
    wide_in: Path = [(p, line), (p + 46, line + 30), (w * 0.70, -52), (w * 0.91, -20), (w - 8, 22)]
    wide_out: Path = [(p, top - v), (w * 0.52, top * 0.97 - v), (w + 5, -86), (w + 8, -28), (w - 1, 24)]
    hair.panel(small_in, small_out, 4)
    hair.panel(wide_in, wide_out, 8)
    hair.back.append(h.pen.twin([(0, top), (w, -60), (w + 3, 0), (w * 0.8, 60), (0, 110)]))


def _pulled(hair: Hair, h: Head, v: float) -> None:
    hair.panel(_hairline(h, 6), _skull(h, v, 3, 8), 15, across=True)


def _bun(hair: Hair, h: Head) -> None:
    v = _volume(h, 5, 11)
    _pulled(hair, h, v)
    x, y, r = _part(h, 16), h.top - v - 20, 34 + h.traits.volume * 0.007
    hair.middle.append(h.pen.oval(x, y, r * 1.1, r))
    hair.locks.append(h.pen.stroke([(x - r * 0.8, y + 12), (x - 6, y - r * 0.5), (x + r * 0.7, y - 4)], 1, 3, 1))
    hair.locks.append(h.pen.stroke([(x - r * 0.4, y + 18), (x + 6, y), (x + r * 0.8, y + 10)], 1, 3, 1))


def _knot(hair: Hair, h: Head) -> None:
    """Parted, drawn back over the ears' upper part into a low knot that shows on one side."""
    w, top, line, p, v = h.half, h.top, h.hairline, _part(h), _volume(h, 6, 13)
    for s in (-1, 1):
        reach = s * w - p
        inner: Path = [
            (p, line), (p + reach * 0.45, line + 15), (s * w * 0.84, -58), (s * w * 0.94, -18), (s * (w - 4), 22),
        ]
        outer: Path = [
            (p, top - v), (p + reach * 0.58, top * 0.93 - v), (s * (w + 3), -86), (s * (w + 10), -20),
            (s * (w + 7), 30),
        ]
        hair.panel(inner, outer, 7)
    hair.low_strands.append(h.pen.stroke([(p, line), (p * 0.96, top - v + 2)], 2.4, 2.0, 1.0))
    hair.back.append(h.pen.oval(w * 0.78, 112, 38, 34))
    hair.back.append(h.pen.twin([(0, top), (w, -60), (w + 2, 30), (w * 0.6, 116), (0, 130)]))


def _ponytail(hair: Hair, h: Head) -> None:
    w = h.half
    _pulled(hair, h, _volume(h, 6, 13))
    tail: Path = [
        (w * 0.6, -34), (w + 14, -32), (w + 29, 2), (w + 21, 46), (w + 31, 108), (w + 35, 186), (w + 17, 262),
        (w - 2, 288), (w + 2, 210), (w - 8, 130), (w * 0.5, 80),
    ]
    hair.middle.append(h.pen.blob(tail))


def _curls(hair: Hair, h: Head) -> None:
    hair.curly = 10
    hair.covers_ears = True
    w, top, v = h.half, h.top, _volume(h, 18, 32)
    length = 150 + h.traits.hairline * 0.03
    around: Path = [
        (0, top - v), (w * 0.7, top * 0.86 - v), (w + 16 + v * 0.5, -70), (w + 28 + v * 0.6, 20),
        (w + 34 + v * 0.6, length * 0.6), (w + 18, length), (w * 0.4, length + 10),
    ]
    hair.cloud(mirrored(around), 15, hair.back)
    line, p = h.hairline, _part(h)
    for s in (-1, 1):
        reach = s * w - p
        side: Path = [
            (p - s * 2, line), (p + reach * 0.45, line + 12), (s * w * 0.84, -54), (s * w * 0.94, 0),
            (s * (w - 2), 54), (s * (w + 2), length * 0.66), (s * (w + 20), length * 0.8),
            (s * (w + 28 + v * 0.5), length * 0.5), (s * (w + 24 + v * 0.6), 20), (s * (w + 12 + v * 0.5), -70),
            (s * w * 0.66, top * 0.86 - v), (p - s * 2, top - v),
        ]
        hair.cloud(side, 10, hair.panels)


def _afro(hair: Hair, h: Head) -> None:
    hair.curly = 14
    w, top, v = h.half, h.top, _volume(h, 26, 48)
    around: Path = [
        (0, top - v), (w * 0.66, top * 0.90 - v), (w + v * 0.72, -96), (w + v * 0.98, -24), (w + v * 0.8, 44),
        (w + 2, 84),
    ]
    hair.cloud(mirrored(around), 10, hair.back)
    crown: Path = mirrored([
        (-w + 2, 22), (-w - v * 0.7, 20), (-w - v * 0.9, -30), (-w - v * 0.64, -100),
        (-w * 0.66, top * 0.90 - v), (0, top - v),
    ])
    hair.cloud(crown + mirrored(_rounded_line(h))[::-1], 8, hair.panels)


def _rounded_line(h: Head) -> Path:
    """The left half of a hairline without corners."""
    w, line, r = h.half, h.hairline, h.traits.receding / 1000
    return [
        (-w + 8, 8), (-w * 0.92, -34), (-w * 0.80, -66 - 12 * r), (-w * 0.46, line + 6 - 22 * r), (0, line - 12 * r),
    ]


def _perm(hair: Hair, h: Head) -> None:
    hair.curly = 10
    w, top, v = h.half, h.top, _volume(h, 14, 24)
    around: Path = [(0, top - v), (w * 0.7, top * 0.86 - v), (w + 12, -74), (w + 17, -10), (w + 10, 44), (w * 0.7, 96)]
    hair.cloud(mirrored(around), 13, hair.back)
    crown: Path = mirrored(
        [(-w + 4, 34), (-w - 14, 24), (-w - 17, -20), (-w - 10, -80), (-w * 0.68, top * 0.86 - v), (0, top - v)]
    )
    hair.cloud(crown + mirrored(_rounded_line(h))[::-1], 11, hair.panels)


def _ropes(hair: Hair, h: Head, length: float, count: int, v: float) -> None:
    """Braids or locs: thick strands side by side, from the parting down."""
    w, top, line, p = h.half, h.top, h.hairline, _part(h, 30)
    _fall(hair, h, length - 6, 10)
    for s in (-1, 1):
        reach = s * w - p
        inner: Path = [
            (p, line), (p + reach * 0.45, line + 12), (s * w * 0.86, -58), (s * w * 0.95, -4),
            (s * (w - 1), length * 0.36), (s * (w - 2), length * 0.7), (s * (w - 8), length),
        ]
        outer: Path = [
            (p, top - v), (p + reach * 0.58, top * 0.93 - v), (s * (w + 6), -88), (s * (w + 15), -2),
            (s * (w + 22), length * 0.36), (s * (w + 28), length * 0.7), (s * (w + 24), length - 8),
        ]
        hair.panels.append(h.pen.joined(outer, inner[::-1]))

        def strand(share: float) -> Path:
            return [between(a, b, share) for a, b in zip(inner, outer, strict=True)]  # noqa: B023

        ropes = [strand((k + 0.5) / count) for k in range(count)]
        hair.high_strands += h.pen.strokes(ropes, 3, 4.6, 3)
        hair.low_strands += h.pen.strokes([strand((k + 1) / count) for k in range(count)], 2, 2.6, 2)
        hair.panels += [h.pen.oval(rope[-1][0], rope[-1][1] + k % 2 * 5, 5.5, 8) for k, rope in enumerate(ropes)]


def _braids(hair: Hair, h: Head) -> None:
    _ropes(hair, h, 268, 5, _volume(h, 7, 14))


def _locs(hair: Hair, h: Head) -> None:
    _ropes(hair, h, 118 + h.traits.hairline * 0.03, 4, _volume(h, 9, 16))


def _side(hair: Hair, h: Head) -> None:
    """Short, parted on one side."""
    w, top, line, v, r = h.half, h.top, h.hairline, _volume(h, 9, 20), h.traits.receding / 1000
    p = -38 + _part(h, 14)
    small_in: Path = [
        (p, line - 14 * r), (-w * 0.66, line + 14 - 30 * r), (-w * 0.87, -58 - 12 * r), (-w * 0.93, -24),
        (-w + 6, 14),
    ]
    small_out: Path = [
        (p, top * 0.99 - v), (-w * 0.74, top * 0.84 - v * 0.6), (-w - 4, -72), (-w - 3, -26), (-w + 1, 15),
    ]
    wide_in: Path = [
        (p, line - 14 * r), (0, line + 3 - 8 * r), (w * 0.62, line + 14 - 34 * r), (w * 0.87, -58 - 12 * r),
        (w * 0.93, -24), (w - 6, 14),
    ]
    wide_out: Path = [
        (p, top * 0.99 - v), (6, top * 1.01 - v * 1.2), (w * 0.66, top * 0.90 - v), (w + 5, -74), (w + 3, -26),
        (w - 1, 15),
    ]
    hair.panel(small_in, small_out, 4)
    hair.panel(wide_in, wide_out, 7)
    hair.low_strands.append(h.pen.stroke([(p, line - 14 * r), (p - 4, top - v + 4)], 2.6, 2.2, 1.2))


def _faded(hair: Hair, h: Head) -> None:
    """Very short sides."""
    hair.sides.append(h.pen.joined(_skull(h, 0, 0), _hairline(h)[::-1]))


def _tuft(h: Head, v: float, lift: float, edge: Path) -> tuple[Path, Path]:
    """The longer hair on top: its lower edge and its contour."""
    w, top = h.half, h.top
    contour: Path = [
        (-w * 0.93, -80), (-w * 0.82, top * 0.80 - v * 0.8), (-w * 0.42, top * 0.97 - v), (0, top - v - lift * 0.4),
        (w * 0.44, top * 0.97 - v - lift), (w * 0.84, top * 0.80 - v * 0.9 - lift * 0.4), (w * 0.94, -80),
    ]
    return edge, contour


def _crop(hair: Hair, h: Head) -> None:
    """Short, with a rough fringe."""
    _faded(hair, h)
    w, line, r = h.half, h.hairline, h.traits.receding / 1000
    v = _volume(h, 8, 18)
    edge: Path = [
        (-w * 0.90, -66), (-w * 0.70, line + 12 - 30 * r), (-w * 0.36, line + 20 - 18 * r), (0, line + 13 - 16 * r),
        (w * 0.36, line + 19 - 18 * r), (w * 0.70, line + 10 - 30 * r), (w * 0.90, -66),
    ]
    hair.panel(*_tuft(h, v, 3, edge), 13, across=True)


def _quiff(hair: Hair, h: Head) -> None:
    """Swept up from the forehead."""
    _faded(hair, h)
    w, line, r = h.half, h.hairline, h.traits.receding / 1000
    v = _volume(h, 14, 24)
    edge: Path = [
        (-w * 0.91, -66), (-w * 0.72, line + 4 - 26 * r), (-w * 0.36, line - 2 - 10 * r), (0, line - 5 - 8 * r),
        (w * 0.36, line - 3 - 10 * r), (w * 0.72, line + 4 - 26 * r), (w * 0.91, -66),
    ]
    inner, outer = _tuft(h, v, 14, edge)
    hair.panels.append(h.pen.joined(outer, inner[::-1]))
    paths: list[Path] = []
    for k in range(9):
        x = -w * 0.66 + k * w * 0.16
        low = line - 2 + 8 * abs(x) / w
        paths.append([(x, low), (x + 4, (low + h.top - v) / 2), (x + 26, h.top - v * 0.5 + 14 * abs(x) / w)])
    hair.strands(paths, 3)


def _slick(hair: Hair, h: Head) -> None:
    """Combed back."""
    hair.panel(_hairline(h), _skull(h, _volume(h, 5, 13), 3), 15, across=True)


def _buzz(hair: Hair, h: Head) -> None:
    """Cropped to the skin."""
    hair.panel(_hairline(h), _skull(h, 1.5, 0), 0)
    hair.color = mix(hair.color, h.skin, 0.22)
    hair.opacity = 205


def _curly(hair: Hair, h: Head) -> None:
    """Curls on top, short sides."""
    _faded(hair, h)
    hair.curly = 10
    w, top, line, r, v = h.half, h.top, h.hairline, h.traits.receding / 1000, _volume(h, 14, 28)
    crown: Path = [
        (-w * 0.90, -70), (-w * 0.90, top * 0.70 - v * 0.6), (-w * 0.44, top * 0.97 - v), (0, top - v),
        (w * 0.44, top * 0.97 - v), (w * 0.90, top * 0.70 - v * 0.6), (w * 0.90, -70),
        (w * 0.66, line + 10 - 28 * r), (w * 0.30, line + 14 - 14 * r), (0, line + 8 - 14 * r),
        (-w * 0.30, line + 14 - 14 * r), (-w * 0.66, line + 10 - 28 * r),
    ]
    hair.cloud(crown, 10, hair.panels)


def _round(hair: Hair, h: Head) -> None:
    """Short and tightly curled all around."""
    hair.curly = 14
    w, top, v = h.half, h.top, _volume(h, 7, 26)
    crown: Path = mirrored([
        (-w + 2, 12), (-w - 2 - v * 0.3, -26), (-w - 2 - v * 0.5, -76),
        (-w * 0.82 - v * 0.2, top * 0.80 - v * 0.7), (-w * 0.40, top * 0.965 - v), (0, top - v),
    ])
    hair.cloud(crown + mirrored(_rounded_line(h))[::-1], 5, hair.panels)


def _caesar(hair: Hair, h: Head) -> None:
    """Short and combed to the forehead."""
    w, line, r = h.half, h.hairline, h.traits.receding / 1000
    low = line + 26 - 22 * r
    inner: Path = mirrored(
        [(-w + 6, 14), (-w * 0.925, -24), (-w * 0.88, -52), (-w * 0.72, low - 2), (-w * 0.34, low + 3), (0, low)]
    )
    hair.panel(inner, _skull(h, _volume(h, 5, 12), 2), 17, across=True)


def _swept(hair: Hair, h: Head) -> None:
    """Half-long and tousled, over the ears' tips."""
    w, top, line, v, r = h.half, h.top, h.hairline, _volume(h, 12, 24), h.traits.receding / 1000
    p = -22 + _part(h, 30)
    small_in: Path = [
        (p, line - 12 * r), (-w * 0.64, line + 18 - 20 * r), (-w * 0.89, -44), (-w * 0.95, -6), (-w + 2, 34),
    ]
    small_out: Path = [(p, top - v), (-w * 0.78, top * 0.84 - v), (-w - 12, -70), (-w - 15, -14), (-w - 8, 42)]
    wide_in: Path = [(p, line - 12 * r), (p + 50, line + 27 - 18 * r), (w * 0.76, -56), (w * 0.94, -14), (w - 2, 32)]
    wide_out: Path = [(p, top - v), (w * 0.50, top * 0.99 - v * 1.1), (w + 8, -88), (w + 16, -18), (w + 9, 40)]
    hair.panel(small_in, small_out, 5)
    hair.panel(wide_in, wide_out, 8)
    hair.back.append(h.pen.twin([(0, top), (w, -60), (w + 6, 30), (w * 0.7, 118), (0, 130)]))


def _shoulder(hair: Hair, h: Head) -> None:
    """A man's hair down to the shoulders."""
    length = 158 + h.traits.hairline * 0.02
    _fall(hair, h, length, 10)
    _curtain(hair, h, length, _volume(h, 7, 14), 6, wave=3, tuck=5)


def _ring(hair: Hair, h: Head) -> None:
    """A bald crown with hair around the sides."""
    w = h.half
    for s in (-1, 1):
        hair.panel(
            [(s * (w - 7), 16), (s * w * 0.93, -22), (s * w * 0.90, -52), (s * w * 0.90, -72)],
            [(s * (w + 1), 20), (s * (w + 7), -20), (s * (w + 6), -56), (s * w * 0.92, -84)],
            4,
        )


def _bald(hair: Hair, h: Head) -> None:
    """No hair at all."""


_STYLES: dict[str, Callable[[Hair, Head], None]] = {
    "long": _long, "wavy": _wavy, "bob": _bob, "lob": _lob, "fringe": _fringe, "pixie": _pixie, "bun": _bun,
    "knot": _knot, "ponytail": _ponytail, "curls": _curls, "afro": _afro, "perm": _perm, "braids": _braids,
    "locs": _locs, "side": _side, "crop": _crop, "quiff": _quiff, "slick": _slick, "buzz": _buzz, "curly": _curly,
    "round": _round, "caesar": _caesar, "swept": _swept, "shoulder": _shoulder, "ring": _ring, "bald": _bald,
}
