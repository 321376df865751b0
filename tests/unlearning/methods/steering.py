"""Two methods of the user's own: one looks at hidden states, one changes gradients."""

from typing import Any, Literal

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, Tensor, register
from fiubench.unlearning.methods.ga import GradientAscent


@register
class Misdirection(Method):
    """``E_F[|h - c u|^2] + retain_weight E_R[|h - h0|^2]``: one layer's hidden states ``h``, ``u`` of all ones, ``h0``
    those before unlearning. After RMU (Li et al., 2024, arXiv 2403.03218).
    """

    name = "steer"
    help = "Pushes hidden states of the forget set to one place."
    batches = (FORGET, RETAIN)
    hidden_states = True
    needs_adapters = True
    layer: int = Field(-1, description="Layer whose output is steered; -1 is the last.")
    strength: float = Field(5.0, gt=0, description="Length of the place.")
    retain_weight: float = Field(1.0, ge=0, description="Weight of staying on the retain set.")

    def loss(self, step: Step) -> Tensor:
        here = step.hidden_states(FORGET)[self.layer]
        away = self._mean(step, FORGET, here - self.strength)
        if not self.retain_weight:
            return away
        then = step.before.hidden_states(RETAIN)[self.layer]
        return away + self.retain_weight * self._mean(step, RETAIN, step.hidden_states(RETAIN)[self.layer] - then)

    def _mean(self, step: Step, name: str, difference: Tensor) -> Tensor:
        per_token = (difference**2).mean(dim=-1) * step.mask(name)
        return per_token.sum(dim=1) / step.lengths(name)


@register
class Salient(GradientAscent):
    """``E_F[-L(y|x)]``, with the largest gradients alone, and none outside of the adapters.

    After SalUn (Fan et al., 2024, arXiv 2310.12508), which chooses them once.
    """

    name = "salient"
    help = "Gradient ascent by the largest gradients of the adapters."
    share: float = Field(0.5, gt=0, le=1, description="Share of each gradient's entries that is kept.")
    matrices: tuple[Literal["A", "B"], ...] = Field(("A", "B"), description="LoRA matrices that learn.")

    def after_backward(self, model: Any) -> None:
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                continue
            size = parameter.grad.abs()
            least = size.flatten().kthvalue(max(1, round((1 - self.share) * size.numel()))).values
            chosen = any(f"lora_{matrix}" in name for matrix in self.matrices)
            parameter.grad.mul_((size >= least) & chosen)
