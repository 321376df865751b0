"""Drawn portraits: repeatable, distinct, following gender and age."""

import io

import numpy as np
import pytest
from PIL import Image

from raw_sources.portraits import Traits, draw_portrait, encode, traits
from support.canonical import digest

#: Digest of the looks of twenty people: they are the same on every machine.
GOLDEN = "3838763360bd9208fc99230c668d612de73ccc51ed07a878796d97c62d6d0395"


def some(n: int, seed: int = 0, age: int | None = None, gender: str | None = None) -> list[Traits]:
    genders = [gender or ("female", "male")[k % 2] for k in range(n)]
    ages = np.array([age or 20 + (k * 37) % 70 for k in range(n)])
    return traits(seed, np.arange(n), genders, ages)


@pytest.mark.parametrize("size", [64, 224, 256, 512])
def test_sizes(size: int) -> None:
    image = draw_portrait(some(1)[0], size)
    assert image.size == (size, size)
    assert image.mode == "RGB"


def test_pixels_and_bytes_repeat() -> None:
    for t in some(6):
        one, two = draw_portrait(t, 128), draw_portrait(t, 128)
        assert one.tobytes() == two.tobytes()
        assert encode(one) == encode(two)
    with Image.open(io.BytesIO(encode(draw_portrait(some(1)[0], 96)))) as image:
        assert image.format == "JPEG"
        assert not image.getexif()


def test_traits_of_one_depend_on_no_other() -> None:
    whole = some(40)
    for k in (0, 7, 39):
        t = whole[k]
        assert traits(0, np.array([k]), [t.gender], np.array([t.age])) == [t]
    assert some(5, seed=1) != some(5, seed=0)


def test_golden_traits() -> None:
    assert digest(repr(some(20)).encode()) == GOLDEN


def test_everyone_looks_different() -> None:
    k, x = np.arange(16)[:, None], np.arange(64)[None, :]
    cosines = np.cos(np.pi * (2 * x + 1) * k / 128)
    hashes = []
    for t in some(150):
        low = (cosines @ np.asarray(draw_portrait(t, 64).convert("L"), dtype=float) @ cosines.T).ravel()
        hashes.append(np.packbits(low > np.median(low[1:])))
    bits = np.unpackbits(np.array(hashes), axis=1).astype(int)
    apart = (bits[:, None, :] != bits[None, :, :]).sum(axis=2)
    np.fill_diagonal(apart, 256)
    assert apart.min() >= 16  # of 256


def test_age_greys_hair_and_thins_it() -> None:
    greys = [np.mean([t.grey for t in some(200, age=age)]) for age in (25, 45, 65, 85)]
    assert greys == sorted(greys)
    assert greys[0] == 0
    assert greys[3] > 0.6
    bald = [sum(t.style == "bald" for t in some(200, age=age, gender="male")) for age in (25, 75)]
    assert bald[0] < bald[1]


def test_gender_and_age_show_in_the_picture() -> None:
    for k in range(10):
        young = traits(0, np.array([k]), ["female"], np.array([25]))[0]
        old = traits(0, np.array([k]), ["female"], np.array([80]))[0]
        man = traits(0, np.array([k]), ["male"], np.array([25]))[0]
        pictures = [np.asarray(draw_portrait(t, 128), dtype=int) for t in (young, old, man)]
        assert np.abs(pictures[0] - pictures[1]).mean() > 1.5
        assert np.abs(pictures[0] - pictures[2]).mean() > 1.5
        assert man.beard >= 0 and young.beard == 0


def test_skin_spans_the_human_range_and_lips_can_be_seen() -> None:
    tones = [sum(t.skin) / 3 for t in some(300)]
    assert min(tones) < 70
    assert max(tones) > 210
