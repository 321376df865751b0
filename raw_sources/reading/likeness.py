"""Which pictures show the same face: perceptual hashes, and finding near ones among many.

The hash is the 64-bit DCT phash: 32 x 32 grey, 8 x 8 lowest frequencies, each above or below their median. Re-encoding
and resizing move at most 2 bits of it, distinct aligned faces differ in 6 or more; mirrored pictures are looked up by
the hash of their mirror image.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from fiubench.support.draws import Ints
from numpy.typing import NDArray
from PIL import Image

NEAR = 4  # bits
_SIDE, _LOW = 32, 8
# of two hashes that differ in at most NEAR bits, one of NEAR + 1 pieces (shift, width) is equal
_PIECES = ((51, 13), (38, 13), (25, 13), (12, 13), (0, 12))
_AT_ONCE = 1 << 22  # comparisons

Hashes = NDArray[np.uint64]


@cache
def cosines(side: int, low: int) -> NDArray[np.float64]:
    """Rows of the discrete cosine transform: the ``low`` lowest frequencies over ``side`` pixels, ``(low, side)``."""
    k, x = np.arange(low)[:, None], np.arange(side)[None, :]
    return np.cos(np.pi * (2 * x + 1) * k / (2 * side))


def phash(image: Image.Image) -> tuple[int, int]:
    """64-bit phash of a picture and of its mirror image."""
    return _phash(image, _SIDE, _LOW)


def phash_256(image: Image.Image) -> tuple[int, int]:
    """The same in 256 bits (16 x 16 frequencies of 64 x 64 grey): drawn faces differ in it too."""
    return _phash(image, 2 * _SIDE, 2 * _LOW)


def _phash(image: Image.Image, side: int, frequencies: int) -> tuple[int, int]:
    grey = np.asarray(image.convert("L").resize((side, side), Image.Resampling.BOX), dtype=np.float64)
    rows = cosines(side, frequencies)
    # whole numbers, so that a sum's last digit does not decide a bit on one machine and not on another
    low = np.rint((rows @ grey @ rows.T) * 16).astype(np.int64)
    mirrored = low * np.where(np.arange(frequencies) % 2, -1, 1)[None, :]  # odd horizontal frequencies change sign
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

    A picture with the very hash of an earlier one shares its fate, so a folder of copies costs nothing.
    """
    if not hashes:
        return {}
    every = np.array(hashes, dtype=np.uint64)
    _, first, copy_of = np.unique(every, return_index=True, return_inverse=True)
    distinct = np.sort(first)
    own, mirror = every[distinct], np.array(mirrored, dtype=np.uint64)[distinct]
    # an unmirrored likeness goes before a mirrored one, fewer bits before more
    near = sorted(
        [(j, 0, bits, i) for j, i, bits in _near(own, own)] + [(j, 1, bits, i) for j, i, bits in _near(mirror, own)]
    )
    repeats: dict[int, int] = {}
    for later, _, _, earlier in near:
        if earlier not in repeats:
            repeats.setdefault(later, earlier)
    of = {int(distinct[later]): int(distinct[earlier]) for later, earlier in repeats.items()}
    originals = first[copy_of].tolist()
    return {i: of.get(k, k) for i, k in enumerate(originals) if i != k or k in of}


def _near(wanted: Hashes, hashes: Hashes) -> set[tuple[int, int, int]]:
    """(later position, earlier position, bits) of each hash in ``wanted`` that is near an earlier one in ``hashes``.

    By the pigeonhole principle two hashes that differ in at most four bits agree in one of five pieces, so only those
    that share a piece are compared: far fewer than all pairs.
    """
    found: set[tuple[int, int, int]] = set()
    for shift, width in _PIECES:
        laters, earliers = _by_piece(wanted, shift, width), _by_piece(hashes, shift, width)
        for piece in sorted(laters.keys() & earliers.keys()):
            later, earlier = laters[piece], earliers[piece]
            for rows in np.array_split(later, 1 + later.size * earlier.size // _AT_ONCE):
                bits = np.bitwise_count(wanted[rows][:, None] ^ hashes[earlier][None, :])
                i, j = np.nonzero((bits <= NEAR) & (earlier[None, :] < rows[:, None]))
                found.update(zip(rows[i].tolist(), earlier[j].tolist(), bits[i, j].tolist(), strict=True))
    return found


def _by_piece(hashes: Hashes, shift: int, width: int) -> dict[int, Ints]:
    """Positions of the hashes that have each value of a piece."""
    pieces = (hashes >> np.uint64(shift)) & np.uint64((1 << width) - 1)
    order = np.argsort(pieces, kind="stable")
    values, starts = np.unique(pieces[order], return_index=True)
    return dict(zip(values.tolist(), np.split(order, starts[1:]), strict=True))
