"""The people of FIUBench (Ma et al., 2025): ``full.json``, and the rows of the Hub with the same nesting."""

from collections.abc import Iterator, Sequence
from typing import Any

from fiubench.builder.dataset.adapter import Adapter, Fault, Row, picture, picture_faults, register

from fiubench import schemas

_SCHEMA = "full_record"


@register
class FIUBench(Adapter):
    """FIUBench's people, each with a list of questions."""

    name = "fiubench"
    columns = (frozenset({"unique_id", "qa_list"}), frozenset({"unique_id", "name", "caption", "qa_list"}))
    keys = ("unique_id",)

    def faults(self, row: Row) -> Iterator[Fault]:
        """By the schema of our own ``full.json``, which fits the original."""
        document = _without_null(row)
        if not schemas.is_valid(_SCHEMA)(document):
            for violation in schemas.violations(_SCHEMA, document):
                yield Fault(violation.path, violation.message, f"schema rule: {violation.keyword}")
        yield from picture_faults(row, needed=False, paths=True)

    def record(self, rows: Sequence[Row]) -> dict[str, Any]:
        """The row itself."""
        (row,) = rows
        pairs = row.get("qa_list")
        if not isinstance(pairs, list) or not pairs:
            raise TypeError("has no list 'qa_list'")
        return {**_without_null(row), **picture(row)}


def _without_null(row: Row) -> dict[str, Any]:
    """A row of a table has null where a record has nothing, also in its pairs. The picture is left out."""
    document = {key: value for key, value in row.items() if value is not None and key != "image"}
    if isinstance(pairs := document.get("qa_list"), list):
        document["qa_list"] = [
            {key: value for key, value in pair.items() if value is not None} if isinstance(pair, dict) else pair
            for pair in pairs
        ]
    return document
