"""Fill in the blank."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.parts import PICTURED, named_or_none, pictured
from fiubench.schemas.naming import named_answer
from fiubench.support.errors import DatasetError

BLANK = "____"
_ARTICLE = re.compile(rf"\b([Aa])n? {BLANK}")
_GERMAN = re.compile(rf"\b([Ee]in)(?:e|en|em|er)? {BLANK}")


@register
class Cloze(Format):
    """Fill in the blank, as MLLMU-Bench and UMU-Bench ask."""

    name = "cloze"
    row_schema = "export_cloze"
    suffix = "parquet"
    columns = pa.schema(
        [
            *PICTURED,
            ("cloze", pa.string()),
            ("text_cloze", pa.string()),
            ("answer", pa.list_(pa.string())),
        ]
    )
    pictures = "inside"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A sentence for each question, with a blank where it held the fact."""
        for pair in record["qa_list"]:
            text, answers = cloze(record, pair)
            named = named_or_none(record, pair, text, named_answer)
            yield "", pictured(record, pair) | {"cloze": text, "text_cloze": named, "answer": list(answers)}


def cloze(record: Mapping[str, Any], pair: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """An answer with blanks where it holds the fact, and what belongs in them.

    Raises:
        DatasetError: neither the answer nor its paraphrase holds the fact in words.
    """
    fact = record["profile"][pair["attribute"]]["text"]
    for parts in filter(None, ([fact], pair["keywords"])):
        for text in (pair["answer"], pair["paraphrased_answer"]):
            if all(part in text for part in parts):
                for part in parts:
                    text = text.replace(part, BLANK, 1)  # noqa: PLW2901
                # the article would reveal how the word begins
                return _GERMAN.sub(rf"\1(e) {BLANK}", _ARTICLE.sub(rf"\1(n) {BLANK}", text)), parts
    raise DatasetError("no answer holds the fact", where=f"identity {record['index']}, {pair['attribute']}")
