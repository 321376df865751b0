"""Probing: is the value still in the hidden states, where the answers do not show it?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from fiubench.unlearning.attacks.base import Attack, Field, Outcome, Target, nothing, register
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean
from fiubench.unlearning.models.encoding import IGNORED
from fiubench.unlearning.models.likelihood import innermost

if TYPE_CHECKING:
    from torch import Tensor

_PENALTIES = (0.01, 0.1, 1.0)  # times the mean square of a hidden state
_OF_FOUR = 0.25


@register
class Probe(Attack):
    """Tell the true value from the three wrong ones by a linear function of the hidden state in front of it.

    The four paraphrased answers differ in the value alone. The model reads the words before it; from its hidden state
    there a linear map, fitted on retained people, predicts the output embedding of the value's first token, and the
    value is picked whose token is closest. Values that begin alike share what is picked. Layer and ridge penalty are
    those that do best on half of the retained people, having been fitted on the other half. Chance is one in four,
    since the four are exchangeable.

    Patil et al., 2024 (arXiv 2309.17410) look into hidden states for deleted facts; Belrose et al., 2023
    (arXiv 2303.08112) fit such maps.
    """

    name = "probe"
    help = "A linear probe of the hidden states, fitted on retained people, picks the true value of four."
    measure = "choice of four"
    fitted_on: int = Field(64, ge=4, description="Retained people that it is fitted on, at most.")

    def run(self, target: Target) -> Outcome:
        """The share of the forget set's questions for which it picks the truth."""
        known = list(dict.fromkeys(sample.unique_id for sample in target.retained))[: self.fitted_on]
        kept = _with_wrong([sample for sample in target.retained if sample.unique_id in set(known)])
        asked = _with_wrong(target.questions["forget"])
        if len(known) < 4 or not asked or not kept:
            return nothing(self.measure, "too few retained people, or no wrong answers, to fit a probe")
        seen, own = _read(target, kept), _read(target, asked)
        half = {*known[::2]}
        first, rest = ([i for i, s in enumerate(kept) if (s.unique_id in half) == is_in] for is_in in (True, False))
        tried = {
            (layer, penalty): sum(_picks(seen.part(layer, first), seen.part(layer, rest), penalty)) / len(rest)
            for layer in range(len(seen.states))
            for penalty in _PENALTIES
        }
        layer, penalty = max(tried, key=lambda choice: tried[choice])
        right = _picks(seen.part(layer), own.part(layer), penalty)
        score = clustered_mean(right, [sample.unique_id for sample in asked])
        assert score.value is not None
        rows = [
            {"unique_id": s.unique_id, "attribute": s.attribute, "role": "forget", "level": _OF_FOUR, "score": one}
            for s, one in zip(asked, right, strict=True)
        ]
        gain = Estimate(score.value - _OF_FOUR, score.se, score.n, score.identities)
        other = f"{tried[layer, penalty]:.2f} right about retained people whom it was not fitted on"
        note = f"layer {layer} of {len(seen.states) - 1}: {other}"
        return Outcome(self.measure, Estimate(_OF_FOUR), score, gain, rows, note)


def _with_wrong(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if len(sample.perturbed_answer) == 3]


class _Part(NamedTuple):
    states: "Tensor"  # shape (questions, width)
    values: "Tensor"  # output embeddings of the four values' first tokens, the truth first: (questions, 4, width)


class _Read(NamedTuple):
    states: "Sequence[Tensor]"  # by layer
    values: "Tensor"

    def part(self, layer: int, chosen: Sequence[int] | None = None) -> _Part:
        """One layer, of some of the questions."""
        every = slice(None) if chosen is None else list(chosen)
        return _Part(self.states[layer][every], self.values[every])


def _read(target: Target, samples: Sequence[Sample]) -> _Read:
    """What the model holds in front of the value, and what could come there."""
    import torch

    tokens = [[_answer(target, sample, text) for text in _texts(sample)] for sample in samples]
    places = [next((i for i, ids in enumerate(zip(*each, strict=False)) if len({*ids}) > 1), 0) for each in tokens]
    weights = innermost(target.loaded.model).get_output_embeddings().weight
    ids = torch.tensor([[one[place] for one in each] for each, place in zip(tokens, places, strict=True)])
    states: list[list[Tensor]] = []
    turns, done = [target.turn(sample, answer=sample.paraphrased_answer) for sample in samples], 0
    for predicted in target.predicted(turns, hidden_states=True):
        ahead = torch.tensor(places[done : done + len(predicted.mask)], device=predicted.mask.device)
        column = predicted.mask.int().argmax(dim=1) + ahead
        rows = torch.arange(len(column), device=column.device)
        states.append([layer[rows, column].float().cpu() for layer in predicted.hidden])
        done += len(column)
    values = weights.detach()[ids.to(weights.device)].float().cpu()
    return _Read([torch.cat(parts) for parts in zip(*states, strict=True)], values)


def _texts(sample: Sample) -> tuple[str, ...]:
    return (sample.paraphrased_answer, *sample.perturbed_answer)


def _answer(target: Target, sample: Sample, text: str) -> list[int]:
    """The tokens of an answer, the end of sequence last."""
    labels = target.scorer.encoder([target.turn(sample, answer=text)])["labels"][0]
    return [int(token) for token in labels if token != IGNORED]


def _picks(known: _Part, asked: _Part, penalty: float) -> list[float]:
    """Ridge regression from states to the true values' embeddings: per question, whether the truth is picked.

    A tie is worth its share: of four values that look the same, a fourth.
    """
    import torch

    centre = known.states.mean(dim=0)
    h, x = known.states - centre, asked.states - centre
    aims = known.values[:, 0] - known.values.mean(dim=1)
    kernel = h @ h.T
    kernel = kernel + penalty * kernel.diagonal().mean() * torch.eye(len(h))
    guessed = (x @ h.T) @ torch.linalg.solve(kernel, aims)
    near = (asked.values @ guessed.unsqueeze(-1)).squeeze(-1)
    best = near == near.amax(dim=1, keepdim=True)
    return [float(one) for one in best[:, 0] / best.sum(dim=1)]
