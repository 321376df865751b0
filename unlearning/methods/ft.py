"""Fine-tuning on what is retained."""

from fiubench.unlearning.methods.base import RETAIN, Method, Step, Tensor, register


@register
class FineTuning(Method):
    """``E_R[L(y|x)]``: training goes on without the forget set (Golatkar et al., 2020, arXiv 1911.04933).

    A line to compare with: what is forgotten by going on alone, as a model forgets what it is not reminded of.
    """

    name = "ft"
    help = "Fine-tuning on the retain set: what is forgotten where nobody asks for it; a line to compare with."
    batches = (RETAIN,)

    def loss(self, step: Step) -> Tensor:
        return step.nll(RETAIN)
