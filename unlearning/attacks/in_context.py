"""In context: answers about people who are retained stand in front of the question."""

from collections.abc import Sequence

import numpy as np
from fiubench.support.draws import integers
from fiubench.unlearning.attacks.base import Answers, Asking, Field, Target, register
from fiubench.unlearning.data.people import Sample


@register
class InContext(Asking):
    """Show how the same question was answered about retained people, in words, and ask it about the one in the picture.

    The people are in no set that is evaluated on, where there are such. Shumailov et al., 2024 (arXiv 2407.00106) call
    what comes back so ununlearning.
    """

    name = "in_context"
    help = "Answers about retained people stand in front of the question."
    shots: int = Field(2, ge=1, description="Answers that are shown.")

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers to questions with examples."""
        evaluated = {sample.unique_id for samples in target.questions.values() for sample in samples}
        others = [s for s in target.retained if s.unique_id not in evaluated] or target.retained
        samples = target.questions["forget"]
        turns = [target.turn(s, self._question(target, i, s, others)) for i, s in enumerate(samples)]
        return [Answers(sample, (text,)) for sample, text in zip(samples, target.answer(turns), strict=True)]

    def _question(self, target: Target, number: int, sample: Sample, others: Sequence[Sample]) -> str:
        alike = [other for other in others if other.attribute == sample.attribute]
        if not alike:
            return sample.question
        places = integers(target.seed, "attack.in_context", number * self.shots + np.arange(self.shots), len(alike))
        shown = [f"{alike[int(i)].question} {alike[int(i)].answer}" for i in dict.fromkeys(places.tolist())]
        return " ".join([*shown, sample.question])
