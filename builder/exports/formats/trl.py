"""Chat messages, as TRL reads them."""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from fiubench.builder.exports.base import PICTURE, Format, Row, register
from fiubench.builder.exports.parts import conversations, row_id

_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])


@register
class TRL(Format):
    """Chat messages with images inside, for TRL, which takes `<image>` for text."""

    name = "trl"
    row_schema = "export_chat"
    suffix = "parquet"
    columns = pa.schema([("id", pa.string()), ("messages", pa.list_(_MESSAGE)), ("images", pa.list_(PICTURE))])
    pictures = "inside"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A conversation of one turn for each question; TRL shows its picture first."""
        images = [record["image_path"]] if record["image_path"] else []
        for pair, question, answer in conversations(record):
            turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            yield "", {"id": row_id(record, pair), "messages": turns, "images": images}
