"""Bare questions and answers, each with whose it is: as a public copy of FIUBench's text, and our own tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import (
    Adapter,
    Fault,
    Row,
    key_faults,
    optional_faults,
    picture,
    picture_faults,
    register,
    text_faults,
    texts_faults,
)


@register
class QA(Adapter):
    """Bare questions and answers, one a row."""

    name = "qa"
    columns = (
        frozenset({"unique_id", "question", "answer"}),
        frozenset({"unique_id", "name", "question", "answer"}),
        frozenset({"ID", "question", "answer"}),
    )
    keys = ("unique_id", "ID")
    whole = False

    def faults(self, row: Row) -> Iterator[Fault]:
        """Ids and texts; variants where there are any."""
        yield from key_faults(self, row)
        yield from text_faults(row, *(("name",) if "name" in row else ()), "question", "answer")
        yield from optional_faults(row, "paraphrased_answer")
        if not isinstance(row.get("paraphrased_question"), str):
            yield from texts_faults(row, "paraphrased_question")
        yield from texts_faults(row, "perturbed_answer", "keywords")
        yield from picture_faults(row, needed=False, paths=True)

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Name and gender of the first row, the first picture, and a question of each row."""
        names = [row.get("name") for row in rows]
        if odd := next((name for name in names if not isinstance(name, str | None)), None):
            raise TypeError(f"'name' is {odd!r:.60}, not text")
        return {"name": names[0] or "", "gender": rows[0].get("gender"), "qa_list": [*rows], **picture(*rows)}
