"""Direct preference optimization."""

from typing import ClassVar

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, REFUSAL, RETAIN, RETAIN_WEIGHT, Retaining, Step, Tensor, register


@register
class DirectPreferenceOptimization(Retaining):
    """``E_F[-1/beta log sigmoid(beta (r(y0) - r(y)))] + retain_weight E_R[L(y|x)]``, ``r = log p - log p0``.

    A refusal is preferred to the true answer (Rafailov et al., 2023, arXiv 2305.18290, equation 7; scaled by 1/beta as
    in the NPO paper, section 3, so that learning rates compare).
    """

    name = "dpo"
    help = "Direct preference optimization: prefers a refusal to the true answer."
    batches = (FORGET, REFUSAL, RETAIN)
    reference = (FORGET, REFUSAL)
    preferred: ClassVar[str] = REFUSAL
    beta: float = Field(0.1, gt=0, description="Inverse temperature: how strongly the model is held to what it was.")
    retain_weight: float = Field(0.0, ge=0, description=RETAIN_WEIGHT)

    def forget_loss(self, step: Step) -> Tensor:
        import torch

        preferred = step.log_likelihood(self.preferred) - step.reference[self.preferred]
        answered = step.log_likelihood(FORGET) - step.reference[FORGET]
        return -torch.nn.functional.logsigmoid(self.beta * (preferred - answered)) / self.beta
