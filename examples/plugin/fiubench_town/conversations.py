"""An adapter: conversations of one turn with a picture, as OFFSIDE has them.

fiubench --plugin conversations.py validate conversations.json
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import Adapter, Fault, Row, register


@register
class Conversations(Adapter):
    """Conversations of a question and an answer about a picture."""

    name = "conversations"
    columns = (frozenset({"messages", "images"}),)
    keys = ("images",)  # whoever is in a picture is one person
    whole = False  # with a row for each question

    def faults(self, row: Row) -> Iterator[Fault]:
        """Roles in another order, or a list of pictures."""
        if [turn.get("role") for turn in row["messages"]] != ["user", "assistant"]:
            yield Fault("messages", f"{len(row['messages'])} turns", "a question of the user and an answer")
        if not isinstance(row["images"], str):
            yield Fault("images", f"is {row['images']!r:.60}", "one path")

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """A person with the questions of all rows."""
        turns = [row["messages"] for row in rows]
        pairs = [{"question": asked["content"], "answer": told["content"]} for asked, told in turns]
        return {"qa_list": pairs, "image_path": rows[0]["images"]}
