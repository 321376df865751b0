"""One invented person, and one question about somebody."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fiubench.schemas.naming import named_answer, named_question

TEXTS = ("question", "answer", "paraphrased_answer")
LISTS = ("paraphrased_question", "perturbed_answer", "keywords")


@dataclass(frozen=True)
class Sample:
    """One question about one person, with everything it is scored by."""

    unique_id: str
    name: str
    attribute: str
    category: str
    question: str
    paraphrased_question: tuple[str, ...]
    answer: str
    paraphrased_answer: str
    perturbed_answer: tuple[str, ...]
    keywords: tuple[str, ...]
    keyword_variants: tuple[tuple[str, ...], ...] = ()
    hops: int = 1  # 2: about somebody whom the person is tied to

    @property
    def key(self) -> str:
        """``unique_id/attribute``: unique in a dataset."""
        return f"{self.unique_id}/{self.attribute}"

    @property
    def nameable(self) -> bool:
        """Whether it can be asked with the name instead of the picture: not where the answer is the name."""
        return not all(keyword in self.name for keyword in self.keywords)

    @property
    def listed(self) -> list[Any]:
        """What a digest of the dataset covers of it."""
        return [self.attribute, self.category, *(getattr(self, each) for each in (*TEXTS, *LISTS, "keyword_variants"))]

    def by_name(self) -> "Sample":
        """The same question and answers, with the name where they spoke of the person in the picture."""
        return replace(
            self,
            question=named_question(self.question, self.name),
            paraphrased_question=tuple(named_question(text, self.name) for text in self.paraphrased_question),
            answer=named_answer(self.answer, self.name),
            paraphrased_answer=named_answer(self.paraphrased_answer, self.name),
            perturbed_answer=tuple(named_answer(text, self.name) for text in self.perturbed_answer),
        )


@dataclass(frozen=True)
class Identity:
    """One invented person."""

    unique_id: str
    name: str
    samples: tuple[Sample, ...]
    read_image: Callable[[], bytes] | None = field(compare=False, repr=False)
    # what reads their other pictures, the second first
    read_further: tuple[Callable[[], bytes], ...] = field(default=(), compare=False, repr=False)
