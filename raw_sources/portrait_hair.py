"""The hair of a drawn portrait: what falls behind the head, and the cap above the hairline, by style."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raw_sources.portrait_canvas import CENTER, MIDDLE, Canvas, Point, curve, eye_y, light, mirrored, mix, shade

if TYPE_CHECKING:
    from raw_sources.portraits import Traits


def hair_behind(c: Canvas, t: "Traits") -> None:
    """What falls behind head and shoulders."""
    w, top = t.face_width, MIDDLE - t.face_height
    dark = shade(t.hair, 0.30)
    lengths = {"long": 0.94, "straight": 0.90, "wavy": 0.88, "bob": 0.70, "side": 0.74 if t.gender == "female" else 0}
    if end := lengths.get(t.style):
        spread = 0.055 * t.volume
        left = [
            (CENTER, top - 0.06),
            (CENTER - w * 0.7, top - 0.035),
            (CENTER - w - spread, MIDDLE - 0.08),
            (CENTER - w - spread * 1.15, MIDDLE + 0.10),
            (CENTER - w - spread * 0.9, end),
            (CENTER, end),
        ]
        c.shape(smooth([*left, *reversed(mirrored(left[1:-1]))]), dark)
        if t.style == "wavy":
            for k in range(5):
                for side in (-1, 1):
                    c.oval(CENTER + side * (w + 0.035), MIDDLE + 0.02 + k * 0.075, 0.045, 0.048, dark)
    elif t.style == "bun":
        c.oval(CENTER + 0.02 * t.parting, top - 0.055, 0.085 * t.volume, 0.075 * t.volume, dark)
    elif t.style == "ponytail":
        tail = [
            (CENTER + w * 0.7, MIDDLE - 0.12),
            (CENTER + w + 0.09, MIDDLE),
            (CENTER + w + 0.075, MIDDLE + 0.20),
            (CENTER + w + 0.02, MIDDLE + 0.30),
            (CENTER + w * 0.8, MIDDLE + 0.12),
        ]
        c.shape(smooth(tail), dark)
    elif t.style == "afro":
        c.oval(CENTER, MIDDLE - 0.085, w + 0.105 * t.volume, t.face_height + 0.02 + 0.04 * t.volume, dark)
    elif t.style == "curly" and t.gender == "female":
        for k in range(13):
            angle = np.pi * (0.92 + 1.16 * k / 12)
            c.oval(
                CENTER + (w + 0.045) * float(np.cos(angle)),
                MIDDLE - 0.02 + 0.27 * float(np.sin(angle)),
                0.062,
                0.062,
                dark,
            )
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
    thick = {"buzz": 0.006, "crew": 0.022, "pixie": 0.035, "afro": 0.05, "curly": 0.045, "swept": 0.055}.get(
        t.style, 0.034
    ) * v
    sides = {
        "buzz": 0.004,
        "crew": 0.006,
        "afro": 0.03,
        "curly": 0.022,
        "bob": 0.028,
        "long": 0.026,
        "straight": 0.022,
        "wavy": 0.028,
    }.get(t.style, 0.012)
    drop = {
        "bob": 0.16,
        "long": 0.14,
        "straight": 0.14,
        "wavy": 0.14,
        "pixie": 0.02,
        "curly": 0.03,
        "bun": -0.02,
        "ponytail": -0.02,
        "side": 0.12 if t.gender == "female" else -0.01,
    }.get(t.style, -0.015)
    low = eye_y(t) + drop
    part = CENTER + t.parting * w * 0.6
    half = [
        (CENTER - w - sides, low),
        (CENTER - w - sides, MIDDLE - h * 0.40),
        (CENTER - w * 0.86, MIDDLE - h * 0.80),
        (CENTER - w * 0.50, top - thick * 0.72),
    ]
    outer = [*half, (CENTER + 0.1 * t.parting * w, top - thick), *reversed(mirrored(half))]
    temple = w * 0.85
    # a receding hairline keeps within the head, or the background would show between the two
    corner = min(w * 0.86, w * float(np.sqrt(1 - ((MIDDLE - line - 0.035) / h) ** 2)) - 0.004)
    inner = [
        (CENTER + temple, low - 0.01),
        (CENTER + corner, line + 0.035),
        (CENTER + (part - CENTER) * 0.5 + w * 0.4, line + 0.004),
        (part, line - 0.018),
        (CENTER + (part - CENTER) * 0.5 - w * 0.4, line + 0.004),
        (CENTER - corner, line + 0.035),
        (CENTER - temple, low - 0.01),
    ]
    if t.style == "buzz":
        c.shape(smooth([*outer, *inner]), mix(t.skin, t.hair, 0.55))
        return
    c.shape(smooth([*outer, *inner]), t.hair)
    if t.style in ("curly", "afro"):
        _curls(c, t, top, line, thick)
    if t.style in ("side", "swept", "pixie", "bob"):  # a lock across the forehead
        toward = 1 if t.parting < 0 else -1
        lock = [
            (part, line - 0.05),
            (CENTER + toward * w * 0.35, line - 0.005),
            (CENTER + toward * w * 0.92, line + 0.075),
            (CENTER + toward * (w + sides * 0.5), line - 0.02),
            (CENTER + toward * w * 0.5, top - thick * 0.2),
        ]
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
        c.oval(
            CENTER + (k - 2) * t.face_width * 0.36,
            line - 0.02 - 0.012 * (k % 2),
            0.042,
            0.034,
            light(t.hair, 0.05 * (k % 2)),
        )


def _fringe(c: Canvas, t: "Traits") -> None:
    """What a bald man has left: hair at the sides, and a shine."""
    color = mix(t.hair, t.skin, 0.15)
    y = eye_y(t)
    side = [
        (CENTER + t.face_width - 0.012, y - 0.055),
        (CENTER + t.face_width + 0.014, y - 0.05),
        (CENTER + t.face_width + 0.016, y + 0.02),
        (CENTER + t.face_width - 0.004, y + 0.03),
    ]
    if t.volume > 0.95:
        for points in (side, mirrored(side)):
            c.shape(smooth(points), color)
    c.oval(CENTER - 0.06, MIDDLE - t.face_height * 0.82, 0.045, 0.018, light(t.skin, 0.28))
