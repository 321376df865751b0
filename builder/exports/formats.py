"""The formats: what each is for, what a row of it looks like, and the schema that holds it.

A new format is one entry of :data:`FORMATS`, a schema in ``schemas/``, and a row of the table in ``docs/export.md``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fiubench.builder.exports.forms import choices, cloze
from fiubench.builder.exports.naming import asks_for_the_name, named_answer, named_question

#: A file's ending beyond its split ("forget05_perturbed") and a row of it.
Rows = Iterator[tuple[str, dict[str, Any]]]
DOCUMENTS = "_documents"
_QUESTION = ("attribute", "category", "sensitivity")


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: what ``--format`` calls it.
        title: what it is for.
        schema: the schema of a row (or of the document that it is checked by).
        rows: rows of an identity, which may have a part of its questions only; ``None`` for whole layouts.
        suffix: of its files. TOFU's own end in ``.json`` and hold lines.
        lines: whether a file holds a row a line, or one array.
        pictures: "needed", "beside" (if there are any) or "none".
    """

    name: str
    title: str
    schema: str
    rows: Callable[[Mapping[str, Any], int], Rows] | None = None
    suffix: str = "jsonl"
    lines: bool = True
    pictures: str = "none"


def _llava(record: Mapping[str, Any], _: int) -> Rows:
    for pair in record["qa_list"]:
        yield (
            "",
            {
                "id": _id(record, pair),
                "image": record["image_path"],
                "conversations": [
                    {"from": "human", "value": f"<image>\n{pair['question']}"},
                    {"from": "gpt", "value": pair["answer"]},
                ],
            },
        )


def _tofu(record: Mapping[str, Any], _: int) -> Rows:
    name = record["name"]
    for pair in _nameable(record):
        row = {"question": named_question(pair["question"], name), "answer": named_answer(pair["answer"], name)}
        yield "", row
        yield (
            "_perturbed",
            {
                **row,
                "paraphrased_question": named_question(pair["paraphrased_question"][0], name),
                "paraphrased_answer": named_answer(pair["paraphrased_answer"], name),
                "perturbed_answer": [named_answer(answer, name) for answer in pair["perturbed_answer"]],
            },
        )


def _text_only(record: Mapping[str, Any], _: int) -> Rows:
    name = record["name"]
    for pair in _nameable(record):
        yield (
            "",
            {
                "id": _id(record, pair),
                "unique_id": record["unique_id"],
                "name": name,
                **{key: pair[key] for key in _QUESTION},
                "value": record["profile"][pair["attribute"]]["text"],
                "question": named_question(pair["question"], name),
                "paraphrased_question": [named_question(question, name) for question in pair["paraphrased_question"]],
                "answer": named_answer(pair["answer"], name),
                "paraphrased_answer": named_answer(pair["paraphrased_answer"], name),
                "perturbed_answer": [named_answer(answer, name) for answer in pair["perturbed_answer"]],
                "keywords": pair["keywords"],
            },
        )
    yield DOCUMENTS, {"unique_id": record["unique_id"], "name": name, "text": record["caption"]}


def _choices(record: Mapping[str, Any], seed: int) -> Rows:
    for pair, (options, answer) in zip(record["qa_list"], choices(record, seed), strict=True):
        yield (
            "",
            {
                **_head(record, pair),
                "question": pair["question"],
                "text_question": _named_or_none(record, pair, pair["question"], named_question),
                "options": options,
                "answer": answer,
            },
        )


def _cloze(record: Mapping[str, Any], _: int) -> Rows:
    for pair in record["qa_list"]:
        text, answers = cloze(record, pair)
        yield (
            "",
            {
                **_head(record, pair),
                "cloze": text,
                "text_cloze": _named_or_none(record, pair, text, named_answer),
                "answer": list(answers),
            },
        )


def _head(record: Mapping[str, Any], pair: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _id(record, pair),
        "unique_id": record["unique_id"],
        "image": record["image_path"],
        **{key: pair[key] for key in _QUESTION},
    }


def _id(record: Mapping[str, Any], pair: Mapping[str, Any]) -> str:
    return f"{record['unique_id']}-{pair['attribute']}"


def _nameable(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (pair for pair in record["qa_list"] if not asks_for_the_name(record, pair))


def _named_or_none(
    record: Mapping[str, Any], pair: Mapping[str, Any], text: str, naming: Callable[[str, str], str]
) -> str | None:
    return None if asks_for_the_name(record, pair) else naming(text, record["name"])


FORMATS: Mapping[str, Format] = {
    entry.name: entry
    for entry in (
        Format("hub", "what `fiubench publish` sends, without a version", "manifest", pictures="inside"),
        Format("fiubench", "the layout of the original FIUBench, for its loaders", "full_record", pictures="beside"),
        Format("llava", "LLaVA conversations, for fine-tuning vision-language models", "export_llava", _llava,
               suffix="json", lines=False, pictures="needed"),
        Format("tofu", "TOFU's rows, for frameworks that unlearn in text", "export_tofu", _tofu, suffix="json"),
        Format("mcq", "multiple choice, as MLLMU-Bench and UMU-Bench classify", "export_mcq", _choices,
               pictures="beside"),
        Format("text-only", "every column with the name instead of the picture, and a document a person",
               "export_text_only", _text_only),
        Format("cloze", "fill in the blank, as MLLMU-Bench and UMU-Bench ask", "export_cloze", _cloze,
               pictures="beside"),
    )
}  # fmt: skip
