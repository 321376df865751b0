"""Exact match: are the keywords of the true answer in the generated one, and would a constant guess have them too?"""

from fiubench.unlearning.data.log import ROLES
from fiubench.unlearning.metrics.base import metric
from fiubench.unlearning.metrics.questions import Question
from fiubench.unlearning.metrics.statistics import SHARE
from fiubench.unlearning.metrics.text import chosen

NO_GUESS = "no constant guess in the log"


@metric("exact_match", title="exact match", short="EM", printed=ROLES, controls=True, bounds=SHARE)
def exact_match(question: Question) -> float:
    """Share of the true answer's keywords in the generated answer: how much of the fact itself.

    keywords of K found in g / all of K; of multiple choice, whether the right answer is chosen
    """
    right = chosen(question.row["question"], question.row["paraphrased_answer"], question.row["generated"])
    return question.match(question.generated) if right is None else float(right)


@metric(
    "exact_match_gain",
    title="exact match over chance",
    short="EM gain",
    column_if="page",
    why_null=NO_GUESS,
    bounds=(-1.0, 1.0),
)
def exact_match_gain(question: Question) -> float | None:
    """Exact match above chance: what must have come from memory.

    EM - constant guess
    """
    guessed = chance(question)
    return None if guessed is None else exact_match(question) - guessed


@metric(
    "chance",
    title="constant guess",
    short="chance",
    printed=("forget",),
    columns=(),
    why_null=NO_GUESS,
    bounds=SHARE,
)
def chance(question: Question) -> float | None:
    """Exact match of the best constant answer: what a model scores that knows nobody.

    EM of the one answer that is right most often in the retain set
    """
    return None if question.row["guess"] is None else question.match(question.row["guess"])
