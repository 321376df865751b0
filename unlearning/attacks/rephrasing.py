"""Rephrasing: the question in words that no training has used."""

from collections.abc import Sequence

from fiubench.unlearning.attacks.base import Answers, Asking, Target, register


@register
class Rephrasing(Asking):
    """Ask in the last of the dataset's paraphrases, which neither fine-tuning nor unlearning trains on.

    Patil et al., 2024 (arXiv 2309.17410).
    """

    name = "rephrasing"
    help = "The question is asked in a paraphrase that was never trained on."

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers to the paraphrase."""
        samples = [sample for sample in target.questions["forget"] if sample.paraphrased_question]
        said = target.answer([target.turn(sample, sample.paraphrased_question[-1]) for sample in samples])
        return [Answers(sample, (text,)) for sample, text in zip(samples, said, strict=True)]
