"""What the four values of a question look like beside each other: length, alphabet, digits, gaps, likeness."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from fiubench.builder.audit.choices import OPTIONS, Shuffled, is_dated
from fiubench.builder.audit.logit import Floats, Ints

_LETTERS = 32  # letters are told apart by their last five bits, and so are digits
_GRAM = 3  # letters in a row that a value and a name may share
_RANGES = 8  # of a gap as a share of the value
_ROUND = (10, 100, 1000)
_WEEK = 7


def form_features(seen: Shuffled) -> Floats:
    """Everything that can be seen in the values alone, and in the person's name, ``(n, 4, d)``."""
    columns = [*_of_texts(seen), *_of_likeness(seen), *_of_names(seen)]
    if seen.ordered:
        columns += _of_numbers(seen)
    return np.stack(columns, axis=2).astype(np.float64)


def _of_texts(seen: Shuffled) -> list[Floats]:
    """Length, words, digits, capitals, the initial, and the ranks by length and by alphabet."""
    initials = [next((c for c in text.casefold() if c.isalnum()), " ") for text in seen.texts]
    counted = np.array(
        [
            (len(text), text.count(" "), sum(map(str.isdigit, text)), sum(map(str.isupper, text)), ord(initial))
            for text, initial in zip(seen.texts, initials, strict=True)
        ],
        dtype=np.float64,
    )
    alphabet = np.argsort(np.argsort([text.casefold() for text in seen.texts], kind="stable"))
    length, words, digits, capitals, initial = np.moveaxis(counted[seen.options], 2, 0)
    letter = np.clip((initial - ord("a")) / 26, -0.1, 1.1)
    shape = [length, words, digits, capitals, np.log(length), letter, letter**2, letter**3]
    return [*shape, *_ranks(length), *_ranks(alphabet[seen.options])]


def _ranks(values: Floats | Ints) -> list[Floats]:
    """The rank among the four: as a number, and whether none is lower or none is higher; equals share theirs."""
    below = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    above = (values[:, :, None] < values[:, None, :]).sum(axis=2)
    return [below - above, below == 0, above == 0]


def _of_likeness(seen: Shuffled) -> list[Floats]:
    """How much of a value the other three have: place by place, from either end, and in letters whatever their place.

    Three codes that were made from the true one by changing a character are more like it than like each other.
    """
    forward = seen.codes
    longest = forward.shape[1]
    place = np.arange(longest) - (longest - (forward > 0).sum(axis=1))[:, None]
    backward = np.where(place >= 0, np.take_along_axis(forward, np.maximum(place, 0), axis=1), 0)
    letters = np.zeros((len(seen.texts), _LETTERS), dtype=np.int64)
    row, column = np.nonzero(forward)
    np.add.at(letters, (row, forward[row, column] % _LETTERS), 1)
    columns = []
    for codes, bags in ((forward, False), (backward, False), (letters, True)):
        shown = codes[seen.options]
        alike = np.zeros((len(seen), OPTIONS, OPTIONS))
        for a, b in combinations(range(OPTIONS), 2):
            one, other = shown[:, a], shown[:, b]
            same = np.minimum(one, other) if bags else (one == other) & (one > 0)
            alike[:, a, b] = alike[:, b, a] = same.sum(axis=1)
        total = alike.sum(axis=2)
        columns += [total, alike.max(axis=2), *_ranks(total)]
    return columns


def _of_names(seen: Shuffled) -> list[Floats]:
    """What a value has in common with the person's name; nothing where it is the name that is asked for."""
    names = [name.casefold() for name in seen.names]
    folded = [text.casefold() for text in seen.texts]
    if np.mean([folded[k] == name for k, name in zip(seen.true_options, names, strict=True)]) > 0.5:
        return []
    grams = [_grams(text) for text in folded]
    shared, initial = np.zeros(seen.options.shape), np.zeros(seen.options.shape)
    for row, (options, name) in enumerate(zip(seen.options.tolist(), names, strict=True)):
        known = frozenset().union(*map(_grams, name.split()))
        initials = {word[0] for word in name.split()}
        for k, option in enumerate(options):
            shared[row, k] = len(grams[option] & known) / max(len(grams[option]), 1)
            initial[row, k] = folded[option][0] in initials
    return [shared, *_ranks(shared), initial]


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[k : k + _GRAM] for k in range(len(text) - _GRAM + 1))


def _of_numbers(seen: Shuffled) -> list[Floats]:
    """Size, gaps to the neighbours, the place between the lowest and the highest, digits and rounding."""
    whole = np.mod(seen.numbers, 1).max() == 0
    values = np.round(seen.numbers * (1 if whole else 100))
    order = np.argsort(values, axis=1, kind="stable")
    gaps = np.log1p(np.diff(np.take_along_axis(values, order, axis=1), axis=1))
    none = np.full((len(seen), 1), np.nan)
    rank = np.argsort(order, axis=1)
    below = np.take_along_axis(np.hstack([none, gaps]), rank, axis=1)
    above = np.take_along_axis(np.hstack([gaps, none]), rank, axis=1)
    near, far = np.fmin(below, above), np.fmax(below, above)
    size = np.log1p(np.abs(values))
    span = np.maximum(np.ptp(values, axis=1, keepdims=True), 1)
    place = (values - values.min(axis=1, keepdims=True)) / span
    centre = np.abs(values * OPTIONS - values.sum(axis=1, keepdims=True)) / (OPTIONS - 1) / span
    columns = [*_ranks(values), size, near, far, near - size, place, place**2, centre, *_ranks(centre)]
    columns += [np.nan_to_num(each) for each in (above, below, above - below, np.abs(above - below))]
    columns += [*_of_digits(values), *_ranges(near - size), *_ranges(near - _room(values))]
    if is_dated(seen.kind):
        columns += list(np.moveaxis(np.eye(_WEEK)[np.mod(values, _WEEK).astype(np.int64)], 2, 0))
    return columns


def _ranges(values: Floats) -> Iterable[Floats]:
    """Which of eight ranges, with as many values each."""
    edges = np.quantile(values, np.arange(1, _RANGES) / _RANGES)
    return np.moveaxis(np.eye(_RANGES)[np.searchsorted(edges, values)], 2, 0)


def _room(values: Floats) -> Floats:
    """Logarithm of how far a number can move and keep its number of digits."""
    lowest = 10 ** np.floor(np.log10(np.maximum(np.abs(values), 1)))
    room: Floats = np.log1p(np.minimum(np.abs(values) - lowest, 10 * lowest - np.abs(values)).clip(0))
    return room


def _of_digits(values: Floats) -> list[Floats]:
    """The leading digit, how round a number is, and how many of the others are round alike."""
    digits = np.floor(np.log10(np.maximum(np.abs(values), 1)))
    leading = np.clip(np.abs(values) // 10**digits, 0, 9).astype(np.int64)
    columns = [digits, *np.moveaxis(np.eye(10)[leading], 2, 0), np.mod(values, 10)]
    for step in _ROUND:
        rest = np.mod(values, step)
        columns += [rest == 0, (rest[:, :, None] == rest[:, None, :]).sum(axis=2), rest / step]
    return columns
