"""Preference optimization."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import REFUSAL, RETAIN, Method, Step, Tensor, register


@register
class PreferenceOptimization(Method):
    """``E_F[L(y0|x)] + retain_weight E_R[L(y|x)]``: learn to refuse (TOFU, section 4; FIUBench, section 3).

    True answers of the forget set are not even loaded.
    """

    name = "po"
    help = "Preference optimization: trains on refusals for the forget set."
    batches = (REFUSAL, RETAIN)
    retain_weight: float = Field(1.0, ge=0, description="Weight of the loss on the retain set.")

    def loss(self, step: Step) -> Tensor:
        return step.joint_nll({REFUSAL: 1.0, RETAIN: self.retain_weight})
