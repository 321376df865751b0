"""KL minimization."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, Tensor, register


@register
class KLMinimization(Method):
    """``E_F[-L(y|x)] + retain_weight E_R[KL(p0 || p)]``, the divergence on answer tokens.

    Maini et al., 2024 (TOFU, arXiv 2401.06121), section 4; FIUBench, section 3.
    """

    name = "kl"
    help = "KL minimization: gradient ascent, while predictions on the retain set stay what they were."
    batches = (FORGET, RETAIN)
    needs_adapters = True
    retain_weight: float = Field(1.0, ge=0, description="Weight of the divergence on the retain set.")

    def loss(self, step: Step) -> Tensor:
        return -step.nll(FORGET) + self.retain_weight * step.divergence(RETAIN)
