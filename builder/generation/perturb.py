"""Wrong answers' values: of the same type and form as the true one, plausible, distinct from it and from each other.

Nothing is drawn and thrown away until it fits. Dates, money, integers and phone numbers take three distinct steps on
their number line; everything else takes three distinct neighbours in a pool of real values sorted by length, so that a
wrong value is neither longer nor odder than the true one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from fiubench.builder.generation.pairing import phone_text
from fiubench.builder.generation.profiles import DIGITS, LETTERS, Profiles, bound_days, cents_of, code_alphabets
from fiubench.builder.packs.attributes import Attribute
from fiubench.builder.values import dates
from fiubench.builder.values.facts import Column, formatter
from fiubench.support.draws import Ints, Words, below, distinct, draw
from fiubench.support.errors import PackError

WRONG = 3
_WINDOW, _CANDIDATES = 24, 8
_DAYS, _PERCENT, _BY = (2, 60), (8, 45), (2, 60)
_FAR = 1 << 40
_STEP_WORDS = 2 * WRONG + 1  # three gaps, the place of the truth, an order

Values = list[list[Any]]  # one list of three per identity


class Wrong(NamedTuple):
    """Wrong values and their texts: for each identity a list of three."""

    values: Values
    texts: list[list[str]]


class Perturber:
    """Makes wrong values for every asked attribute; keeps the pools."""

    def __init__(self, profiles: Profiles) -> None:
        self.profiles = profiles
        self.pools: dict[str, dict[str, _Pool]] = {}

    def wrong(self, attribute: Attribute, index: Ints, facts: Mapping[str, Column]) -> Wrong:
        """Three wrong values of one attribute for each identity.

        Raises:
            PackError: the attribute takes too few values to have three wrong ones.
        """
        column = facts[attribute.name]
        line = _NUMBER_LINES.get(column.kind)
        if line:
            words = draw(self.profiles.config.seed, f"wrong.{attribute.name}", index, words=_STEP_WORDS)
            values = line(attribute, column, words, self._bounds(attribute, facts))
            write = formatter(attribute.kind, attribute.cents)
            return Wrong(values, [[write(value) for value in three] for three in values])
        if column.kind == "code":
            values = _codes(attribute, column, self.profiles.config.seed, index)
            return Wrong(values, values)
        words = draw(self.profiles.config.seed, f"wrong.{attribute.name}", index, words=_CANDIDATES)
        if attribute.name not in self.pools:
            self.pools[attribute.name] = self._make_pools(attribute)
        return self._from_pools(attribute, column, words, facts)

    def _bounds(self, attribute: Attribute, facts: Mapping[str, Column]) -> tuple[Ints | None, Ints | None]:
        size = len(facts[attribute.name].values)
        values: dict[str, Sequence[Any]] = {name: column.values for name, column in facts.items()}
        values["as_of"] = [self.profiles.config.as_of] * size
        where = f"{attribute.pack}: {attribute.name}: perturb"
        low, high = (
            None if e is None else bound_days(e, values, size, where)
            for e in (attribute.perturb.not_before, attribute.perturb.not_after)
        )
        return low, high

    def _make_pools(self, attribute: Attribute) -> "dict[str, _Pool]":
        reference = self.profiles.reference
        column = reference[attribute.name]
        values, texts = list(column.values), list(column.text)
        if attribute.origin.kind == "choose":
            values = list(attribute.origin.options)
            texts = list(values)
        elif attribute.perturb.within:
            keys = reference[attribute.perturb.within].text
            return {
                key: _Pool.of([(t, v) for t, v, k in zip(texts, values, keys, strict=True) if k == key])
                for key in sorted(set(keys))
            }
        extra = [(text, text) for text in attribute.perturb.extra]
        return {"": _Pool.of([*zip(texts, values, strict=True), *extra])}

    def _from_pools(self, attribute: Attribute, column: Column, words: Words, facts: Mapping[str, Column]) -> Wrong:
        pools = self.pools[attribute.name]
        within = attribute.perturb.within if "" not in pools else None
        groups = facts[within].text if within else [""] * len(column.text)
        made = Wrong([[] for _ in groups], [[] for _ in groups])
        for group in sorted(set(groups)):
            members = [i for i, g in enumerate(groups) if g == group]
            pool = pools.get(group, _Pool.of([]))
            truths = [column.text[i].casefold() for i in members]
            for i, picks in zip(members, pool.pick(truths, words[members]), strict=True):
                if len(picks) < WRONG:
                    raise PackError(
                        f"{column.text[i]!r} has {len(picks)} wrong values to be told from; {WRONG} are needed",
                        where=f"{attribute.pack}: {attribute.name}",
                        hint="Add plausible values with `perturb: {extra: [...]}`.",
                    )
                made.values[i] = [pool.values[k] for k in picks]
                made.texts[i] = [pool.texts[k] for k in picks]
        return made


@dataclass(frozen=True)
class _Pool:
    """Values an attribute takes, sorted by the length of their text."""

    texts: list[str]
    folded: list[str]
    values: list[Any]
    lengths: Ints

    @classmethod
    def of(cls, pairs: list[tuple[str, Any]]) -> "_Pool":
        by_text = dict(pairs)
        texts = sorted(by_text, key=lambda text: (len(text), text))
        return cls(
            texts,
            [t.casefold() for t in texts],
            [by_text[t] for t in texts],
            np.array([len(t) for t in texts]),
        )

    def pick(self, truths: list[str], words: Words) -> list[list[int]]:
        """Three positions near in length for each (casefolded) truth; fewer only where the pool has no more."""
        size = len(self.texts)
        if not size:
            return [[] for _ in truths]
        width = min(size, max(_WINDOW, size // 16))
        centre = np.searchsorted(self.lengths, np.array([len(t) for t in truths]))
        low = np.clip(centre - width // 2, 0, size - width)
        picks = distinct(words[:, : min(_CANDIDATES, width)], width) + low[:, None]
        made = []
        for truth, row, first in zip(truths, picks.tolist(), low.tolist(), strict=True):
            found = self._first_three(row, truth)
            if len(found) < WRONG:
                # rare: what was drawn holds the truth or lies in it; look through the window, then everywhere
                rest = [i for i in (*range(first, first + width), *range(size)) if i not in found]
                found += self._first_three(list(dict.fromkeys(rest)), truth)[: WRONG - len(found)]
            made.append(found)
        return made

    def _first_three(self, candidates: list[int], truth: str) -> list[int]:
        """The first three that can't be taken for the truth: "B+" stands in "AB+", and would pass for it."""
        found = []
        for i in candidates:
            other = self.folded[i]
            if truth not in other and other not in truth:
                found.append(i)
                if len(found) == WRONG:
                    break
        return found


def steps(words: Words, left: Ints, right: Ints, gap: Ints, reach: Ints) -> Ints:
    """Three distinct non-zero steps per row from the true value, within the room ``left`` and ``right`` of it.

    The four values are laid out first, ``gap`` or more apart and at most ``reach`` in all, and which of them is the
    true one is drawn after that: whoever only sees the four learns nothing of it. Where the room on a side is short,
    they lie closer; where it is shorter than three, the truth's place is drawn among those that are left.

    Args:
        words: ``(n, 7)`` random words.
        left, right: room on each side, ``(n,)``; where both are nearly none, the left one gives way.
        gap, reach: nearest and farthest, ``(n,)``.
    """
    right = np.maximum(right, 0)
    left = np.where(np.maximum(left, 0) + right < WRONG, _FAR, np.maximum(left, 0))
    widest = np.maximum(np.minimum(reach, np.minimum(left, right)) // WRONG, 1)
    narrowest = np.minimum(gap, widest)
    gaps = narrowest[:, None] + below(words[:, :WRONG], (widest - narrowest + 1)[:, None])
    places = np.cumsum(np.concatenate([np.zeros_like(left)[:, None], gaps], axis=1), axis=1)
    lowest, highest = np.maximum(WRONG - right, 0), np.minimum(left, WRONG)
    truth = (lowest + below(words[:, WRONG], highest - lowest + 1))[:, None]
    offsets = places - np.take_along_axis(places, truth, axis=1)
    others = np.arange(WRONG)[None, :] + (np.arange(WRONG)[None, :] >= truth)
    shuffled = np.take_along_axis(others, np.argsort(words[:, WRONG + 1 :], axis=1, kind="stable"), axis=1)
    return np.take_along_axis(offsets, shuffled, axis=1)


Bounds = tuple[Ints | None, Ints | None]


def _dates(attribute: Attribute, column: Column, words: Words, bounds: Bounds) -> Values:
    days = dates.to_days(column.values)
    low, high = bounds
    left = np.full_like(days, _FAR) if low is None else days - low
    right = np.full_like(days, _FAR) if high is None else high - days
    gap, reach = attribute.perturb.distance or _DAYS
    made = days[:, None] + steps(words, left, right, np.full_like(days, gap), np.full_like(days, reach))
    return [dates.to_isos(row) for row in made]


def _money(attribute: Attribute, column: Column, words: Words, _: Bounds) -> Values:
    if attribute.cents:
        cents = np.array([round(value * 100) for value in column.values], dtype=np.int64)
    else:  # as it is written
        cents = np.array([round(value) * 100 for value in column.values], dtype=np.int64)
    step = _roundness(attribute, cents)
    near, far = attribute.perturb.distance or _PERCENT
    low, high = _same_digits(cents // 100)
    left, right = (cents - low * 100) // step, (high * 100 + 99 - cents) // step
    offsets = steps(
        words,
        left,
        np.where(left + right < WRONG, WRONG, right),  # a digit more, where the step is so large
        np.maximum(cents * near // 100 // step, 1),
        np.maximum(cents * far // 100 // step, WRONG),
    )
    made = cents[:, None] + offsets * step[:, None]
    return [[value / 100 for value in row] for row in made.tolist()]


def _roundness(attribute: Attribute, cents: Ints) -> Ints:
    """Steps that leave a wrong amount as round as its truth: $63,480 gets no $59,731."""
    if attribute.origin.kind == "money":
        step = cents_of(attribute.origin.options.get("step", 0.01))
        if attribute.cents or step % 100 == 0:
            return np.full_like(cents, step)
    return np.gcd(cents, np.where(cents < 10_000, 100, 1000))


def _integers(attribute: Attribute, column: Column, words: Words, _: Bounds) -> Values:
    values = np.array(column.values, dtype=np.int64)
    sign, size = np.where(values < 0, -1, 1), np.abs(values)
    low, high = _same_digits(size)
    gap, reach = attribute.perturb.distance or _BY
    offsets = steps(words, size - low, high - size, np.full_like(size, gap), np.full_like(size, reach))
    made: Values = (sign[:, None] * (size[:, None] + offsets)).tolist()
    return made


def _same_digits(values: Ints) -> tuple[Ints, Ints]:
    """Least and greatest number with as many digits."""
    digits = np.array([len(str(value)) for value in values.tolist()], dtype=np.int64)
    return np.where(digits == 1, 0, 10 ** (digits - 1)), 10**digits - 1


def _phones(attribute: Attribute, column: Column, words: Words, _: Bounds) -> Values:
    numbers = np.array([int("".join(c for c in value if c.isdigit())) for value in column.values], dtype=np.int64)
    prefix, line = np.divmod(numbers, 100)
    wrong = (line[:, None] + 1 + distinct(words[:, :WRONG], 99)) % 100
    return [[phone_text(number) for number in row] for row in (prefix[:, None] * 100 + wrong).tolist()]


_NUMBER_LINES: Mapping[str, Callable[[Attribute, Column, Words, Bounds], Values]] = {
    "date": _dates,
    "integer": _integers,
    "money": _money,
    "phone": _phones,
}


def _codes(attribute: Attribute, column: Column, seed: int, index: Ints) -> Values:
    """Change up to three characters of a code. One place takes three distinct wrong characters, so no two are alike."""
    words = draw(seed, f"wrong.{attribute.name}", index, words=12).tolist()
    return [_wrong_codes(attribute, code, row) for code, row in zip(column.values, words, strict=True)]


def _wrong_codes(attribute: Attribute, code: str, words: list[int]) -> list[str]:
    places = _variable_places(attribute, code)
    if not places:
        raise PackError(
            f"code {code!r} has no digit that could be another", where=f"{attribute.pack}: {attribute.name}"
        )
    (first, alphabet), *others = [places[k] for k in _few(words[:3], len(places))]
    made = []
    for k, turn in enumerate(_few(words[3:6], len(alphabet) - 1)):
        characters = list(code)
        characters[first] = alphabet[(alphabet.index(code[first]) + 1 + turn) % len(alphabet)]
        for word, (place, letters) in zip(words[6 + 2 * k :], others, strict=False):
            characters[place] = letters[word * len(letters) >> 32]
        made.append("".join(characters))
    return made


def _few(words: list[int], bound: int) -> list[int]:
    """Distinct numbers below ``bound``, one a word as far as they last (``draws.distinct`` for a single row)."""
    left = list(range(bound))
    return [left.pop(word * len(left) >> 32) for word in words[:bound]]


def _variable_places(attribute: Attribute, code: str) -> list[tuple[int, str]]:
    """Places of a code that may change, each with its alphabet: a pattern's wildcards, else every digit but a first."""
    if attribute.origin.kind == "code":
        alphabets = code_alphabets(attribute.origin.options)
        return [(i, alphabet) for i, alphabet in enumerate(alphabets) if alphabet in (LETTERS, DIGITS)]
    return [(i, DIGITS) for i, c in enumerate(code) if c in DIGITS and (i or len(code) == 1)]
