"""What portraits are drawn with: smooth curves, tapered strokes, and antialiased fills on a square picture.

All geometry is told on a sheet of 512 x 512 units, whatever the size of the picture. Curves are evaluated in whole
numbers and masks are drawn at whole pixels, so that a picture does not depend on a machine's floating point.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from fiubench.support.draws import Ints
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

UNITS = 512  # width and height of the sheet
SUB = 64  # points are kept in 1/64 unit
_SHIFT = 15  # UNITS * SUB is 2**15
_STEPS = 6  # points per span of a curve

Color = tuple[int, int, int]
Path = list[tuple[float, float]]
Mask = Image.Image
Box = tuple[int, int, int, int]


def mix(one: Color, two: Color, share: float) -> Color:
    """``one`` with ``share`` (0 to 1) of ``two`` in it."""
    part = round(share * 256)
    return tuple((a * (256 - part) + b * part + 128) >> 8 for a, b in zip(one, two, strict=True))  # type: ignore[return-value]


def times(color: Color, other: Color) -> Color:
    """One color seen in the light of another (255 is full light)."""
    return color[0] * other[0] // 255, color[1] * other[1] // 255, color[2] * other[2] // 255


def flipped(path: Path) -> Path:
    """A path on the other side of the axis."""
    return [(-x, y) for x, y in path]


def mirrored(half: Path, axis: float = 0.0) -> Path:
    """A path across the axis from its half on one side, told towards it; points on the axis are not doubled."""
    return [(axis + x, y) for x, y in half] + [(axis - x, y) for x, y in reversed(half) if x]


def luma(color: Color) -> int:
    """Perceived brightness, 0 to 255 (ITU-R BT.601)."""
    return (299 * color[0] + 587 * color[1] + 114 * color[2]) // 1000


@lru_cache(maxsize=256)
def _basis(count: int, closed: bool) -> Ints:
    """The matrix, in 1/4096, that takes ``count`` control points to points on a Catmull-Rom spline through them."""
    spans = count if closed else count - 1
    step = np.arange(_STEPS, dtype=np.int64) * (4096 // _STEPS)
    t1, t2, t3 = step, step * step >> 12, step * step * step >> 24
    weights = np.stack([-t1 + 2 * t2 - t3, 2 * 4096 - 5 * t2 + 3 * t3, t1 + 4 * t2 - 3 * t3, t3 - t2], axis=1) // 2
    matrix = np.zeros((spans * _STEPS + (not closed), count), dtype=np.int64)
    for span in range(spans):
        for k in range(4):
            at = span + k - 1
            at = at % count if closed else min(max(at, 0), count - 1)
            matrix[span * _STEPS : (span + 1) * _STEPS, at] += weights[:, k]
    if not closed:
        matrix[-1, -1] = 4096
    return matrix


class Pen(NamedTuple):
    """A frame of its own on the sheet: origin in units, size in 1/1024, and tilt in 1/1024 (a small rotation)."""

    x: int
    y: int
    size: int = 1024
    tilt: int = 0

    def place(self, points: Ints) -> Ints:
        """Points of this frame, shape ``(..., 2)``, as points of the sheet, both in 1/64 unit."""
        turn, origin = _frame(*self)
        return (points @ turn >> 20) + origin

    def lines(self, path: Path) -> Ints:
        """A polygon with straight sides."""
        return self.place(_subunits(path))

    def blob(self, path: Path) -> Ints:
        """A smooth closed outline through the path."""
        return self.place(_smooth(path, closed=True))

    def twin(self, path: Path) -> Ints:
        """A smooth closed outline from its right half, told from top to bottom; points on the axis are not doubled."""
        return self.blob(mirrored(path))

    def joined(self, *paths: Path) -> Ints:
        """An outline of several smooth curves that meet in corners."""
        return self.place(np.concatenate([_smooth(path) for path in paths]))

    def oval(self, x: float, y: float, rx: float, ry: float) -> Ints:
        """An ellipse around ``(x, y)``."""
        return self.place((_circle() * _subunits((rx, ry)) >> 12) + _subunits((x, y)))

    def ovals(self, centers: Path, rx: float, ry: float) -> list[Ints]:
        """Several ellipses of one size."""
        return list(self.place((_circle() * _subunits((rx, ry)) >> 12) + _subunits(centers)[:, None, :]))

    def stroke(self, path: Path, start: float, middle: float, end: float) -> Ints:
        """A brush stroke along a smooth curve: its width in units where it starts, half-way and where it ends."""
        return self.place(_widen(_smooth(path), start, middle, end))

    def strokes(self, paths: list[Path], start: float, middle: float, end: float) -> list[Ints]:
        """Brush strokes along paths of one length."""
        return list(self.place(_widen(_smooth(paths), start, middle, end)))

    def hoop(self, path: Path, width: float) -> Ints:
        """The line around a smooth closed outline."""
        line = _smooth(path, closed=True)
        return self.place(_widen(np.concatenate([line, line[:2]]), width, width, width))


@lru_cache(maxsize=1024)
def _frame(x: int, y: int, size: int, tilt: int) -> tuple[Ints, Ints]:
    turn = np.array([[size << 10, size * tilt], [-size * tilt, size << 10]], dtype=np.int64)
    return turn, np.array([x * SUB, y * SUB], dtype=np.int64)


@lru_cache(maxsize=1)
def _circle() -> Ints:
    """The unit circle in 1/4096."""
    k = 2896
    corners = [(0, -4096), (k, -k), (4096, 0), (k, k), (0, 4096), (-k, k), (-4096, 0), (-k, -k)]
    return _basis(8, True) @ np.array(corners, dtype=np.int64) >> 12


def _subunits(path: object) -> Ints:
    return np.rint(np.asarray(path, dtype=np.float64) * SUB).astype(np.int64)


def _smooth(path: Path | list[Path], closed: bool = False) -> Ints:
    """Points along the path, or along each of several of one length, in 1/64 unit."""
    points = _subunits(path)
    return _basis(points.shape[-2], closed) @ points >> 12


@lru_cache(maxsize=512)
def _widths(count: int, start: float, middle: float, end: float) -> NDArray[np.float64]:
    """Half the width of a stroke at each of its points: a parabola through three given ones, in 1/64 unit."""
    t = np.arange(count) / (count - 1)
    return (start * (1 - t) * (1 - 2 * t) + middle * 4 * t * (1 - t) + end * t * (2 * t - 1)) * (SUB / 2)


def _widen(line: Ints, start: float, middle: float, end: float) -> Ints:
    """Outlines of strokes along lines, shape ``(..., k, 2)``."""
    way = np.empty(line.shape, dtype=np.float64)
    way[..., 1:-1, :] = line[..., 2:, :] - line[..., :-2, :]
    way[..., 0, :] = line[..., 1, :] - line[..., 0, :]
    way[..., -1, :] = line[..., -1, :] - line[..., -2, :]
    x, y = way[..., 0], way[..., 1]
    scale = _widths(line.shape[-2], start, middle, end) / np.maximum(np.sqrt(x * x + y * y), 1.0)
    aside = np.empty(line.shape, dtype=np.int64)
    aside[..., 0], aside[..., 1] = np.rint(-y * scale), np.rint(x * scale)
    return np.concatenate([line + aside, (line - aside)[..., ::-1, :]], axis=-2)


class Clip(NamedTuple):
    """A mask and where on the picture it lies: what is drawn through it stays inside."""

    mask: Mask
    box: Box


class Canvas:
    """A square RGB picture that takes filled outlines, hard or soft."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.whole: Box = (0, 0, size, size)
        self.image = Image.new("RGB", (size, size))

    def fill(
        self, shapes: list[Ints], color: Color, opacity: int = 255, clip: Clip | None = None, grain: int = 4
    ) -> None:
        """Fill outlines with one color, ``opacity`` 0 to 255.

        Edges are averaged over ``grain`` x ``grain`` points to a pixel.
        """
        points, ends = _stacked(shapes)
        pixels = points * (self.size * grain) >> _SHIFT
        box = _common(_bounds(pixels, grain, 1), clip.box if clip else self.whole)
        if box is not None:
            self.lay(_painted(pixels, ends, box, grain, opacity).reduce(grain), box, color, clip)

    def layer(self, shapes: list[Ints], color: Color, opacity: int = 255, grain: int = 2) -> Clip:
        """Fill outlines; what is drawn on them later can be clipped to them."""
        points, ends = _stacked(shapes)
        pixels = points * (self.size * grain) >> _SHIFT
        box = _common(_bounds(pixels, grain, 1), self.whole)
        if box is None:
            return Clip(Image.new("L", (1, 1)), (0, 0, 1, 1))
        mask = _painted(pixels, ends, box, grain, opacity).reduce(grain)
        self.lay(mask, box, color)
        return Clip(mask, box)

    def patch(self, outlines: list[Ints], parts: list[tuple[list[Ints], Color]], grain: int = 4) -> None:
        """Paint small parts one over the other, then lay the picture they make through ``outlines`` in one go.

        The first part's color is also the ground.
        """
        points, ends = _stacked(outlines)
        pixels = points * (self.size * grain) >> _SHIFT
        box = _common(_bounds(pixels, grain, 1), self.whole)
        if box is None:
            return
        picture = Image.new("RGB", ((box[2] - box[0]) * grain, (box[3] - box[1]) * grain), parts[0][1])
        colors = [color for shapes, color in parts for _ in shapes]
        points, stops = _stacked([shape for shapes, _ in parts for shape in shapes])
        _polygons(picture, (points * (self.size * grain) >> _SHIFT) - (box[0] * grain, box[1] * grain), stops, colors)
        self.image.paste(picture.reduce(grain), box, _painted(pixels, ends, box, grain, 255).reduce(grain))

    def soft(self, shapes: list[Ints], color: Color, opacity: int, blur: float, clip: Clip | None = None) -> None:
        """Like :meth:`fill` with edges blurred by ``blur`` units; painted in cells as coarse as the blur allows."""
        radius = blur * self.size / UNITS
        cell = max(1, round(radius * 0.75))
        points, ends = _stacked(shapes)
        pixels = (points * self.size >> _SHIFT) // cell
        margin = round(radius * 2 / cell) + 1
        left, top, right, bottom = clip.box if clip else self.whole
        room = left // cell - margin, top // cell - margin, -(-right // cell) + margin, -(-bottom // cell) + margin
        box = _common(_bounds(pixels, 1, margin), room)
        if box is None:
            return
        mask = _painted(pixels, ends, box, 1, opacity).filter(ImageFilter.GaussianBlur(radius / cell))
        x, y, right, bottom = box[0] * cell, box[1] * cell, box[2] * cell, box[3] * cell
        seen = _common((x, y, right, bottom), clip.box if clip else self.whole)
        if seen is None:
            return
        part = seen[0] - x, seen[1] - y, seen[2] - x, seen[3] - y
        if cell == 1:
            mask = mask.crop(part)
        else:
            extent = seen[2] - seen[0], seen[3] - seen[1]
            fine = part[0] / cell, part[1] / cell, part[2] / cell, part[3] / cell
            mask = mask.resize(extent, Image.Resampling.BILINEAR, fine)
        self.lay(mask, seen, color, clip)

    def lay(self, mask: Mask, box: Box, color: Color, clip: Clip | None = None) -> None:
        """Lay a color through a mask that covers ``box``, which lies inside the clip's."""
        if clip is not None:
            x, y = clip.box[:2]
            part = box[0] - x, box[1] - y, box[2] - x, box[3] - y
            mask = ImageChops.multiply(mask, clip.mask if box == clip.box else clip.mask.crop(part))
        self.image.paste(Image.new("RGB", mask.size, color), box, mask)


def tile(size: int, part: int, shapes: list[Ints], opacity: int) -> Mask:
    """A mask for a picture of ``size`` pixels: shapes on one ``part``-th of its side, repeated all over it."""
    points, ends = _stacked(shapes)
    side = size // part + 1
    one = _painted(points * (size * 2) >> _SHIFT, ends, (0, 0, side, side), 2, opacity).reduce(2)
    one = one.crop((0, 0, size // part, size // part))
    whole = Image.new("L", (size, size))
    for x in range(0, size, one.width):
        for y in range(0, size, one.height):
            whole.paste(one, (x, y))
    return whole


def _common(one: Box, two: Box) -> Box | None:
    box = max(one[0], two[0]), max(one[1], two[1]), min(one[2], two[2]), min(one[3], two[3])
    return box if box[0] < box[2] and box[1] < box[3] else None


def moved(shape: Ints, x: float, y: float) -> Ints:
    """A shape moved by units of the sheet."""
    return shape + np.array([round(x * SUB), round(y * SUB)], dtype=np.int64)


def _stacked(shapes: list[Ints]) -> tuple[Ints, list[int]]:
    """All points in one array, and where each shape ends in it."""
    if len(shapes) == 1:
        return shapes[0], [len(shapes[0])]
    return np.concatenate(shapes), list(accumulate(map(len, shapes)))


def _bounds(pixels: Ints, grain: int, margin: int) -> Box:
    x, y = pixels[:, 0], pixels[:, 1]
    left, top, right, bottom = int(x.min()), int(y.min()), int(x.max()), int(y.max())
    return left // grain - margin, top // grain - margin, right // grain + 1 + margin, bottom // grain + 1 + margin


def _painted(pixels: Ints, ends: list[int], box: Box, grain: int, opacity: int) -> Mask:
    mask = Image.new("L", ((box[2] - box[0]) * grain, (box[3] - box[1]) * grain))
    _polygons(mask, pixels - (box[0] * grain, box[1] * grain), ends, [opacity] * len(ends))
    return mask


def _polygons(image: Image.Image, pixels: Ints, ends: list[int], inks: Sequence[int | Color]) -> None:
    polygon = ImageDraw.Draw(image).polygon
    flat = pixels.ravel().tolist()
    start = 0
    for end, ink in zip(ends, inks, strict=True):
        polygon(flat[2 * start : 2 * end], fill=ink)
        start = end
