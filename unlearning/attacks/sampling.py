"""Sampling: many answers instead of the likeliest one."""

from collections.abc import Sequence

from fiubench.unlearning.attacks.base import Answers, Asking, Field, Target, register


@register
class Sampling(Asking):
    """Draw several answers to each question; the best counts (pass@k).

    It is held against as many constant guesses, of which the best counts too: of eight answers one is right by chance
    where there are eight blood types. The draws are torch's, from the seed, and depend on the batch size.

    Scholten et al., 2025 (arXiv 2410.03523).
    """

    name = "sampling"
    help = "Several answers are drawn, and the best counts (pass@k)."
    draws: int = Field(8, ge=2, description="Answers to a question.")
    temperature: float = Field(1.0, gt=0, description="Of the draws; below 1 likelier tokens are preferred.")

    def ask(self, target: Target) -> Sequence[Answers]:
        """So many answers to each question."""
        samples = target.questions["forget"]
        turns = [target.turn(sample) for sample in samples for _ in range(self.draws)]
        with target.seeded():
            said = target.answer(turns, self.temperature)
        return [Answers(s, tuple(said[i * self.draws :][: self.draws])) for i, s in enumerate(samples)]
