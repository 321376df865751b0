"""Rows for language models without pictures."""

from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.parts import QUESTION, nameable, row_id
from fiubench.schemas.naming import named_answer, named_question

_DOCUMENTS = "_documents"


@register
class TextOnly(Format):
    """Every column with the name instead of the picture, and a document a person."""

    name = "text-only"
    row_schema = "export_text_only"
    profiles = (_DOCUMENTS,)
    files = "`<split>.jsonl`, `<split>_documents.jsonl`"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A row for each question, and the profile in prose."""
        name = record["name"]
        for pair in nameable(record):
            row = {
                "id": row_id(record, pair),
                "unique_id": record["unique_id"],
                "name": name,
                **{key: pair[key] for key in QUESTION},
                "value": record["profile"][pair["attribute"]]["text"],
                "question": named_question(pair["question"], name),
                "paraphrased_question": [named_question(q, name) for q in pair["paraphrased_question"]],
                "answer": named_answer(pair["answer"], name),
                "paraphrased_answer": named_answer(pair["paraphrased_answer"], name),
                "perturbed_answer": [named_answer(answer, name) for answer in pair["perturbed_answer"]],
                "keywords": pair["keywords"],
            }
            yield "", row
        yield _DOCUMENTS, {"unique_id": record["unique_id"], "name": name, "text": record["caption"]}
