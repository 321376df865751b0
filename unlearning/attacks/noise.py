"""Noise: one change of all pictures, small and learned, that opens the model's mouth."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from fiubench.support.errors import ConfigError
from fiubench.unlearning.attacks.base import Answers, Asking, Field, Target, register
from fiubench.unlearning.attacks.relearning import in_batches, of_people
from fiubench.unlearning.data.modality import NAME
from fiubench.unlearning.models.likelihood import innermost, negative_log_likelihood

if TYPE_CHECKING:
    from torch import Tensor

_PIXELS = "pixel_values"


@register
class Noise(Asking):
    """Add the same noise to all prepared pictures, trained for the true answers about some of the forgotten people.

    Signs of gradients, within a bound; the others are asked about, as ``relearn`` does it: the first half is taught and
    the rest asked, then the last. The model is as it was. Pictures have to be prepared to one shape.

    Moosavi-Dezfooli et al., 2017 (arXiv 1610.08401).
    """

    name = "noise"
    help = "One trained pattern of noise is added to all pictures."
    steps: int = Field(20, ge=1, description="Steps of its training.")
    samples: int = Field(8, ge=1, description="Questions in a step.")
    size: float = Field(0.25, gt=0, description="Largest change of a prepared value: with CLIP's .25 is 17 of 255.")

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers about such pictures."""
        if target.asked == NAME:
            raise ConfigError("people are asked about by name, without a picture", where=f"attack {self.name}")
        found = []
        for taught, samples in of_people(target, None, self.name):
            with _added(target) as change:
                self._trained(target, taught, change)
                said = target.answer([target.turn(sample) for sample in samples])
            found += [Answers(sample, (text,)) for sample, text in zip(samples, said, strict=True)]
        return found

    def _trained(self, target: Target, items: Sequence[Any], change: "_Change") -> None:
        import torch
        from accelerate.utils import send_to_device

        model, encoder = target.loaded.model, target.scorer.encoder
        pace = 2.5 * self.size / self.steps
        for turns in in_batches(items, self.samples, self.steps, target.seed):
            batch = send_to_device(encoder(turns), model.device)
            if _PIXELS not in batch:
                raise ConfigError(f"the model is given no {_PIXELS}", where=f"attack {self.name}")
            noise = change.of(batch[_PIXELS])
            with torch.autocast(model.device.type, model.dtype, model.dtype != torch.float32):
                loss = negative_log_likelihood(model, batch).mean()
            (slope,) = torch.autograd.grad(loss, noise)
            with torch.no_grad():
                noise.sub_(pace * slope.sign()).clamp_(-self.size, self.size)


class _Change:
    """The noise, of the shape of a prepared picture; none before :meth:`of` has seen one.

    Args:
        compute: the model's own ``forward``.
    """

    def __init__(self, compute: Callable[..., Any]) -> None:
        self._compute = compute
        self.noise: Tensor | None = None

    def of(self, pixels: "Tensor") -> "Tensor":
        """The noise itself."""
        import torch

        if self.noise is None:
            self.noise = torch.zeros(pixels.shape[1:], device=pixels.device, requires_grad=True)
        return self.noise

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What the model computes for pictures with the noise."""
        pixels = named.get(_PIXELS)
        if pixels is not None and self.noise is not None:
            if pixels.shape[1:] != self.noise.shape:
                what = "pictures are prepared to several shapes, to which no one noise fits"
                raise ConfigError(what, where="attack noise")
            named[_PIXELS] = pixels + self.noise.to(pixels.dtype)
        return self._compute(*arguments, **named)


@contextmanager
def _added(target: Target) -> Iterator[_Change]:
    """Pictures with noise, as long as it lasts; what questions share is read anew before and after."""
    model = innermost(target.loaded.model)
    change = _Change(model.forward)
    model.forward = wraps(model.forward)(change)
    target.renew()
    try:
        yield change
    finally:
        del model.forward
        target.renew()
