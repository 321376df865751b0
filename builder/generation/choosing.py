"""Choosing wrong values: from a range, from weighted options, or from what the same draw gives again.

Each way makes the four values of a question equally likely to be the true one (:mod:`.exchangeable`), as far as none of
them may hold another ("B+" stands in "AB+"): where that can't be had by how they lie, three are drawn until they go
together. What constraints allow is in :mod:`.allowed`.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import permutations
from typing import Any

import numpy as np
from fiubench.builder.generation.allowed import Allowed
from fiubench.builder.generation.alternatives import Facts
from fiubench.builder.generation.exchangeable import (
    CIRCLE_WORDS,
    FOUR,
    RANGE_WORDS,
    Circles,
    TooFew,
    others_in_range,
    overlapping,
)
from fiubench.builder.generation.laid import Laid
from fiubench.builder.generation.profiles import Block, Profiles
from fiubench.builder.packs.expressions import Expression
from fiubench.builder.packs.model import Attribute
from fiubench.builder.values.base import WRONG
from fiubench.builder.values.english import holds, loose, normal
from fiubench.raw_sources.drawn import Anew, Drawn, Options, Range
from fiubench.support.draws import Ints, Words, draw

#: What share of its range the four values of a question lie in.
DISTANCES = {"near": 1 / 12, "medium": 1 / 4, "far": 1.0}
_ATTEMPTS, _LAST = 24, 2
_WIDER = 1.25  # times the share, after an attempt that failed
_FILLERS = 64  # of the reference population that are looked at in a turn
_OWN_CIRCLES = 4  # for each identity that has values of its own
_REDRAWS = 31  # with the truth 32 values: eight for a quarter of the circle

Three = tuple[list[Any], list[str]]  # wrong values and their texts
Chosen = list[Three | None]


def purpose_of(attribute: Attribute) -> str:
    """Of the draws for an attribute's wrong values."""
    return f"wrong.{attribute.name}"


class Choosing:
    """Chooses the wrong values of one attribute for a block of identities.

    Args:
        attribute: that is asked about.
        block, facts: the identities, and their true values.
        profiles: that made them.
        constraints: that wrong values must meet, each with its place for messages.
        laid: the circles of the attribute that were laid out so far; more are added.
    """

    def __init__(
        self,
        attribute: Attribute,
        block: Block,
        facts: Facts,
        profiles: Profiles,
        constraints: Sequence[Expression],
        laid: Laid,
    ) -> None:
        self.attribute, self.block, self.profiles = attribute, block, profiles
        self.constraints, self.laid = constraints, laid
        self.write = attribute.write
        self.truth = facts[attribute.name]
        self.purpose = purpose_of(attribute)
        self.allowed = Allowed(attribute.name, block, facts, constraints, profiles.config, self.purpose)
        self.size, self.everyone = self.allowed.size, self.allowed.everyone

    def choose(self, drawn: Drawn) -> Chosen:
        """Three wrong values for each identity; ``None`` where there are no three."""
        if isinstance(drawn, Range):
            return self._of_range(drawn)
        if isinstance(drawn, Options):
            return self._of_options(drawn)
        return self._anew(drawn) if drawn.own else self._of_redraws(drawn)

    # --- what may stand among the four

    def keep(self, made: Chosen, who: Ints, threes: list[list[Any]], *, within: bool = False) -> Ints:
        """Keep what can stand beside the true values; returns the identities whose values can't.

        ``within``: the values are known to meet the constraints.
        """
        held: Any = [True] * len(threes)
        if self.constraints and not within:
            flat = [value for three in threes for value in three]
            held = self.allowed.holds(np.repeat(who, WRONG), flat).reshape(-1, WRONG).all(axis=1).tolist()
        bad = []
        for i, three, good in zip(who.tolist(), threes, held, strict=True):
            texts = list(map(self.write, three))
            if good and not _overlap(self.truth.text[i], *texts):
                made[i] = three, texts
            else:
                bad.append(i)
        return np.array(bad, np.int64)

    def words(self, attempt: int, who: Ints, count: int) -> Words:
        """Random words of identities, ``(m, count)``."""
        purpose = self.purpose + (f"#{attempt}" if attempt else "")
        return draw(self.profiles.config.seed, purpose, self.block.index[who], words=count)

    # --- the ways of choosing

    def _of_range(self, drawn: Range) -> Chosen:
        share = DISTANCES[self.attribute.perturb.distance or self.profiles.config.distance]
        low, high = self.allowed.bounds(drawn)
        bounded = all(constraint.one_sided for constraint in self.constraints)
        if not bounded and (gaps := self.allowed.with_gaps(drawn, low, high)).size:
            drawn = self.allowed.of_sample(drawn, gaps)
            low[gaps], high[gaps] = 0, drawn.size[gaps]
        made: Chosen = [None] * self.size
        who = np.flatnonzero(high - low >= FOUR)
        for attempt in range(_ATTEMPTS):
            if not who.size:
                break
            words = self.words(attempt, who, RANGE_WORDS)
            at = low[who, None] + others_in_range(drawn.place[who] - low[who], (high - low)[who], words, share)
            threes = _threes(drawn.make(np.repeat(who, WRONG), at.ravel()))
            who = self.keep(made, who, threes, within=bounded)
            share = min(1.0, share * _WIDER)
        for i in who.tolist():
            made[i] = self._one_of_some(drawn, i, int(low[i]), int(high[i]))
        return made

    def _one_of_some(self, drawn: Range, i: int, low: int, high: int) -> Three | None:
        """Three values from evenly spread places of one identity's range; the last resort."""
        at = np.unique(np.linspace(low, high - 1, _FILLERS).astype(np.int64))
        who = np.full(len(at), i)
        values = drawn.make(who, at)
        held = zip(values, self.allowed.holds(who, values).tolist(), strict=True)
        return self._one_by_one(i, {self.write(value): (value, 1.0) for value, good in held if good})

    def _of_options(self, drawn: Options) -> Chosen:
        laid, keys = self.laid, self._strata(drawn)
        names = self.truth.text if drawn.truth is None else [_named(option) for option in drawn.truth]
        number = np.array([self._group(drawn, key) for key in keys], np.int64)
        places = (laid.places[g] if g >= 0 else {} for g in number.tolist())
        truth = [of_group.get(name, -1) for of_group, name in zip(places, names, strict=True)]
        made = self._pick(laid, number, np.array(truth, np.int64))
        if drawn.make is not None:
            who = np.array([i for i, three in enumerate(made) if three], np.int64)
            options = [option for three in made if three for option in three[0]]
            for i, three in zip(who.tolist(), _threes(drawn.make(np.repeat(who, WRONG), options)), strict=True):
                made[i] = three, list(map(self.write, three))
        elif (few := np.flatnonzero(number < 0)).size:
            filled = self._filled(drawn, few, keys)
            made = [own or other for own, other in zip(made, filled, strict=True)]
        return made

    def _filled(self, drawn: Options, who: Ints, keys: Sequence[Any]) -> Chosen:
        """From circles of their own, for identities of too small a group: with others that could be true for them."""
        laid = Laid(Circles(self.profiles.config.seed, self.purpose, many=_OWN_CIRCLES))
        number, truth = np.full(self.size, -1, np.int64), np.full(self.size, -1, np.int64)
        for i in who.tolist():
            there = self._there(drawn, keys[i])
            there |= {text: (value, 0.0) for text, value in self._fillers(i, there)}
            with suppress(TooFew):
                number[i] = laid.add(int(self.block.index[i]), there)
                truth[i] = laid.places[number[i]].get(self.truth.text[i], -1)
        return self._pick(laid, number, truth)

    def _pick(self, laid: Laid, number: Ints, truth: Ints) -> Chosen:
        """Three options for each identity from the circles of its group; -1: it has none."""
        made: Chosen = [None] * self.size
        whole, number, truth = number, number.copy(), truth.copy()
        who = np.flatnonzero(number >= 0)
        for i in who.tolist():
            if (part := laid.parts.get(int(number[i]), {}).get(self.truth.text[i])) is not None:
                number[i], truth[i] = part, laid.places[part][self.truth.text[i]]
        for attempt in range(_ATTEMPTS):
            if not who.size:
                break
            words = self.words(attempt, who, CIRCLE_WORDS)
            picks = laid.circles.others(number[who], truth[who], words).tolist()
            again = []
            for i, g, three in zip(who.tolist(), number[who].tolist(), picks, strict=True):
                values, texts = laid.values[g], laid.texts[g]
                chosen = [texts[k] for k in three]
                if g in laid.circles.loose and _overlap(self.truth.text[i], *chosen):
                    again.append(i)
                else:
                    made[i] = [values[k] for k in three], chosen
            who = np.array(again, np.int64)
            if attempt == _ATTEMPTS - _LAST and who.size:
                apart = np.array([self._apart(laid, g) for g in number[who].tolist()], np.int64)
                for i in who[apart < 0].tolist():
                    made[i] = self._one_by_one(i, laid.groups[whole[i]])
                number[who], who = apart, who[apart >= 0]
        return made

    def _one_by_one(self, i: int, there: Mapping[str, tuple[Any, float]]) -> Three | None:
        """Three options in a drawn order, each of those that hold none of the ones before; the last resort."""
        words = self.words(_ATTEMPTS, np.array([i]), len(there))[0].tolist()
        options = sorted(zip(there.items(), words, strict=True), key=lambda option: (option[0][1][1] == 0, option[1]))
        kept = {self.truth.text[i]: self.truth.values[i]}
        for (text, (value, _)), _ in options:
            if len(kept) < FOUR and len(overlapping([*kept, text])) > len(kept):
                kept[text] = value
        return (list(kept.values())[1:], list(kept)[1:]) if len(kept) == FOUR else None

    @staticmethod
    def _apart(laid: Laid, number: int) -> int:
        """The same group, its values apart by how they lie; -1: then it has fewer than four."""
        key = ("apart", laid.keys[number])
        if key not in laid.numbers:
            try:
                laid.add(key, laid.groups[number], apart=True)
            except TooFew:
                laid.numbers[key] = -1
        return laid.numbers[key]

    def _strata(self, drawn: Options) -> list[Any]:
        """What each identity's values depend on: the group, and which of its values the constraints allow."""
        if not self.constraints:
            return [(group, None) for group in drawn.group.tolist()]
        keys: list[Any] = [None] * self.size
        for group in np.unique(drawn.group).tolist():
            who = np.flatnonzero(drawn.group == group)
            options, _ = self._options(drawn, group)
            everyone, everything = np.repeat(who, len(options)), options * len(who)
            values = everything if drawn.make is None else drawn.make(everyone, everything)
            allowed = self.allowed.holds(everyone, values).reshape(len(who), -1)
            for i, row in zip(who.tolist(), allowed, strict=True):
                keys[i] = (group, None if row.all() else row.tobytes())
        return keys

    def _group(self, drawn: Options, key: Any) -> int:
        """The number of a group, laid out when it is first met; -1: fewer than four values."""
        if key not in self.laid.numbers:
            try:
                self.laid.add(key, self._there(drawn, key))
            except TooFew:
                self.laid.numbers[key] = -1
        return self.laid.numbers[key]

    def _there(self, drawn: Options, key: Any) -> dict[str, tuple[Any, float]]:
        """The values of a group that the constraints allow, and the pack's that are never true, by their texts."""
        group, allowed = key
        options, weights = self._options(drawn, group)
        if allowed is not None:
            kept = np.flatnonzero(np.frombuffer(allowed, np.bool_)).tolist()
            options, weights = [options[k] for k in kept], [weights[k] for k in kept]
        texts = [self.write(option) if drawn.make is None else _named(option) for option in options]
        return dict(zip(texts, zip(options, weights, strict=True), strict=True))

    def _options(self, drawn: Options, group: int) -> tuple[list[Any], list[float]]:
        """The values of a group with their weights, and the pack's that are never true."""
        options, weights = drawn.values(group)
        extra = [] if drawn.make is not None else self._extra(list(map(self.write, options)))
        return [*options, *(value for _, value in extra)], [*weights, *[0.0] * len(extra)]

    def _extra(self, texts: Sequence[str]) -> list[tuple[str, Any]]:
        """Values of the pack that are never true, with their texts."""
        attribute = self.attribute
        extra = [(attribute.values.get(text, text), attribute.type.parse(text)) for text in attribute.perturb.extra]
        return [(text, value) for text, value in extra if text not in texts]

    def _anew(self, drawn: Anew) -> Chosen:
        made: Chosen = [None] * self.size
        who, columns = self.everyone, list[list[Any]]()
        for attempt in range(_ATTEMPTS):
            if not who.size:
                break
            columns += [drawn.make(WRONG * attempt + turn) for turn in range(WRONG)]
            who = self.keep(made, who, [[column[i] for column in columns[-WRONG:]] for i in who.tolist()])
        for i in who.tolist():  # somebody who could have had few others
            values = [column[i] for column in columns]
            held = zip(values, self.allowed.holds(np.full(len(values), i), values).tolist(), strict=True)
            there = {self.write(value): (value, 1.0) for value, good in held if good}
            fillers = {text: (value, 0.0) for text, value in self._fillers(i, there)}
            made[i] = self._one_by_one(i, fillers | there)
        return made

    def _of_redraws(self, drawn: Anew) -> Chosen:
        """From a circle for each identity, of the values that it could have had."""
        columns = [drawn.make(turn) for turn in range(_REDRAWS)]
        return self.own_circles([[(self.write(value), value) for value in row] for row in zip(*columns, strict=True)])

    def own_circles(self, pairs: list[list[tuple[str, Any]]], *, fill: bool = True) -> Chosen:
        """Three values for each identity from a circle of its own value and others.

        Args:
            pairs: text and value of the others, of which those count for whom the constraints hold.
            fill: whether others stand in where there are fewer than four.
        """
        who = np.repeat(self.everyone, list(map(len, pairs)))
        held = iter(self.allowed.holds(who, [value for row in pairs for _, value in row]).tolist())
        laid = Laid(Circles(self.profiles.config.seed, self.purpose, many=_OWN_CIRCLES))
        numbers = []
        for i, row in enumerate(pairs):
            counted = Counter(text for text, _ in row if next(held))
            values = {self.truth.text[i]: self.truth.values[i], **dict(row)}
            there = {text: (values[text], float(counted[text] + (text == self.truth.text[i]))) for text in values}
            there = {text: pair for text, pair in there.items() if pair[1]}
            if fill and len(there) < FOUR:
                there |= {text: (value, 0.0) for text, value in self._fillers(i, there)}
            try:
                numbers.append(laid.add(int(self.block.index[i]), there))
            except TooFew:
                numbers.append(-1)
        return self._pick(laid, np.array(numbers, np.int64), np.zeros(self.size, np.int64))

    def _fillers(self, i: int, counted: Collection[str]) -> list[tuple[str, Any]]:
        """What stands in where an identity could have had fewer than four values: the pack's, and other people's."""
        reference = self.profiles.reference[self.attribute.name]
        others = dict(zip(reference.text, reference.values, strict=True))
        left = [(text, value) for text, value in others.items() if text not in counted]
        found: list[tuple[str, Any]] = []
        while left and len(found) < 2 * FOUR:  # some of them may hold each other
            some, left = left[:_FILLERS], left[_FILLERS:]
            allowed = self.allowed.holds(np.full(len(some), i), [value for _, value in some])
            found += [pair for pair, good in zip(some, allowed, strict=True) if good]
        return self._extra(list(counted)) + found


def _named(option: Any) -> str:
    """An option that is made into a value: what it is called must not stand in another one's name."""
    return f"<{option}>"


def _overlap(*texts: str) -> bool:
    """Whether one of four texts holds another."""
    made = loose(texts)
    if made is not None:  # nearly always, and nearly never does one stand in another
        a, b, c, d = made
        if not (
            a in b or a in c or a in d or b in a or b in c or b in d
            or c in a or c in b or c in d or d in a or d in b or d in c
        ):  # fmt: skip
            return False
    return any(holds(*pair) for pair in permutations(map(normal, texts), 2))


def _threes(flat: list[Any]) -> list[list[Any]]:
    return [flat[k : k + WRONG] for k in range(0, len(flat), WRONG)]
