"""Names of people: unique, fitting the gender, and a pure function of the seed and a rank."""

from functools import cache
from typing import NamedTuple

import numpy as np
from fiubench.raw_sources.vocabulary import read_lines
from fiubench.support.draws import Ints, permute
from fiubench.support.errors import ConfigError

GENDERS = ("female", "male")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORMS = 1 + len(_LETTERS) + len(_LETTERS) ** 2  # no middle initial, one, two
_HANDED_OUT = 4  # one name in so many is somebody's


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


class Names(NamedTuple):
    """Names of people, one of each part for everybody."""

    given: list[str]
    family: list[str]
    full: list[str]  # with middle initials, where there are more people than pairs of the two


def capacity(gender: str) -> int:
    """How many people of a gender can have a name of their own."""
    return _FORMS * (name_list(gender).span // _HANDED_OUT)


def places_of(gender: list[str], rank: Ints) -> Ints:
    """The places of people's names: those without a middle initial first, then those with A., B., .., A. A., ...

    A quarter of the names of each form is handed out; three for each are left, for wrong answers in the same form.

    Args:
        gender: ``"female"`` or ``"male"`` per person.
        rank: number of the person among those of the same gender, from 0.
    """
    span = _spans(gender)
    each = span // _HANDED_OUT
    found: Ints = rank // each * span + rank % each
    return found


def other_places(gender: list[str], place: Ints, turn: int | Ints) -> Ints:
    """Places of names that nobody has, in the form of a person's; those of the turns 0 to 2 differ for everybody."""
    span = _spans(gender)
    found: Ints = place // span * span + (-1 - (_HANDED_OUT - 1) * (place % span) - turn) % span
    return found


def full_names(seed: int, gender: list[str], place: Ints, purpose: str = "names") -> Names:
    """Names, one per person.

    Args:
        seed: of the build.
        gender: ``"female"`` or ``"male"`` per person.
        place: of the names (:func:`places_of`). Equal places of a gender get equal names, all others different ones; a
            name does not depend on how many people there are.
        purpose: of the draw; another purpose gives other names.

    Raises:
        ConfigError: a place is beyond the last name.
    """
    given, family, full = (np.empty(len(gender), object) for _ in range(3))
    genders = np.array(gender)
    for kind in GENDERS:
        mine = np.flatnonzero(genders == kind)
        span = name_list(kind).span
        forms, places = place[mine] // span, place[mine] % span
        for form in np.unique(forms).tolist():
            if form >= _FORMS:
                hint = "Build fewer identities, or take the names from the health records."
                raise ConfigError(f"there are only {capacity(kind):,} {kind} names", where="names", hint=hint)
            those = mine[forms == form]
            drawn = f"{purpose}.{kind}" + (f".{form}" if form else "")
            given[those], family[those] = name_list(kind).pick(seed, drawn, places[forms == form])
            full[those] = given[those] + f" {_initials(form)}" + family[those]
    return Names(given.tolist(), family.tolist(), full.tolist())


def _spans(gender: list[str]) -> Ints:
    first, second = GENDERS
    found: Ints = np.where(np.array(gender) == first, name_list(first).span, name_list(second).span)
    return found


def _initials(form: int) -> str:
    """Middle initials of a form of name: none, then A. to Z., then A. A. to Z. Z.; each with a space behind it."""
    first, second = divmod(form - 1 - len(_LETTERS), len(_LETTERS))
    if form == 0:
        return ""
    return f"{_LETTERS[form - 1]}. " if first < 0 else f"{_LETTERS[first]}. {_LETTERS[second]}. "
