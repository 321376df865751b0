"""Fill in the blank."""

from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.forms import cloze
from fiubench.builder.exports.parts import named_answer, named_or_none, pictured


@register
class Cloze(Format):
    """Fill in the blank, as MLLMU-Bench and UMU-Bench ask."""

    name = "cloze"
    row_schema = "export_cloze"
    pictures = "beside"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A sentence for each question, with a blank where it held the fact."""
        for pair in record["qa_list"]:
            text, answers = cloze(record, pair)
            named = named_or_none(record, pair, text, named_answer)
            yield "", pictured(record, pair) | {"cloze": text, "text_cloze": named, "answer": list(answers)}
