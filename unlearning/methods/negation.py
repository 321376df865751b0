"""Negation of a task vector."""

from typing import Any

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, Method, Step, Tensor, register


@register
class TaskNegation(Method):
    """``E_F[L(y|x)]`` of the weights ``W0 - dW / strength``; what is kept is ``W0 + dW``.

    The model learns the forget set better, and goes the other way: with ``v = -dW / strength`` the task vector that
    fine-tuning on the forget set finds, the result is ``W0 - strength v`` (Ilharco et al., 2023, Editing models with
    task arithmetic, arXiv 2212.04089, section 3). ``dW`` are the adapters, whose scale is the opposite while they
    learn; the projector stays as it is. The loss in the log is that of the task, and falls.
    """

    name = "negation"
    help = "Task vector: learns the forget set even better, and moves the weights the other way."
    batches = (FORGET,)
    needs_adapters = True
    strength: float = Field(1.0, gt=0, description="How far the weights go, in lengths of the task vector.")

    def loss(self, step: Step) -> Tensor:
        return step.nll(FORGET)

    def prepare(self, model: Any) -> None:
        from peft.tuners.lora import LoraLayer

        for module in model.modules():
            if isinstance(module, LoraLayer):
                module.scaling.update({name: -scale / self.strength for name, scale in module.scaling.items()})
        for name, weights in model.named_parameters():
            if "lora_" not in name:
                weights.requires_grad_(False)
