"""Unlearning by distillation with adjusted logits."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN_WEIGHT, Retaining, Step, Tensor, register


@register
class AdjustedLogits(Retaining):
    """``E_F[mean over tokens of -sum_v q_v log p_v] + retain_weight E_R[L(y|x)]``, ``q = softmax(z0 - beta e_y)``.

    The model learns what it predicted before unlearning, with the logit of the true token ``y`` lower by ``beta`` (Dong
    et al., 2025, UNDIAL, arXiv 2402.10052). Bounded below, unlike gradient ascent.
    """

    name = "undial"
    help = "UNDIAL: learns its own predictions of before, in which the true tokens are less likely."
    needs_adapters = True
    beta: float = Field(10.0, gt=0, description="How much the logits of true tokens are lowered.")
    retain_weight: float = Field(0.0, ge=0, description=RETAIN_WEIGHT)

    def forget_loss(self, step: Step) -> Tensor:
        before, true = step.before.logits(FORGET), step.targets(FORGET)[..., None]
        wanted = before.scatter_add(-1, true, before.new_full(true.shape, -self.beta)).softmax(dim=-1)
        return step.mean(FORGET, -(wanted * step.logits(FORGET).log_softmax(dim=-1)).sum(dim=-1))
