"""A canvas for drawn portraits, and the colors, curves and outlines that their parts share."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from raw_sources.portraits import Traits

Color = tuple[int, int, int]
Point = tuple[float, float]

CENTER, MIDDLE = 0.5, 0.47  # of the head
ZOOM, LOWERED = 1.2, 0.505  # how much the head is brought forward, and where its middle then is
_TURN = np.linspace(0.0, 2 * np.pi, 73)[:-1]
_COS, _SIN = np.cos(_TURN), np.sin(_TURN)


class Canvas:
    """A square picture addressed in parts of its side, seen through a lens that brings the head forward."""

    def __init__(self, side: int, background: Color) -> None:
        self.side = side
        self.scale = side * ZOOM
        column = Image.new("RGB", (1, 3))
        column.putdata([mix(background, (255, 255, 255), 0.35), background, mix(background, (60, 60, 80), 0.18)])
        # blended along the one column, then repeated: half the cost of a portrait would else be its background
        column = column.resize((1, side), Image.Resampling.BILINEAR)
        self.image = column.resize((side, side), Image.Resampling.NEAREST)
        self.pen = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a point."""
        return round((x - CENTER) * self.scale + self.side / 2), round((y - MIDDLE) * self.scale + self.side * LOWERED)

    def box(self, x: float, y: float, across: float, down: float) -> list[int]:
        """The pixels around a center at these half axes."""
        return [*self.at(x - across, y - down), *self.at(x + across, y + down)]

    def thick(self, width: float) -> int:
        """A line's width in pixels."""
        return max(1, round(width * self.scale))

    def shape(self, points: NDArray[np.float64] | list[Point], color: Color) -> None:
        """Fill a polygon."""
        spots = (np.asarray(points) - (CENTER, MIDDLE)) * self.scale + (self.side / 2, self.side * LOWERED)
        self.pen.polygon(np.rint(spots).astype(int).ravel().tolist(), fill=color)

    def oval(self, x: float, y: float, across: float, down: float, color: Color) -> None:
        """Fill an upright ellipse given by its center and half axes."""
        self.pen.ellipse(self.box(x, y, across, down), fill=color)

    def stroke(self, points: list[Point], color: Color, width: float) -> None:
        """Draw a line with round joints and ends."""
        thick = self.thick(width)
        spots = [self.at(x, y) for x, y in points]
        self.pen.line(spots, fill=color, width=thick, joint="curve")
        if (half := thick // 2) > 0:
            for x, y in (spots[0], spots[-1]):
                self.pen.ellipse((x - half, y - half, x + half, y + half), fill=color)

    def ring(self, x: float, y: float, across: float, down: float, color: Color, width: float) -> None:
        """Draw the outline of an ellipse."""
        self.pen.ellipse(self.box(x, y, across, down), outline=color, width=self.thick(width))

    def rounded(self, x: float, y: float, across: float, down: float, color: Color, width: float) -> None:
        """Draw the outline of a rectangle with round corners."""
        radius = round(0.016 * self.scale)
        self.pen.rounded_rectangle(self.box(x, y, across, down), radius, outline=color, width=self.thick(width))


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
