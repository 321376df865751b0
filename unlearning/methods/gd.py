"""Gradient difference."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, Tensor, register


@register
class GradientDifference(Method):
    """``E_F[-L(y|x)] + retain_weight E_R[L(y|x)]`` (Liu, Liu and Stone, 2022, arXiv 2203.12817)."""

    name = "gd"
    help = "Gradient difference: gradient ascent, while the retain set is trained on."
    batches = (FORGET, RETAIN)
    retain_weight: float = Field(1.0, ge=0, description="Weight of the loss on the retain set.")

    def loss(self, step: Step) -> Tensor:
        forget = -step.nll(FORGET)
        return forget + self.retain_weight * step.nll(RETAIN) if self.retain_weight else forget
