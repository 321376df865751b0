"""Who guesses which of four values is the true one without knowing the person, and how often each is right.

Attackers know what everybody could: the values of other people, how wrong values are made, and what else is known of
the person asked about. They learn progressively (``logit.py``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from fiubench.builder.audit.choices import OPTIONS, Shuffled
from fiubench.builder.audit.forms import form_features
from fiubench.builder.audit.logit import Floats, Grams, Ints, progressive_scores

#: Name of each attacker, and what it goes by.
ATTACKERS = {
    "most_common": "the value that most other people have",
    "seen": "whether a value was met before, as somebody's truth or as a wrong value",
    "ngrams": "sequences of one to three characters",
    "form": "length, alphabet, digits, rounding, gaps, likeness to the other three and to the name",
    "context": "what else is known of the person",
    "all": "the scores of all others together",
}
FIRST = 2  # folds that are only learned from: one by the attackers, one by the one that joins them
_CHANCE = 1 / OPTIONS
_DECIMALS = 9  # scores that differ beyond are equal, so that the last bit of a sum decides nothing
_DOUBT = 2.0  # people who have a value and say nothing about it
_BINS = 10  # of an ordered value
_CELLS = 300_000  # of a table of values and facts; what has more is too rare to be counted
_FAR, _NEAR = 15, 7  # powers of two, of days between two dates


@dataclass(frozen=True)
class Fact:
    """Something else that is known of people: a small number for each person, -1 where it is not known."""

    codes: Ints
    size: int


@dataclass(frozen=True)
class Known:
    """What is known of people besides the attribute asked for.

    Attributes:
        facts: of the people of :class:`Shuffled`, in its order.
        days: other dates of theirs, as numbers; nan where one is not known.
    """

    facts: tuple[Fact, ...] = ()
    days: tuple[Floats, ...] = ()


@dataclass(frozen=True)
class Guesses:
    """How often each attacker is right.

    Attributes:
        questions: that were guessed.
        right: attacker -> how many of them; a guess among several that look the same counts by its chance.
        blind: right guesses by the most frequent value of everybody, or of those alike in one fact, without a look at
            the four; a quarter for each question where no value has a quarter.
    """

    questions: int
    right: dict[str, int]
    blind: float


def attack(seen: Shuffled, known: Known) -> Guesses:
    """Let every attacker guess."""
    counted = _counts(seen)
    scores = {
        "most_common": counted[..., 0],
        "seen": progressive_scores(np.minimum(counted, 1), seen.truth, seen.folds),
        "ngrams": Grams(seen.codes).progressive_scores(seen.options, seen.truth, seen.folds),
        "form": progressive_scores(form_features(seen), seen.truth, seen.folds),
        "context": progressive_scores(_context(seen, known), seen.truth, seen.folds),
    }
    together = [np.log1p(counted[..., 0]), np.log1p(counted[..., 1]), *scores.values()]
    scores["all"] = progressive_scores(np.stack(together, axis=2), seen.truth, seen.folds)
    right = {name: _right(each, seen) for name, each in scores.items()}
    return Guesses(len(seen) - int(seen.folds[FIRST]), right, _blind(seen, known))


def _right(scores: Floats, seen: Shuffled) -> int:
    """Right guesses among those tested; where several options look the same, the chance to draw the right one."""
    rounded = np.round(scores, _DECIMALS)
    best = rounded == rounded.max(axis=1, keepdims=True)
    chances = best[np.arange(len(seen)), seen.truth] / best.sum(axis=1)
    return round(float(chances[int(seen.folds[FIRST]) :].sum()))


def _folds(seen: Shuffled) -> Iterator[tuple[int, int]]:
    """Where each fold but the first begins and ends; what lies before may be learned from."""
    return pairwise(seen.folds[1:].tolist())


def _counts(seen: Shuffled) -> Floats:
    """How often each option was the truth of an earlier person, and a wrong value of one, ``(n, 4, 2)``."""
    counts = np.zeros((*seen.options.shape, 2))
    for start, stop in _folds(seen):
        true = np.bincount(seen.true_options[:start], minlength=len(seen.texts))
        every = np.bincount(seen.options[:start].ravel(), minlength=len(seen.texts))
        counts[start:stop] = np.stack([true, every - true], axis=1)[seen.options[start:stop]]
    return counts


def _context(seen: Shuffled, known: Known) -> Floats:
    """How well each option goes with each fact of the person, by the truths of earlier people, ``(n, 4, d)``."""
    whole = _Terms.bins(seen) if seen.ordered else _Terms.texts(seen)
    columns: list[Floats] = []
    for terms in (whole,) if seen.ordered else (whole, _Terms.words(seen)):
        facts = [fact for fact in known.facts if fact.size * terms.size <= _CELLS]
        for fits in zip(*(terms.fits(seen, fact) for fact in facts), strict=True):
            columns += [*fits, np.sum(fits, axis=0)]
    if seen.ordered:
        for days in known.days:
            columns += _between(seen.numbers, days)
    return np.stack(columns, axis=2) if columns else np.zeros((*seen.options.shape, 1))


def _between(numbers: Floats, days: Floats) -> Iterable[Floats]:
    """Which power of two the days from another date to each option lie in, before it or after.

    The nearest option counts apart: where wrong days were kept on their side of the other date, the truth is nearest
    the oftener the nearer it is. So do the days as a multiple of the steps between the options: steps may have been
    chosen to fit in.
    """
    gaps = numbers - np.nan_to_num(days)[:, None]
    power = np.sign(gaps) * np.minimum(np.floor(np.log2(np.abs(gaps) + 1)), _FAR) + _FAR
    power[np.isnan(days)] = _FAR
    columns = np.moveaxis(np.eye(2 * _FAR + 1)[power.astype(np.int64)], 2, 0)
    nearest = np.abs(gaps) == np.abs(gaps).min(axis=1, keepdims=True)
    steps = np.abs(numbers[:, :, None] - numbers[:, None, :]) + np.where(np.eye(OPTIONS, dtype=bool), np.inf, 0)
    multiple = np.floor(2 * np.log2((np.abs(gaps) + 1) / (steps.min(axis=2) + 1))).clip(-_NEAR, _NEAR) + _NEAR
    multiple[np.isnan(days)] = _NEAR
    multiples = np.moveaxis(np.eye(2 * _NEAR + 1)[multiple.astype(np.int64)], 2, 0)
    return [*columns, *(columns[_FAR - _NEAR : _FAR + _NEAR + 1] * nearest), *multiples]


@dataclass(frozen=True)
class _Terms:
    """What is counted of each option: its text, its words, or where it lies in the range of all.

    Attributes:
        terms: of all options, one after the other.
        starts: where those of an option begin, with the number of terms at the end.
        size: different terms.
    """

    terms: Ints
    starts: Ints
    size: int

    @classmethod
    def texts(cls, seen: Shuffled) -> "_Terms":
        return cls(seen.options.ravel(), np.arange(seen.options.size + 1), len(seen.texts))

    @classmethod
    def bins(cls, seen: Shuffled) -> "_Terms":
        edges = np.quantile(seen.numbers, np.arange(1, _BINS) / _BINS)
        binned = np.searchsorted(edges, seen.numbers.ravel(), side="right").astype(np.int64)
        return cls(binned, np.arange(binned.size + 1), _BINS)

    @classmethod
    def words(cls, seen: Shuffled) -> "_Terms":
        codes: dict[str, int] = {}
        worded = [[codes.setdefault(word, len(codes)) for word in text.casefold().split()] for text in seen.texts]
        listed = [worded[option] or [0] for option in seen.options.ravel().tolist()]
        starts = np.concatenate([[0], np.cumsum([len(each) for each in listed])])
        return cls(np.array([code for each in listed for code in each], dtype=np.int64), starts, max(len(codes), 1))

    def fits(self, seen: Shuffled, fact: Fact) -> tuple[Floats, Floats]:
        """Means over an option's terms of how likely the fact is among earlier people with the term, each ``(n, 4)``.

        Among those whose truth has it, log P(fact | term) - log P(fact); and the same without what it is among those
        for whom an option has it.
        """
        count = np.diff(self.starts)
        code = np.repeat(np.repeat(fact.codes, OPTIONS), count)
        true = np.repeat((np.arange(OPTIONS) == seen.truth[:, None]).ravel(), count)
        fits = np.zeros((2, code.size))
        for start, stop in _folds(seen):
            learned = slice(0, int(self.starts[start * OPTIONS]))
            applied = slice(learned.stop, int(self.starts[stop * OPTIONS]))
            people = fact.codes[:start]
            share = np.bincount(people[people >= 0], minlength=fact.size) + 1.0
            share /= share.sum()
            met = []
            for of in (code[learned] >= 0) & true[learned], code[learned] >= 0:
                term, kind = self.terms[learned][of], code[learned][of]
                both = np.bincount(term * fact.size + kind, minlength=self.size * fact.size)
                alone = np.bincount(term, minlength=self.size)
                term, kind = self.terms[applied], code[applied]
                met.append(np.log((both[term * fact.size + kind] + _DOUBT * share[kind]) / (alone[term] + _DOUBT)))
            known = code[applied] >= 0
            fits[:, applied] = np.where(known, np.stack([met[0] - np.log(share[code[applied]]), met[0] - met[1]]), 0)
        means = np.add.reduceat(fits, self.starts[:-1], axis=1) / count
        return means[0].reshape(-1, OPTIONS), means[1].reshape(-1, OPTIONS)


def _blind(seen: Shuffled, known: Known) -> float:
    """Right guesses by the most frequent value among earlier people alike in a fact, for the fact that is best."""
    everybody = Fact(np.zeros(len(seen), dtype=np.int64), 1)
    return max(_blind_by(seen, fact) for fact in (everybody, *known.facts))


def _blind_by(seen: Shuffled, fact: Fact) -> float:
    values, true = len(seen.texts), seen.true_options
    right = 0.0
    for start, stop in list(_folds(seen))[FIRST - 1 :]:
        kinds = fact.codes[:start]
        pairs, counts = np.unique(kinds * values + true[:start], return_counts=True)
        pairs, counts = pairs[pairs >= 0], counts[pairs >= 0]
        guess, most = np.zeros(fact.size, dtype=np.int64), np.zeros(fact.size)
        order = np.argsort(counts, kind="stable")  # the last one written is the most frequent
        guess[pairs[order] // values] = pairs[order] % values
        most[pairs[order] // values] = counts[order]
        people = np.bincount(kinds[kinds >= 0], minlength=fact.size)
        believed = most - 1 > _CHANCE * people  # one may have it by chance
        mine = fact.codes[start:stop]
        used = believed[mine] & (mine >= 0)
        right += float((guess[mine] == true[start:stop])[used].sum()) + _CHANCE * float((~used).sum())
    return right
