"""Whether paraphrases keep the fact and wrong answers change it, and nothing else."""

import re
from collections.abc import Iterable
from functools import lru_cache, partial

import numpy as np
from fiubench.builder.audit.membership import FORGET, RETAIN
from fiubench.builder.audit.people import Pair, Person
from fiubench.builder.audit.registry import SKIPPED, Check, Count, Histogram, Measure, Result, Survey, check, measure
from fiubench.builder.languages.base import Language
from fiubench.builder.rules.pair import frame_of, repeated
from fiubench.builder.values.base import reader
from fiubench.builder.values.english import holds

_FREE = 0.6  # of an answer may change where its value is not known
_TOKENS = re.compile(r"\w+|[^\w\s]")
_GAPS = list(range(-30, 31, 3))
_LENGTHS = list(range(0, 181, 10))


_fault = partial(measure, unit="QA pairs", group="variants", fail_above=0)
_group = partial(Measure, group="variants")


@_fault("Answers or paraphrases without the value")
def paraphrase_loses_fact(pair: Pair, person: Person) -> str | None:
    """QA pairs whose answer or paraphrased answer does not hold the value."""
    if pair.text is None or pair.other_answer is None:
        return SKIPPED
    text = pair.text.casefold()
    missing = next((a for a in (pair.answer, pair.other_answer) if text not in a.casefold()), None)
    return missing if missing is None else f"{missing} (without {pair.text!r})"


@_fault("Identical paraphrases")
def same_paraphrases(pair: Pair, person: Person) -> str | None:
    """QA pairs with the same question twice among its paraphrases, or a paraphrased answer that is the answer."""
    if pair.other_answer is None and not pair.other_questions:
        return SKIPPED
    if repeated(pair.questions):
        return " | ".join(pair.questions)
    return pair.answer if (pair.other_answer or "").casefold() == pair.answer.casefold() else None


@_fault("Wrong answers that are true")
def perturbed_is_true(pair: Pair, person: Person) -> str | None:
    """QA pairs with a wrong answer that holds the true value, or that is given twice."""
    wrong = pair.wrong_answers
    if not wrong:
        return SKIPPED
    if len(set(wrong)) < len(wrong):
        return f"twice: {' | '.join(wrong)}"
    true, model = pair.text, _model(pair)
    return next((f"{each} (true: {true or model})" for each in wrong if _is_true(each, model, true)), None)


@check(
    _group("perturbed_template", "Wrong answers of another form",
        "QA pairs with a wrong answer that differs from the paraphrased answer in more than the value, or whose "
        "value is of another type.", "QA pairs", fail_above=0),
    _group("perturbed_length", "Difference in length of wrong answers",
        "Mean difference in characters between a wrong value and the true one, longer or shorter, as a share of the "
        "true answer's length.", "share", warn_above=0.1, fail_above=0.25),
    _group("perturbed_bias", "How much longer wrong answers are",
        "Mean of the tokens (words, numbers and marks) that a wrong value has more than the true one, as a share of "
        "the true answer's; a truth ratio confounds length with falsehood.", "share", warn_above=0.03, fail_above=0.1),
)  # fmt: skip
class WrongAnswers(Check):
    """Whether wrong answers differ from the truth in the value alone, and not by length; lengths of answers."""

    def __init__(self, survey: Survey) -> None:
        super().__init__(survey)
        self.other = Count("perturbed_template")
        self.gaps = np.zeros(len(_GAPS) - 1, dtype=np.int64)
        self.lengths = {side: np.zeros(len(_LENGTHS) - 1, dtype=np.int64) for side in (FORGET, RETAIN)}
        self.wrong = 0
        self.characters = self.tokens = 0.0

    def add(self, person: Person, side: int) -> None:
        for number, pair in enumerate(person.pairs, 1):
            if side in self.lengths:
                at = min(len(pair.answer), _LENGTHS[-1] - 1) // (_LENGTHS[1] - _LENGTHS[0])
                self.lengths[side][at] += 1
            if pair.wrong_answers and not pair.choice:
                where = f"{person.where}, {pair.attribute or f'question {number}'}"
                self._wrong_answers(pair, where, person.language)

    def _wrong_answers(self, pair: Pair, where: str, language: Language) -> None:
        self.other.of += 1
        model = _model(pair)
        frame = frame_of(model, pair.text, pair.wrong_answers, language, fold=True) if pair.text else None
        kind = reader(pair.kind, language, pair.text or "")
        for wrong in pair.wrong_answers:
            article, value = (frame and frame.value_in(wrong)) or ("", "")
            if (
                value
                and (not article or article in language.article_forms)
                and (kind is None or kind.looks_right(value))
            ):
                self._length(value, str(pair.text), model)
            elif frame is not None or _changed(wrong, model) > _FREE:
                self.other.add(where, f"{wrong} (for: {model})")
                break
            else:
                self._length(wrong, model, model)

    def _length(self, wrong: str, true: str, answer: str) -> None:
        gap = len(wrong) - len(true)
        self.wrong += 1
        self.gaps[min(max((gap - _GAPS[0]) // (_GAPS[1] - _GAPS[0]), 0), self.gaps.size - 1)] += 1
        self.characters += abs(gap) / max(len(answer), 1)
        self.tokens += (_token_count(wrong) - _token_count(true)) / max(_token_count(answer), 1)

    def results(self) -> Iterable[Result]:
        yield self.other.result()
        yield Result("perturbed_length", round(self.characters / self.wrong, 4) if self.wrong else None)
        yield Result("perturbed_bias", round(self.tokens / self.wrong, 4) if self.wrong else None)

    def histograms(self) -> dict[str, Histogram]:
        made = {}
        if self.wrong:
            title = "Wrong values longer or shorter than the true one"
            made["length_gap"] = Histogram(title, "characters", list(map(float, _GAPS)), {"wrong": self.gaps.tolist()})
        series = {"forget": self.lengths[FORGET].tolist(), "retain": self.lengths[RETAIN].tolist()}
        title = "Length of answers"
        made["answer_length"] = Histogram(title, "characters", list(map(float, _LENGTHS)), series)
        return made


def _model(pair: Pair) -> str:
    """The answer that the wrong ones are made of."""
    return pair.answer if pair.other_answer is None else pair.other_answer


def _is_true(wrong: str, model: str, text: str | None) -> bool:
    if text is None:
        return wrong.casefold() == model.casefold()
    if not holds(wrong.casefold(), text.casefold()):
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
