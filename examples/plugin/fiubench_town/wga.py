"""An unlearning method: weighted gradient ascent.

fiubench --plugin wga.py unlearn runs/full --out runs/wga --method wga --option alpha=2 --forget forget05
"""

from typing import ClassVar

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, Tensor, register


@register
class WeightedGradientAscent(Method):
    """``E_F[mean over tokens of p^alpha log p] + retain_weight E_R[L(y|x)]``, ``p^alpha`` detached.

    Wang et al., 2025 (arXiv 2502.19301).
    """

    name = "wga"
    help = "Weighted gradient ascent: tokens that are forgotten already count less."
    batches = (FORGET, RETAIN)
    defaults: ClassVar = {"epochs": 8, "learning_rate": 1e-5}
    alpha: float = Field(1.0, ge=0, description="Power of the token's probability; 0 is gradient ascent.")
    retain_weight: float = Field(0.0, ge=0, description="Weight of the loss on the retain set.")

    def loss(self, step: Step) -> Tensor:
        """See the class; log-probabilities have shape (batch, tokens) and are 0 outside of answers."""
        log_p = step.token_log_probs(FORGET)
        weights = (self.alpha * log_p.detach()).exp()
        forget = (weights * log_p).sum(dim=1) / step.lengths(FORGET)
        return forget + self.retain_weight * step.nll(RETAIN) if self.retain_weight else forget
