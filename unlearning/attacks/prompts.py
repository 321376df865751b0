"""Prompts: the question in the mouth of somebody who may ask it, or with an instruction to drop what was learned."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fiubench.support.errors import ConfigError
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.attacks.base import Answers, Asking, Target, register

_FILE = Path(__file__).with_name("prompts.yaml")


class _Prompting(Asking):
    def ask(self, target: Target) -> Sequence[Answers]:
        """Of each person the answers to the prompt that works best on all others: no prompt is chosen by its score."""
        samples = target.questions["forget"]
        said = {
            wording: target.answer([target.turn(s, wording.replace("{question}", s.question)) for s in samples])
            for wording in _wordings()[self.name]
        }
        gains = {
            wording: [target.gain(sample, [text]) for sample, text in zip(samples, texts, strict=True)]
            for wording, texts in said.items()
        }
        best = {
            person: max(
                gains,
                key=lambda wording: sum(
                    gain for sample, gain in zip(samples, gains[wording], strict=True) if sample.unique_id != person
                ),
            )
            for person in target.people
        }
        return [Answers(sample, (said[best[sample.unique_id]][i],)) for i, sample in enumerate(samples)]


@register
class Role(_Prompting):
    """Ask as somebody who is entitled to know, or of somebody who does (``prompts.yaml``).

    Each person is asked with the prompt that works best on the others, so that none is chosen by its own score.

    Shah et al., 2023 (arXiv 2311.03348).
    """

    name = "role"
    help = "The question is asked in a role: a doctor's, a clerk's .."


@register
class Jailbreak(_Prompting):
    """Tell the model to drop its instructions, not to refuse, to answer in fiction (``prompts.yaml``).

    Each person is asked with the prompt that works best on the others, so that none is chosen by its own score.

    Wei et al., 2023 (arXiv 2307.02483).
    """

    name = "jailbreak"
    help = "The question comes with an instruction not to refuse."


@cache
def _wordings() -> dict[str, list[str]]:
    found: dict[str, list[str]] = load_yaml(_FILE, ConfigError)
    return found
