"""Whether paraphrases keep the fact and wrong answers change it, and nothing else."""

import math
import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from fiubench.builder.audit.membership import FORGET, RETAIN
from fiubench.builder.audit.reading import Pair, Person
from fiubench.builder.audit.report import Count, Histogram, Measure
from fiubench.builder.values.base import VALUE_TYPES, ValueType

_COUNTED = ("paraphrase_loses_fact", "same_paraphrases", "perturbed_is_true", "perturbed_template")
_TOO_OFTEN = 0.45  # of four places
_FREE = 0.6  # of an answer may change where its value is not known
_TOKENS = re.compile(r"\w+|[^\w\s]")
_ARTICLE = re.compile(r"\ban?$", re.IGNORECASE)
_GAPS = list(range(-30, 31, 3))
_LENGTHS = list(range(0, 181, 10))


class VariantChecks:
    """Counts QA pairs by what is wrong with their variants, and how the lengths of answers are spread."""

    def __init__(self) -> None:
        self.counts = {rule: Count(rule) for rule in _COUNTED}
        self.gaps = np.zeros(len(_GAPS) - 1, dtype=np.int64)
        self.lengths = {side: np.zeros(len(_LENGTHS) - 1, dtype=np.int64) for side in (FORGET, RETAIN)}
        self.wrong = 0
        self.characters = self.tokens = 0.0
        self.places: dict[str, list[int]] = {}

    def add(self, person: Person, side: int) -> None:
        """Look at the variants of everything that is asked about a person."""
        for number, pair in enumerate(person.pairs, 1):
            where = f"{person.where}, {pair.attribute or f'question {number}'}"
            if side in self.lengths:
                at = min(len(pair.answer), _LENGTHS[-1] - 1) // (_LENGTHS[1] - _LENGTHS[0])
                self.lengths[side][at] += 1
            if pair.other_answer is not None or pair.other_questions:
                self._paraphrases(pair, where)
            if pair.wrong_answers:
                self._wrong_answers(pair, where)

    def _paraphrases(self, pair: Pair, where: str) -> None:
        lost, same = self.counts["paraphrase_loses_fact"], self.counts["same_paraphrases"]
        same.of += 1
        questions = [pair.question, *pair.other_questions]
        if len({" ".join(q.casefold().split()) for q in questions}) < len(questions):
            same.add(where, " | ".join(questions))
        elif pair.other_answer is not None and pair.other_answer.casefold() == pair.answer.casefold():
            same.add(where, pair.answer)
        if pair.text is not None and pair.other_answer is not None:
            lost.of += 1
            text = pair.text.casefold()
            missing = next((a for a in (pair.answer, pair.other_answer) if text not in a.casefold()), None)
            if missing is not None:
                lost.add(where, f"{missing} (without {pair.text!r})")

    def _wrong_answers(self, pair: Pair, where: str) -> None:
        true, other = self.counts["perturbed_is_true"], self.counts["perturbed_template"]
        true.of += 1
        other.of += 1
        model = pair.other_answer if pair.other_answer is not None else pair.answer
        before, text, after = _parts(model, pair.text)
        if len(set(pair.wrong_answers)) < len(pair.wrong_answers):
            true.add(where, f"twice: {' | '.join(pair.wrong_answers)}")
        elif told := next((wrong for wrong in pair.wrong_answers if _is_true(wrong, model, pair.text)), None):
            true.add(where, f"{told} (true: {pair.text or model})")
        values = []
        kind = VALUE_TYPES.get(pair.kind)
        for wrong in pair.wrong_answers:
            value = _value_of(wrong, before, after) if text is not None else None
            if value is not None and (kind is None or kind.looks_right(value)):
                values.append(value)
                self._length(value, str(text), model)
            elif text is not None or _changed(wrong, model) > _FREE:
                other.add(where, f"{wrong} (for: {model})")
                break
            else:
                self._length(wrong, model, model)
        if kind is not None and pair.attribute is not None:
            self._place(pair, kind, values)

    def _length(self, wrong: str, true: str, answer: str) -> None:
        gap = len(wrong) - len(true)
        self.wrong += 1
        self.gaps[min(max((gap - _GAPS[0]) // (_GAPS[1] - _GAPS[0]), 0), self.gaps.size - 1)] += 1
        self.characters += abs(gap) / max(len(answer), 1)
        self.tokens += (_token_count(wrong) - _token_count(true)) / max(_token_count(answer), 1)

    def _place(self, pair: Pair, kind: ValueType, texts: list[str]) -> None:
        true = kind.number(pair.value)
        others = [kind.number(v) for v in (map(kind.parse, texts) if pair.wrong is None else pair.wrong)]
        if len(others) == 3 and not any(map(math.isnan, (true, *others))):
            self.places.setdefault(str(pair.attribute), [0, 0, 0, 0])[sum(other < true for other in others)] += 1

    def measures(self) -> Iterator[Measure]:
        """One measure per rule of the group."""
        yield from (count.measure() for count in self.counts.values())
        yield Measure("perturbed_length", round(self.characters / self.wrong, 4) if self.wrong else None)
        yield Measure("perturbed_bias", round(self.tokens / self.wrong, 4) if self.wrong else None)
        count = Count("truth_told_by_order", of=len(self.places))
        for attribute, places in self.places.items():
            size, most = sum(places), max(places)
            # three standard errors above a quarter, so that a small dataset is not blamed for its chance
            if most / size > max(_TOO_OFTEN, 0.25 + 3 * (0.25 * 0.75 / size) ** 0.5):
                count.add(attribute, f"place {places.index(most) + 1} of 4, by size, in {most / size:.0%}")
        yield count.measure()

    def histograms(self) -> dict[str, Histogram]:
        """How lengths are spread."""
        made = {}
        if self.wrong:
            title = "Wrong values longer or shorter than the true one"
            made["length_gap"] = Histogram(title, "characters", list(map(float, _GAPS)), {"wrong": self.gaps.tolist()})
        series = {"forget": self.lengths[FORGET].tolist(), "retain": self.lengths[RETAIN].tolist()}
        title = "Length of answers"
        made["answer_length"] = Histogram(title, "characters", list(map(float, _LENGTHS)), series)
        return made


def _parts(model: str, text: str | None) -> tuple[str, str | None, str]:
    """What stands before the value in an answer, the value, and what stands after it."""
    at = model.casefold().rfind(text.casefold()) if text else -1
    if text is None or at < 0:
        return model, None, ""
    return model[:at], model[at : at + len(text)], model[at + len(text) :]


def _value_of(wrong: str, before: str, after: str) -> str | None:
    """The value of a wrong answer that is the paraphrased answer with another value; a and an follow the value."""
    start = before.rstrip()
    if article := _ARTICLE.search(start):
        stem = start[: article.start()]
        if match := re.match(rf"{re.escape(stem)}an? ", wrong, re.IGNORECASE):
            before = match[0]
    if wrong.startswith(before) and wrong.endswith(after) and len(wrong) > len(before) + len(after):
        return wrong[len(before) : len(wrong) - len(after)]
    return None


def _is_true(wrong: str, model: str, text: str | None) -> bool:
    if text is None:
        return wrong.casefold() == model.casefold()
    if text.casefold() not in wrong.casefold():
        return False
    return re.search(rf"(?<![\w+-]){re.escape(text)}(?![\w+-])", wrong, re.IGNORECASE) is not None


def _changed(wrong: str, model: str) -> float:
    """Share of an answer between what both have in common at their beginning and at their end."""
    short = min(len(wrong), len(model))
    first = next((i for i in range(short) if wrong[i] != model[i]), short)
    last = next((i for i in range(short - first) if wrong[-1 - i] != model[-1 - i]), short - first)
    return 1 - (first + last) / max(len(model), 1)


@lru_cache(maxsize=1 << 15)
def _token_count(text: str) -> int:
    return len(_TOKENS.findall(text))
