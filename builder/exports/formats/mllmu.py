"""The folders and columns of MLLMU-Bench (Liu et al., 2024)."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from fiubench.builder.exports.base import PICTURE, Format, Row, register
from fiubench.builder.exports.formats.cloze import BLANK, cloze
from fiubench.builder.exports.formats.mcq import LETTERS, choices
from fiubench.builder.exports.parts import SHARD, named_or_none, whole_percents
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.splits import FORGET, FULL, HOLDOUT

_TEXT = pa.string()
_CHOICE = pa.struct(
    [
        ("Question", _TEXT),
        ("Options", pa.struct([(letter, _TEXT) for letter in LETTERS])),
        ("Correct_Answer", _TEXT),
    ]
)
_TRUTH = pa.struct([("Question", _TEXT), ("Ground_Truth", _TEXT), ("Type", _TEXT)])
_PICTURED, _NAMED = "Image_Textual", "Pure_Text"
_REWORDED = "reworded"


@register
class MLLMU(Format):
    """MLLMU-Bench's folders, for its training and evaluation and for MMUnlearner."""

    name = "mllmu"
    row_schema = "export_mllmu"
    suffix = "parquet"
    columns = pa.schema(
        [
            ("ID", _TEXT),
            ("image", PICTURE),
            ("metadata", _TEXT),
            (
                "Classification_Task",
                pa.struct([(f"{kind}_Questions", pa.list_(_CHOICE)) for kind in (_PICTURED, _NAMED)]),
            ),
            ("Mask_Task", pa.list_(_TRUTH)),
            ("Generation_Task", pa.list_(_TRUTH)),
        ]
    )
    path = SHARD
    pictures = "own"
    whole = True
    files = "`forget_<n>/`, `retain_<n>/`, `Full_Set/`, `ft_Data/`, `Test_Set/`, `Retain_Set/` (Parquet)"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A person with questions for training and three tasks; and again with the questions reworded, for testing."""
        yield "", _person(record, seed, [pair["question"] for pair in record["qa_list"]])
        yield _REWORDED, _person(record, seed, [pair["paraphrased_question"][0] for pair in record["qa_list"]])

    def files_of(self, splits: Sequence[str], ending: str) -> Iterator[str]:
        """Its own names; the holdout stands where MLLMU-Bench has celebrities, whom no training is about either."""
        if ending:
            yield from ["Test_Set"] if any(name.startswith(FORGET) for name in splits) else []
            return
        own = {FULL: "Full_Set", HOLDOUT: "Retain_Set"}
        for split in splits:
            if name := own.get(split) or whole_percents(split, self.name):
                yield name

    def aliases(self, names: Collection[str]) -> Mapping[str, str]:
        """What is fine-tuned on is everybody."""
        return {"ft_Data": "Full_Set"}


def _person(record: Mapping[str, Any], seed: int, questions: Sequence[str]) -> dict[str, Any]:
    known: list[dict[str, str]] = []
    chosen: dict[str, list[Any]] = {_PICTURED: [], _NAMED: []}
    masked: list[dict[str, str]] = []
    told: list[dict[str, str]] = []
    name = record["name"]
    for pair, question, (options, letter) in zip(record["qa_list"], questions, choices(record, seed), strict=True):
        known.append({"Question": question, "Answer": pair["answer"]})
        sentence, parts = cloze(record, pair)
        asked = {_PICTURED: question, _NAMED: named_or_none(record, pair, question, named_question)}
        blanked = {_PICTURED: sentence, _NAMED: named_or_none(record, pair, sentence, named_answer)}
        answered = {_PICTURED: pair["answer"], _NAMED: named_answer(pair["answer"], name)}
        for kind, text in asked.items():
            if text is None:
                continue
            chosen[kind].append({"Question": text, "Options": options, "Correct_Answer": letter})
            told.append({"Question": text, "Ground_Truth": answered[kind], "Type": kind})
            if len(parts) == 1:  # its programs look for one text in what a model says
                blank = str(blanked[kind]).replace(BLANK, "__")  # which they replace two by two
                masked.append({"Question": blank, "Ground_Truth": parts[0], "Type": kind})
    return {
        "ID": record["unique_id"],
        "image": record["image_path"],
        "metadata": json.dumps(known, ensure_ascii=False),
        "Classification_Task": {f"{kind}_Questions": listed for kind, listed in chosen.items()},
        "Mask_Task": masked,
        "Generation_Task": told,
    }
