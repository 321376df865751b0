"""What the embedded generators share: a table without a file, whose rows are drawn to fit the people.

Row ``i`` of a generator is a pure function of (seed, ``i``, the person): each column is a draw of its own
purpose.
"""

from abc import ABC, abstractmethod
from datetime import date
from typing import ClassVar

import numpy as np
from fiubench.raw_sources.drawn import Drawn, Options, Weighted, alike, weighted
from fiubench.raw_sources.names import GENDERS
from fiubench.raw_sources.source import EMBEDDED, Source
from fiubench.raw_sources.table import Origin, People, Report, Values, drawn_again
from fiubench.raw_sources.vocabulary import vocabulary_digest
from fiubench.support.canonical import digest_of
from fiubench.support.draws import Ints, integers
from numpy.typing import NDArray

OLDEST = 95
#: Lower ends of the age bands that faces and records are matched on, and splits are stratified by.
AGE_BANDS = (20, 30, 45, 60, 75)
YEAR = 365.25
_EPOCH = date(1970, 1, 1)
_MONTH = 30


class Embedded(ABC):
    """A generator of rows.

    Args:
        seed: of the build.
        as_of: "today"; nothing happens after it.
    """

    info: ClassVar[type[Source]]
    files: ClassVar[tuple[str, ...]]  # of the vocabulary

    rows = None  # there is one for every index

    def __init__(self, seed: int, as_of: date = _EPOCH) -> None:
        self.seed = seed
        self.today = (as_of - _EPOCH).days
        self.report = Report()  # empty: nothing is read
        self.types = self.info.columns

    @property
    def origin(self) -> Origin:
        """Named ``embedded``; the digest is that of the word lists used."""
        digests = vocabulary_digest()
        return Origin(self.info.name, EMBEDDED, digest_of({file: digests[file] for file in self.files}))

    @abstractmethod
    def take(self, rows: Ints, people: People) -> dict[str, Values]:
        """The columns of the given rows, made for these people."""

    def drawn(self, column: str, rows: Ints, people: People) -> Drawn:
        """What the column of the given rows was drawn from, given the people and the rest of each row."""
        return drawn_again(self, column, rows, people)

    def purpose(self, field: str) -> str:
        """Of a draw: the source's name comes first."""
        return f"{self.info.name}.{field}"

    def up_to(self, field: str, rows: Ints, bound: Ints | int) -> Ints:
        """A draw in ``[0, bound)`` for each row."""
        return integers(self.seed, self.purpose(field), rows, bound)


class Branches:
    """Lists of words, one per item: draws one word from the list of a given item."""

    def __init__(self, lists: list[list[str]]) -> None:
        self.words = [word for words in lists for word in words]
        self._count = np.array([len(words) for words in lists])
        self._start = np.cumsum(self._count) - self._count

    def draw(self, seed: int, purpose: str, rows: Ints, item: Ints) -> list[str]:
        """One word per row, from the list of that row's item."""
        return pick(self.words, self._start[item] + integers(seed, purpose, rows, self._count[item]))

    def options(self, item: Ints) -> Options:
        """What :meth:`draw` draws from."""
        return Options(item, lambda i: alike(self.words[self._start[i] : self._start[i] + self._count[i]]))


class Fitting:
    """Items that fit some ages and genders: draws one that fits, all alike.

    Whoever is younger than every item asks for, or older than 95, is drawn for as if of the nearest such age.

    Args:
        min_age, max_age: inclusive, per item.
        gender: ``"female"``, ``"male"`` or ``"any"`` per item.
    """

    def __init__(self, min_age: list[str], max_age: list[str], gender: list[str] | None = None) -> None:
        ages = np.arange(OLDEST + 1)[:, None]
        self._youngest = min(map(int, min_age))
        of_age = (np.array(min_age, np.int64) <= ages) & (ages <= np.array(max_age, np.int64))
        wanted = np.array(gender or ["any"] * len(min_age))
        fits = np.concatenate([of_age & ((wanted == "any") | (wanted == kind)) for kind in GENDERS])
        self._items = np.nonzero(fits)[1]
        self._count = fits.sum(axis=1)
        self._start = np.cumsum(self._count) - self._count

    def draw(self, seed: int, purpose: str, rows: Ints, age: Ints, gender: list[str]) -> Ints:
        """Position of an item per row."""
        group = self._group(age, gender)
        return np.asarray(self._items[self._start[group] + integers(seed, purpose, rows, self._count[group])])

    def options(self, names: list[str], age: Ints, gender: list[str]) -> Options:
        """What :meth:`draw` draws from, given what the items are called; of items with one name any may be drawn."""

        def of(group: int) -> Weighted:
            items = self._items[self._start[group] : self._start[group] + self._count[group]]
            return weighted(pick(names, items))

        return Options(self._group(age, gender), of)

    def _group(self, age: Ints, gender: list[str]) -> Ints:
        return np.asarray(np.clip(age, self._youngest, OLDEST) + (OLDEST + 1) * (np.array(gender) == GENDERS[1]))


def pick(words: list[str], positions: Ints) -> list[str]:
    """The words at the positions."""
    return [words[i] for i in positions.tolist()]


def birthday(birth: Ints, years: int) -> Ints:
    """Day on which people born on ``birth`` become ``years`` old (days since 1970-01-01).

    Whoever was born on February 29 is a year older on March 1 where there is no such day.
    """
    month, day = _month_and_day(birth)
    return ((month + 12 * years).astype("datetime64[D]") + day).astype(np.int64)


def chargeable(birth: Ints) -> Ints:
    """Day from which on people born on ``birth`` have offenses: a month after they are 18.

    So nobody's offense is so near the 18th birthday that every other day of birth would make it that of a child.
    """
    return birthday(birth, 18) + _MONTH


def age_on(birth: Ints, when: Ints | int) -> Ints:
    """Age in whole years on a day (both in days since 1970-01-01)."""
    born, born_day = _month_and_day(birth)
    now, now_day = _month_and_day(np.asarray(when))
    months = (now - born).astype(np.int64) - (now_day < born_day)
    return np.asarray(months // 12)


def iso_dates(days: Ints) -> list[str]:
    """``2022-04-05`` for days since 1970-01-01."""
    text: list[str] = np.datetime_as_string(days.astype("datetime64[D]")).tolist()
    return text


def _month_and_day(days: Ints) -> tuple[NDArray[np.datetime64], NDArray[np.timedelta64]]:
    when = days.astype("datetime64[D]")
    month = when.astype("datetime64[M]")
    return month, when - month
