"""Simple negative preference optimization."""

from typing import TYPE_CHECKING, Annotated

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, register

if TYPE_CHECKING:
    from torch import Tensor


@register
class SimpleNPO(Method):
    """``E_F[-2/beta log sigmoid(-beta/|y| log p(y|x) - gamma)] + retain_weight E_R[L(y|x)]``: no reference model.

    Fan et al., 2024 (SimNPO, arXiv 2410.07163), equation 4.
    """

    name = "simnpo"
    help = "Simple NPO: NPO by the mean per token, without a reference model."
    batches = (FORGET, RETAIN)
    beta: Annotated[float, Field(gt=0, description="Inverse temperature.")] = 2.5
    gamma: Annotated[float, Field(ge=0, description="Margin by which the loss has to rise.")] = 0.0
    retain_weight: Annotated[float, Field(ge=0, description="Weight of the loss on the retain set.")] = 1.0

    def loss(self, step: Step) -> "Tensor":
        """See the class."""
        import torch

        margin = self.beta * step.nll(FORGET) - self.gamma
        forget = -2 / self.beta * torch.nn.functional.logsigmoid(margin)
        return forget + self.retain_weight * step.nll(RETAIN) if self.retain_weight else forget
