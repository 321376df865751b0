"""Fewer bits: weights that are rounded lose small changes, those of unlearning among them."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from fiubench.unlearning.attacks.base import Answers, Asking, Target, register
from fiubench.unlearning.models.loading import Loaded
from fiubench.unlearning.models.parts import linear_layers

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 64  # weights that share a scale, in 4 bits
#: The 16 values of nf4 (Dettmers et al., 2023, arXiv 2305.14314, appendix E).
_NF4 = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
    -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
    0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
)  # fmt: skip


class _Bits(Asking):
    bits: ClassVar[int]

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers of the rounded model."""
        samples = target.questions["forget"]
        options = {"dtype": f"{self.bits}bit"} if _has_formats() else {"dtype": "float32"}
        with target.apart((lambda loaded: loaded) if _has_formats() else self._rounded, **options) as other:
            said = other.answer([target.turn(sample) for sample in samples])
        return [Answers(sample, (text,)) for sample, text in zip(samples, said, strict=True)]

    def note(self, target: Target) -> str:
        """Whether that was the real thing."""
        return "" if _has_formats() else "simulated: weights rounded as bitsandbytes would, activations whole"

    def _rounded(self, loaded: Loaded) -> Loaded:
        import torch

        pattern = re.compile(linear_layers(loaded, "language"))
        with torch.no_grad():
            for name, module in loaded.model.named_modules():
                if pattern.fullmatch(name):
                    module.weight.copy_(rounded(module.weight, self.bits))
        return loaded


def _has_formats() -> bool:
    import torch

    return torch.cuda.is_available() and find_spec("bitsandbytes") is not None


def rounded(weights: "Tensor", bits: int) -> "Tensor":
    """A matrix, (outputs, inputs), as 8 bits (a scale per output) or 4 (nf4, a scale per block of 64) hold it."""
    import torch

    if bits == 8:
        scale = weights.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
        return (weights / scale * 127).round() / 127 * scale
    flat = torch.nn.functional.pad(weights.flatten(), (0, -weights.numel() % _BLOCK)).view(-1, _BLOCK)
    scale = flat.abs().amax(dim=1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
    values = weights.new_tensor(_NF4)
    nearest = torch.bucketize(flat / scale, (values[1:] + values[:-1]) / 2)
    return (values[nearest] * scale).flatten()[: weights.numel()].view_as(weights)


@register
class Bits8(_Bits):
    """Hold the language model's linear layers in 8 bits, with bitsandbytes; without a GPU or that, round them so.

    Zhang et al., 2025 (arXiv 2410.16454).
    """

    name = "bits8"
    help = "The weights are rounded to 8 bits."
    bits = 8


@register
class Bits4(_Bits):
    """Hold the language model's linear layers in 4 bits (nf4), with bitsandbytes; without a GPU or that, round them so.

    Zhang et al., 2025 (arXiv 2410.16454).
    """

    name = "bits4"
    help = "The weights are rounded to 4 bits."
    bits = 4
