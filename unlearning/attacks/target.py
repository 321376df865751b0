"""What is attacked: a model with the questions about those it forgot, and what attacks have in common."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fiubench.schemas.splits import SplitName
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.modality import NAME, PICTURE, Modality
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.evaluation.roles import questions
from fiubench.unlearning.evaluation.scoring import Scorer, TokenScores
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.metrics.definition import Definition, find_definition
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.text import best_guesses
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.likelihood import Predicted, score
from fiubench.unlearning.models.loading import Loaded, fingerprint, load

if TYPE_CHECKING:
    from PIL.Image import Image

DEFINITION = "corrected"  # of exact match


@dataclass
class Target:
    """An attacked model. It is loaded when it is first asked, and let go by :meth:`apart`."""

    subject: Subject
    data: Data
    forget: str
    asked: Modality = PICTURE  # or name
    reference: "Target | None" = None  # the retain reference, where there is one
    batch_size: int = 16
    device: str = "auto"
    dtype: str = "auto"
    seed: int = 0
    loaded_: Loaded | None = field(default=None, repr=False)
    known: dict[str, list[TokenScores]] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)  # on what could not be shared between questions

    @property
    def loaded(self) -> Loaded:
        """The model with its processor."""
        if self.loaded_ is None:
            self.loaded_ = load(self.subject.target, device=self.device, dtype=self.dtype)
        return self.loaded_

    @contextmanager
    def apart(self, change: Callable[[Loaded], Loaded], **options: Any) -> "Iterator[Target]":
        """Another model that is made from this one, which is loaded anew for it; two are never held at once.

        Args:
            change: makes it; may change what it is given.
            options: of :func:`load`.
        """
        self.plain  # noqa: B018  is asked of the model as it is
        self.let_go()
        own = load(self.subject.target, **{"device": self.device, "dtype": self.dtype, "merge": True, **options})
        other = replace(self, loaded_=change(own), known={})
        try:
            yield other
        finally:
            other.let_go()

    @cached_property
    def fingerprint(self) -> str:
        """What identifies the model's weights."""
        return fingerprint(self.subject.target)

    def let_go(self) -> None:
        """Free the memory; what is asked later loads the model again."""
        self.loaded_ = None
        self.renew()

    def renew(self) -> None:
        """Drop what is kept of pictures: the model computes otherwise from now on."""
        scorer: Scorer | None = self.__dict__.pop("scorer", None)
        self.notes += [note for note in (scorer.notes if scorer else ()) if note not in self.notes]

    @cached_property
    def scorer(self) -> Scorer:
        """What asks the model."""
        return Scorer(self.loaded.model, self.loaded.processor, self.batch_size)

    @cached_property
    def questions(self) -> Mapping[str, list[Sample]]:
        """Role -> its questions, in the words that the people are pointed out by."""
        found = questions(self.data, self.forget)
        return {role: self._worded([sample for _, sample in pairs]) for role, pairs in found.items()}

    @cached_property
    def retained(self) -> list[Sample]:
        """All questions about what is to be retained."""
        return self._worded(self.data.samples(SplitName.parse(self.forget).retain))

    def _worded(self, samples: Sequence[Sample]) -> list[Sample]:
        return [s.by_name() for s in samples if s.nameable] if self.asked == NAME else list(samples)

    @cached_property
    def people(self) -> list[str]:
        """Those who are to be forgotten."""
        return list(dict.fromkeys(sample.unique_id for sample in self.questions["forget"]))

    def picture(self, sample: Sample) -> "Image | None":
        """What is shown with a question."""
        return None if self.asked == NAME else self.data.image(sample.unique_id)

    def turn(self, sample: Sample, question: str = "", answer: str | None = None) -> Turn:
        """A question as it is asked, or in other words."""
        return Turn(question or sample.question, self.picture(sample), answer)

    @contextmanager
    def seeded(self) -> "Iterator[None]":
        """Torch's draws from the seed, as long as it lasts."""
        import torch
        from torch.random import fork_rng

        with fork_rng(devices=[torch.cuda.current_device()] if torch.cuda.is_available() else []):
            torch.manual_seed(self.seed)
            yield

    @cached_property
    def _limit(self) -> int:
        return self.scorer.token_limit([sample.answer for sample in self.questions["forget"]])

    def answer(self, turns: Sequence[Turn], temperature: float = 0.0) -> list[str]:
        """What the model says; an answer that is begun is whole."""
        found = self.scorer.generate(turns, self._limit, temperature=temperature)
        return [f"{turn.begun} {one.text}".strip() for turn, one in zip(turns, found, strict=True)]

    @cached_property
    def plain(self) -> Mapping[str, str]:
        """Key of a sample of the forget set -> the answer to the plain question."""
        samples = self.questions["forget"]
        return dict(zip([s.key for s in samples], self.answer([self.turn(s) for s in samples]), strict=True))

    def tokens(self, role: str) -> list[TokenScores]:
        """Log-probabilities of the true answers of a role, with their moments."""
        if role not in self.known:
            turns = [self.turn(sample, answer=sample.answer) for sample in self.questions[role]]
            self.known[role] = self.scorer.score(turns, moments=True)
        return self.known[role]

    def predicted(self, turns: Sequence[Turn], *, hidden_states: bool = False) -> Iterator[Predicted]:
        """What the model predicts for answers, batch after batch, without gradients."""
        import torch
        from accelerate.utils import send_to_device

        encoder, model = self.scorer.encoder, self.loaded.model
        with torch.no_grad():
            for start in range(0, len(turns), self.batch_size):
                batch = send_to_device(encoder(turns[start : start + self.batch_size]), model.device)
                yield score(model, batch, hidden_states=hidden_states)

    def gain(self, sample: Sample, said: Sequence[str]) -> float:
        """Exact match of the best of several answers, less that of the best of as many constant guesses."""
        question = Question(
            {"keywords": sample.keywords, "keyword_variants": sample.keyword_variants or None},
            self._definition,
            lambda _: False,
        )
        guesses = self._guesses(sample.attribute, len(said))
        return max(map(question.match, said)) - max(map(question.match, guesses))

    @cached_property
    def _definition(self) -> Definition:
        return find_definition(DEFINITION)

    def _guesses(self, attribute: str, count: int) -> list[str]:
        key = (attribute, count)
        if key not in self._guessed:
            known = [sample for sample in self.retained if sample.attribute == attribute]
            self._guessed[key] = best_guesses([s.answer for s in known], [s.keywords for s in known], count) or [""]
        return self._guessed[key]

    @cached_property
    def _guessed(self) -> dict[tuple[str, int], list[str]]:
        return {}
