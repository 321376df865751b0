"""The configurations and columns of CLEAR (Dontsov et al., 2024)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from fiubench.builder.exports.base import PICTURE, Format, Row, register
from fiubench.builder.exports.parts import SHARD, nameable, names_the_person, wrong_texts
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT, RETAIN, RETAIN_EVAL, kind_of
from fiubench.support.errors import DatasetError

_BOTH, _PERTURBED = "+tofu", "_perturbed"
_TEXTS = pa.list_(pa.string())


@register
class CLEAR(Format):
    """CLEAR's configurations, for its programs and MMUnlearner: a face with its name, and facts by name."""

    name = "clear"
    row_schema = "export_clear"
    suffix = "parquet"
    columns = pa.schema(
        [
            ("image", PICTURE),
            ("name", pa.string()),
            ("caption", pa.string()),
            ("question", pa.string()),
            ("answer", pa.string()),
            ("paraphrased_caption", pa.string()),
            ("perturbed_captions", _TEXTS),
            ("perturbed_names", _TEXTS),
        ]
    )
    path = SHARD
    pictures = "own"
    whole = True
    files = "`<split>/`, `<split>+tofu/`, `<split>_perturbed/`, `retain_perturbed/` (Parquet)"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """The face with a caption that names the person, and a row of text for each other question."""
        pair = next((pair for pair in record["qa_list"] if names_the_person(record, pair)), None)
        if pair is None:
            hint = "Ask for the name: `full_name` of the built-in pack."
            raise DatasetError("nothing asks for the name", where=f"identity {record['index']}", hint=hint)
        face = {"image": record["image_path"], "name": record["name"], "caption": pair["answer"]}
        yield "", face
        yield _BOTH, face | {"question": None, "answer": None}
        for each in nameable(record):
            question = named_question(each["question"], record["name"])
            answer = named_answer(each["answer"], record["name"])
            text = {"image": None, "name": record["name"], "caption": None, "question": question, "answer": answer}
            yield _BOTH, text
        yield (
            _PERTURBED,
            face
            | {
                "paraphrased_caption": pair["paraphrased_answer"],
                "perturbed_captions": pair["perturbed_answer"],
                "perturbed_names": wrong_texts(pair, record["profile"][pair["attribute"]]["text"]),
            },
        )

    def files_of(self, splits: Sequence[str], ending: str) -> Iterator[str]:
        """Those that its programs ask for; the people of ``retain_eval`` in no forget set as ``retain_perturbed``."""
        kinds = {kind_of(split) for split in splits}
        yield from (f"{name}{ending}" for name in splits if kind_of(name) in (FULL, FORGET, RETAIN, HOLDOUT))
        if ending == _PERTURBED and RETAIN_EVAL in kinds and FORGET not in kinds:
            yield f"{RETAIN}{_PERTURBED}"
