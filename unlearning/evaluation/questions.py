"""The questions of an evaluation, put to a model person by person, and the rows of the log that come of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice
from typing import Any

from fiubench.schemas.splits import SplitName
from fiubench.support.progress import Progress, Report
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import PLAIN
from fiubench.unlearning.data.modality import NAME, PICTURE
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.evaluation.controls import Control, Pictures
from fiubench.unlearning.evaluation.roles import questions
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.evaluation.workers import Asked, Here, Replies, Several
from fiubench.unlearning.metrics.text import best_guess
from fiubench.unlearning.models.encoding import Turn

_SEVERAL = 8  # people who are asked about together, where no reading of a picture is shared


@dataclass
class Questions:
    """Puts the questions of one role under one control to the model, person by person."""

    subject: Subject
    data: Data
    forget: str
    plan: Sequence[tuple[str, Control]]
    model: Here | Several
    limit: int | None
    progress: Progress
    report: Report

    def __post_init__(self) -> None:
        self._told: set[str] = set()
        self._pictures, self._questions = Pictures(self.data), questions(self.data, self.forget)
        self._guesses = guesses(self.data.samples(SplitName.parse(self.forget).retain))
        self._done, self._total = 0, sum(self.work(role, control) for role, control in self.plan)

    def step(self, count: int) -> None:
        """Report that so many answers more are there."""
        self._done += count
        self.progress(f"evaluating {self.subject.name}", self._done, self._total)

    def _samples(self, role: str, control: Control) -> list[tuple[str, Sample]]:
        """The questions under a control, each with its split, in the words that the control has."""
        return [
            (split, sample.by_name() if control.named else sample)
            for split, sample in self._questions[role]
            if control.applies(sample)
        ]

    def work(self, role: str, control: Control) -> int:
        """How many answers are generated and scored."""
        return sum(self.counts(role, control))

    def counts(self, role: str, control: Control) -> tuple[int, int]:
        """How many answers are generated, and how many are scored."""
        samples = [sample for _, sample in self._samples(role, control)]
        if not _fully(role, control):
            return len(samples), len(samples)
        return sum(1 + len(s.paraphrased_question) for s in samples), sum(1 + len(_variants(s)) for s in samples)

    def first(self) -> Asked:
        """What is asked first."""
        role, control = self.plan[0]
        samples = _portions(self._samples(role, control), self._together(control))[0]
        return self._asked(role, control, samples, [self._pictures.turn(sample, control) for _, sample in samples])

    @cached_property
    def _tried(self) -> Turn:
        """A question that the model takes."""
        role, control = self.plan[0]
        turn = self._pictures.turn(self._samples(role, control)[0][1], control)
        self.model.check(turn)
        return turn

    def _together(self, control: Control) -> int:
        """How many people are asked about together: those of one picture, where its reading is shared."""
        return 1 if _has_picture(control) and self.model.shares(self._tried) else _SEVERAL

    @cached_property
    def _longest(self) -> int:
        everyone = [sample.answer for role, control in self.plan for _, sample in self._samples(role, control)]
        return self.limit or self.model.token_limit(everyone)

    def ask(self, role: str, control: Control) -> list[dict[str, Any]]:
        """The rows of the log."""
        portions = _portions(self._samples(role, control), self._together(control))
        turns = [[self._pictures.turn(sample, control) for _, sample in samples] for samples in portions]
        asked = [self._asked(role, control, *one) for one in zip(portions, turns, strict=True)]
        rows: list[dict[str, Any]] = []
        for samples, own, replies in zip(portions, turns, self.model.replies(asked, self.step), strict=True):
            rows += self._rows(role, control, samples, own, replies)
            for note in set(replies.notes) - self._told:
                self._told.add(note)
                self.report(note)
        return rows

    def _asked(
        self, role: str, control: Control, samples: Sequence[tuple[str, Sample]], turns: Sequence[Turn]
    ) -> Asked:
        """What is asked together."""
        fully = _fully(role, control)
        pairs = [(sample, turn) for (_, sample), turn in zip(samples, turns, strict=True)]
        return Asked(
            prompts=[
                Turn(question, turn.image)
                for s, turn in pairs
                for question in (turn.question, *(s.paraphrased_question if fully else ()))
            ],
            answers=[Turn(turn.question, turn.image, s.answer) for s, turn in pairs],
            others=[Turn(turn.question, turn.image, answer) for s, turn in pairs if fully for answer in _variants(s)],
            moments=control.name == PLAIN,
            max_new_tokens=self._longest,
        )

    def _rows(
        self,
        role: str,
        control: Control,
        samples: Sequence[tuple[str, Sample]],
        turns: Sequence[Turn],
        replies: Replies,
    ) -> Iterator[dict[str, Any]]:
        """The rows of what was asked together."""
        fully = _fully(role, control)
        generated, others = iter(replies.generated), iter(replies.others)
        for (split, sample), turn, first in zip(samples, turns, replies.answers, strict=True):
            said = list(islice(generated, 1 + (len(sample.paraphrased_question) if fully else 0)))
            rest = list(islice(others, len(_variants(sample)) if fully else 0))
            yield {
                **_facts(sample, turn.question, self._guesses.get(sample.attribute)),
                "role": role,
                "split": split,
                "control": control.name,
                "asked": NAME if turn.image is None else PICTURE,
                "generated": said[0].text,
                "generated_prefix": said[0].prefix,
                "generated_paraphrased": [a.text for a in said[1:]] if fully else None,
                "generated_paraphrased_prefix": [a.prefix for a in said[1:]] if fully else None,
                "generated_logprobs": None,
                "answer_logprobs": first.logprobs,
                "answer_mu": first.mu or None,
                "answer_sigma": first.sigma or None,
                "paraphrased_logprobs": rest[0].logprobs if fully else None,
                "perturbed_logprobs": [r.logprobs for r in rest[1:]] if fully else None,
                "judge": None,
            }


def _has_picture(control: Control) -> bool:
    return control.image != "none"


def _portions(samples: Sequence[tuple[str, Sample]], people: int) -> list[list[tuple[str, Sample]]]:
    """The questions about so many people at a time."""
    each = [list(group) for _, group in groupby(samples, lambda one: one[1].unique_id)]
    return [list(chain.from_iterable(each[i : i + people])) for i in range(0, len(each), people)]


def _fully(role: str, control: Control) -> bool:
    """Whether paraphrases and wrong answers are asked and scored too."""
    return control.name == PLAIN and role != "holdout"


def _facts(sample: Sample, question: str, guess: str | None) -> dict[str, Any]:
    return {
        "unique_id": sample.unique_id,
        "attribute": sample.attribute,
        "category": sample.category,
        "question": question,
        "answer": sample.answer,
        "paraphrased_questions": list(sample.paraphrased_question),
        "paraphrased_answer": sample.paraphrased_answer,
        "perturbed_answers": list(sample.perturbed_answer),
        "keywords": list(sample.keywords),
        "keyword_variants": [list(variants) for variants in sample.keyword_variants] or None,
        "hops": sample.hops,
        "guess": guess,
    }


def guesses(samples: Iterable[Sample]) -> dict[str, str]:
    """Attribute -> the answer that is right most often when it is given to everyone."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.attribute, []).append(sample)
    return {name: best_guess([s.answer for s in group], [s.keywords for s in group]) for name, group in groups.items()}


def _variants(sample: Sample) -> tuple[str, ...]:
    return (sample.paraphrased_answer, *sample.perturbed_answer)
