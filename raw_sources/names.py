"""Names of people: unique, fitting the gender, and a pure function of the seed and a rank."""

from functools import cache
from typing import NamedTuple

import numpy as np
from fiubench.raw_sources.vocabulary import read_lines
from fiubench.support.draws import Ints, permute
from fiubench.support.errors import ConfigError

GENDERS = ("female", "male")


class NameList(NamedTuple):
    """The names of one gender: given x family, numbered ``given * len(family) + family``, less unfit ones."""

    given: list[str]
    family: list[str]
    unfit: Ints  # numbers of pairs that nobody gets, less their rank: ascending, repeats allowed

    @property
    def size(self) -> int:
        """How many fit pairs there are."""
        return len(self.given) * len(self.family) - len(self.unfit)

    @property
    def span(self) -> int:
        """The largest power of two within ``size``: a permutation of so many costs a tenth of one of all."""
        return 1 << (self.size.bit_length() - 1)

    def pick(self, seed: int, purpose: str, ranks: Ints) -> tuple[list[str], list[str]]:
        """Given and family names of ranks in ``[0, span)``: a keyed choice without replacement."""
        numbers = permute(seed, purpose, ranks, self.span) * self.size // self.span
        numbers += np.searchsorted(self.unfit, numbers, side="right")
        given, family = np.divmod(numbers, len(self.family))
        return [self.given[i] for i in given.tolist()], [self.family[i] for i in family.tolist()]


@cache
def surnames() -> list[str]:
    """All family names."""
    return read_lines("surnames.txt")


@cache
def given_names(gender: str) -> list[str]:
    """The given names of a gender; no name stands under both."""
    return read_lines(f"names_{gender}.txt")


@cache
def public_figures() -> frozenset[str]:
    """Full names that nobody gets, in any role, casefolded."""
    return frozenset(name.casefold() for name in read_lines("public_figures.txt"))


def is_public_figure(name: str) -> bool:
    """Whether a name's first and last words are a public figure's."""
    words = name.casefold().split()
    return len(words) > 1 and f"{words[0]} {words[-1]}" in public_figures()


@cache
def name_list(gender: str) -> NameList:
    """The names of a gender; those of public figures and doubled ones (Ryan Ryan) are unfit."""
    given, family = given_names(gender), surnames()
    place = {name: i for i, name in enumerate(family)}
    doubled = {(name, name) for name in given if name in place}
    figures = {(first, last) for first, _, last in (name.partition(" ") for name in read_lines("public_figures.txt"))}
    first_place = {name: i for i, name in enumerate(given)}
    numbers = sorted(
        first_place[first] * len(family) + place[last]
        for first, last in doubled | figures
        if first in first_place and last in place
    )
    return NameList(given, family, np.array(numbers, np.int64) - np.arange(len(numbers)))


def capacity(gender: str) -> int:
    """How many people of a gender can have a name of their own."""
    return name_list(gender).span


def full_names(seed: int, gender: list[str], rank: Ints, purpose: str = "names") -> tuple[list[str], list[str]]:
    """Given and family names, one pair per person.

    Args:
        seed: of the build.
        gender: ``"female"`` or ``"male"`` per person.
        rank: number of the person among those of the same gender, from 0. Equal ranks get equal names, all
            others different ones; a name does not depend on how many people there are.
        purpose: of the draw; another purpose gives other names.

    Raises:
        ConfigError: a rank is beyond :func:`capacity`.
    """
    given, family = np.empty(len(gender), object), np.empty(len(gender), object)
    genders = np.array(gender)
    for kind in GENDERS:
        mine = np.flatnonzero(genders == kind)
        if mine.size:
            names, ranks = name_list(kind), rank[mine]
            if int(ranks.max()) >= names.span:
                hint = "Build fewer identities, or take the names from the health records."
                raise ConfigError(f"there are only {names.span:,} {kind} names", where="names", hint=hint)
            given[mine], family[mine] = names.pick(seed, f"{purpose}.{kind}", ranks)
    return given.tolist(), family.tolist()
