"""Drawn portraits: repeatable, distinct, following gender and age."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.portraits import Traits, draw_portrait, encode, traits
from fiubench.raw_sources.portraits.canvas import luma
from fiubench.raw_sources.portraits.details import frame_color
from fiubench.raw_sources.portraits.looks import STYLES
from fiubench.support.canonical import digest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

#: Digest of the looks of twenty people: they are the same on every machine.
GOLDEN = "a740a28c5ae9118da96ba9180e444eaad5aee78fdce59455fd5983c97661ac8b"


def some(n: int, seed: int = 0, age: int | None = None, gender: str | None = None) -> list[Traits]:
    genders = [gender or ("female", "male")[k % 2] for k in range(n)]
    ages = np.array([age or 20 + (k * 37) % 70 for k in range(n)])
    return traits(seed, np.arange(n), genders, ages)


def pixels(t: Traits, size: int = 128) -> np.ndarray:
    return np.asarray(draw_portrait(t, size), dtype=int)


def phashes(people: list[Traits]) -> np.ndarray:
    """256-bit perceptual hashes (16 x 16 DCT), one row of bits each."""
    k, x = np.arange(16)[:, None], np.arange(64)[None, :]
    cosines = np.cos(np.pi * (2 * x + 1) * k / 128)
    grey = [np.asarray(draw_portrait(t, 64).convert("L"), dtype=float) for t in people]
    low = np.array([(cosines @ picture @ cosines.T).ravel() for picture in grey])
    return low > np.median(low[:, 1:], axis=1, keepdims=True)


@pytest.mark.parametrize("size", [16, 64, 100, 224, 256, 512])
def test_sizes(size: int) -> None:
    image = draw_portrait(some(1)[0], size)
    assert image.size == (size, size)
    assert image.mode == "RGB"


def test_a_picture_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        draw_portrait(some(1)[0], 0)


def test_a_picture_is_the_same_at_every_size() -> None:
    for t in some(4):
        small = draw_portrait(t, 512).resize((64, 64), Image.Resampling.BOX)
        assert np.abs(np.asarray(small, dtype=int) - pixels(t, 64)).mean() < 6


def test_pixels_and_bytes_repeat() -> None:
    for t in some(6):
        assert draw_portrait(t, 128).tobytes() == draw_portrait(t, 128).tobytes()
        assert encode(draw_portrait(t, 128)) == encode(draw_portrait(t, 128))


def test_encoded_pictures_carry_no_metadata() -> None:
    with Image.open(io.BytesIO(encode(draw_portrait(some(1)[0], 96)))) as image:
        assert image.format == "JPEG"
        assert image.size == (96, 96)
        assert not image.getexif()
        assert not {"comment", "exif", "icc_profile"} & set(image.info)


def test_pixels_do_not_depend_on_the_process() -> None:
    """Nor on what was drawn before, which fills caches."""
    code = (
        "import numpy, hashlib; from fiubench.raw_sources.portraits import draw_portrait, traits\n"
        "people = traits(3, numpy.arange(12), ['female', 'male'] * 6, numpy.arange(12) * 6 + 20)\n"
        "print(hashlib.sha256(b''.join(draw_portrait(t, 96).tobytes() for t in people[::{step}])).hexdigest())"
    )
    out = [
        subprocess.run(
            [sys.executable, "-c", code.format(step=step)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed, step in (("1", 1), ("2", 1), ("3", -1))
    ]
    people = traits(3, np.arange(12), ["female", "male"] * 6, np.arange(12) * 6 + 20)
    drawn = [draw_portrait(t, 96).tobytes() for t in people]
    assert out == [digest(b"".join(drawn))] * 2 + [digest(b"".join(drawn[::-1]))]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**40), st.integers(20, 99), st.sampled_from(["female", "male"]), st.integers(1, 5))
def test_looks_of_one_depend_on_no_other(index: int, age: int, gender: str, others: int) -> None:
    alone = traits(7, np.array([index]), [gender], np.array([age]))
    more = traits(7, index + np.arange(others + 1), [gender] + ["male"] * others, np.array([age] + [30] * others))
    assert more[0] == alone[0]


def test_another_seed_makes_other_people() -> None:
    assert all(one != two for one, two in zip(some(20, seed=1), some(20, seed=0), strict=True))


def test_golden_looks() -> None:
    assert digest(repr([tuple(t) for t in some(20)]).encode()) == GOLDEN


def test_an_unknown_gender_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown"):
        traits(0, np.arange(2), ["female", "unknown"], np.array([30, 30]))


def test_everyone_looks_different() -> None:
    bits = phashes(some(150)).astype(int)
    apart = (bits[:, None, :] != bits[None, :, :]).sum(axis=2)
    np.fill_diagonal(apart, 256)
    assert apart.min() >= 24  # of 256


def test_hair_greys_and_goes_with_age() -> None:
    greys = [np.mean([t.grey for t in some(200, age=age)]) for age in (25, 45, 65, 85)]
    assert greys == sorted(greys)
    assert greys[0] == 0
    assert greys[3] > 700
    bright = [np.mean([luma(t.hair) for t in some(200, age=age)]) for age in (25, 65, 85)]
    assert bright == sorted(bright)
    bald = [sum(t.style in ("bald", "ring") for t in some(200, age=age, gender="male")) for age in (25, 50, 80)]
    assert bald == sorted(bald)
    assert bald[0] < bald[2] / 3


def test_wrinkles_come_with_age() -> None:
    lines = [np.mean([t.wrinkles for t in some(50, age=age)]) for age in (20, 40, 60, 80)]
    assert lines[0] == 0
    assert lines == sorted(lines)


def test_gender_decides_beards_and_jewellery() -> None:
    men, women = some(300, age=40, gender="male"), some(300, age=40, gender="female")
    assert 0.3 < np.mean([t.beard != "none" for t in men]) < 0.7
    assert {t.beard for t in women} == {"none"}
    assert {t.earrings for t in men} == {"none"}
    assert len({t.earrings for t in women}) == 4
    assert {t.receding for t in women} == {0}


def test_gender_and_age_show_in_the_picture() -> None:
    for k in range(10):
        young = traits(0, np.array([k]), ["female"], np.array([25]))[0]
        old = traits(0, np.array([k]), ["female"], np.array([80]))[0]
        man = traits(0, np.array([k]), ["male"], np.array([25]))[0]
        assert np.abs(pixels(young) - pixels(old)).mean() > 2
        assert np.abs(pixels(young) - pixels(man)).mean() > 2


@pytest.mark.parametrize("gender", ["female", "male"])
def test_every_style_of_hair_and_clothes_is_drawn(gender: str) -> None:
    """Each one alone changes the picture of one person."""
    person = some(1, gender=gender, age=50)[0]._replace(hair=(150, 66, 34), cloth=(46, 62, 92))
    heads = {draw_portrait(person._replace(style=style), 96).tobytes() for style in STYLES[gender]}
    assert len(heads) == len(STYLES[gender])
    known = {t.clothes for t in some(400, gender=gender)}
    assert len({draw_portrait(person._replace(clothes=kind), 96).tobytes() for kind in known}) == len(known) >= 7


def test_skin_spans_the_human_range() -> None:
    tones = [luma(t.skin) for t in some(300)]
    assert min(tones) < 70
    assert max(tones) > 205
    assert len({t.skin for t in some(300)}) > 250


def test_glasses_stand_off_from_any_skin() -> None:
    worn = [t for t in some(600) if t.glasses != "none"]
    assert len(worn) > 100
    assert min(abs(luma(frame_color(t)) - luma(t.skin)) for t in worn) >= 40


def test_the_background_stands_off_from_the_hair() -> None:
    apart = [abs(sum(map(luma, t.backdrop)) / 2 - luma(t.hair)) for t in some(400)]
    assert np.mean(np.array(apart) > 30) > 0.85
