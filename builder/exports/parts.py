"""Parts of a row that several formats share."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from fiubench.builder.exports.base import PICTURE
from fiubench.builder.languages.base import language_of
from fiubench.builder.rules.pair import frame_of
from fiubench.schemas.naming import named_answer, named_question
from fiubench.schemas.splits import FORGET, RETAIN, kind_of, percent_of
from fiubench.support.errors import ConfigError

#: Where the rows of a folder of others' lie.
SHARD = "{name}/train-00000-of-00001.{suffix}"
QUESTION = ("attribute", "category", "sensitivity")
#: The columns of :func:`pictured`.
PICTURED = (
    ("id", pa.string()),
    ("unique_id", pa.string()),
    ("image", PICTURE),
    *((name, pa.string()) for name in QUESTION),
)


def row_id(record: Mapping[str, Any], pair: Mapping[str, Any]) -> str:
    """A row's id: the person's and the attribute."""
    return f"{record['unique_id']}-{pair['attribute']}"


def pictured(record: Mapping[str, Any], pair: Mapping[str, Any]) -> dict[str, Any]:
    """The columns before the question, for a row with a picture."""
    ids = {"id": row_id(record, pair), "unique_id": record["unique_id"], "image": record["image_path"]}
    return ids | {key: pair[key] for key in QUESTION}


def conversations(record: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Each question with its words and its answer's: about the picture, or by name where there is none."""
    if record["image_path"]:
        yield from ((pair, pair["question"], pair["answer"]) for pair in record["qa_list"])
        return
    name = record["name"]
    for pair in nameable(record):
        yield pair, named_question(pair["question"], name), named_answer(pair["answer"], name)


def nameable(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The questions that can be asked with the name instead of the picture."""
    return (pair for pair in record["qa_list"] if not names_the_person(record, pair))


def named_or_none(
    record: Mapping[str, Any], pair: Mapping[str, Any], text: str, naming: Callable[[str, str], str]
) -> str | None:
    """A text with the name instead of the picture; ``None`` where the name is asked for."""
    return None if names_the_person(record, pair) else naming(text, record["name"])


def wrong_texts(pair: Mapping[str, Any], text: str) -> list[str]:
    """The values of the wrong answers as they are worded: what stands in them where the true one has its ``text``."""
    language = language_of((pair["question"],))
    frame = frame_of(pair["paraphrased_answer"], text, pair["perturbed_answer"], language)
    found = [frame.value_in(sentence) for sentence in pair["perturbed_answer"]] if frame else []
    return [each[1] for each in found if each]


def names_the_person(record: Mapping[str, Any], pair: Mapping[str, Any]) -> bool:
    """Whether the answer is the name itself, so that a question with the name would give it away."""
    return bool(pair["value"]["type"] == "name" and pair["value"]["value"] == record["name"])


def whole_percents(split: str, form: str) -> str | None:
    """``forget_5`` or ``retain_95``, as some programs name them; ``None`` for other splits.

    Raises:
        ConfigError: a percentage that is none in whole numbers, for which they have no name.
    """
    kind = kind_of(split)
    if kind not in (FORGET, RETAIN):
        return None
    percent = percent_of(split.removeprefix(kind))
    if not isinstance(percent, int):
        hint = "Cut splits of whole percents: `fiubench split --ratios`."
        raise ConfigError(f"its programs have no name for {split}", where=f"--format {form}", hint=hint)
    return f"{kind}_{percent}"
