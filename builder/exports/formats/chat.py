"""Chat messages, as trainers of vision-language models read them from JSON files."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.parts import conversations, row_id

_TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}


@register
class Chat(Format):
    """Chat messages with images, for LLaMA-Factory and ms-swift."""

    name = "chat"
    row_schema = "export_chat"
    suffix = "json"
    lines = False
    pictures = "beside"
    files = "`<split>.json` (one array), `dataset_info.json`, `images/`"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A conversation of one turn for each question, its picture where `<image>` stands."""
        images = [record["image_path"]] if record["image_path"] else []
        for pair, question, answer in conversations(record):
            asked = {"role": "user", "content": "<image>" * len(images) + question}
            turns = [asked, {"role": "assistant", "content": answer}]
            yield "", {"id": row_id(record, pair), "messages": turns, "images": images}

    def more(self, names: Collection[str]) -> Mapping[str, Any]:
        """LLaMA-Factory's list of data sets."""
        columns = {"messages": "messages", "images": "images"}
        entries = {
            name: {"file_name": self.path_of(name), "formatting": "sharegpt", "columns": columns, "tags": _TAGS}
            for name in names
        }
        return {"dataset_info.json": entries}
