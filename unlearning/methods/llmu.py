"""Large language model unlearning."""

from typing import Literal

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, MISMATCH, RETAIN, RETAIN_LOSS, Retaining, Step, Tensor, register


@register
class LanguageModelUnlearning(Retaining):
    """``forget_weight E_F[-L(y|x)] + mismatch_weight E_F[L(yr|x)] + retain_weight E_R[KL(p0 || p)]``.

    Yao et al., 2023 (LLMU, arXiv 2310.10683): gradient ascent, answers to other questions learnt in place of the true
    ones, and predictions on the retain set kept. ``yr`` is the answer of the pair's retain row. Weights are the
    released code's.
    """

    name = "llmu"
    help = "LLMU: gradient ascent, with answers to other questions learnt, while predictions elsewhere stay."
    batches = (FORGET, MISMATCH, RETAIN)
    forget_weight: float = Field(0.5, gt=0, description="Weight of gradient ascent.")
    mismatch_weight: float = Field(1.0, ge=0, description="Weight of the loss on answers to other questions.")
    retain_loss: Literal["nll", "kl"] = Field("kl", description=RETAIN_LOSS)

    def forget_loss(self, step: Step) -> Tensor:
        ascent = -self.forget_weight * step.nll(FORGET)
        return ascent + self.mismatch_weight * step.nll(MISMATCH) if self.mismatch_weight else ascent
