"""Gradient ascent."""

from fiubench.unlearning.methods.base import FORGET, Method, Step, Tensor, register


@register
class GradientAscent(Method):
    """``E_F[-L(y|x)]``: the training loss, climbed (Jang et al., 2023; baseline of FIUBench, section 3)."""

    name = "ga"
    help = "Gradient ascent: climbs the training loss of the forget set."
    batches = (FORGET,)

    def loss(self, step: Step) -> Tensor:
        return -step.nll(FORGET)
