"""CLEAR's rows (Dontsov et al., 2024): faces with captions that name the person, and TOFU's text."""

from collections.abc import Iterator, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import (
    Adapter,
    Fault,
    Row,
    digest_of,
    optional_faults,
    picture,
    picture_faults,
    register,
    text_faults,
    texts_faults,
)


@register
class CLEAR(Adapter):
    """CLEAR's faces with names and captions, and questions by name."""

    name = "clear"
    columns = (
        frozenset({"image", "name", "caption"}),
        frozenset({"image", "caption", "question", "answer"}),
        frozenset({"image", "options", "answer"}),
    )
    keys = ("name", "question", "answer")
    by_name = True
    whole = False

    def key(self, row: Row) -> Any:
        """By name; a text without one stands for somebody of its own."""
        return row.get("name") or digest_of(row.get("question"), row.get("answer"))

    def part(self, row: Row) -> object:
        """By the text, or the caption."""
        return row.get("question"), row.get("caption")

    def faults(self, row: Row) -> Iterator[Fault]:
        """A face has a caption or options, a text has both halves; the right answer is in no list of wrong ones."""
        pictured = row.get("image") is not None
        yield from picture_faults(row, needed=False)
        if not pictured:
            yield from text_faults(row, "question", "answer")
        elif "options" not in row:
            yield from text_faults(row, "name", "caption")
        else:
            yield from text_faults(row, "answer")
        yield from optional_faults(row, "name", "caption", "paraphrased_caption", "question", "answer")
        yield from texts_faults(row, "perturbed_names", "perturbed_captions", "options")
        true_of = {"perturbed_names": "name", "perturbed_captions": "paraphrased_caption", "options": "answer"}
        for wrong, true in true_of.items():
            listed = row.get(wrong)
            if row.get(true) is not None and isinstance(listed, list) and row[true] in listed:
                yield Fault(wrong, f"{row[true]!r:.60} is right and among them", "wrong ones alone")

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """A caption is an answer that gives the name: its question is not in the data."""
        pairs = [_caption(row) if row.get("caption") else _text(row) for row in rows]
        name = next((row["name"] for row in rows if isinstance(row.get("name"), str)), "")
        return {"name": name, "qa_list": pairs, **picture(*rows)}


def _caption(row: Row) -> dict[str, Any]:
    name = {"attribute": "full_name", "value": row["name"], "value_type": "name"} if row.get("name") else {}
    return {
        **name,
        "question": "",
        "answer": row["caption"],
        "paraphrased_answer": row.get("paraphrased_caption"),
        "perturbed_answer": row.get("perturbed_captions"),
    }


def _text(row: Row) -> dict[str, Any]:
    choice = row.get("options") is not None
    question = row.get("question") or ""
    return {"question": question, "answer": row["answer"], "perturbed_answer": row.get("options"), "choice": choice}
