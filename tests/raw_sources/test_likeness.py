"""Perceptual hashes and near duplicates."""

import io
from collections.abc import Callable

import numpy as np
from fiubench.raw_sources.reading.likeness import NEAR, distance, near_duplicates, phash
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

Maker = Callable[[int, int], Image.Image]
HASHES = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40)


def test_encoding_and_size_hardly_matter(picture: Maker) -> None:
    image = picture(3, 512)
    own, _ = phash(image)
    buffer = io.BytesIO()
    image.resize((256, 256)).save(buffer, "JPEG", quality=60)
    again, _ = phash(Image.open(buffer))
    assert distance(own, again) <= 2


def test_others_are_far_and_mirrors_are_found(picture: Maker) -> None:
    hashes = [phash(picture(k, 200)) for k in range(30)]
    assert min(distance(a[0], b[0]) for i, a in enumerate(hashes) for b in hashes[:i]) > NEAR
    image = picture(5, 200)
    own, mirror = phash(image)
    flipped, _ = phash(ImageOps.mirror(image))
    assert distance(mirror, flipped) <= 2
    assert distance(own, flipped) > NEAR


@given(HASHES, st.lists(st.tuples(st.integers(0, 39), st.lists(st.integers(0, 63), max_size=6)), max_size=15))
def test_buckets_find_what_all_pairs_find(hashes: list[int], copies: list[tuple[int, list[int]]]) -> None:
    for origin, bits in copies:
        changed = hashes[origin % len(hashes)]
        for bit in bits:
            changed ^= 1 << bit
        hashes = [*hashes, changed]
    far = [h ^ (2**64 - 1) for h in hashes]  # mirrors that match nothing but by accident
    found = near_duplicates(hashes, far)
    kept: list[int] = []
    for i, own in enumerate(hashes):
        near = any(distance(own, hashes[j]) <= NEAR or distance(far[i], hashes[j]) <= NEAR for j in kept)
        assert (i in found) == near
        if not near:
            kept.append(i)


def test_a_mirrored_repeat_is_one(picture: Maker) -> None:
    pairs = [phash(picture(1, 200)), phash(picture(2, 200)), phash(ImageOps.mirror(picture(1, 200)))]
    assert near_duplicates([p[0] for p in pairs], [p[1] for p in pairs]) == {2: 0}
    assert np.uint64(pairs[0][0]) == pairs[0][0]


def test_a_folder_of_copies_takes_no_time() -> None:
    # all pairs of 50,000 would be a billion comparisons
    assert near_duplicates([7] * 50_000, [2**63] * 50_000) == dict.fromkeys(range(1, 50_000), 0)
    assert near_duplicates([], []) == {}
