"""Primal-dual unlearning."""

from collections.abc import Mapping

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Retaining, Step, Tensor, register

_WEIGHT = "retain_weight"  # in the memory, and in the log


@register
class PrimalDualUnlearning(Retaining):
    """``E_F[mean over tokens of (max z - mean z)^2] + w (E_R[L(y|x)] - bound)``: flat logits, under a constraint.

    After every step, once ``warmup`` is over, ``w`` becomes ``max(0, w + dual_rate (E_R[L(y|x)] - bound))``, of the
    step's own batch: the retain loss weighs more while it is over its bound, and less below. Entesari et al., 2025
    (PDU, arXiv 2506.05314), whose first weight, bound, rate and warm-up for TOFU these are.
    """

    name = "pdu"
    help = "Primal-dual unlearning: flattens logits, with a weight that holds the retain loss at a bound."
    retain_weight: float = Field(100.0, gt=0, description="First weight of the loss on the retain set.")
    bound: float = Field(0.3, ge=0, description="What the loss on the retain set may be.")
    dual_rate: float = Field(5.0, gt=0, description="How fast the weight follows the loss.")
    warmup: float = Field(0.5, ge=0, le=1, description="Share of all steps in which the weight stays what it is.")

    def forget_loss(self, step: Step) -> Tensor:
        logits = step.logits(FORGET)
        return step.mean(FORGET, (logits.amax(dim=-1) - logits.mean(dim=-1)) ** 2)

    def loss(self, step: Step) -> Tensor:
        forget = self.forget_loss(step)
        weight = step.memory.get(_WEIGHT, self.retain_weight)
        step.parts[_WEIGHT] = forget.new_tensor(weight)
        return forget + weight * (self.kept(step) - self.bound)

    def after_step(self, means: Mapping[str, float], memory: dict[str, float], number: int, steps: int) -> None:
        if number >= self.warmup * steps:
            over = means[RETAIN if self.retain_loss == "nll" else "divergence"] - self.bound
            memory[_WEIGHT] = max(0.0, memory.get(_WEIGHT, self.retain_weight) + self.dual_rate * over)
