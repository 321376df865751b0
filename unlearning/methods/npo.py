"""Negative preference optimization."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN_WEIGHT, Retaining, Step, Tensor, register


@register
class NegativePreferenceOptimization(Retaining):
    """``E_F[-2/beta log sigmoid(-beta (log p(y|x) - log p0(y|x)))] + retain_weight E_R[L(y|x)]``.

    Zhang et al., 2024 (NPO, arXiv 2404.05868), equation 3; with a retain term it is their NPO+RT.
    """

    name = "npo"
    help = "Negative preference optimization: gradient ascent that slows down as the model forgets."
    reference = (FORGET,)
    beta: float = Field(0.1, gt=0, description="Inverse temperature; towards 0 the method becomes gradient ascent.")
    retain_weight: float = Field(0.0, ge=0, description=RETAIN_WEIGHT)

    def forget_loss(self, step: Step) -> Tensor:
        import torch

        ratio = step.log_likelihood(FORGET) - step.reference[FORGET]
        return -2 / self.beta * torch.nn.functional.logsigmoid(-self.beta * ratio)
