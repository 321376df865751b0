"""A row of the log as a definition reads it: what metrics of a question are functions of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fiubench.unlearning.metrics import likelihood, text
from fiubench.unlearning.metrics.definition import Definition

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One question that was asked. What the log does not have is None."""

    row: Row  # of the log, with the keys of :data:`fiubench.unlearning.data.log.COLUMNS`
    definition: Definition
    is_refusal: Callable[[str], bool]  # whether a text is one of the known refusals
    # metrics that have been computed
    known: dict[str, float | None] = field(default_factory=dict, compare=False, repr=False)

    @property
    def identity(self) -> str:
        """Whom it is about."""
        return str(self.row["unique_id"])

    @property
    def key(self) -> tuple[str, str]:
        """(identity, attribute)."""
        return self.identity, str(self.row["attribute"])

    @cached_property
    def generated(self) -> str:
        """The part of the generated answer that the definition reads."""
        return self._read(self.row["generated"], self.row["generated_prefix"])

    def _read(self, whole: str, prefix: str | None) -> str:
        generated = whole if self.definition.generation.tokens is None or prefix is None else prefix
        mark = self.definition.generation.cut_at
        return generated if mark is None else text.first_sentence(generated, mark)

    def match(self, said: str) -> float:
        """Share of the keywords of the true answer in a text."""
        found = self.matches(said)
        return sum(found) / len(found)

    def matches(self, said: str) -> list[bool]:
        """Which keywords of the true answer are in a text."""
        how = self.definition.exact_match
        variants = self.row["keyword_variants"] if how.variants else None
        return text.matches(said, self.row["keywords"], variants, words=how.words)

    @cached_property
    def paraphrased(self) -> list[float] | None:
        """Share of the keywords in the answer to each paraphrased question."""
        answers = self.row["generated_paraphrased"]
        if not answers:
            return None
        prefixes: Sequence[str | None] = self.row["generated_paraphrased_prefix"] or [None] * len(answers)
        return [self.match(self._read(a, p)) for a, p in zip(answers, prefixes, strict=True)]

    def _loss(self, logprobs: Sequence[float] | None) -> float | None:
        if logprobs is None:
            return None
        how = self.definition.loss
        return likelihood.mean_loss(logprobs, skip_first=how.skip_first, end=how.end)

    @cached_property
    def answer_loss(self) -> float | None:
        """Mean loss of the true answer, in nats a token."""
        return self._loss(self.row["answer_logprobs"])

    @cached_property
    def paraphrased_loss(self) -> float | None:
        """Mean loss of the paraphrased answer."""
        return self._loss(self.row["paraphrased_logprobs"])

    @cached_property
    def wrong_losses(self) -> list[float] | None:
        """Mean loss of each wrong answer."""
        wrong = self.row["perturbed_logprobs"]
        return [loss for p in wrong if (loss := self._loss(p)) is not None] if wrong else None
