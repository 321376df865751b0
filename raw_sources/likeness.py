"""Which pictures show the same face: perceptual hashes, and finding near ones among many.

The hash is the 64-bit DCT phash: 32 x 32 grey, 8 x 8 lowest frequencies, each above or below their median. Re-encoding
and resizing move at most 2 bits of it, distinct aligned faces differ in 6 or more; mirrored pictures are looked up by
the hash of their mirror image.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NEAR = 4  # bits
_SIDE, _LOW = 32, 8
_PIECES = NEAR + 1  # of two hashes that differ in at most NEAR bits, one of NEAR + 1 pieces is equal

Hashes = NDArray[np.uint64]


@cache
def _cosines() -> NDArray[np.float64]:
    k, x = np.arange(_LOW)[:, None], np.arange(_SIDE)[None, :]
    return np.cos(np.pi * (2 * x + 1) * k / (2 * _SIDE))


def phash(image: Image.Image) -> tuple[int, int]:
    """64-bit phash of a picture and of its mirror image."""
    grey = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)
    # whole numbers, so that a sum's last digit does not decide a bit on one machine and not on another
    low = np.rint((_cosines() @ grey @ _cosines().T) * 16).astype(np.int64)
    mirrored = low * np.where(np.arange(_LOW) % 2, -1, 1)[None, :]  # odd horizontal frequencies change sign
    return _bits(low), _bits(mirrored)


def _bits(low: NDArray[np.int64]) -> int:
    flat = low.ravel()
    above = flat > np.median(flat[1:])  # the first is mere brightness
    return int.from_bytes(np.packbits(above).tobytes(), "big")


def distance(a: int, b: int) -> int:
    """Bits in which two hashes differ."""
    return (a ^ b).bit_count()


def near_duplicates(hashes: Sequence[int], mirrored: Sequence[int]) -> dict[int, int]:
    """Position of each picture that repeats an earlier kept one -> position of that one.

    By the pigeonhole principle two hashes that differ in at most four bits agree in one of five pieces, so only those
    that share a piece are compared: far fewer than all pairs.
    """
    buckets: list[dict[int, list[int]]] = [{} for _ in range(_PIECES)]
    repeats: dict[int, int] = {}
    for i, (own, mirror) in enumerate(zip(hashes, mirrored, strict=True)):
        first = _nearest(own, buckets, hashes)
        if first is None:
            first = _nearest(mirror, buckets, hashes)
        if first is not None:
            repeats[i] = first
            continue
        for bucket, piece in zip(buckets, _pieces(own), strict=True):
            bucket.setdefault(piece, []).append(i)
    return repeats


def _nearest(own: int, buckets: list[dict[int, list[int]]], hashes: Sequence[int]) -> int | None:
    found = [
        (distance(own, hashes[j]), j)
        for bucket, piece in zip(buckets, _pieces(own), strict=True)
        for j in bucket.get(piece, ())
    ]
    best = min(found, default=None)
    return best[1] if best is not None and best[0] <= NEAR else None


def _pieces(own: int) -> list[int]:
    # 13 + 13 + 13 + 13 + 12 bits
    return [own >> shift & 0x1FFF for shift in (51, 38, 25, 12)] + [own & 0xFFF]
