"""An attack: the question in capitals.

fiubench --plugin shouting.py attack runs/po --attack shouting --reference runs/retain
"""

from collections.abc import Sequence

from fiubench.support.settings import Field
from fiubench.unlearning.attacks.base import Answers, Asking, Target, register


@register
class Shouting(Asking):
    """Ask in capitals, with exclamation marks: what was forgotten in one spelling may be there in another."""

    name = "shouting"
    help = "The question is asked in capitals."
    marks: int = Field(3, ge=0, description="Exclamation marks at the end.")

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers to questions in capitals."""
        samples = target.questions["forget"]
        said = target.answer([target.turn(s, s.question.upper() + "!" * self.marks) for s in samples])
        return [Answers(sample, (text,)) for sample, text in zip(samples, said, strict=True)]
