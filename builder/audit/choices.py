"""The four values of every question of an attribute, side by side, in an order that tells nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from fiubench.builder.audit.people import Pair, Person
from fiubench.builder.rules.pair import frame_of
from fiubench.builder.values.base import VALUE_TYPES, WRONG
from fiubench.support.draws import orders, permute
from numpy.typing import NDArray

OPTIONS = WRONG + 1
FOLDS = 10
_LONGEST = 64  # characters of a value that are looked at
_SEED = 0  # of the draws that an audit makes


@dataclass
class Choices:
    """The questions of one attribute: who is asked, and true value first, the four values.

    Attributes:
        who: number of each person, ascending; a person asked twice counts once.
        texts: as the paraphrased answer and the wrong ones word them.
        numbers: the same in the order of their type (dates as 20220405); nan where they have none.
        names: of the people.
    """

    attribute: str
    kind: str
    who: list[int] = field(default_factory=list)
    texts: list[tuple[str, ...]] = field(default_factory=list)
    numbers: list[tuple[float, ...]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, pair: Pair, person: Person, number: int) -> None:
        """Keep a question of a person, unless it has no three wrong answers that differ in the value."""
        if self.who and self.who[-1] == number:
            return
        texts = values_of(pair)
        if texts is not None:
            self.who.append(number)
            self.texts.append(texts)
            self.numbers.append(_numbers(pair, texts))
            self.names.append(person.name)

    def __len__(self) -> int:
        return len(self.who)


def values_of(pair: Pair) -> tuple[str, ...] | None:
    """The true value and the three wrong ones, as they are worded; ``None`` where they can't be told.

    They are what stands in the frame of the true value, or, where that is not known, what is not the same in all four.
    """
    model = pair.answer if pair.other_answer is None else pair.other_answer
    sentences = (model, *pair.wrong_answers)
    if len(sentences) != OPTIONS or len(set(sentences)) < OPTIONS:
        return None
    frame = frame_of(model, pair.text, pair.wrong_answers, fold=True) if pair.text else None
    if frame is not None:
        found = [frame.value_in(sentence) for sentence in sentences]
        texts = tuple(value for each in found if each and (value := each[1]))
        if len(texts) == OPTIONS:
            return texts
    first = _common([sentence.split(" ") for sentence in sentences])
    last = _common([sentence.split(" ")[first:][::-1] for sentence in sentences])
    texts = tuple(" ".join(words[first : len(words) - last]) for words in (s.split(" ") for s in sentences))
    return texts if all(texts) else None


def _common(rows: Sequence[Sequence[str]]) -> int:
    """How many words all begin with."""
    return next((k for k, words in enumerate(zip(*rows, strict=False)) if len(set(words)) > 1), min(map(len, rows)))


def _numbers(pair: Pair, texts: tuple[str, ...]) -> tuple[float, ...]:
    kind = VALUE_TYPES.get(pair.kind)
    if kind is None:
        return (np.nan,) * OPTIONS
    known: Sequence[Any] = (pair.value, *(pair.wrong or map(kind.parse, texts[1:])))
    return tuple(kind.number(value) for value in known) if len(known) == OPTIONS else (np.nan,) * OPTIONS


def day_counts(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Dates as the audit keeps them (20220405) in days since 1970; nan stays nan."""
    whole = np.nan_to_num(numbers, nan=19700101).astype(np.int64)
    months = (whole // 10_000 - 1970) * 12 + whole // 100 % 100 - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + whole % 100 - 1
    return np.where(np.isnan(numbers), np.nan, days.astype(np.float64))


def is_dated(kind: str) -> bool:
    """Whether values of a type are days."""
    return kind in VALUE_TYPES and VALUE_TYPES[kind].dated


class Shuffled:
    """Choices as the attackers see them: people in a keyed order, cut in folds, and options in a keyed order each.

    Args:
        choices: of one attribute; of anything else there is none to see.

    Attributes:
        who: numbers of the people in this order, ``(n,)``.
        truth: place of the true option, ``(n,)``: for learning from earlier folds, and for counting.
        numbers: the options as numbers, days as days since 1970, ``(n, 4)``.
        texts: the distinct texts, sorted.
        options: number of each option's text, ``(n, 4)``.
        folds: where each fold begins, and the number of questions.
    """

    def __init__(self, choices: Choices) -> None:
        self.attribute, self.kind = choices.attribute, choices.kind
        who = np.array(choices.who, dtype=np.int64)
        order = permute(_SEED, f"audit.people.{self.attribute}", np.arange(who.size), who.size)
        places = orders(_SEED, f"audit.options.{self.attribute}", who[order], OPTIONS)
        self.who = who[order]
        self.truth = np.argmin(places, axis=1).astype(np.int64)
        numbers = np.array(choices.numbers, dtype=np.float64)[order]
        numbers = day_counts(numbers) if is_dated(self.kind) else numbers
        self.numbers = np.take_along_axis(numbers, places, axis=1)
        self.names = [choices.names[k] for k in order]
        worded = np.array([choices.texts[k] for k in order])
        texts, codes = np.unique(worded, return_inverse=True)
        self.texts: list[str] = texts.tolist()
        self.options = np.take_along_axis(codes.reshape(worded.shape).astype(np.int64), places, axis=1)
        self.folds = np.linspace(0, who.size, FOLDS + 1).astype(np.int64)

    def __len__(self) -> int:
        return int(self.who.size)

    @property
    def true_options(self) -> NDArray[np.int64]:
        """Number of the text of each truth."""
        true: NDArray[np.int64] = self.options[np.arange(len(self)), self.truth]
        return true

    @cached_property
    def ordered(self) -> bool:
        """Whether all values are numbers, dates or amounts."""
        return bool(np.isfinite(self.numbers).all())

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Code points of the texts, ``(texts, longest)``, 0 after their ends."""
        return code_points(self.texts)


def code_points(texts: Sequence[str]) -> NDArray[np.uint32]:
    """The code points of each text's first 64 characters, ``(texts, longest)``, 0 where a text has ended."""
    cut = np.array([text[:_LONGEST] for text in texts] or [" "])
    return cut.view(np.uint32).reshape(len(cut), -1)
