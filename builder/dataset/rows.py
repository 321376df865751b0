"""Rows of a dataset as its release has them: one per question, in the order of the release's files."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import orjson
from fiubench.builder.dataset.cells import PICTURES, Cells
from fiubench.builder.dataset.splits import picture_sets
from fiubench.schemas.documents import IDENTITIES, read_bytes, read_identities
from fiubench.schemas.hub import VERSION
from fiubench.schemas.images import decode_image
from fiubench.support.errors import DatasetError

if TYPE_CHECKING:
    from PIL.Image import Image

_IMAGE = "image"
DRAWN = "drawn"  # what a picture says that it is from, which is no file's
_OF_PERSON = ("unique_id", "name", "gender")
_OF_QUESTION = ("attribute", "category", "sensitivity", "question", "paraphrased_question", "answer",
                "paraphrased_answer", "perturbed_answer", "keywords")  # fmt: skip
#: What ``qa_list`` of an identity's row has of each question: the original's keys, and what it asks about.
PAIR = ("attribute", "question", "paraphrased_question", "answer", "paraphrased_answer", "perturbed_answer", "keywords")

#: What a question has besides where people are tied to each other.
TIED = ("hops", "about")


def question_values(record: Mapping[str, Any], pair: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a question's row, but for the picture."""
    values = {name: record[name] for name in _OF_PERSON} | {name: pair[name] for name in _OF_QUESTION}
    values["keyword_variants"] = pair.get("keyword_variants") or [[] for _ in pair["keywords"]]
    values |= {name: pair[name] for name in TIED if name in pair}
    values["keyword_parts"] = [[name, part] for name, part in sorted(pair.get("keyword_parts", {}).items())]
    return values | {"value": record["profile"][pair["attribute"]]["text"], "value_type": pair["value"]["type"]}


def identity_values(
    record: Mapping[str, Any], splits: Sequence[str], attributes: Sequence[str], version: str = ""
) -> dict[str, Any]:
    """The columns of an identity's row, but for the picture; the attributes that are asked about have one each.

    A release is packaged without a ``version`` and gets one when it is published.
    """
    profile = record["profile"]
    values: dict[str, Any] = {n: profile[n]["text"] if n in profile else "" for n in attributes if n != _IMAGE}
    if sets := [row["set"] for row in picture_values(record)]:
        values[PICTURES] = sets
    values |= {name: record[name] for name in (*_OF_PERSON, "caption")}
    pairs = [{name: pair[name] for name in PAIR} for pair in record["qa_list"]]
    profile_json = orjson.dumps(profile, option=orjson.OPT_SORT_KEYS).decode()  # as records read from a file have it
    return values | {"splits": splits, VERSION: version, "profile": profile_json, "qa_list": pairs}


def picture_values(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns of the rows of an identity's pictures, but for the pictures; none of one with a single picture."""
    if not (further := record.get("pictures", ())):
        return []
    of = {number: name for name, numbers in picture_sets(1 + len(further))["pictures"].items() for number in numbers}
    first = {"image_path": record["image_path"], "from": (record["face"] or {"file": DRAWN})["file"]}
    return [
        {"unique_id": record["unique_id"], "picture": n, "set": of[n], "from": one["from"], "path": one["image_path"]}
        for n, one in enumerate((first, *further), 1)
    ]


class Row(Mapping[str, Any]):
    """One row: column -> value. ``row["image"]`` (RGB, of Pillow) is read and decoded when it is asked for."""

    def __init__(self, values: dict[str, Any], image: "Callable[[], Image] | None") -> None:
        self._values, self._image = values, image

    def __getitem__(self, column: str) -> Any:
        return self._image() if column == _IMAGE and self._image else self._values[column]

    def __iter__(self) -> Iterator[str]:
        yield from self._values
        if self._image:
            yield _IMAGE

    def __len__(self) -> int:
        return len(self._values) + (self._image is not None)

    @property
    def without_image(self) -> dict[str, Any]:
        """The other columns."""
        return self._values

    def __repr__(self) -> str:
        return f"Row({self._values | ({_IMAGE: '...'} if self._image else {})})"


class Rows(Sequence[Row]):
    """The rows of a configuration: length, index, slices and iteration; a row is read when it is asked for."""

    def __init__(self, table: "Questions | Identities | Pictures | Loaded", numbers: range | None = None) -> None:
        self._table, self._numbers = table, range(len(table)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> "Rows": ...
    def __getitem__(self, place: int | slice) -> "Row | Rows":
        if isinstance(place, slice):
            return Rows(self._table, self._numbers[place])
        return self._table.row(self._numbers[place])

    def __repr__(self) -> str:
        return f"<{len(self):,} rows>" if not len(self) else f"<{len(self):,} rows of {', '.join(self[0])}>"


class Index:
    """Where each line of ``identities.jsonl`` begins, and whose questions each cell holds: random access to both.

    Args:
        directory: the dataset's.
        cells: who is in which splits.

    Raises:
        DatasetError: a record that is not in the shape of an identity.
    """

    def __init__(self, directory: Path, cells: Cells) -> None:
        self._directory, self.cells = directory, cells
        self.places: dict[str, int] = {}  # unique id -> where its line begins
        self.people: list[list[tuple[int, int]]] = [[] for _ in cells.labels]  # per cell: place, questions
        self._last: tuple[int, dict[str, Any]] = (-1, {})
        path = directory / IDENTITIES
        for record, place in zip(read_identities(path), _starts(path), strict=True):
            self.places[record["unique_id"]] = place
            for cell, piece in cells.pieces(record):
                self.people[cell].append((place, len(piece["qa_list"])))

    def record(self, place: int) -> dict[str, Any]:
        """The identity whose line begins there.

        Raises:
            DatasetError: the file was changed meanwhile.
        """
        last = self._last  # the questions of a person follow each other
        if last[0] != place:
            with (self._directory / IDENTITIES).open("rb") as file:  # anew: processes that share one would race
                file.seek(place)
                line = file.readline()
            try:
                self._last = last = place, orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise DatasetError(f"was changed while it was read: {error}", where=file.name) from error
        return last[1]

    def image(self, record: Mapping[str, Any]) -> "Callable[[], Image] | None":
        """What reads the face of an identity, where it has one."""
        return None if record["image_path"] is None else self.picture(record["image_path"])

    def picture(self, name: str) -> "Callable[[], Image]":
        """What reads a picture of a record's."""
        path = self._directory / name
        return lambda: decode_image(read_bytes(path), path)


class Questions:
    """One row per question of some cells."""

    def __init__(self, index: Index, cells: Sequence[int]) -> None:
        self._index = index
        self._people = [(cell, place) for cell in cells for place, _ in index.people[cell]]
        self._ends = list(accumulate(count for cell in cells for _, count in index.people[cell]))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def pair(self, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The identity and the question of a row, as the record has them."""
        person = bisect_right(self._ends, number)
        cell, place = self._people[person]
        record = self._index.record(place)
        asked = dict(self._index.cells.pieces(record))[cell]["qa_list"]
        return record, asked[number - self._ends[person]]  # from the end of this person's

    def row(self, number: int) -> Row:
        """The row of a number."""
        record, pair = self.pair(number)
        return Row(question_values(record, pair), self._index.image(record))


class Identities:
    """One row per identity.

    Args:
        index: of the dataset.
        attributes: those that are asked about, a column each.
        left_out: whose rows are not wanted.
        version: of the release that the dataset was pulled from, if it was.
    """

    def __init__(
        self, index: Index, attributes: Sequence[str], left_out: Iterable[str] = (), version: str = ""
    ) -> None:
        self._index, self._attributes, self._version = index, attributes, version
        without = set(left_out)
        self._places = [place for unique_id, place in index.places.items() if unique_id not in without]

    def __len__(self) -> int:
        return len(self._places)

    def row(self, number: int) -> Row:
        """The row of a number."""
        record = self._index.record(self._places[number])
        splits = self._index.cells.splits_of(record)
        return Row(identity_values(record, splits, self._attributes, self._version), self._index.image(record))


class Pictures:
    """One row per picture, of people with several."""

    def __init__(self, index: Index) -> None:
        self._index, self._places = index, list(index.places.values())
        self._each = len(picture_values(index.record(self._places[0])))

    def __len__(self) -> int:
        return len(self._places) * self._each

    def row(self, number: int) -> Row:
        """The row of a number."""
        person, picture = divmod(number, self._each)
        values = picture_values(self._index.record(self._places[person]))[picture]
        return Row(values, self._index.picture(values.pop("path")))


class Loaded:
    """Rows of a configuration that ``datasets`` has loaded, its pictures as bytes."""

    def __init__(self, table: Any, where: str) -> None:
        self._table, self._where = table, where

    def __len__(self) -> int:
        return len(self._table)

    def row(self, number: int) -> Row:
        """The row of a number."""
        values = dict(self._table[number])
        image = values.pop(_IMAGE, None)
        return Row(values, image and (lambda: decode_image(image["bytes"], f"{self._where}, row {number}")))


def _starts(path: Path) -> Iterator[int]:
    """Where each line that is not empty begins."""
    place = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield place
            place += len(line)
