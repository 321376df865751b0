"""Keyed randomness: every draw is a pure function of (seed, purpose, index).

Nothing here has a state. Two draws with another purpose or another index are independent, so building fewer, more or
other identities, or the same ones in another order or on another machine, changes no draw that was made before.

The generator is Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011), computed for
whole arrays of indices at once. Its constants and known-answer vectors are published; the tests hold them.
"""

import hashlib
from functools import lru_cache

import numpy as np
from fiubench.support.errors import ConfigError
from numpy.typing import ArrayLike, NDArray

Words = NDArray[np.uint64]  # values below 2**32, kept in 64 bits so that products fit
Ints = NDArray[np.int64]

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_FEISTEL_ROUNDS = 6
LARGEST_SEED = 2**63 - 1


def philox(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, ...]:
    """Ten rounds of Philox4x32: four words of counter (arrays of one shape) to four random words."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0 = _MULTIPLIERS[0] * c0
        p1 = _MULTIPLIERS[1] * c2
        c0, c1 = (p1 >> _32) ^ c1 ^ np.uint64(k0), p1 & _LOW
        c2, c3 = (p0 >> _32) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0 = (k0 + _WEYL[0]) & 0xFFFFFFFF
        k1 = (k1 + _WEYL[1]) & 0xFFFFFFFF
    return c0, c1, c2, c3


@lru_cache(maxsize=4096)
def _key(seed: int, purpose: str) -> tuple[int, int]:
    digest = hashlib.sha256(f"fiubench draw 1\n{seed}\n{purpose}".encode()).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")


def draw(seed: int, purpose: str, index: ArrayLike, words: int = 1) -> Words:
    """Random 32-bit words, shape ``(n, words)``, for ``n`` indices (non-negative, below 2**63).

    Column ``k`` does not depend on how many words are asked for.
    """
    idx = np.atleast_1d(np.asarray(index, dtype=np.uint64))
    low, high = idx & _LOW, idx >> _32
    zeros = np.zeros_like(idx)
    blocks: list[Words] = []
    for block in range(-(-words // 4)):
        blocks.extend(philox((low, high, zeros + np.uint64(block), zeros), _key(seed, purpose)))
    return np.stack(blocks[:words], axis=1)


def below(words: Words, bound: ArrayLike) -> Ints:
    """Scale 32-bit words to integers in ``[0, bound)`` (multiply and shift; ``bound`` <= 2**32, broadcast)."""
    return ((words * np.asarray(bound, dtype=np.uint64)) >> _32).astype(np.int64)


def integers(seed: int, purpose: str, index: ArrayLike, bound: ArrayLike) -> Ints:
    """One uniform integer in ``[0, bound)`` per index, shape ``(n,)``."""
    return below(draw(seed, purpose, index)[:, 0], bound)


def check_seed(seed: int, largest: int = LARGEST_SEED) -> int:
    """The seed.

    Raises:
        ConfigError: it is negative or too large.
    """
    if not 0 <= seed <= largest:
        raise ConfigError(f"{seed} is not between 0 and {largest}", where="--seed", hint="Choose another seed.")
    return seed


def choose(seed: int, purpose: str, index: ArrayLike, weights: ArrayLike) -> Ints:
    """One position per index, drawn in proportion to non-negative ``weights`` (shape ``(k,)``)."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    # Whole-numbered edges: the comparison below is exact, so the draw is the same on every machine.
    marks = np.floor(edges / edges[-1] * 2.0**32).astype(np.uint64)
    picked = np.searchsorted(marks, draw(seed, purpose, index)[:, 0], side="right")
    return np.minimum(picked, len(marks) - 1).astype(np.int64)


def distinct(words: Words, bound: ArrayLike) -> Ints:
    """``k`` distinct integers in ``[0, bound)`` per row from ``(n, k)`` words; ``bound`` (scalar or ``(n,)``) >= k.

    A partial Fisher-Yates shuffle in terms of ranks: pick j is uniform over what picks 0..j-1 left.
    """
    n, k = words.shape
    limit = np.broadcast_to(np.asarray(bound, dtype=np.int64), (n,))
    picks = np.empty((n, k), dtype=np.int64)
    for j in range(k):
        pick = below(words[:, j], limit - j)
        for taken in np.sort(picks[:, :j], axis=1).T:
            pick += pick >= taken
        picks[:, j] = pick
    return picks


def orders(seed: int, purpose: str, index: ArrayLike, size: int, length: int | None = None) -> Ints:
    """The first ``length`` entries of a random ordering of ``range(size)`` per index, shape ``(n, length)``."""
    k = size if length is None else length
    return distinct(draw(seed, purpose, index, words=k), size)


def permute(seed: int, purpose: str, index: ArrayLike, size: int) -> Ints:
    """A keyed permutation of ``range(size)``, evaluated at ``index`` only: sampling without replacement in O(1).

    A balanced Feistel network over the smallest even number of bits that holds ``size``, walked along its cycles back
    into range (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
    """
    idx = np.atleast_1d(np.asarray(index, dtype=np.uint64))
    if idx.size and int(idx.max()) >= size:
        raise ValueError(f"index {int(idx.max())} is outside a permutation of {size}")
    half = np.uint64(max(1, (max(size - 1, 1).bit_length() + 1) // 2))
    mask = np.uint64((1 << int(half)) - 1)
    key = _key(seed, f"permute {size} {purpose}")

    def network(values: Words) -> Words:
        left, right = values >> half, values & mask
        zeros = np.zeros_like(values)
        for turn in range(_FEISTEL_ROUNDS):
            word = philox((right, zeros + np.uint64(turn), zeros, zeros + np.uint64(1)), key)[0]
            left, right = right, (left ^ word) & mask
        return (left << half) | right

    out = network(idx)
    while (astray := out >= np.uint64(size)).any():
        out[astray] = network(out[astray])
    return out.astype(np.int64)
