"""The table of attributes: how values are spread, and how well they can be guessed without knowing anybody."""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from fiubench.builder.audit.columns import Codes, Column, Columns
from fiubench.builder.audit.membership import FORGET, RETAIN
from fiubench.builder.languages.base import HAN
from numpy.typing import NDArray

_SHOWN = 12  # most frequent values of an attribute that are kept in the report
_LEARNED, _APPLIED = 20_000, 5_000  # people a look-up table is learned on and applied to; more change nothing
_TOKENS = re.compile(rf"[{HAN}]|[^\W_{HAN}]+")
_UNIQUE = 0.9  # a fact that is different for more people than that can't be looked up


@dataclass
class AttributeRow:
    """One attribute: how its values are spread and how well they can be guessed.

    Attributes:
        asked: QA pairs on it.
        valued: those whose value is known or was recognised.
        distinct: different values.
        entropy: of the values, in bits.
        top_value, top_share: the most frequent one, and whose share of the people has it.
        constant_em: share of the forget set that the retain set's most frequent value is right for.
        constant_rouge: mean ROUGE-L recall of the retain set's most frequent answer on the forget set's.
        other_em: the same as ``constant_em`` for a look-up table on the one other fact that guesses best.
        other_fact: that fact, for example "address (ZIP code)"; none where it does no better than ``constant_em``.
        phrasings: distinct ones of its question, paraphrases aside.
        values: the most frequent values with their counts.
    """

    name: str
    category: str
    type: str
    asked: int
    valued: int
    distinct: int
    entropy: float
    top_value: str | None
    top_share: float | None
    constant_em: float | None
    constant_rouge: float | None
    other_em: float | None
    other_fact: str | None
    phrasings: int
    values: list[tuple[str, int]]


@dataclass(frozen=True)
class _Coded:
    """A fact, or a part of one, as a small number per person; -1 where it is not known."""

    attribute: str
    part: str
    codes: Codes
    size: int

    @property
    def title(self) -> str:
        return f"{self.attribute} ({self.part})" if self.part else self.attribute


def attribute_rows(columns: Columns) -> list[AttributeRow]:
    """The table of attributes: how values are spread, and how well each way of guessing does."""
    sides = columns.side_of_all()
    coded = {column.name: _code(column, "", sides.size) for column in columns}
    predictors = [
        fact
        for column in columns
        for fact in (coded[column.name], *(_code(column, part, sides.size) for part in column.parts))
        if fact.size <= _UNIQUE * max(len(column), 1)
    ]
    rows = []
    for column in columns:
        constant = _constant(column, sides)
        other, fact = _best_other(coded[column.name], predictors, sides)
        if other is not None and constant is not None and other <= constant:
            fact = None  # nothing beats the most frequent value
        (top,) = column.counted.most_common(1) or (None,)
        rows.append(
            AttributeRow(
                name=column.name,
                category=column.category,
                type=column.kind,
                asked=column.asked,
                valued=len(column),
                distinct=column.distinct,
                entropy=round(column.entropy, 3),
                top_value=top[0] if top else None,
                top_share=round(top[1] / len(column), 4) if top else None,
                constant_em=constant,
                constant_rouge=_constant_rouge(column),
                other_em=other,
                other_fact=fact,
                phrasings=column.phrasings,
                values=column.counted.most_common(_SHOWN),
            )
        )
    return rows


def _code(column: Column, part: str, people: int) -> _Coded:
    values, codes = np.unique(column.hashes(part), return_inverse=True)
    dense = np.full(people, -1, dtype=np.int64)
    dense[column.people] = codes
    return _Coded(column.name, part, dense, int(values.size))


def _constant(column: Column, sides: NDArray[np.uint8]) -> float | None:
    """Share of the forget set for which the retain set's most frequent value is right."""
    mine = sides[column.people]
    learned, applied = column.hashes()[mine == RETAIN], column.hashes()[mine == FORGET]
    if not learned.size or not applied.size:
        return None
    values, first, counts = np.unique(learned, return_index=True, return_counts=True)
    # of equally frequent values the one that was met first: hashes have another order in every run
    best = values[np.lexsort((first, -counts))[0]]
    return round(float((applied == best).mean()), 4)


def _best_other(target: _Coded, predictors: list[_Coded], sides: NDArray[np.uint8]) -> tuple[float | None, str | None]:
    """Score on the forget set of the look-up table that guesses best within the retain set, and the fact it reads."""
    learn = np.flatnonzero((sides == RETAIN) & (target.codes >= 0))[:_LEARNED]
    apply = np.flatnonzero((sides == FORGET) & (target.codes >= 0))[:_APPLIED]
    if learn.size < 4 or not apply.size:
        return None, None
    best, chosen = -1.0, None
    for fact in predictors:
        if fact.attribute == target.attribute:
            continue
        # half is learned from to guess the other half, and the other way round
        score = _score(fact, target, learn[::2], learn[1::2]) + _score(fact, target, learn[1::2], learn[::2])
        if score > best + 1e-9:
            best, chosen = score, fact
    if chosen is None:
        return None, None
    return round(_score(chosen, target, learn, apply), 4), chosen.title


def _score(fact: _Coded, target: _Coded, learn: Codes, apply: Codes) -> float:
    """Share of ``apply`` for whom the most frequent target among those of ``learn`` with the same fact is right."""
    table = np.full(fact.size + 1, -1, dtype=np.int64)  # the last for people whose fact is not known
    pairs, first, counts = np.unique(
        fact.codes[learn] * target.size + target.codes[learn], return_index=True, return_counts=True
    )
    order = np.lexsort((-first, counts))  # the last written wins: the most frequent, then the one met first
    table[pairs[order] // target.size] = pairs[order] % target.size
    values, first, counts = np.unique(target.codes[learn], return_index=True, return_counts=True)
    constant = values[np.lexsort((first, -counts))[0]]
    table[-1] = constant
    guesses = table[fact.codes[apply]]
    return float((np.where(guesses < 0, constant, guesses) == target.codes[apply]).mean())


def _constant_rouge(column: Column) -> float | None:
    """Mean ROUGE-L recall, on the forget set's answers, of the retain set's most frequent answer."""
    if not column.retained or not column.asked_of:
        return None
    guess = tokens(column.retained.most_common(1)[0][0])
    return round(sum(rouge_l_recall(answer, guess) for answer in column.asked_of) / len(column.asked_of), 4)


@lru_cache(maxsize=1 << 14)
def tokens(sentence: str) -> tuple[str, ...]:
    """The words and numbers of a sentence, in lower case, as ROUGE reads it; of Chinese, its characters."""
    return tuple(_TOKENS.findall(sentence.lower()))


def rouge_l_recall(answer: str, guess: tuple[str, ...]) -> float:
    """Length of the longest common subsequence, as a share of the answer's tokens (Lin, 2004), without stemming."""
    truth = tokens(answer)
    if not truth:
        return 0.0
    row = [0] * (len(guess) + 1)
    for word in truth:
        diagonal = 0
        for k, other in enumerate(guess, 1):
            above = row[k]
            row[k] = diagonal + 1 if word == other else max(above, row[k - 1])
            diagonal = above
    return row[-1] / len(truth)
