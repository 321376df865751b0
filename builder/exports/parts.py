"""Parts of a row that several formats share."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fiubench.builder.exports.naming import asks_for_the_name

QUESTION = ("attribute", "category", "sensitivity")


def row_id(record: Mapping[str, Any], pair: Mapping[str, Any]) -> str:
    """A row's id: the person's and the attribute."""
    return f"{record['unique_id']}-{pair['attribute']}"


def pictured(record: Mapping[str, Any], pair: Mapping[str, Any]) -> dict[str, Any]:
    """The columns before the question, for a row with a picture."""
    ids = {"id": row_id(record, pair), "unique_id": record["unique_id"], "image": record["image_path"]}
    return ids | {key: pair[key] for key in QUESTION}


def nameable(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The questions that can be asked with the name instead of the picture."""
    return (pair for pair in record["qa_list"] if not asks_for_the_name(record, pair))


def named_or_none(
    record: Mapping[str, Any], pair: Mapping[str, Any], text: str, naming: Callable[[str, str], str]
) -> str | None:
    """A text with the name instead of the picture; ``None`` where the name is asked for."""
    return None if asks_for_the_name(record, pair) else naming(text, record["name"])
