"""TOFU's rows (Maini et al., 2024), for open-unlearning and its kind: text about people by name."""

from collections.abc import Iterator, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import (
    Adapter,
    Fault,
    Row,
    digest_of,
    optional_faults,
    register,
    text_faults,
    texts_faults,
)


@register
class TOFU(Adapter):
    """TOFU's questions and answers, by name and without ids."""

    name = "tofu"
    columns = (frozenset({"question", "answer"}),)
    keys = ("question",)
    ids = False
    by_name = True

    def key(self, row: Row) -> Any:
        """By the question, which the same row has in every file."""
        return digest_of(row.get("question"))

    def faults(self, row: Row) -> Iterator[Fault]:
        """Texts; and variants, which metrics read from one row."""
        yield from text_faults(row, "question", "answer")
        yield from optional_faults(row, "paraphrased_question", "paraphrased_answer")
        yield from texts_faults(row, "perturbed_answer")
        wrong = row.get("perturbed_answer")
        if isinstance(wrong, list) and row.get("answer") in wrong:
            yield Fault("perturbed_answer", f"{row['answer']!r:.80} is the answer", "a wrong answer is another")

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Somebody who is asked about once."""
        return {"qa_list": [*rows]}
