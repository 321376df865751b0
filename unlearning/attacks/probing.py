"""Probing: is the truth still in the hidden states, where the answers do not show it?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fiubench.unlearning.attacks.base import Attack, Field, Outcome, Target, nothing, register
from fiubench.unlearning.data.dataset import Sample
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean

if TYPE_CHECKING:
    from torch import Tensor

_CHOICE = "choice of four over chance"
_STEPS = 100  # of L-BFGS


@register
class Probe(Attack):
    """Tell the true answer from the three wrong ones by a linear function of the hidden states.

    Each of the four answers, which differ in the value alone, is read by the model; its features are the mean hidden
    states over its tokens, less those of the four together. The function is fitted on retained people (multinomial
    logit, with an L2 penalty), at the layer that does best on the half of them that it was not fitted on. Chance is one
    in four, since the four are exchangeable.

    Li et al., 2024 (arXiv 2403.03218) probe unlearned models so.
    """

    name = "probe"
    help = "A linear probe of the hidden states, fitted on retained people, picks the true answer of four."
    measure = _CHOICE
    people: int = Field(64, ge=4, description="Retained people that it is fitted on, at most.")
    penalty: float = Field(1e-2, gt=0, description="Weight of the squared length of the function.")

    def run(self, target: Target) -> Outcome:
        """The share of the forget set's questions for which it picks the truth."""
        known = list(dict.fromkeys(sample.unique_id for sample in target.retained))[: self.people]
        half = set(known[::2])
        kept = _complete([sample for sample in target.retained if sample.unique_id in set(known)])
        asked = _complete(target.questions["forget"])
        if len(known) < 4 or not asked or not kept:
            return nothing(self.measure, "too few retained people, or no wrong answers, to fit a probe")
        layers, own = _features(target, kept), _features(target, asked)
        first = [i for i, sample in enumerate(kept) if sample.unique_id in half]
        rest = [i for i, sample in enumerate(kept) if sample.unique_id not in half]
        tried = [_right(layer[rest], self._fitted(layer[first])) for layer in layers]
        best = max(range(len(layers)), key=lambda i: (sum(tried[i]), i))
        right = _right(own[best], self._fitted(layers[best]))
        score = clustered_mean([float(one) for one in right], [sample.unique_id for sample in asked])
        assert score.value is not None
        chance = 1 / own[best].shape[1]
        rows = [
            {"unique_id": s.unique_id, "attribute": s.attribute, "role": "forget", "level": chance, "score": float(one)}
            for s, one in zip(asked, right, strict=True)
        ]
        gain = Estimate(score.value - chance, score.se, score.n, score.identities)
        kept_right = sum(tried[best]) / len(rest)
        note = f"layer {best} of {len(layers) - 1}, where it picks {kept_right:.2f} right about other retained people"
        return Outcome(self.measure, Estimate(chance), score, gain, rows, note)

    def _fitted(self, features: "Tensor") -> "Tensor":
        """The direction of truth, shape (width,)."""
        import torch

        features = features.detach()
        weights = torch.zeros(features.shape[-1], requires_grad=True)
        optimizer = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

        def loss() -> "Tensor":
            optimizer.zero_grad()
            value = -(features @ weights).log_softmax(dim=1)[:, 0].mean() + self.penalty * weights.square().sum()
            value.backward()
            return value

        optimizer.step(loss)
        return weights.detach()


def _complete(samples: Sequence[Sample]) -> list[Sample]:
    """Those that have three wrong answers."""
    return [sample for sample in samples if len(sample.perturbed_answer) == 3]


def _features(target: Target, samples: Sequence[Sample]) -> "list[Tensor]":
    """By layer, shape (samples, 4, width): the truth first, each value scaled to unit spread."""
    import torch

    turns = [target.turn(s, answer=text) for s in samples for text in (s.paraphrased_answer, *s.perturbed_answer)]
    batches = []
    for predicted in target.predicted(turns, hidden_states=True):
        weight = (predicted.mask / predicted.mask.sum(dim=1, keepdim=True)).unsqueeze(-1)
        batches.append([(layer.float() * weight).sum(dim=1).cpu() for layer in predicted.hidden])
    layers = [torch.cat(parts).unflatten(0, (len(samples), 4)) for parts in zip(*batches, strict=True)]
    centred = [layer - layer.mean(dim=1, keepdim=True) for layer in layers]
    return [layer / layer.std().clamp_min(1e-12) for layer in centred]


def _right(features: "Tensor", weights: "Tensor") -> list[bool]:
    return [bool(one) for one in (features @ weights).argmax(dim=1) == 0]
