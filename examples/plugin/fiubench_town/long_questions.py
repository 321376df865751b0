"""An audit measure: questions that are too long to read at a glance.

fiubench --plugin long_questions.py audit dataset
"""

from fiubench.builder.audit import measure
from fiubench.builder.audit.people import Pair, Person

_MOST = 20


@measure("Questions of more than 20 words", unit="QA pairs", group="text", fail_above=10)
def long_questions(pair: Pair, person: Person) -> str | None:
    """QA pairs with a question of more than 20 words."""
    return next((question for question in pair.questions if len(question.split()) > _MOST), None)
