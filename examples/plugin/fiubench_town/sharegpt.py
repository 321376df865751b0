"""An export format: ShareGPT's rows, as LLaMA-Factory reads them.

fiubench --plugin sharegpt.py export dataset --format sharegpt --option system="Answer briefly." --out dataset-sharegpt
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.exports import Field, Format, Row, register


@register
class ShareGPT(Format):
    """ShareGPT conversations, for fine-tuning chat models."""

    name = "sharegpt"
    suffix = "json"
    lines = False  # one array instead of a row a line
    pictures = "beside"  # or "needed", or "none"
    row_schema = {
        "type": "object",
        "required": ["conversations", "images"],
        "properties": {
            "conversations": {
                "type": "array",
                "items": {
                    "required": ["from", "value"],
                    "properties": {"from": {"enum": ["human", "gpt"]}, "value": {"type": "string", "minLength": 1}},
                },
            },
            "images": {"type": "array", "items": {"type": "string"}},
            "system": {"type": "string"},
        },
    }

    system: str = Field("", description="System prompt before every conversation.")

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A conversation of one turn for each question."""
        images = [record["image_path"]] if record["image_path"] else []
        for pair in record["qa_list"]:
            turns = [
                {"from": "human", "value": "<image>" * len(images) + pair["question"]},
                {"from": "gpt", "value": pair["answer"]},
            ]
            yield "", {"conversations": turns, "images": images, "system": self.system}
