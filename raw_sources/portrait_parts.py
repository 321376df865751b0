"""The parts of a drawn portrait, each a few shapes on a canvas. Light comes from the left, so the right is in shade."""

from typing import TYPE_CHECKING

import numpy as np

from raw_sources.portrait_canvas import (
    CENTER,
    MIDDLE,
    Canvas,
    Color,
    Point,
    curve,
    eye_y,
    light,
    luminance,
    mirrored,
    mix,
    outline,
    shade,
)

if TYPE_CHECKING:
    from raw_sources.portraits import Traits

OVER_EARS = ("long", "straight", "wavy", "bob")  # styles of hair that hide the ears

# --- body -------------------------------------------------------------------------------------------------------------


def backdrop(c: Canvas, t: "Traits") -> None:
    """A disc behind the person, lighter or darker than the rest."""
    across, down, radius, tone = t.halo
    color = light(t.background, tone * 1.6) if tone > 0 else mix(t.background, (70, 80, 110), -tone)
    c.oval(CENTER + across, MIDDLE - 0.06 + down, radius, radius, color)


def neck_and_clothes(c: Canvas, t: "Traits") -> None:
    """Neck, shoulders, and one of five collars."""
    chin = MIDDLE + t.face_height
    top, base = chin - 0.06, 0.95
    half = t.neck / 2 + 0.02
    shadow = shade(t.skin, 0.30)
    c.shape(
        [(CENTER - half, top), (CENTER + half, top), (CENTER + half + 0.03, base), (CENTER - half - 0.03, base)], t.skin
    )
    c.shape(
        [
            (CENTER - half, top),
            (CENTER + half, top),
            (CENTER + half, chin + 0.035),
            (CENTER, chin + 0.065),
            (CENTER - half, chin + 0.02),
        ],
        shadow,
    )
    wide, high = t.shoulders, 0.815
    left = [
        (CENTER - half - 0.012, high - 0.015),
        (CENTER - wide * 0.72, high + 0.045),
        (CENTER - wide, high + 0.10),
        (CENTER - wide - 0.04, 1.0),
    ]
    body = [*left, *reversed(mirrored(left))]
    dip = (0.035, 0.075, 0.10, 0.03, 0.0)[t.collar]
    neckline = curve((CENTER + half + 0.012, high - 0.015), (CENTER - half - 0.012, high - 0.015), dip)
    c.shape([*body, *neckline], t.clothes)
    right = [
        (CENTER + wide * 0.72, high + 0.045),
        (CENTER + wide, high + 0.10),
        (CENTER + wide + 0.04, 1.0),
        (CENTER + wide * 0.40, 1.0),
    ]
    c.shape(right, shade(t.clothes, 0.18))
    _collar(c, t, half, high, neckline)


def _collar(c: Canvas, t: "Traits", half: float, high: float, neckline: list[Point]) -> None:
    if t.collar == 1:  # shirt with open collar
        flap = [
            (CENTER - half - 0.02, high - 0.03),
            (CENTER - 0.01, high + 0.085),
            (CENTER - half - 0.045, high + 0.075),
        ]
        for side in (flap, mirrored(flap)):
            c.shape(side, light(t.clothes, 0.25))
    elif t.collar == 2:  # jacket over a shirt
        c.shape([(CENTER - half, high), (CENTER + half, high), (CENTER, 1.0)], light(t.accent, 0.55))
        lapel = [
            (CENTER - half - 0.02, high - 0.02),
            (CENTER - half + 0.03, high + 0.05),
            (CENTER, 1.0),
            (CENTER - half - 0.08, 1.0),
        ]
        for side in (lapel, mirrored(lapel)):
            c.shape(side, shade(t.clothes, 0.22))
    elif t.collar == 3:  # crew neck with a band
        c.stroke(neckline, shade(t.clothes, 0.25), 0.016)
    elif t.collar == 4:  # turtleneck
        c.shape(
            [
                (CENTER - half - 0.006, high - 0.055),
                (CENTER + half + 0.006, high - 0.055),
                (CENTER + half + 0.022, high + 0.03),
                (CENTER - half - 0.022, high + 0.03),
            ],
            shade(t.clothes, 0.10),
        )
        c.stroke(
            [(CENTER - half - 0.006, high - 0.05), (CENTER + half + 0.006, high - 0.05)], shade(t.clothes, 0.25), 0.006
        )


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
    for k in range(3):
        size = 1 - 0.25 * k
        c.oval(
            CENTER - 0.02,
            MIDDLE - t.face_height * 0.50,
            t.face_width * 0.6 * size,
            t.face_height * 0.24 * size,
            light(t.skin, 0.025 * (k + 1)),
        )
    blush = mix(t.skin, (206, 92, 84), 0.20 if t.gender == "female" else 0.12)
    for side in (-1, 1):
        c.oval(
            CENTER + side * t.face_width * 0.55, MIDDLE + t.face_height * 0.30, 0.038, 0.027, mix(t.skin, blush, 0.5)
        )
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
        c.shape([*upper, *lower], white)
        radius = min(t.eye_height * 0.98, t.eye_width * 0.56)
        c.oval(x, y - 0.001, radius, radius, t.iris)
        c.oval(x, y - 0.001, radius * 0.5, radius * 0.5, (18, 14, 14))
        c.oval(x - radius * 0.32, y - radius * 0.38, radius * 0.2, radius * 0.2, (250, 250, 250))
        # the lid rests on the iris: what is left uncovered would stare
        socket = curve(
            (inner[0] - side * 0.004, inner[1] - 0.004),
            (outer[0] + side * 0.003, outer[1] - 0.006),
            -t.eye_height - 0.010,
        )
        rim = curve(inner, outer, -t.eye_height * 0.74)
        c.shape([*socket, *reversed(rim)], shade(t.skin, 0.15))
        c.stroke(rim, lid, 0.0065)
        if t.gender == "female":
            c.stroke([outer, (outer[0] + side * 0.010, outer[1] - 0.008)], lid, 0.005)
        c.stroke(lower, shade(t.skin, 0.25), 0.003)


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
    c.shape(
        [(CENTER + 0.010, top), (CENTER + 0.016, top), (CENTER + w, tip - 0.006), (CENTER + w * 0.45, tip + 0.010)],
        shade(t.skin, 0.15),
    )
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
    bow = [
        left,
        (CENTER - t.mouth_width * 0.35, y - t.lips * 0.95),
        (CENTER, y - t.lips * 0.62),
        (CENTER + t.mouth_width * 0.35, y - t.lips * 0.95),
        right,
    ]
    c.shape([*curve(left, right, t.smile + t.lips * 1.25), *reversed(line)], color)
    c.shape([*bow, *reversed(line)], shade(color, 0.16))
    c.oval(
        CENTER - t.mouth_width * 0.12,
        y + t.lips * 0.55,
        t.mouth_width * 0.32,
        t.lips * 0.2,
        light(color, 0.22),
    )
    c.stroke(line, shade(color, 0.58), 0.005)
    if t.beard < 3:
        crease = y + t.lips + 0.030
        c.stroke(curve((CENTER - 0.03, crease), (CENTER + 0.03, crease), 0.006, 4), shade(t.skin, 0.15), 0.004)


def age_marks(c: Canvas, t: "Traits") -> None:
    """Folds, bags and wrinkles, fainter or deeper with age."""
    depth = min(1.0, max(0.0, (t.age - 27) / 46))
    if depth <= 0:
        return
    tone = shade(t.skin, 0.10 + 0.24 * depth)
    y, w = eye_y(t), 0.0035 + 0.0025 * depth
    tip, corner = y + t.nose_length, y + t.nose_length + t.mouth_level
    fold = curve(
        (CENTER + t.nose_width + 0.012, tip - 0.004), (CENTER + t.mouth_width + 0.020, corner + 0.014), -0.004, 5
    )
    bag = curve(
        (CENTER + t.eye_gap - t.eye_width * 0.8, y + 0.024),
        (CENTER + t.eye_gap + t.eye_width * 0.8, y + 0.022),
        0.011,
        5,
    )
    for line in (fold, mirrored(fold)):
        c.stroke(line, tone, w)
    if depth > 0.2:
        for line in (bag, mirrored(bag)):
            c.stroke(line, tone, w)
    if depth > 0.36:
        for k in range(1 + round(2 * depth)):
            v = MIDDLE - t.face_height * (0.40 + 0.085 * k)
            c.stroke(curve((CENTER - 0.075, v), (CENTER + 0.075, v), -0.006, 5), tone, w * 0.8)
    if depth > 0.5:
        for k in (-1, 0, 1):
            foot = [
                (CENTER + t.eye_gap + t.eye_width + 0.008, y + 0.004 * k),
                (CENTER + t.eye_gap + t.eye_width + 0.026, y + 0.012 * k),
            ]
            for line in (foot, mirrored(foot)):
                c.stroke(line, tone, w * 0.8)
        at = min(t.mouth_width + 0.014, t.face_width * t.jaw * 0.62)
        jowl = curve((CENTER + at, corner + 0.026), (CENTER + at * 0.93, corner + 0.052), 0.003, 4)
        for line in (jowl, mirrored(jowl)):
            c.stroke(line, tone, w)


def skin_marks(c: Canvas, t: "Traits") -> None:
    """Moles and freckles."""
    for across, down, radius in t.marks:
        c.oval(
            CENTER + across * t.face_width * 0.75,
            MIDDLE + down * t.face_height * 0.6,
            radius,
            radius,
            shade(t.skin, 0.42),
        )


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
            (CENTER - t.face_width * 0.70, MIDDLE + t.face_height * 0.36),
            (CENTER - t.mouth_width - 0.02, y - 0.022),
            (CENTER - t.nose_width, y - 0.036),
            (CENTER + t.nose_width, y - 0.036),
            (CENTER + t.mouth_width + 0.02, y - 0.022),
            (CENTER + t.face_width * 0.70, MIDDLE + t.face_height * 0.36),
        ]
        c.shape([*rim, *inner], color)
    if t.beard in (2, 3, 4):
        wing = curve((CENTER, y - 0.030), (CENTER + t.mouth_width + 0.014, y + 0.006), -0.010, 5)
        under = [(CENTER + t.mouth_width * 0.9, y + 0.002), (CENTER, y - 0.010)]
        for side in ([*wing, *under], mirrored([*wing, *under])):
            c.shape(side, shade(color, 0.10))
    if t.beard == 3:
        chin = MIDDLE + t.face_height
        c.oval(CENTER, (y + chin) / 2 + 0.022, t.mouth_width * 0.72, (chin - y) / 2, color)


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
    reach = t.face_width * 0.93 if t.style in OVER_EARS else t.face_width + 0.006  # hair covers the rest
    for side in (-1, 1):
        x = CENTER + side * t.eye_gap
        if t.glasses in (1, 2):
            c.ring(x, y, across, down, frame, width)
        elif t.glasses == 3:
            c.rounded(x, y, across, down, frame, width)
        else:
            rim = [
                (x - across, y + down * 0.2),
                (x - across, y - down),
                (x + across, y - down),
                (x + across, y + down * 0.2),
            ]
            c.stroke(rim, frame, width * 1.2)
        c.stroke([(x + side * across, y - 0.008), (CENTER + side * reach, y - 0.012)], frame, width)
    c.stroke(
        curve((CENTER - t.eye_gap + across, y - 0.006), (CENTER + t.eye_gap - across, y - 0.006), -0.008, 4),
        frame,
        width,
    )


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
