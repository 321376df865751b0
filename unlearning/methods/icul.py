"""In-context unlearning."""

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from fiubench.support.draws import permute
from fiubench.support.errors import ConfigError
from fiubench.support.settings import Field
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.methods.base import register
from fiubench.unlearning.methods.untrained import Prompting


@register
class InContextUnlearning(Prompting):
    """``p(y | f1 w1 .. r1 y1 .., x)``: before the question stand others, about the forgotten with wrong answers.

    First questions ``f`` about people to be forgotten with a wrong answer ``w`` of the dataset, then questions ``r``
    about retained people with the true one, all by name and drawn by the seed; no weight is changed, and there is no
    L(y|x). Pawelczyk et al., 2024 (In-context unlearning, arXiv 2310.07579), section 4, whose context is made for the
    one point that is asked about; here it is the same for every question, since nobody says whom a picture shows.
    """

    name = "icul"
    help = "In-context unlearning: wrong answers about forgotten people stand before every question."
    wrong: int = Field(4, ge=1, description="Questions with a wrong answer, from as many people as there are.")
    right: int = Field(2, ge=0, description="Questions with the true answer, about retained people.")

    def prompt(self, forget: Sequence[Sample], retain: Sequence[Sample], seed: int) -> str:
        told = [
            f"{sample.question} {sample.perturbed_answer[0]}"
            for sample in _some(forget, self.wrong, seed, "icul.wrong")
            if sample.perturbed_answer
        ]
        if not told:
            hint = "In-context unlearning tells wrong answers by name. Take refusal_prompt."
            raise ConfigError("no question to be forgotten has a wrong answer and can be asked by name", hint=hint)
        told += [f"{sample.question} {sample.answer}" for sample in _some(retain, self.right, seed, "icul.right")]
        return "\n".join(told)


def _some(samples: Sequence[Sample], count: int, seed: int, purpose: str) -> list[Sample]:
    """So many that can be asked by name: one of each person, then another one of each."""
    nameable = [sample.by_name() for sample in samples if sample.nameable]
    order = permute(seed, purpose, np.arange(len(nameable)), len(nameable)) if nameable else ()
    asked: dict[str, list[Sample]] = {}
    for place in order:
        asked.setdefault(nameable[int(place)].unique_id, []).append(nameable[int(place)])
    rounds = zip_longest(*asked.values())
    return [sample for each in rounds for sample in each if sample is not None][:count]
