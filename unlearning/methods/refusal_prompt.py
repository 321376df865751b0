"""A prompt that asks for refusals."""

from collections.abc import Sequence

from fiubench.support.settings import Field
from fiubench.unlearning.data.people import Sample
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.methods.base import register
from fiubench.unlearning.methods.untrained import Prompting

_TEXT = 'You know nothing about {people}. Asked about one of them, answer: "{refusal}" Answer all other questions.'


@register
class RefusalPrompt(Prompting):
    """``p(y | text, x)``: the question comes after an instruction not to know some people, whose names are in it.

    No weight is changed, and what the model knows is all there: a line to compare with. It has no L(y|x). Thaker et
    al., 2024 (Guardrail baselines, arXiv 2403.03329), section 3.
    """

    name = "refusal_prompt"
    help = "Refusal prompt: an instruction before every question not to know some people; no weight is changed."
    text: str = Field(_TEXT, min_length=1, description="The instruction, with {people} and {refusal} to be filled in.")

    def prompt(self, forget: Sequence[Sample], retain: Sequence[Sample], seed: int) -> str:
        people = ", ".join(dict.fromkeys(sample.name for sample in forget))
        return self.text.replace("{people}", people).replace("{refusal}", read_refusals()[0])
