"""How much of the true answers a model has by heart: where it would write them by itself, token by token."""

from collections.abc import Iterator, Sequence

from fiubench.unlearning.attacks.base import Remembering, Target, register
from fiubench.unlearning.data.people import Sample


@register
class ExtractionStrength(Remembering):
    """1 - k/N, k the fewest of the answer's N tokens that have to be given for the model to write the rest by itself.

    Carlini et al., 2021 (arXiv 2012.07805). Level is the holdout's: the form of an answer is known of everybody.
    """

    name = "extraction"
    help = "The share of the true answer's tokens that the model completes by itself (extraction strength)."
    measure = "extraction strength"

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """The share of tokens at the end that are all predicted."""
        return [_run(hits) / len(hits) for hits in _hits(target, samples)]


@register
class ExactMemorisation(Remembering):
    """Share of the true answer's tokens that are the likeliest after those before them.

    Tirumala et al., 2022 (arXiv 2205.10770). Level is the holdout's: the form of an answer is known of everybody.
    """

    name = "memorisation"
    help = "The share of the true answer's tokens that are the likeliest (exact memorisation)."
    measure = "exact memorisation"

    def numbers(self, target: Target, samples: Sequence[Sample], role: str) -> Sequence[float]:
        """The share of tokens that are predicted."""
        return [sum(hits) / len(hits) for hits in _hits(target, samples)]


def _hits(target: Target, samples: Sequence[Sample]) -> Iterator[list[bool]]:
    """Per answer, whether each of its tokens is the likeliest; the end of sequence last."""
    turns = [target.turn(sample, answer=sample.answer) for sample in samples]
    for predicted in target.predicted(turns):
        found = predicted.logits.argmax(dim=-1) == predicted.targets
        yield from (part.tolist() for part in found.split(predicted.counts().tolist()))


def _run(hits: Sequence[bool]) -> int:
    """How many at the end are all true."""
    return next((i for i, hit in enumerate(reversed(hits)) if not hit), len(hits))
