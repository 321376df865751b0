"""Gradient ascent on salient weights alone."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Method, Step, Tensor, register
from pydantic import PrivateAttr


@register
class MMUnlearner(Method):
    """``-E_F[L(y|x)]`` by the weights in a mask, and in turn with it ``E_R[L(y|x)]`` by all of them.

    The mask holds the weights with ``E_F[g^2] >= saliency E_R[g^2]``, ``g`` the gradient of one answer's ``L(y|x)``
    before unlearning: they matter more to what is to be forgotten than to what is kept. Of every so many steps
    (``every``) the first is on the forget set, with gradients of 0 outside of the mask; the others are on the retain
    set. Huo et al., 2025 (MMUnlearner, arXiv 2502.11051), section 4, where pictures alone are forgotten (here: taught
    ``both`` ways, forgotten through ``picture``), and the mask also keeps what is known of the forgotten by name, which
    here is in no retain set. Its code squares the gradients of batches of two, and clips before it masks; here they
    are of single answers, so that the mask does not hang on batches. Of new adapters one half has no gradient: there
    the mask is whole.
    """

    name = "mmunlearner"
    help = "MMUnlearner: gradient ascent by the weights that matter to the forget set, and descent on the retain set."
    batches = (FORGET, RETAIN)
    saliency: float = Field(1.0, gt=0, description="Least ratio of squared gradients, forget set by retain set: gamma.")
    every: int = Field(2, ge=2, description="Of so many steps one is on the forget set.")
    _forgets: bool = PrivateAttr(False)  # the step that is being taken

    def survey(self, model: Any, samples: Callable[[str], Iterator[Step]]) -> Mapping[str, Tensor]:
        forget, retain = (_squares(model, name, samples(name)) for name in (FORGET, RETAIN))
        return {name: forget[name] >= self.saliency * retain[name] for name in forget}

    def loss(self, step: Step) -> Tensor:
        self._forgets = step.number % self.every == 0
        return -step.nll(FORGET) if self._forgets else step.nll(RETAIN)

    def after_backward(self, model: Any) -> None:
        for name, weights in model.named_parameters() if self._forgets else ():
            if weights.grad is not None:
                weights.grad.mul_(self.found[name].to(weights.grad.device))


def _squares(model: Any, name: str, samples: Iterator[Step]) -> dict[str, Tensor]:
    """Mean square of each weight's gradient, over answers."""
    import torch

    learning = {name: weights for name, weights in model.named_parameters() if weights.requires_grad}
    sums, count = {key: torch.zeros_like(weights) for key, weights in learning.items()}, 0
    for step in samples:
        gradients = torch.autograd.grad(step.nll(name).sum(), list(learning.values()), allow_unused=True)
        for total, gradient in zip(sums.values(), gradients, strict=True):
            if gradient is not None:
                total.add_(gradient.detach() ** 2)
        count += 1
    return {key: total / count for key, total in sums.items()}
