"""What a drawn portrait looks like: some sixty numbers per identity, drawn for whole blocks at once.

Shapes are signed parts of a thousand around an average face (-1000 to 1000, values near 0 are the most frequent), so
that thousands of people differ in a continuous way. Everything is a whole number: the same on every machine.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from fiubench.raw_sources.portraits.canvas import Color
from fiubench.support.draws import Ints, Words, below, draw
from numpy.typing import ArrayLike, NDArray

_WORDS = 120


def _colors(text: str) -> list[Color]:
    """Colors from their hexadecimal digits."""
    return [(red, green, blue) for red, green, blue in map(bytes.fromhex, text.split())]


def _weights(text: str) -> dict[str, list[int]]:
    """Names, each with its frequencies behind it."""
    return {name: [int(number) for number in numbers] for name, *numbers in map(str.split, text.split(","))}


# Skin from light to dark; a tone lies anywhere between two neighbours.
_SKIN = _colors("f9e0ce f3d2ba eac1a4 deae8c cc9872 b57f5a 9a6646 7e5138 64402e 4e3226")
_HAIR = _colors("221e21 322624 483228 644530 866141 aa8355 d4b179 703628 a4522e")
# How many in a hundred have them, by skin: light, medium, dark.
_HAIR_OF_SKIN = ((6, 12, 18, 20, 14, 12, 9, 5, 4), (30, 30, 23, 10, 3, 1, 1, 2, 0), (60, 30, 8, 2, 0, 0, 0, 0, 0))
_GREY, _WHITE = (168, 166, 166), (226, 224, 221)
_IRIS = _colors("3a261e 583a26 7a5c34 607650 567c9c 748490")
_IRIS_OF_SKIN = ((14, 22, 16, 14, 22, 12), (40, 38, 14, 4, 2, 2), (66, 30, 4, 0, 0, 0))
_CLOTH = _colors(
    "2e3e5c 782e38 3a5e54 ece8e0 5e544e 32343c c49042 6682ac 88628c "
    "cc6854 4a848a dec896 96ac8e 223a42 ce9c9e a6b8cc 583c54 707642"
)
# A backdrop goes from a color of the first row to the one below it.
_BACKDROPS = (
    _colors("d6e4ec ece2d4 e2dcee dceade f6ded4 f8eac8 e2e4e6 cee8e6 f0d8e2 8ca0b8 829e94 b08e8a 9692b0 c4ac8a"),
    _colors("96b6cc ccb296 aaa0c8 94b8a0 dea494 e2bc76 a4aab2 74acae cc92aa 485c7a 3e5c58 704e54 545074 82684e"),
)
_FRAMES = _colors("222024 543426 8c3234 2c3e62 c4a05c babcc2 e2d6c4")

_AGE_BANDS = (20, 35, 55, 70)
#: Frequency of hair styles by age band: under 35, 35-54, 55-69, 70 and over.
STYLES = {
    "female": _weights(
        "long 18 13 4 1, wavy 18 14 6 2, bob 8 13 17 14, fringe 9 8 6 4, lob 10 12 9 4, pixie 5 8 14 17, bun 8 7 6 6, "
        "knot 6 8 10 12, ponytail 9 7 3 1, curls 7 8 9 8, afro 6 6 5 4, braids 6 4 2 1, perm 0 2 10 20"
    ),
    "male": _weights(
        "side 14 17 17 15, crop 15 12 7 4, buzz 11 11 9 8, quiff 13 10 5 2, slick 8 10 10 9, curly 9 7 4 3, "
        "round 8 7 5 4, caesar 9 6 3 2, swept 9 7 5 4, shoulder 5 4 2 1, locs 4 3 1 1, bald 2 7 12 14, ring 0 4 16 30"
    ),
}
#: Styles that grow from tight curls: likelier on darker skin, possible on all.
_COILED = ("afro", "braids", "round", "locs")
_BEARDS = {"none": 46, "stubble": 17, "moustache": 9, "goatee": 10, "short": 12, "full": 6}
_CLOTHES = {
    "female": {"crew": 15, "scoop": 20, "vneck": 18, "shirt": 10, "blazer": 16, "turtleneck": 10, "boat": 11},
    "male": {"crew": 22, "vneck": 9, "shirt": 22, "blazer": 14, "suit": 13, "turtleneck": 8, "hoodie": 12},
}
_PATTERNS = {"plain": 62, "stripes": 14, "dots": 8, "checks": 8, "pinstripes": 8}
#: What years alone change, and how many they may be fewer in a further picture; what another pose does.
_OF_AGE, _EARLIER = ("age", "wrinkles", "receding"), 12
_OF_POSE = ("tilt", "yaw", "shift", "lift", "zoom", "gaze")
_GLASSES = ("round", "square", "oval", "browline", "cat", "aviator")


class Traits(NamedTuple):
    """One person's looks. Unless said otherwise, a number is in thousandths, signed around an average."""

    gender: str
    age: int  # years
    grain: int  # a 32-bit word from which small irregularities follow
    mirrored: bool  # light, parting and everything else on the other side
    tilt: int
    yaw: int
    shift: int
    lift: int
    zoom: int
    skin: Color
    blush: int
    freckles: bool
    mole: int  # 0 none, else where
    wrinkles: int  # 0 to 1000
    width: int
    height: int
    temple: int
    cheek: int
    jaw: int
    square: int
    chin: int
    ears: int
    eye_gap: int
    eye_size: int
    eye_open: int
    eye_slant: int
    eye_level: int
    hood: int
    iris: Color
    gaze: int
    brow_level: int
    brow_weight: int
    brow_arch: int
    brow_slant: int
    nose_length: int
    nose_width: int
    nose_tip: int
    mouth_width: int
    mouth_level: int
    lips: int
    bow: int
    smile: int
    teeth: bool
    makeup: int  # 0 to 1000
    lip_tint: int  # 0 to 1000
    style: str
    hair: Color
    grey: int  # 0 to 1000
    volume: int
    parting: int
    hairline: int
    receding: int  # 0 to 1000
    beard: str
    neck: int
    shoulders: int
    clothes: str
    cloth: Color
    cloth_under: Color
    pattern: str
    glasses: str
    frame: Color
    earrings: str
    necklace: bool
    backdrop: tuple[Color, Color]
    backdrop_turn: int  # 0 to 7: where the light of the backdrop comes from
    disc: int  # 0 none


def traits(seed: int, index: Ints, gender: list[str], age: Ints, picture: int = 1) -> list[Traits]:
    """Draw the looks of a block of identities in one of their pictures; those of one depend on no other.

    Args:
        age: in years, in the first picture; in others they may be younger.
        picture: number of the picture, from 1. Skin, bones, eyes, nose, mouth, beard and hair are the same in all of
            them; pose, expression, age, clothes, glasses, jewellery and backdrop are drawn for each.

    Raises:
        ValueError: another gender.
    """
    if others := set(gender) - {"female", "male"}:
        raise ValueError(f"portraits are drawn for female and male only, not {sorted(others)}")
    words = draw(seed, "portrait", index, words=_WORDS)
    years = np.asarray(age, dtype=np.int64)
    female = np.array([g == "female" for g in gender], dtype=bool)
    columns = {"gender": gender, **_columns(words, years, female)}
    if picture > 1:
        columns |= _again(draw(seed, f"portrait#{picture}", index, words=_WORDS), words, years, female, columns)
    lists = [_plain(columns[name]) for name in Traits._fields]
    return [Traits._make(row) for row in zip(*lists, strict=True)]


def _columns(words: Words, years: Ints, female: NDArray[np.bool_]) -> dict[str, Any]:
    """The first picture of everyone."""
    dice = _Dice(words)
    columns: dict[str, Any] = {"age": years}
    columns |= _pose(dice)
    columns |= _complexion(dice, years)
    columns |= _features(dice, years, female)
    columns |= _hair(dice, years, female, columns.pop("tone"))
    return columns | _outfit(dice, years, female, columns)


def _again(
    words: Words, first: Words, years: Ints, female: NDArray[np.bool_], known: Mapping[str, Any]
) -> dict[str, Any]:
    """What is otherwise in a further picture of everyone, drawn from ``words``; ``first``: those of the first."""
    dice = _Dice(words)
    then = np.minimum(years, np.maximum(years - dice.even(0, _EARLIER), _AGE_BANDS[0]))
    younger = _columns(first, then, female)
    other = {name: younger[name] for name in _OF_AGE} | {name: dice.bell() for name in _OF_POSE}
    other["yaw"] = other["yaw"] * 17 // 10
    other |= {"smile": dice.even(-150, 1000), "teeth": dice.chance(350)}
    return other | _outfit(dice, then, female, {**known, **other})


def scatter(grain: int, k: int) -> int:
    """A small irregularity: 16 bits that follow from a person's grain and a number."""
    x = (grain + k * 0x9E3779B9) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return (x ^ (x >> 16)) & 0xFFFF


class _Dice:
    """Hands out one column of random words after the other."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._next = 0

    def word(self) -> Words:
        self._next += 1
        return self._words[:, self._next - 1]

    def even(self, low: int, high: int) -> Ints:
        """Evenly from ``low`` to ``high``."""
        return below(self.word(), high - low + 1) + low

    def bell(self) -> Ints:
        """-1000 to 1000, near 0 the most often (the sum of two even draws)."""
        return below(self.word(), 1001) + below(self.word(), 1001) - 1000

    def chance(self, per_mille: ArrayLike) -> NDArray[np.bool_]:
        return below(self.word(), 1000) < np.asarray(per_mille)

    def pick(self, weights: ArrayLike) -> Ints:
        """A position by whole-numbered weights, shape ``(k,)`` or ``(n, k)``."""
        edges = np.cumsum(np.broadcast_to(weights, (len(self._words), np.shape(weights)[-1])), axis=1)
        picked: Ints = (below(self.word(), edges[:, -1])[:, None] >= edges).sum(axis=1)
        return picked


def _plain(column: Any) -> list[Any]:
    """A column as plain Python values; rows of colors become tuples."""
    if not isinstance(column, np.ndarray):
        return list(column)
    values = column.tolist()
    return _tuples(values) if column.ndim > 1 else values


def _tuples(values: list[Any]) -> list[Any]:
    return [tuple(_tuples(value)) if isinstance(value[0], list) else tuple(value) for value in values]


def _mixed(one: ArrayLike, two: ArrayLike, share: Ints) -> Ints:
    """Rows of colors between two, ``share`` in thousandths."""
    part = share[:, None]
    return (np.asarray(one, dtype=np.int64) * (1000 - part) + np.asarray(two, dtype=np.int64) * part) // 1000


def _pose(dice: _Dice) -> dict[str, Any]:
    return {
        "grain": dice.word().astype(np.int64),
        "mirrored": dice.chance(500),
        **{name: dice.bell() for name in ("tilt", "yaw", "shift", "lift", "zoom")},
    }


def _complexion(dice: _Dice, age: Ints) -> dict[str, Any]:
    tone = dice.even(0, 999)
    place = tone * (len(_SKIN) - 1)
    palette = np.array(_SKIN)
    skin = _mixed(palette[place // 1000], palette[place // 1000 + 1], place % 1000)
    warmth = dice.bell()[:, None] * np.array([5, 0, -9]) // 1000  # golden or rosy
    skin = np.clip(skin + warmth, 0, 255)
    lived = dice.even(-120, 120)
    return {
        "tone": tone,
        "skin": skin,
        "blush": dice.even(0, 1000),
        "freckles": dice.chance(np.where(tone < 420, 150, 20) - np.clip(age - 50, 0, 100) * 3),
        "mole": np.where(dice.chance(200), dice.even(1, 6), 0),
        "wrinkles": np.clip((age - 30) * 1000 // 50 + np.where(age > 34, lived, 0), 0, 1000),
    }


def _features(dice: _Dice, age: Ints, female: NDArray[np.bool_]) -> dict[str, Any]:
    names = (
        "width height temple cheek jaw square chin ears eye_gap eye_size eye_open eye_slant eye_level hood "
        "brow_level brow_weight brow_arch brow_slant nose_length nose_width nose_tip mouth_width mouth_level lips bow "
        "neck shoulders"
    )
    features: dict[str, Any] = {name: dice.bell() for name in names.split()}
    makeup = np.where(female & dice.chance(680), dice.even(250, 1000), 0)
    return features | {
        "gaze": dice.bell(),
        "smile": dice.even(-150, 1000),
        "teeth": dice.chance(240),
        "makeup": np.where(age > 74, makeup // 2, makeup),
        "lip_tint": dice.even(0, 1000),
    }


def _hair(dice: _Dice, age: Ints, female: NDArray[np.bool_], tone: Ints) -> dict[str, Any]:
    shade = np.digitize(tone, [300, 600])
    color = np.array(_HAIR)[dice.pick(np.array(_HAIR_OF_SKIN)[shade])]
    color = np.clip(color + (dice.bell() * 8 // 1000)[:, None], 0, 255)
    onset = 39 + dice.bell() * 13 // 1000
    grey = np.clip((age - onset) * 1000 // 30, 0, 1000)
    grey = np.where(female & (age < 78) & dice.chance(380), grey // 6, grey)  # colored
    silver = _mixed(_GREY, _WHITE, np.clip((age - 55) * 1000 // 35 + dice.bell() // 3, 0, 1000))
    style = _style(dice, age, female, tone)
    thinning = np.clip((age - 22) * dice.even(0, 30), 0, 1000)
    bearded = ~female & dice.chance(np.where(age < 24, 500, 880))
    beard = np.array(list(_BEARDS))[dice.pick(list(_BEARDS.values()))]
    return {
        "style": style,
        "hair": _mixed(color, silver, grey),
        "grey": grey,
        "iris": np.array(_IRIS)[dice.pick(np.array(_IRIS_OF_SKIN)[shade])],
        "volume": dice.bell(),
        "parting": dice.bell(),
        "hairline": dice.bell(),
        "receding": np.where(female, 0, thinning),
        "beard": np.where(bearded, beard, "none"),
    }


def _style(dice: _Dice, age: Ints, female: NDArray[np.bool_], tone: Ints) -> NDArray[np.str_]:
    """A hair style by gender, age and (for tight curls) skin."""
    band = np.digitize(age, _AGE_BANDS[1:])
    chosen = []
    for gender in ("female", "male"):
        names = list(STYLES[gender])
        weights = np.array(list(STYLES[gender].values())).T[band] * 4
        coiled = np.array([name in _COILED for name in names])
        weights = np.where(coiled, weights * (1 + np.digitize(tone, [300, 550, 750]) * 5)[:, None] // 4, weights)
        chosen.append(np.array(names)[dice.pick(weights)])
    return np.where(female, *chosen)


def _outfit(dice: _Dice, age: Ints, female: NDArray[np.bool_], known: Mapping[str, Any]) -> dict[str, Any]:
    cloths = np.array(_CLOTH)
    clothes = [np.array(list(_CLOTHES[g]))[dice.pick(list(_CLOTHES[g].values()))] for g in ("female", "male")]
    first = dice.even(0, len(_CLOTH) - 1)
    # Neither garment has the color of the other or of the skin behind it.
    second = (first + dice.even(1, len(_CLOTH) - 1)) % len(_CLOTH)
    dark = known["skin"].sum(axis=1) < 420
    glasses = np.array(_GLASSES)[dice.pick(np.where(female[:, None], (22, 22, 18, 8, 22, 8), (22, 30, 16, 18, 0, 14)))]
    metal = np.array([5, 3, 2, 2, 30, 24, 12])
    frame = np.array(_FRAMES)[dice.pick(np.where(dark[:, None], metal, (30, 18, 8, 12, 14, 14, 4)))]
    jewelled = female & dice.chance(560)
    kinds = np.array(["stud", "hoop", "drop"])[dice.pick((50, 30, 20))]
    return {
        "clothes": np.where(female, *clothes),
        "cloth": cloths[first],
        "cloth_under": cloths[second],
        "pattern": np.array(list(_PATTERNS))[dice.pick(list(_PATTERNS.values()))],
        "glasses": np.where(dice.chance(170 + np.clip(age - 38, 0, 40) * 8), glasses, "none"),
        "frame": frame,
        "earrings": np.where(jewelled, kinds, "none"),
        "necklace": female & dice.chance(300),
        "backdrop": _backdrop(dice, known["hair"]),
        "backdrop_turn": dice.even(0, 7),
        "disc": np.where(dice.chance(420), dice.even(1, 1000), 0),
    }


def _backdrop(dice: _Dice, against: Ints) -> Ints:
    """Two colors per identity that stand off from the hair: of two candidates the one further away in brightness."""
    pairs = np.array(_BACKDROPS).swapaxes(0, 1)
    light = np.array([299, 587, 114])
    candidates = np.stack([dice.even(0, len(pairs) - 1), dice.even(0, len(pairs) - 1)], axis=1)
    brightness = pairs[candidates].sum(axis=2) @ light // 2000
    distance = np.abs(brightness - (against @ light // 1000)[:, None])
    return pairs[np.take_along_axis(candidates, distance.argmax(axis=1)[:, None], axis=1)[:, 0]]
