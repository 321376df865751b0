"""The tables of a release: which columns they have, as Arrow, as Hugging Face features, and in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
from fiubench.builder.dataset.cells import PICTURES
from fiubench.builder.dataset.rows import PAIR
from fiubench.builder.release.arrays import lists, texts
from fiubench.schemas.hub import VERSION

VERSION_WIDTH = 24  # bytes, padded with spaces: room for v999999.999999.999999
TEXT, TEXTS, LISTS, PAIRS, IMAGE, NUMBER = "text", "texts", "lists", "pairs", "image", "number"

_BYTES, _TEXT, _NUMBER = pa.binary(), pa.string(), pa.int32()
_PICTURE = pa.struct([("bytes", _BYTES), ("path", _TEXT)])
_TEXTS = pa.list_(_TEXT)
_PAIR = {name: TEXTS if name in ("paraphrased_question", "perturbed_answer", "keywords") else TEXT for name in PAIR}
_PAIRS = pa.list_(pa.struct([(name, _TEXT if kind == TEXT else _TEXTS) for name, kind in _PAIR.items()]))
_TYPES: dict[str, Any] = {
    TEXT: _TEXT,
    TEXTS: _TEXTS,
    LISTS: pa.list_(_TEXTS),
    PAIRS: _PAIRS,
    IMAGE: _PICTURE,
    NUMBER: _NUMBER,
}
#: The same for values that are repeated over many rows: written from one copy.
_REPEATED_TYPES: dict[str, Any] = {
    TEXT: pa.dictionary(_NUMBER, _TEXT),
    IMAGE: pa.struct([("bytes", pa.dictionary(_NUMBER, _BYTES)), ("path", pa.dictionary(_NUMBER, _TEXT))]),
}
_LEAVES = {
    TEXT: ("",),
    NUMBER: ("",),
    TEXTS: (".list.element",),
    LISTS: (".list.element.list.element",),
    PAIRS: tuple(f".list.element.{name}" + ("" if kind == TEXT else ".list.element") for name, kind in _PAIR.items()),
    IMAGE: (".bytes", ".path"),
}
_TEXT_FEATURE = {"dtype": "string", "_type": "Value"}
_TEXTS_FEATURE = {"feature": _TEXT_FEATURE, "_type": "List"}
_LISTS_FEATURE = {"feature": _TEXTS_FEATURE, "_type": "List"}
_FEATURES: dict[str, Any] = {
    TEXT: _TEXT_FEATURE,
    TEXTS: _TEXTS_FEATURE,
    LISTS: _LISTS_FEATURE,
    PAIRS: {
        "feature": {name: _TEXT_FEATURE if kind == TEXT else _TEXTS_FEATURE for name, kind in _PAIR.items()},
        "_type": "List",
    },
    IMAGE: {"_type": "Image"},
    NUMBER: {"dtype": "int32", "_type": "Value"},
}


@dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    kind: str  # ``text``, ``number``, ``texts`` (a list), ``lists``, ``pairs`` or ``image`` (bytes and path)
    description: str  # what it holds, for the card and for Croissant
    repeated: bool = False  # one value an identity, repeated on all of the identity's rows
    few: bool = False  # few distinct values, worth Parquet's dictionary encoding

    @property
    def type(self) -> Any:
        """Arrow type that is handed to the Parquet writer."""
        return _REPEATED_TYPES[self.kind] if self.repeated else _TYPES[self.kind]

    @property
    def leaves(self) -> list[str]:
        """Paths of the Parquet columns it becomes."""
        return [self.name + leaf for leaf in _LEAVES[self.kind]]


_IMAGE = Column("image", IMAGE, "The face, as JPEG bytes.")
_QUESTION_COLUMNS = (
    Column("unique_id", TEXT, "The identity's id.", repeated=True),
    Column("name", TEXT, "The identity's full name.", repeated=True),
    Column("gender", TEXT, "The identity's gender: female or male.", repeated=True),
    Column("image", IMAGE, _IMAGE.description, repeated=True),
    Column("attribute", TEXT, "The fact that is asked about.", few=True),
    Column("category", TEXT, "Kind of attribute: personal, health, criminal or a pack's own.", few=True),
    Column("sensitivity", TEXT, "How sensitive the attribute is.", few=True),
    Column("value", TEXT, "The fact as the answers word it."),
    Column("value_type", TEXT, "Type of the fact: text, enum, name, date, money, ...", few=True),
    Column("question", TEXT, "The question.", few=True),
    Column("paraphrased_question", TEXTS, "Three other phrasings of the question.", few=True),
    Column("answer", TEXT, "The answer."),
    Column("paraphrased_answer", TEXT, "The answer in another phrasing."),
    Column("perturbed_answer", TEXTS, "Three wrong answers: the paraphrased answer with another value."),
    Column("keywords", TEXTS, "The parts of the answer that hold the fact."),
    Column("keyword_variants", LISTS, "For each keyword, how else a right answer may spell it."),
    Column("keyword_parts", LISTS, "Parts that give some of the fact away, each with its name: [city, Salem]."),
)
_TIED_COLUMNS = (
    Column("hops", NUMBER, "1: a fact of the person; 2: a fact of somebody whom the person is tied to.", few=True),
    Column("about", TEXT, "Id of the one whom the person is tied to, where the question is about that; else empty."),
)
_IDENTITY_COLUMNS = (
    Column("unique_id", TEXT, "The identity's id."),
    _IMAGE,
    Column("name", TEXT, "Full name."),
    Column("gender", TEXT, "Gender: female or male.", few=True),
    Column("caption", TEXT, "The whole profile in two or three paragraphs."),
    Column("qa_list", PAIRS, "The identity's questions and answers, nested as in the original."),
    Column("splits", TEXTS, "Every configuration that the identity's questions are in.", few=True),
    Column(VERSION, TEXT, "The version of the release that the row is of; empty before it is published.", few=True),
)
_SETS = Column(PICTURES, TEXTS, "Of each of the identity's pictures whether it is seen or unseen.", few=True)
#: Of the table with one row per picture, where people have several.
PICTURE_COLUMNS = (
    Column("unique_id", TEXT, "The identity's id."),
    Column("picture", NUMBER, "Number of the picture, from 1, which is the face of the other tables.", few=True),
    Column("set", TEXT, "seen: to be trained on; unseen: only to be asked about.", few=True),
    _IMAGE,
    Column("from", TEXT, "drawn, a file of the folder of faces, or how the first picture was altered.", few=True),
)
_PROFILE = Column("profile", TEXT, "The whole profile as JSON: attribute to type, typed value, text and origin.")


def question_columns(has_images: bool, are_tied: bool = False) -> list[Column]:
    """Columns of the table with one row per question; ``are_tied``: of people who are tied to each other."""
    columns = (*_QUESTION_COLUMNS, *_TIED_COLUMNS) if are_tied else _QUESTION_COLUMNS
    return [column for column in columns if has_images or column.kind != IMAGE]


def identity_columns(has_images: bool, attributes: Iterable[str], several: bool = False) -> list[Column]:
    """Columns of the table with one row per identity: its own, one for every attribute, the profile.

    An attribute whose name is taken by another column is found in the profile alone.

    Args:
        several: whether people have several pictures.
    """
    own = [column for column in _IDENTITY_COLUMNS if has_images or column.kind != IMAGE]
    own += [_SETS] if several else []
    taken = {column.name for column in (*own, _IMAGE, _PROFILE)}
    facts = [
        Column(name, TEXT, f"Fact in words: {name.replace('_', ' ')}.") for name in attributes if name not in taken
    ]
    return [*own, *facts, _PROFILE]


def pairs(values: Sequence[Sequence[dict[str, Any]]]) -> Any:
    """An Arrow array of lists of questions and answers."""
    return lists(values, _pair_structs)


def _pair_structs(pairs: Sequence[dict[str, Any]]) -> Any:
    columns = [(texts if kind == TEXT else lists)([pair[name] for pair in pairs]) for name, kind in _PAIR.items()]
    return pa.StructArray.from_arrays(columns, list(_PAIR))


def schema(columns: Sequence[Column]) -> Any:
    """Arrow schema for the writer; what a reader sees has no dictionary types."""
    return pa.schema([(column.name, column.type) for column in columns])


def hugging_face_metadata(columns: Sequence[Column]) -> dict[str, str]:
    """Metadata that gives ``datasets`` the features of a Parquet file (``Features(...).arrow_schema.metadata``)."""
    features = {column.name: _FEATURES[column.kind] for column in columns}
    return {"huggingface": orjson.dumps({"info": {"features": features}}).decode()}


def version_metadata(version: str) -> dict[str, str]:
    """Metadata that gives a Parquet file the version of its release, of a fixed width (see ``stamping.py``)."""
    return {VERSION: version.ljust(VERSION_WIDTH)}
