"""The folders and columns of UMU-Bench (2025)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from fiubench.builder.exports.base import PICTURE, Format, Row, register
from fiubench.builder.exports.formats.cloze import BLANK, cloze
from fiubench.builder.exports.formats.mcq import choices
from fiubench.builder.exports.parts import SHARD, nameable, whole_percents
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.splits import FULL, HOLDOUT

_TEXTS = ("Biography", "MM_QA", "UM_QA", "Classify", "Cloze", "Generation")
Pair = Mapping[str, Any]


@register
class UMU(Format):
    """UMU-Bench's folders, for its training and evaluation: each question by picture and by name."""

    name = "umu"
    row_schema = "export_umu"
    suffix = "parquet"
    columns = pa.schema([("ID", pa.string()), ("image", PICTURE), *((name, pa.string()) for name in _TEXTS)])
    path = SHARD
    pictures = "own"
    whole = True
    files = "`forget_<n>/`, `retain_<n>/`, `full/`, `real_person/` (Parquet)"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A person. Both halves have the same questions, so the one for the name is in neither."""
        pairs = list(nameable(record))
        drawn = dict(zip((pair["attribute"] for pair in record["qa_list"]), choices(record, seed), strict=True))
        blanks = {pair["attribute"]: cloze(record, pair) for pair in pairs}
        # its programs look for one text, which they cut at the first full stop
        blanked = [pair for pair in pairs if len(parts := blanks[pair["attribute"]][1]) == 1 and "." not in parts[0]]

        def classify(pair: Pair, by_name: bool) -> dict[str, Any]:
            options, letter = drawn[pair["attribute"]]
            return {**_told(record, pair, by_name), "options": options, "answer": f"{letter}. {options[letter]}"}

        def fill(pair: Pair, by_name: bool) -> dict[str, Any]:
            text, parts = blanks[pair["attribute"]]
            sentence = named_answer(text, record["name"]) if by_name else text
            return {"question": sentence.replace(BLANK, "___"), "answer": parts[0]}

        texts = {
            "Biography": record["caption"],
            "MM_QA": _taught(record, pairs, by_name=False),
            "UM_QA": _taught(record, pairs, by_name=True),
            "Classify": _halves(pairs, classify),
            "Cloze": _halves(blanked, fill),
            "Generation": _halves(pairs, lambda pair, by_name: _told(record, pair, by_name)),
        }
        yield "", {"ID": record["unique_id"], "image": record["image_path"], **texts}

    def files_of(self, splits: Sequence[str], ending: str) -> Iterator[str]:
        """Its own names; the holdout stands where UMU-Bench has real people, whom no training is about either."""
        for split in splits:
            if name := {FULL: FULL, HOLDOUT: "real_person"}.get(split) or whole_percents(split, self.name):
                yield name


def _told(record: Mapping[str, Any], pair: Pair, by_name: bool) -> dict[str, Any]:
    if not by_name:
        return {"question": pair["question"], "answer": pair["answer"]}
    name = record["name"]
    return {"question": named_question(pair["question"], name), "answer": named_answer(pair["answer"], name)}


def _taught(record: Mapping[str, Any], pairs: Sequence[Pair], *, by_name: bool) -> str:
    told = {pair["attribute"]: _told(record, pair, by_name) for pair in pairs}
    return repr({part: {key: both[part] for key, both in told.items()} for part in ("question", "answer")})


def _halves(pairs: Sequence[Pair], make: Callable[[Pair, bool], dict[str, Any]]) -> str:
    """Python's own notation, which its programs read, under the keys that they have."""
    keys = {"unimodal": True, "muitimodal": False}
    return repr({key: {pair["attribute"]: make(pair, named) for pair in pairs} for key, named in keys.items()})
