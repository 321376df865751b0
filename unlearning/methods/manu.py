"""Pruning of neurons."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from fiubench.support.settings import Field
from fiubench.unlearning.methods.base import FORGET, RETAIN, Step, Tensor, register
from fiubench.unlearning.methods.untrained import Editing
from fiubench.unlearning.models.likelihood import shows_pictures
from fiubench.unlearning.models.parts import neurons

_LEAST = 1e-5  # importance that a neuron has on the retain set at least
_TOWERS = {True: ("language", "vision"), False: ("language",)}  # with a picture, and without


@register
class Manu(Editing):
    """``S(n) = sum over k of I_k(n, F) / I_k(n, R)``; neurons with the highest ``S`` give 0 from then on.

    A neuron is a hidden unit of an MLP, as the last layer of the MLP sees it, ``a`` what it gives at all places of
    questions with answers of a set: ``I_abs = mean |a|``, ``I_freq = share of |a| > active``, ``I_var = sd a``,
    ``I_rms = sqrt(mean a^2)``. Scores are taken, and neurons chosen, for questions with pictures and without apart, in
    either tower: forget ``both`` ways to have both. No gradient is taken, and L(y|x) has no part. Liu et al., 2025
    (MANU, arXiv 2502.15910), section 4; its code prunes outputs of every linear layer of the last MLPs.
    """

    name = "manu"
    help = "MANU: prunes the neurons that matter to the forget set more than to the retain set; no training."
    batches = (FORGET, RETAIN)
    share: float = Field(0.02, gt=0, lt=1, description="Share of a tower's neurons that is pruned.")
    active: float = Field(0.1, ge=0, description="A neuron counts as active where it gives more, up or down.")

    def edit(self, model: Any, samples: Callable[[str], Iterator[Step]]) -> None:
        layers = {tower: neurons(model, tower) for tower in _TOWERS[True]}
        forget, retain = (self._importance(layers, name, samples(name)) for name in (FORGET, RETAIN))
        for chosen in _chosen(forget, retain, self.share):
            for layer, which in chosen.items():
                layer.weight.data[:, which] = 0

    def _importance(
        self, layers: Mapping[str, list[Any]], name: str, samples: Iterator[Step]
    ) -> dict[tuple[bool, str], dict[Any, list[Tensor]]]:
        """(With a picture, tower) -> layer -> the four importances of its neurons."""
        import torch

        sums: dict[tuple[bool, str], dict[Any, Tensor]] = {}
        pictured = False

        def count(tower: str, layer: Any, given: Any) -> None:
            a = given[0].detach().double().reshape(-1, given[0].shape[-1])
            found = torch.stack([torch.ones_like(a), a.abs(), (a.abs() > self.active).double(), a, a**2]).sum(dim=1)
            own = sums.setdefault((pictured, tower), {})
            own[layer] = own.get(layer, 0) + found

        with ExitStack() as hooks, torch.no_grad():
            for tower, own in layers.items():
                for layer in own:
                    hook = layer.register_forward_pre_hook(lambda layer, given, tower=tower: count(tower, layer, given))
                    hooks.callback(hook.remove)
            for step in samples:
                pictured = shows_pictures(step.batches[name])
                step.log_likelihood(name)
        return {
            key: {layer: _four(values) for layer, values in own.items()}
            for key, own in sums.items()
            if key[1] in _TOWERS[key[0]]
        }


def _four(sums: Tensor) -> list[Tensor]:
    """Mean size, frequency, standard deviation and root mean square, from sums over places."""
    count, sizes, often, values, squares = sums
    mean, square = values / count, squares / count
    return [sizes / count, often / count, (square - mean**2).clamp(min=0).sqrt(), square.sqrt()]


def _chosen(forget: Any, retain: Any, share: float) -> Iterator[dict[Any, Tensor]]:
    """For each kind of question and tower the neurons that are pruned: layer -> bool, shape (neurons,)."""
    import torch

    for key in (key for key in forget if key in retain):
        scores = {
            layer: sum(f / (r + _LEAST) for f, r in zip(fours, retain[key][layer], strict=True))
            for layer, fours in forget[key].items()
        }
        whole = torch.cat(list(scores.values()))
        least = whole.topk(max(1, round(share * len(whole)))).values[-1]
        yield {layer: score >= least for layer, score in scores.items()}
