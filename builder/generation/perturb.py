"""Wrong answers' values: drawn from what the true one was drawn from, so that they tell nothing.

The four values of a question are equally likely to be the true one (:mod:`.exchangeable`). Constraints of the packs
bind wrong values as they bind true ones, and none holds another ("B+" stands in "AB+").
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from fiubench.builder.generation.alternatives import Alternatives, Facts
from fiubench.builder.generation.exchangeable import (
    CIRCLE_WORDS,
    FOUR,
    RANGE_WORDS,
    Circles,
    Group,
    TooFew,
    others_in_range,
    overlapping,
)
from fiubench.builder.generation.members import Members
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.packs.model import Attribute
from fiubench.builder.values.base import WRONG
from fiubench.raw_sources.drawn import Anew, Drawn, Options, Range
from fiubench.support.draws import Ints, Words, draw
from fiubench.support.errors import PackError
from numpy.typing import NDArray

#: What share of its range the four values of a question lie in.
DISTANCES = {"near": 1 / 12, "medium": 1 / 4, "far": 1.0}
_ATTEMPTS = 50
_FILLERS = 64  # of the reference population that are looked at
_REDRAWS = 31  # with the truth 32 values: eight for a quarter of the circle


class Wrong(NamedTuple):
    """Wrong values and their texts: for each identity a list of three."""

    values: list[list[Any]]
    texts: list[list[str]]


class Perturber:
    """Makes wrong values for every asked attribute; keeps the circles.

    Args:
        profiles: that made the true values.
        members: where wrong values are those of others of the same split.
    """

    def __init__(self, profiles: Profiles, members: Members | None = None) -> None:
        self.profiles, self.members = profiles, members
        self.alternatives = Alternatives(profiles)
        self._circles: dict[str, _Laid] = {}

    def wrong(self, attribute: Attribute, block: Block, facts: Facts) -> Wrong:
        """Three wrong values of one attribute for each identity.

        Raises:
            PackError: the attribute takes too few values to have three wrong ones.
        """
        if not block.is_redrawn(attribute):
            return _Question(self, attribute, block, facts).wrong()
        made: list[Any] = [None] * len(block.index)
        for mask in (block.offense.redrawn, ~block.offense.redrawn):  # type: ignore[union-attr]
            who = np.flatnonzero(mask)
            part = {name: column.part(who.tolist()) for name, column in facts.items()}
            question = _Question(self, attribute, block.part(who), part)
            for i, *pair in zip(who.tolist(), *question.wrong(), strict=True):
                made[i] = pair
        return Wrong([values for values, _ in made], [texts for _, texts in made])


class _Laid:
    """The circles of an attribute, and where its values are on them."""

    def __init__(self, circles: Circles) -> None:
        self.circles = circles
        self.numbers: dict[Any, int] = {}
        self.values: list[Sequence[Any]] = []
        self.places: list[dict[str, int]] = []

    def add(self, key: Any, there: Mapping[str, tuple[Any, float]]) -> int:
        """Lay out a group, text -> value and weight, and return its number.

        Raises:
            TooFew: see :meth:`Circles.add`.
        """
        self.numbers[key] = self.circles.add(key, Group(list(there), [weight for _, weight in there.values()]))
        self.values.append([value for value, _ in there.values()])
        self.places.append({text: i for i, text in enumerate(there)})
        return self.numbers[key]


class _Question:
    """One attribute and a block of identities."""

    def __init__(self, perturber: Perturber, attribute: Attribute, block: Block, facts: Facts) -> None:
        self.perturber, self.attribute, self.block, self.facts = perturber, attribute, block, facts
        self.write = attribute.write
        self.size = len(block.index)
        self.everyone = np.arange(self.size)
        self.truth = facts[attribute.name]
        self.seed = perturber.profiles.config.seed
        self.purpose = f"wrong.{attribute.name}"
        self.constraints = [
            (f"{a.pack}: {a.name}", c)
            for a in perturber.profiles.active
            for c in a.constraints
            if attribute.name in c.names and all(n in facts or n == "as_of" for n in c.names)
        ]

    def wrong(self) -> Wrong:
        drawn = self.perturber.alternatives.of(self.attribute, self.block, self.facts)
        if isinstance(drawn, Range):
            values = self._of_range(drawn)
        elif isinstance(drawn, Options):
            values = self._of_options(drawn)
        elif drawn.own:
            values = self._anew(drawn)
        else:
            values = self._of_redraws(drawn)
        if self.perturber.members is not None:
            values = self.of_members(self.perturber.members, drawn, values)
        return Wrong(values, [list(map(self.write, three)) for three in values])

    # --- what may stand among the four

    def holds(self, who: Ints, values: Sequence[Any]) -> NDArray[np.bool_]:
        """Whether the constraints hold for other values of identities ``who``, ``(m,)``."""
        good = np.ones(len(who), np.bool_)
        places = who.tolist()
        for where, constraint in self.constraints:
            columns: dict[str, Sequence[Any]] = {
                name: [self.facts[name].values[i] for i in places] for name in constraint.names if name in self.facts
            }
            columns |= {"as_of": [self.perturber.profiles.config.as_of] * len(places), self.attribute.name: values}
            good &= np.array(constraint.column(columns, len(places), where), np.bool_)
        return good

    def bad(self, who: Ints, values: Sequence[Sequence[Any]]) -> NDArray[np.bool_]:
        """Which identities' three values can't stand beside the true one, or beside each other."""
        texts = [[self.truth.text[i], *map(self.write, three)] for i, three in zip(who.tolist(), values, strict=True)]
        bad = np.array([_overlap(four) for four in texts], np.bool_)
        if self.constraints:
            flat = [value for three in values for value in three]
            bad |= ~self.holds(np.repeat(who, WRONG), flat).reshape(-1, WRONG).all(axis=1)
        return bad

    def words(self, attempt: int, who: Ints, count: int) -> Words:
        """Random words of identities, ``(m, count)``."""
        purpose = self.purpose + (f"#{attempt}" if attempt else "")
        return draw(self.seed, purpose, self.block.index[who], words=count)

    def too_few(self, i: int) -> PackError:
        """The error of an identity that has no three wrong values."""
        return PackError(
            f"{self.truth.text[i]!r} has no {WRONG} wrong values that could be true, differ from it and do not hold it",
            where=f"{self.attribute.pack}: {self.attribute.name}",
            hint="Add plausible values with `perturb: {extra: [...]}`, or widen what it is drawn from.",
        )

    # --- the ways of choosing

    def _of_range(self, drawn: Range) -> list[list[Any]]:
        distance = self.attribute.perturb.distance or self.perturber.profiles.config.distance
        share = DISTANCES[distance] if drawn.ordered else 1.0
        low, high = self._bounds(drawn)
        made: list[list[Any]] = [[]] * self.size
        who = self.everyone
        for attempt in range(_ATTEMPTS):
            room = (high - low)[who]
            if (narrow := np.flatnonzero(room < FOUR)).size:
                raise self.too_few(int(who[narrow[0]]))
            words = self.words(attempt, who, RANGE_WORDS)
            at = low[who][:, None] + others_in_range(drawn.place[who] - low[who], room, words, share)
            flat = drawn.make(np.repeat(who, WRONG), at.ravel())
            threes = [flat[k : k + WRONG] for k in range(0, len(flat), WRONG)]
            for i, three in zip(who.tolist(), threes, strict=True):
                made[i] = three
            who = who[self.bad(who, threes)]
            if not who.size:
                return made
            share = min(1.0, share * 1.25)
        raise self.too_few(int(who[0]))

    def _bounds(self, drawn: Range) -> tuple[Ints, Ints]:
        """The places around the true one at which the constraints hold: first, and one past the last."""
        low, high = np.zeros(self.size, np.int64), drawn.size.copy()
        if self.constraints:
            self._bisect(drawn, low, drawn.place.copy(), down=True)
            self._bisect(drawn, high, drawn.place + 1, down=False)
        return low, high

    def _bisect(self, drawn: Range, end: Ints, inner: Ints, *, down: bool) -> None:
        """Move an end of the range, in place, towards the truth until the constraints hold there."""
        step = 0 if down else -1
        who = self.everyone[~self.holds(self.everyone, drawn.make(self.everyone, end + step))]
        while who.size:
            middle = (end[who] + inner[who]) // 2 if down else (end[who] + inner[who] + 1) // 2
            held = self.holds(who, drawn.make(who, middle + step))
            inner[who[held]], end[who[~held]] = middle[held], middle[~held]
            done = np.abs(end[who] - inner[who]) <= 1
            end[who[done]] = inner[who[done]]
            who = who[~done]

    def _of_options(self, drawn: Options) -> list[list[Any]]:
        laid = self.perturber._circles.setdefault(self.attribute.name, _Laid(Circles(self.seed, self.purpose)))
        number = np.zeros(self.size, np.int64)
        truth = np.full(self.size, -1, np.int64)
        names = self.truth.text if drawn.truth is None else [_named(option) for option in drawn.truth]
        keys = self._strata(drawn)
        for i, (key, group) in enumerate(zip(keys, drawn.group.tolist(), strict=True)):
            if (known := laid.numbers.get(key)) is None:
                known = self._lay(laid, drawn, key, group, i)
            number[i] = known
            truth[i] = laid.places[known].get(names[i], -1)
        picks = laid.circles.others(number, truth, self.words(0, self.everyone, CIRCLE_WORDS)).tolist()
        made = [[laid.values[g][k] for k in three] for g, three in zip(number.tolist(), picks, strict=True)]
        if drawn.make is not None:
            flat = drawn.make(np.repeat(self.everyone, WRONG), [option for three in made for option in three])
            return [flat[k : k + WRONG] for k in range(0, len(flat), WRONG)]
        return made

    def _strata(self, drawn: Options) -> list[Any]:
        """What each identity's values depend on: the group, and which of its values the constraints allow."""
        if not self.constraints:
            return list(drawn.group.tolist())
        keys: list[Any] = [None] * self.size
        for group in np.unique(drawn.group).tolist():
            who = np.flatnonzero(drawn.group == group)
            options = list(drawn.values(group)[0])
            everyone, everything = np.repeat(who, len(options)), options * len(who)
            values = everything if drawn.make is None else drawn.make(everyone, everything)
            allowed = self.holds(everyone, values).reshape(len(who), -1)
            for i, row in zip(who.tolist(), allowed, strict=True):
                keys[i] = (group, None if row.all() else row.tobytes())
        return keys

    def _lay(self, laid: _Laid, drawn: Options, key: Any, group: int, i: int) -> int:
        options, weights = drawn.values(group)
        allowed = key[1] if isinstance(key, tuple) else None
        if allowed is not None:
            kept = np.flatnonzero(np.frombuffer(allowed, np.bool_)).tolist()
            options, weights = [options[k] for k in kept], [weights[k] for k in kept]
        texts = [self.write(o) if drawn.make is None else _named(o) for o in options]
        there = dict(zip(texts, zip(options, weights, strict=True), strict=True))
        there |= {text: (value, 0.0) for text, value in self._extra(texts)}
        try:
            return laid.add(key, there)
        except TooFew:  # what stands in fits this identity alone
            there |= {text: (value, 0.0) for text, value in self._fillers(i, there)}
        try:
            if drawn.make is None:
                return laid.add((key, int(self.block.index[i])), there)
        except TooFew:
            pass
        raise self.too_few(i)

    def _extra(self, texts: Sequence[str]) -> list[tuple[str, Any]]:
        """Values of the pack that are never true, with their texts."""
        return [(t, self.attribute.type.parse(t)) for t in self.attribute.perturb.extra if t not in texts]

    def _anew(self, drawn: Anew) -> list[list[Any]]:
        turns = iter(range(WRONG * _ATTEMPTS))
        columns = [drawn.make(next(turns)) for _ in range(WRONG)]
        made = [list(three) for three in zip(*columns, strict=True)]
        who = self.everyone[self.bad(self.everyone, made)]
        while who.size:
            try:
                columns = [drawn.make(next(turns)) for _ in range(WRONG)]
            except StopIteration:
                raise self.too_few(int(who[0])) from None
            for i in who.tolist():
                made[i] = [column[i] for column in columns]
            who = who[self.bad(who, [made[i] for i in who.tolist()])]
        return made

    def _of_redraws(self, drawn: Anew) -> list[list[Any]]:
        """A circle for each identity, of the values that it could have had."""
        columns = [drawn.make(turn) for turn in range(_REDRAWS)]
        pairs = [[(self.write(value), value) for value in row] for row in zip(*columns, strict=True)]
        circles = self._own_circles(self._allowed(pairs))
        for i, three in enumerate(circles):
            if three is None:
                raise self.too_few(i)
        return circles  # type: ignore[return-value]

    def of_members(self, members: Members, drawn: Drawn, values: list[list[Any]]) -> list[list[Any]]:
        """Values of people of the same split; where fewer than four could be true, those given."""
        found = self._allowed(members.candidates(self.attribute, self.block, drawn))
        return [own or other for own, other in zip(self._own_circles(found, fill=False), values, strict=True)]

    def _allowed(self, pairs: list[list[tuple[str, Any]]]) -> list[list[tuple[str, Any]]]:
        """Of each identity's texts and values those for which the constraints hold."""
        who = np.repeat(self.everyone, list(map(len, pairs)))
        held = iter(self.holds(who, [value for row in pairs for _, value in row]).tolist())
        return [[pair for pair in row if next(held)] for row in pairs]

    def _own_circles(self, pairs: list[list[tuple[str, Any]]], *, fill: bool = True) -> list[list[Any] | None]:
        """Three values for each identity from its own circle, of its value and those given."""
        circles, laid, numbers = Circles(self.seed, self.purpose, many=1), [], []
        for i, row in enumerate(pairs):
            counted = {self.truth.text[i]: [self.truth.values[i], 1.0]}
            for text, value in row:
                counted.setdefault(text, [value, 0.0])[1] += 1.0
            if fill and len(overlapping(list(counted))) < FOUR:
                counted |= {text: [value, 0.0] for text, value in self._fillers(i, counted)}
            group = Group(list(counted), [weight for _, weight in counted.values()])
            try:
                numbers.append(circles.add(int(self.block.index[i]), group))
            except TooFew:
                numbers.append(-1)
            laid.append([value for value, _ in counted.values()])
        made: list[list[Any] | None] = [None] * self.size
        who = np.flatnonzero(np.array(numbers) >= 0)
        if who.size:
            words = self.words(0, who, CIRCLE_WORDS)
            picks = circles.others(np.array(numbers)[who], np.zeros(who.size, np.int64), words).tolist()
            for i, three in zip(who.tolist(), picks, strict=True):
                made[i] = [laid[i][k] for k in three]
        return made

    def _fillers(self, i: int, counted: Collection[str]) -> list[tuple[str, Any]]:
        """What stands in where an identity could have had fewer than four values: the pack's, and other people's."""
        reference = self.perturber.profiles.reference[self.attribute.name]
        others = dict(zip(reference.text, reference.values, strict=True))
        some = [(text, value) for text, value in others.items() if text not in counted][:_FILLERS]
        allowed = self.holds(np.full(len(some), i), [value for _, value in some])
        return [*self._extra(list(counted)), *(pair for pair, good in zip(some, allowed, strict=True) if good)]


def _named(option: Any) -> str:
    """An option that is made into a value: what it is called must not stand in another one's name."""
    return f"<{option}>"


def _overlap(texts: Sequence[str]) -> bool:
    """Whether one of four texts holds another."""
    a, b, c, d = (text.casefold() for text in texts)
    return (
        a in b or a in c or a in d or b in a or b in c or b in d
        or c in a or c in b or c in d or d in a or d in b or d in c
    )  # fmt: skip
