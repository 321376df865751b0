"""Who is tied to whom: spouses, siblings, colleagues, parents and their children.

People are tied within blocks of a hundred that follow each other, so that a tie depends on the seed and the people of
its block alone. In a block, eight who could be tied to each other make two sides of four; one of each side is drawn.
Whoever is tied could have been tied to the three others of the other side, who are in no such tie: their names are the
wrong answers. No name is the truth of one question and a wrong answer of another, so that to know everybody else's ties
rules nobody out; and none stands in two questions about one kind, so that how often it is met tells nothing. The price
is that a quarter of the people, at most, are tied in a kind.

What can't be is kept out by how the eight are chosen: parents are 18 to 50 years older than the child; nobody has both
a parent or a child and a sibling; spouses are adults of the other gender, siblings of the same, and both within 15
years, so that nobody is married to a sibling, a parent or a child.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from fiubench.builder.generation.people import gender_names
from fiubench.builder.values import dates
from fiubench.builder.values.base import WRONG
from fiubench.builder.values.relation import ADULT, INVERSE, OLDEST_PARENT, YOUNGEST_PARENT
from fiubench.raw_sources.names import places_of
from fiubench.support.draws import Ints, below, draw
from numpy.typing import NDArray

#: People who are tied among each other.
BLOCK = 100
_RETIRED = 70  # years of age
_APART = 15 * 365  # days, at most, between spouses and between siblings
_SIDE = 1 + WRONG
_SIDES = 64  # room for the sides of a block


class Ties(NamedTuple):
    """One kind of tie of everybody.

    Attributes:
        partner: number of the other, ``(n,)``; -1: there is none.
        others: numbers of the three who could have been it, ``(n, 3)``.
    """

    partner: Ints
    others: Ints


class Sides(NamedTuple):
    """Fours of people: a key for each, ascending, and their numbers, ``(k, 4)``."""

    key: Ints
    people: Ints


def tie(seed: int, as_of: str, gender: NDArray[np.int8], birth: Ints, turn: str = "") -> dict[str, Ties]:
    """Tie people, in whole blocks; the last may be smaller.

    Args:
        seed: of the draws.
        as_of: today.
        gender: 0 female, 1 male.
        birth: days since 1970-01-01.
        turn: another one gives other ties of the same people.

    Returns:
        Kind -> ties, for each kind of :data:`INVERSE`.
    """
    size = len(birth)
    everyone = np.arange(size)
    block = everyone // BLOCK
    made = {kind: Ties(np.full(size, -1), np.full((size, WRONG), -1)) for kind in INVERSE}
    age = dates.ages_on(birth, dates.to_day(as_of))
    adults = everyone[age >= ADULT]

    def draw_of(kind: str, one: Sides, other: Sides) -> None:
        _draw(seed, kind, turn, made[INVERSE[kind]], made[kind], one, other)

    half = _SIDE * (np.bincount(block) // (2 * _SIDE)) if size else np.empty(0, np.int64)
    older = _rank(everyone, block, birth) < half[block]
    children, parents = (_fours(everyone[part], block, birth) for part in (~older, older))
    draw_of("parent", *_generations(birth, children, parents))
    women, men = (_fours(adults[gender[adults] == code], block, birth) for code in (0, 1))
    draw_of("spouse", *_near(birth, *_shared(women, men)))
    free = everyone[(made["parent"].partner < 0) & (made["child"].partner < 0)]
    draw_of("sibling", *_near(birth, *_halves(_fours(free, 2 * block + gender, birth))))
    working = adults[age[adults] < _RETIRED]
    order = draw(seed, f"relation.order{turn}", everyone)[:, 0].astype(np.int64)
    draw_of("colleague", *_halves(_fours(working, block, order)))
    return made


def _draw(seed: int, kind: str, turn: str, back: Ties, forth: Ties, one: Sides, other: Sides) -> None:
    """Tie one of each four to one of the four with the same key, in place.

    ``forth`` is what those of ``one`` have, ``back`` what those of ``other`` have.
    """
    picks = below(draw(seed, f"relation.{kind}{turn}", one.key, words=2), _SIDE)
    rows, first, second = np.arange(len(one.key)), picks[:, 0], picks[:, 1]
    for ties, mine, pick, theirs, their_pick in (
        (forth, one.people, first, other.people, second),
        (back, other.people, second, one.people, first),
    ):
        who = mine[rows, pick]
        ties.partner[who] = theirs[rows, their_pick]
        ties.others[who] = theirs[np.arange(_SIDE) != their_pick[:, None]].reshape(-1, WRONG)


def _rank(who: Ints, group: Ints, by: Ints) -> Ints:
    """Place of each of some people within the group, in an order; of equals the first comes first."""
    order = np.lexsort((who, by[who], group[who]))
    groups = group[who][order]
    first = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]) if len(who) else np.empty(0, np.int64)
    sizes = np.diff(np.r_[first, len(who)])
    rank = np.empty(len(who), np.int64)
    rank[order] = np.arange(len(who)) - np.repeat(first, sizes)
    return rank


def _fours(who: Ints, group: Ints, by: Ints) -> Sides:
    """Some people of each group in fours, in an order; who is left over is in none."""
    key = group[who].astype(np.int64) * _SIDES + _rank(who, group, by) // _SIDE
    order = np.lexsort((who, by[who], key))
    keys, first, counts = np.unique(key[order], return_index=True, return_counts=True)
    whole = counts == _SIDE
    return Sides(keys[whole], who[order][first[whole][:, None] + np.arange(_SIDE)])


def _shared(one: Sides, other: Sides) -> tuple[Sides, Sides]:
    """The fours of which there are two with one key."""
    key, mine, theirs = np.intersect1d(one.key, other.key, return_indices=True)
    return Sides(key, one.people[mine]), Sides(key, other.people[theirs])


def _halves(fours: Sides) -> tuple[Sides, Sides]:
    """Fours that follow each other, as two sides."""
    first, second = (Sides(fours.key[odd] // 2, fours.people[odd]) for odd in (fours.key % 2 == 0, fours.key % 2 == 1))
    return _shared(first, second)


def _near(birth: Ints, one: Sides, other: Sides) -> tuple[Sides, Sides]:
    """Sides of which no two people are far apart in age."""
    mine, theirs = birth[one.people], birth[other.people]
    apart = np.maximum(mine.max(axis=1) - theirs.min(axis=1), theirs.max(axis=1) - mine.min(axis=1))
    return _kept(one, other, apart <= _APART)


def _generations(birth: Ints, younger: Sides, older: Sides) -> tuple[Sides, Sides]:
    """Sides of which everybody could be a parent of everybody else's."""
    younger, older = _shared(younger, older)
    born, parents = birth[younger.people], birth[older.people]
    least = dates.ages_on(parents.max(axis=1), born.min(axis=1))
    most = dates.ages_on(parents.min(axis=1), born.max(axis=1))
    return _kept(younger, older, (least >= YOUNGEST_PARENT) & (most < OLDEST_PARENT))


def _kept(one: Sides, other: Sides, good: NDArray[np.bool_]) -> tuple[Sides, Sides]:
    return Sides(one.key[good], one.people[good]), Sides(other.key[good], other.people[good])


class Kin(NamedTuple):
    """Everybody's ties, and what is needed of those people beyond the last who stand in wrong answers.

    Attributes:
        ties: kind -> ties of everybody in the dataset. Numbers from the size of the dataset on are people whom a larger
            one has.
        gender, name_rank, row: of these, gender, place of the name and health record.
    """

    ties: Mapping[str, Ties]
    gender: NDArray[np.int8]
    name_rank: Ints
    row: Ints


class Crowd(NamedTuple):
    """People whom a dataset has, and those whom a larger one has after them, in order: an array entry each."""

    gender: NDArray[np.int8]
    birth: Ints
    row: Ints  # of the health records


def whole_blocks(people: int) -> int:
    """So many people and those who fill up the last block."""
    return -(-people // BLOCK) * BLOCK


def kin_of(seed: int, as_of: str, benchmark: int, crowd: Crowd, held_out: tuple[NDArray[np.int8], Ints]) -> Kin:
    """Everybody's ties: of those in the benchmark, and of those held out among themselves.

    The last block is filled up with the people whom a larger dataset has, as far as they are known; where they are not,
    nobody of it is tied. So nobody's tie changes with the number of people; but whoever is tied to somebody beyond the
    last has no tie until that one is there.

    Args:
        seed: of the draws.
        as_of: today.
        benchmark: how many people are in it.
        crowd: these, and those after them.
        held_out: gender and birth of those held out.
    """
    size = whole_blocks(benchmark)
    size = size if len(crowd.birth) >= size else size - BLOCK
    out = tie(seed, as_of, *held_out, ".holdout")
    more = max(benchmark - size, 0)
    joined = {}
    for kind, (partner, others) in tie(seed, as_of, crowd.gender[:size], crowd.birth[:size]).items():
        own = np.r_[np.where(partner < benchmark, partner, -1), np.full(more, -1)][:benchmark]
        choice = np.concatenate([others, np.full((more, WRONG), -1)])[:benchmark]
        choice = np.where(choice < benchmark, choice, choice + len(held_out[0]))
        theirs = (np.where(numbers < 0, -1, numbers + benchmark) for numbers in out[kind])
        joined[kind] = Ties(*(np.concatenate(both) for both in zip((own, choice), theirs, strict=True)))
    beyond = slice(benchmark, max(size, benchmark))
    gender = crowd.gender[beyond]
    rank = np.where(crowd.gender == 1, np.cumsum(crowd.gender == 1), np.cumsum(crowd.gender == 0)) - 1
    places = places_of(gender_names(gender), rank[beyond])
    return Kin(joined, gender, places, crowd.row[beyond])
