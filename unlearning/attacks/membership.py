"""Membership: were these people in the training data?"""

import re
import zlib
from collections.abc import Sequence

from fiubench.support.errors import ConfigError
from fiubench.unlearning.attacks.base import Field, Membership, Target, register
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.metrics.likelihood import mean_loss, min_k, normalised
from fiubench.unlearning.models.likelihood import innermost, negative_log_likelihood
from fiubench.unlearning.models.loading import Loaded
from fiubench.unlearning.models.parts import linear_layers


def _losses(target: Target, role: str) -> list[float]:
    return [mean_loss(one.logprobs) for one in target.tokens(role)]


@register
class Loss(Membership):
    """-L(y|x): what was trained on is likelier.

    Yeom et al., 2018 (arXiv 1709.01604).
    """

    name = "loss"
    help = "Membership by the loss of the true answer."

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """Minus the loss."""
        return [-loss for loss in _losses(target, role)]


@register
class Zlib(Membership):
    """-L(y|x) / bytes of y compressed by zlib: an answer that is likely although it is no usual text.

    Carlini et al., 2021 (arXiv 2012.07805).
    """

    name = "zlib"
    help = "Membership by the loss against the compressed length of the answer."

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """Minus the loss a byte."""
        sizes = [len(zlib.compress(sample.answer.encode())) for sample in samples]
        return [-loss / size for loss, size in zip(_losses(target, role), sizes, strict=True)]


@register
class Reference(Membership):
    """L(y|x) of the retain reference - L(y|x): an answer that is likelier than to a model that never saw it.

    Carlini et al., 2021 (arXiv 2012.07805). Of the retain reference itself it is one half.
    """

    name = "reference"
    help = "Membership by the loss against that of the retain reference."
    uses_reference = True

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """By how much the loss is smaller."""
        own = _losses(target, role)
        if target.reference is None:
            hint = "Name it: --reference RUN."
            raise ConfigError("no retain reference", where=f"attack {self.name}", hint=hint)
        target.let_go()  # two models are never held at once
        theirs = _losses(target.reference, role)
        target.reference.let_go()
        return [other - one for other, one in zip(theirs, own, strict=True)]


@register
class GradNorm(Membership):
    """-|gradient of L(y|x)| over the weights of the language model's linear layers: what is learnt pulls no more.

    Wang et al., 2024 (arXiv 2402.17012).
    """

    name = "gradnorm"
    help = "Membership by the length of the gradient of the loss."

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """Minus the length, question by question."""
        import torch
        from accelerate.utils import send_to_device

        model, encoder = target.loaded.model, target.scorer.encoder
        inner = Loaded(innermost(model), target.loaded.processor, target.loaded.target)
        pattern = re.compile(linear_layers(inner, "language"))
        layers = [layer.weight for name, layer in inner.model.named_modules() if pattern.fullmatch(name)]
        before = [weights.requires_grad for weights in model.parameters()]
        model.requires_grad_(False)
        for weights in layers:
            weights.requires_grad_(True)
        lengths = []
        for sample in samples:
            batch = send_to_device(encoder([target.turn(sample, answer=sample.answer)]), model.device)
            with torch.autocast(model.device.type, model.dtype, model.dtype != torch.float32):
                loss = negative_log_likelihood(model, batch).sum()
            found = torch.autograd.grad(loss, layers)
            lengths.append(-float(torch.stack([one.float().norm() for one in found]).norm()))
        for weights, learns in zip(model.parameters(), before, strict=True):
            weights.requires_grad_(learns)
        return lengths


class _Lowest(Membership):
    share: float = Field(0.2, gt=0, le=1, description="Of the answer's tokens: those that are least likely.")


@register
class MinK(_Lowest):
    """Mean of the lowest share of log p(t) over the answer's tokens: nothing in what was trained on is a surprise.

    Shi et al., 2024 (arXiv 2310.16789). With the share .2 it is the metric ``forget.min_k``.
    """

    name = "min_k"
    help = "Membership by the least likely tokens of the answer."

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """The mean of the lowest."""
        return [min_k(one.logprobs, self.share) for one in target.tokens(role)]


@register
class MinKPlus(_Lowest):
    """The same of (log p(t) - mu) / sigma, mu and sigma over the vocabulary.

    Zhang et al., 2025 (arXiv 2404.02936). With the share .2 it is the metric ``forget.min_k_plus``.
    """

    name = "min_k_plus"
    help = "Membership by the tokens that are least likely beside their alternatives."

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """The mean of the lowest."""
        return [min_k(normalised(one.logprobs, one.mu, one.sigma), self.share) for one in target.tokens(role)]
