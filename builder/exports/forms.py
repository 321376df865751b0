"""Closed forms of a question: multiple choice and fill-in-the-blank."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from fiubench.builder.values.base import VALUE_TYPES
from fiubench.support.draws import orders
from fiubench.support.errors import DatasetError

LETTERS = "ABCD"
BLANK = "____"
_ARTICLE = re.compile(rf"\b([Aa])n? {BLANK}")
_KEYS = 1 << 24


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
        fact = record["profile"][pair["attribute"]]
        write_like, true, text = VALUE_TYPES[fact["type"]].write_like, fact["value"], fact["text"]
        values = [text, *(write_like(wrong, true, text) for wrong in pair["perturbed_value"])]
        if len(set(values)) != len(LETTERS):
            where = f"identity {record['index']}, {pair['attribute']}"
            raise DatasetError(f"has not {len(LETTERS)} different values to choose from", where=where)
        found.append(({letter: values[i] for letter, i in zip(LETTERS, order, strict=True)}, LETTERS[order.index(0)]))
    return found


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
                return _ARTICLE.sub(rf"\1(n) {BLANK}", text), parts
    raise DatasetError("no answer holds the fact", where=f"identity {record['index']}, {pair['attribute']}")
