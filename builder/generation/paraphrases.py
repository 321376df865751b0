"""``wordings.jsonl``: paraphrases of every identity's questions and answers, and how a record takes them up.

One line an identity, made by a model (``paraphrasing.py``) or kept from an earlier build. With it, a build is what it
always is: a pure function of config, sources, packs and that file.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from fiubench.builder.packs.model import Attribute
from fiubench.support.errors import DatasetError
from fiubench.support.reading import open_file
from numpy.typing import NDArray

from fiubench import schemas

_LONGEST = 1 << 20  # bytes of a line
BY_MODEL = "llm"  # id of a phrasing that is in no pack
Texts = dict[str, list[str | None]]  # "questions": four, "answers": two; None: the template stands


def paraphrased(qa: Mapping[str, Any], text: str, texts: Texts, attribute: Attribute) -> dict[str, Any]:
    """A QA pair paraphrased: the same fact, the same wrong values."""
    question, *paraphrases = texts["questions"]
    answer, paraphrase = texts["answers"]
    made, by = dict(qa), dict(qa["phrasings"])
    if question is not None:
        made["question"], by["question"] = question, BY_MODEL
    pairs = list(zip(paraphrases, qa["paraphrased_question"], by["paraphrased_question"], strict=True))
    made["paraphrased_question"] = [template if new is None else new for new, template, _ in pairs]
    by["paraphrased_question"] = [name if new is None else BY_MODEL for new, _, name in pairs]
    if answer is not None:
        made["answer"], by["answer"] = attribute.frame(answer)(text), BY_MODEL
    if paraphrase is not None:
        fill = attribute.frame(paraphrase)
        made["paraphrased_answer"], by["paraphrased_answer"] = fill(text), BY_MODEL
        made["perturbed_answer"] = [fill(attribute.write(value)) for value in qa["perturbed_value"]]
    return {**made, "phrasings": by}


def apply(record: dict[str, Any], line: Mapping[str, Any], attributes: Mapping[str, Attribute]) -> None:
    """Paraphrase a record in place, as far as a line of ``wordings.jsonl`` goes."""
    items = line["items"]
    record["qa_list"] = [
        paraphrased(qa, record["profile"][name]["text"], items[name], attributes[name])
        if (name := qa["attribute"]) in items
        else qa
        for qa in record["qa_list"]
    ]


class Paraphrases:
    """A file of paraphrases, to be read by ranges of identities; goes to worker processes as it is.

    Raises:
        DatasetError: it is missing, or a line is not what it should be (reported when it is read).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        offsets, at = [0], 0
        hint = "--qa takes template, llm, or the wordings.jsonl of an earlier build."
        with open_file(path, DatasetError, hint=hint) as file:
            for line in iter(partial(file.readline, _LONGEST), b""):
                at += len(line)
                offsets.append(at)
        self._offsets: NDArray[np.int64] = np.array(offsets, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def read(self, start: int, stop: int) -> Iterator[dict[str, Any]]:
        """The lines of identities ``start`` to ``stop``; none where the file ends before."""
        with self.path.open("rb") as file:
            file.seek(int(self._offsets[min(start, len(self))]))
            for index in range(start, min(stop, len(self))):
                yield self._line(file.readline(), index)

    def _line(self, text: bytes, index: int) -> dict[str, Any]:
        where = f"{self.path}, line {index + 1}"
        hint = "Name the wordings.jsonl of a dataset, as it was built."
        try:
            line: dict[str, Any] = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise DatasetError(f"not JSON: {error}", where=where, hint=hint) from error
        for violation in schemas.violations("wordings", line):
            raise DatasetError(f"{violation.path}: {violation.message}", where=where, hint=hint)
        if line["index"] != index:
            raise DatasetError(f"holds identity {line['index']}, not {index}", where=where, hint=hint)
        return line
