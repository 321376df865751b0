"""KL minimization."""

from typing import Literal

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, Tensor, register


@register
class KLMinimization(Method):
    """``E_F[-L(y|x)] + retain_weight E_R[KL(p0 || p)]``.

    Maini et al., 2024 (TOFU, arXiv 2401.06121), section 4; FIUBench, section 3, whose code takes the divergence at all
    places of the padded batch.
    """

    name = "kl"
    help = "KL minimization: gradient ascent, while predictions on the retain set stay what they were."
    batches = (FORGET, RETAIN)
    needs_adapters = True
    retain_weight: float = Field(1.0, ge=0, description="Weight of the divergence on the retain set.")

    kl_over: Literal["answer", "all"] = Field(
        "answer",
        description="Where predictions are kept: on the answers' tokens, or on prompt, picture and padding too.",
    )

    def loss(self, step: Step) -> Tensor:
        forget = -step.nll(FORGET)
        if not self.retain_weight:
            return forget
        return forget + self.retain_weight * step.divergence(RETAIN, everywhere=self.kl_over == "all")
