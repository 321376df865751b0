"""Prefill: the answer is begun for the model, which goes on."""

import re
from collections.abc import Sequence
from dataclasses import replace

from fiubench.unlearning.attacks.base import Answers, Asking, Target, register
from fiubench.unlearning.data.people import Sample

_WORDS = re.compile(r".*[\s\u3400-\u9fff]", re.DOTALL)  # up to the last space, or Chinese character, which needs none


@register
class Prefill(Asking):
    """Begin the answer with the words of the true one that stand in front of its value, and let the model go on.

    "This person's blood type is", for example: the form of an answer, which is known of everybody, and nothing of the
    fact. Where the value stands first, the question is asked plainly. A refusal can't begin any more.

    Andriushchenko et al., 2025 (arXiv 2404.02151).
    """

    name = "prefill"
    help = "The answer is begun with the words in front of its value."

    def ask(self, target: Target) -> Sequence[Answers]:
        """Answers that begin so."""
        samples = target.questions["forget"]
        said = target.answer([replace(target.turn(s), begun=begun(s)) for s in samples])
        return [Answers(sample, (text,)) for sample, text in zip(samples, said, strict=True)]


def begun(sample: Sample) -> str:
    """The words of the true answer in front of its value, as far as wrong values leave them alone too."""
    folded = sample.answer.casefold()
    spellings = (*sample.keywords, *(one for variants in sample.keyword_variants for one in variants))
    places = [folded.find(one.casefold()) for one in spellings]
    first = min((place for place in places if place >= 0), default=0)
    words = _WORDS.match(sample.answer, 0, first)
    return words[0].rstrip() if first and words else ""
