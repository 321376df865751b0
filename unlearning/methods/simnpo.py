"""Simple negative preference optimization."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, Retaining, Step, Tensor, register


@register
class SimpleNPO(Retaining):
    """``E_F[-2/beta log sigmoid(-beta/|y| log p(y|x) - gamma)] + retain_weight E_R[L(y|x)]``: no reference model.

    Fan et al., 2024 (SimNPO, arXiv 2410.07163), equation 4.
    """

    name = "simnpo"
    help = "Simple NPO: NPO by the mean per token, without a reference model."
    beta: float = Field(2.5, gt=0, description="Inverse temperature.")
    gamma: float = Field(0.0, ge=0, description="Margin by which the loss has to rise.")

    def forget_loss(self, step: Step) -> Tensor:
        import torch

        own = -step.log_likelihood(FORGET) / step.lengths(FORGET)  # by answer, whatever the training's reduction is
        return -2 / self.beta * torch.nn.functional.logsigmoid(self.beta * own - self.gamma)
