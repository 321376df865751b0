"""Gradient ascent weighted by saturation and importance."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN_WEIGHT, Retaining, Step, Tensor, register


@register
class SaturationImportance(Retaining):
    """``E_F[mean over tokens of p^saturation (1 - p)^importance log p] + retain_weight E_R[L(y|x)]``, weights detached.

    Yang et al., 2025 (SatImp, arXiv 2505.11953), section 5, with its beta1 and beta2, and ten times the retain loss's
    weight for the forget loss.
    """

    name = "satimp"
    help = "SatImp: gradient ascent in which tokens count that are neither forgotten nor beyond doubt."
    saturation: float = Field(5.0, ge=0, description="Power of p: tokens that are forgotten already count less.")
    importance: float = Field(1.0, ge=0, description="Power of 1 - p: tokens that anybody would guess count less.")
    retain_weight: float = Field(0.1, ge=0, description=RETAIN_WEIGHT)

    def forget_loss(self, step: Step) -> Tensor:
        log_p = step.token_log_probs(FORGET)
        p = log_p.detach().exp()
        return step.mean(FORGET, p**self.saturation * (1 - p) ** self.importance * log_p)
