"""Multiple choice."""

from collections.abc import Iterator, Mapping
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
from fiubench.builder.exports.base import Format, Row, register
from fiubench.builder.exports.parts import PICTURED, named_or_none, pictured, wrong_texts
from fiubench.schemas.naming import named_question
from fiubench.support.draws import orders
from fiubench.support.errors import DatasetError

LETTERS = "ABCD"
_KEYS = 1 << 24


@register
class MultipleChoice(Format):
    """Multiple choice, as MLLMU-Bench and UMU-Bench classify."""

    name = "mcq"
    row_schema = "export_mcq"
    suffix = "parquet"
    columns = pa.schema(
        [
            *PICTURED,
            ("question", pa.string()),
            ("text_question", pa.string()),
            ("options", pa.struct([(letter, pa.string()) for letter in LETTERS])),
            ("answer", pa.string()),
        ]
    )
    pictures = "inside"

    def rows(self, record: Mapping[str, Any], seed: int) -> Iterator[Row]:
        """A row for each question, with four options in an order drawn with the seed."""
        for pair, (options, answer) in zip(record["qa_list"], choices(record, seed), strict=True):
            text = named_or_none(record, pair, pair["question"], named_question)
            question = {"question": pair["question"], "text_question": text, "options": options, "answer": answer}
            yield "", pictured(record, pair) | question


def choices(record: Mapping[str, Any], seed: int) -> list[tuple[dict[str, str], str]]:
    """Options and the letter of the true one, for each question of an identity.

    The options are the fact and the values of the three wrong answers. Their order is drawn for every question, so that
    the letter reveals nothing.
    """
    pairs = record["qa_list"]
    # by the attribute's name, so that neither other questions nor the splits move the letters
    keys = np.array([crc32(pair["attribute"].encode()) % _KEYS for pair in pairs]) + record["index"] * _KEYS
    drawn = orders(seed, "export.choices", keys, len(LETTERS))
    found = []
    for pair, order in zip(pairs, drawn.tolist(), strict=True):
        text = record["profile"][pair["attribute"]]["text"]
        values = [text, *wrong_texts(pair, text)]
        if len(set(values)) != len(LETTERS):
            where = f"identity {record['index']}, {pair['attribute']}"
            raise DatasetError(f"has not {len(LETTERS)} different values to choose from", where=where)
        found.append(({letter: values[i] for letter, i in zip(LETTERS, order, strict=True)}, LETTERS[order.index(0)]))
    return found
