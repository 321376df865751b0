"""Alternate preference optimization."""

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import ALTERNATE, FORGET, RETAIN, RETAIN_WEIGHT, register
from fiubench.unlearning.methods.dpo import DirectPreferenceOptimization


@register
class AlternatePreferenceOptimization(DirectPreferenceOptimization):
    """``E_F[-1/beta log sigmoid(beta (r(ya) - r(y)))] + retain_weight E_R[L(y|x)]``, ``r = log p - log p0``.

    A plausible wrong answer ``ya`` is preferred to the true one (Mekala et al., 2025, AltPO, arXiv 2409.13474;
    scaled as ``dpo`` is). The paper has a language model write alternatives; here they are the wrong answers of the
    dataset, another one every epoch.
    """

    name = "altpo"
    help = "Alternate preference optimization: prefers a wrong answer of the same kind to the true one."
    batches = (FORGET, ALTERNATE, RETAIN)
    reference = (FORGET, ALTERNATE)
    preferred = ALTERNATE
    retain_weight: float = Field(1.0, ge=0, description=RETAIN_WEIGHT)
