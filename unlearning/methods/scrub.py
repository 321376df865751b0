"""A student that disobeys its teacher on the forget set."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, RETAIN_WEIGHT, Method, Step, Tensor, register


@register
class Scrub(Method):
    """``divergence_weight E_R[KL(p0 || p)] + retain_weight E_R[L(y|x)]``, and in turn with it ``-E_F[KL(p0 || p)]``.

    Kurmanji et al., 2023 (SCRUB, arXiv 2302.09880), section 3: steps that come near the teacher ``p0`` on the retain
    set alternate with steps away from it on the forget set; in the end there are only the former. The paper alternates
    epochs; here steps do, the retain set first, since the divergence from oneself has no gradient.
    """

    name = "scrub"
    help = "SCRUB: steps away from its old predictions on the forget set, and back to them on the retain set."
    batches = (FORGET, RETAIN)
    needs_adapters = True
    divergence_weight: float = Field(0.5, ge=0, description="Weight of the divergence on the retain set: alpha.")
    retain_weight: float = Field(1.0, gt=0, description=RETAIN_WEIGHT)
    until: float = Field(0.5, gt=0, le=1, description="Share of all steps after which none is on the forget set.")

    def loss(self, step: Step) -> Tensor:
        if step.number % 2 and step.number < self.until * step.steps:
            return -step.divergence(FORGET)
        kept = self.retain_weight * step.nll(RETAIN)
        return kept + self.divergence_weight * step.divergence(RETAIN) if self.divergence_weight else kept
