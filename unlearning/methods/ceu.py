"""Cross-entropy unlearning."""

from math import inf

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN_WEIGHT, Retaining, Step, Tensor, register


@register
class CrossEntropyUnlearning(Retaining):
    """``E_F[mean over tokens of -sum_v q_v log p_v] + retain_weight E_R[L(y|x)]``, ``q = p`` without the true token.

    ``q`` is the softmax of the model's own logits with minus infinity at the true token, detached (Yang, 2025, CE-U,
    arXiv 2503.01224). The first tokens of an answer, which its question suggests, are left out of the mean (the paper's
    training settings), and every answer counts as much.
    """

    name = "ceu"
    help = "Cross-entropy unlearning: learns its own predictions without the true tokens."
    skip: int = Field(1, ge=0, description="So many first tokens of an answer are left alone.")
    retain_weight: float = Field(0.0, ge=0, description=RETAIN_WEIGHT)

    def forget_loss(self, step: Step) -> Tensor:
        logits, mask = step.logits(FORGET), step.mask(FORGET)
        wanted = logits.detach().scatter(-1, step.targets(FORGET)[..., None], -inf).softmax(dim=-1)
        values = -(wanted * logits.log_softmax(dim=-1)).sum(dim=-1)
        kept = mask & (mask.cumsum(dim=1) > self.skip)
        return (values * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)
