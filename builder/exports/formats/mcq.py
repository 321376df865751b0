"""Multiple choice."""

from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.forms import choices
from fiubench.builder.exports.parts import named_or_none, named_question, pictured


@register
class MultipleChoice(Format):
    """Multiple choice, as MLLMU-Bench and UMU-Bench classify."""

    name = "mcq"
    row_schema = "export_mcq"
    pictures = "beside"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A row for each question, with four options in an order drawn with the seed."""
        for pair, (options, answer) in zip(record["qa_list"], choices(record, seed), strict=True):
            text = named_or_none(record, pair, pair["question"], named_question)
            question = {"question": pair["question"], "text_question": text, "options": options, "answer": answer}
            yield "", pictured(record, pair) | question
