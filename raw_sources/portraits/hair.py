"""The hair of a drawn portrait: panels between a hairline and an outer contour, strands and curls.

A panel is told as two paths of one length, so that its strands follow from them. The styles are in
:mod:`fiubench.raw_sources.portraits.styles`.
"""

from functools import lru_cache

import numpy as np
from fiubench.raw_sources.portraits.canvas import (
    SUB,
    UNITS,
    Canvas,
    Clip,
    Color,
    Mask,
    Path,
    Pen,
    luma,
    mix,
    moved,
    tile,
)
from fiubench.raw_sources.portraits.head import Head
from fiubench.raw_sources.portraits.looks import scatter
from fiubench.support.draws import Ints
from PIL import ImageChops

_SHEEN = (255, 236, 214)
_INK = (16, 12, 16)


class Hair:
    """Outlines and strands of one head of hair, ready to be drawn layer by layer."""

    def __init__(self, h: Head) -> None:
        t = h.traits
        self.h = h
        self.color: Color = t.hair
        dim = luma(t.hair) < 60
        self.dark = mix(t.hair, _INK, 0.42)
        self.light = mix(t.hair, _SHEEN, 0.17 if dim else 0.26)
        self.back: list[Ints] = []
        self.middle: list[Ints] = []
        self.sides: list[Ints] = []  # short hair through which skin shows
        self.panels: list[Ints] = []
        self.locks: list[Ints] = []  # each with an edge of its own
        self.low_strands: list[Ints] = []
        self.high_strands: list[Ints] = []
        self.curly = 0  # curls to a quarter of the picture
        self.opacity = 255
        self.covers_ears = False

    def panel(self, inner: Path, outer: Path, strands: int = 6, across: bool = False) -> None:
        """Hair between two paths of one length; its strands run along them, or from the one to the other."""
        self.panels.append(self.h.pen.joined(outer, inner[::-1]))
        paths: list[Path] = []
        for k in range(strands):
            share = (k + 0.7) / (strands + 0.4)
            if across:
                at = share * (len(inner) - 1)
                i, f = int(at), at - int(at)
                low, high = (between(path[i], path[i + 1], f) for path in (inner, outer))
                paths.append([low, between(low, high, 0.5 + 0.02 * (k % 3)), between(low, high, 0.86)])
            else:
                paths.append([between(a, b, share) for a, b in zip(inner, outer, strict=True)])
        self.strands(paths)

    def strands(self, paths: list[Path], width: float = 2.6) -> None:
        """Dark and light lines by turns, along paths of one length."""
        shapes = self.h.pen.strokes(paths, 0.5, width, 0.5) if paths else []
        self.low_strands += shapes[::2]
        self.high_strands += shapes[1::2]

    def cloud(self, path: Path, radius: float, layer: list[Ints]) -> None:
        """A smooth outline with the bumps of curls along it."""
        outline = self.h.pen.blob(path)
        layer.append(outline)
        layer.extend(self._bumps(outline, radius))

    def _bumps(self, outline: Ints, radius: float) -> list[Ints]:
        ball = Pen(0, 0).oval(0, 0, 1, 1)[::4]
        way = np.abs(np.diff(outline, axis=0, append=outline[:1])).sum(axis=1).cumsum()
        marks = np.searchsorted(way, np.arange(0, int(way[-1]), int(radius * 1.25 * SUB)))
        grain = self.h.traits.grain
        out = []
        for k, mark in enumerate(marks.tolist()):
            size = int(radius * (820 + scatter(grain, k) % 400))
            out.append(ball * size // 1000 + outline[mark % len(outline)])
        return out

    def behind(self, canvas: Canvas) -> None:
        """What the shoulders cover."""
        self._fill(canvas, self.back, mix(self.color, _INK, 0.30))

    def beside(self, canvas: Canvas) -> None:
        """What the head covers, in front of the shoulders."""
        self._fill(canvas, self.middle, mix(self.color, _INK, 0.14))

    def _fill(self, canvas: Canvas, shapes: list[Ints], color: Color) -> None:
        if not shapes:
            return
        clip = canvas.layer(shapes, color)
        if self.curly:
            self._curls(canvas, clip, mix(color, _INK, 0.30), mix(color, self.light, 0.6))

    def shadow(self, canvas: Canvas, clip: Clip) -> None:
        """What the hair throws on the face, and hair so short that the skin shows through."""
        shapes = self.panels + self.sides
        if shapes:
            canvas.soft([moved(shape, 3, 7) for shape in shapes], self.h.shade, 170, 5, clip)
        if self.sides:
            canvas.soft(self.sides, mix(self.color, self.h.skin, 0.18), 215, 3, clip)

    def front(self, canvas: Canvas) -> None:
        """What lies over the face."""
        if self.locks:
            canvas.fill(self.locks, self.dark, 160)
        shapes = self.panels
        if not shapes:
            return
        if self.opacity < 255:
            canvas.soft(shapes, self.color, self.opacity, 2)
            return
        clip = canvas.layer(shapes, self.color)
        self._shine(canvas, clip)
        if self.curly:
            self._curls(canvas, clip, self.dark, self.light)
        else:
            canvas.fill(self.low_strands, self.dark, 135, clip, grain=2)
            canvas.fill(self.high_strands, self.light, 150, clip, grain=2)

    def _shine(self, canvas: Canvas, clip: Clip) -> None:
        h, pen = self.h, self.h.pen
        half, top = h.half, h.top
        edge: Path = [(half * 0.5, top - 50), (half * 0.72, -60), (half + 6, 60), (half + 4, 300)]
        canvas.soft([pen.blob([*edge, (half + 90, 300), (half + 80, top - 50)])], self.dark, 150, 14, clip)
        arc = pen.stroke([(-half - 12, -40), (-half * 0.74, top * 0.82), (-half * 0.1, top * 0.97)], 6, 24, 6)
        canvas.soft([arc], self.light, 170, 8, clip)

    def _curls(self, canvas: Canvas, clip: Clip, dark: Color, light: Color) -> None:
        """The texture of curls over a mask."""
        for mask, color in zip(_curl_texture(canvas.size, self.curly), (dark, light), strict=True):
            canvas.lay(mask.crop(clip.box), clip.box, color, clip)


@lru_cache(maxsize=4)
def _curl_texture(size: int, curl: int) -> tuple[Mask, Mask]:
    """Small arcs at all angles, ``curl`` to a quarter of the picture's side: where curls are dark, where they shine."""
    step = UNITS / 4 / curl
    way = [(-1.0, 0.35), (-0.75, -0.6), (0.1, -1.0), (0.85, -0.45), (0.9, 0.3)]
    r = 0.5 * step
    turns = ((1.0, 0.0), (0.7, 0.7), (0.7, -0.7), (0.0, 1.0), (-0.7, 0.7), (-1.0, 0.0), (-0.7, -0.7), (0.0, -1.0))
    arcs = [
        Pen(0, 0).stroke([(r * (a * x - b * y), r * (a * y + b * x)) for a, b in way], 0.5, 0.14 * step + 0.9, 0.5)
        for x, y in turns
    ]
    rows = round(curl * 1.25)
    shapes = []
    for row in range(-1, rows + 1):
        for column in range(-1, curl + 1):
            s = scatter(row % rows, column % curl)  # repeats with the tile
            # Mostly open to below: light from above.
            arc = arcs[(0, 0, 1, 2, 0, 1, 2, (s >> 5) % 8)[s % 8]]
            x = step * (column + (s >> 3) % 64 / 128)
            y = UNITS / 4 / rows * (row + (s >> 7) % 64 / 100)
            shapes.append(moved(arc, x, y))
    dark = tile(size, 4, shapes, 150)
    shine = ImageChops.offset(dark, 0, max(1, round(0.24 * step * size / UNITS)))
    return dark, shine.point([v * 2 // 3 for v in range(256)])


def between(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    """A point on the line from one to another."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
