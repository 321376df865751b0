"""LLaVA's conversations."""

from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.parts import row_id


@register
class LLaVA(Format):
    """LLaVA conversations, for fine-tuning vision-language models."""

    name = "llava"
    row_schema = "export_llava"
    suffix = "json"
    lines = False
    pictures = "needed"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A conversation of one turn for each question."""
        for pair in record["qa_list"]:
            asked = {"from": "human", "value": f"<image>\n{pair['question']}"}
            turns = [asked, {"from": "gpt", "value": pair["answer"]}]
            yield "", {"id": row_id(record, pair), "image": record["image_path"], "conversations": turns}
