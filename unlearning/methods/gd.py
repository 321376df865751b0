"""Gradient difference."""

from fiubench.unlearning.methods.base import FORGET, Retaining, Step, Tensor, register


@register
class GradientDifference(Retaining):
    """``E_F[-L(y|x)] + retain_weight E_R[L(y|x)]`` (Liu, Liu and Stone, 2022, arXiv 2203.12817).

    With ``retain_loss: kl`` it is ``kl`` on the answers' tokens.
    """

    name = "gd"
    help = "Gradient difference: gradient ascent, while the retain set is trained on."

    def forget_loss(self, step: Step) -> Tensor:
        return -step.nll(FORGET)
