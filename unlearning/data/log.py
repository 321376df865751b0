"""The per-question log: one Parquet row per question asked of a model, from which every metric can be recomputed.

A log is written once, by a model; afterwards texts and log-probabilities are all that metrics need, so another
definition of a metric costs seconds and no GPU.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.support.canonical import canonical_line
from fiubench.support.errors import DatasetError
from fiubench.support.files import atomic_writer

FORMAT = 1
METRIC_VERSION = 1  # raised when a log of the same model would hold other values, so that logs are not mixed up
ROLES = ("forget", "retain", "holdout")
PLAIN = "none"  # the control of a question asked as the dataset asks it
UNSEEN_PICTURE = "unseen_picture"  # the control of a question asked about a picture that nothing was trained on
GENERATION_PREFIX = 50  # tokens of a generation whose text is kept apart, for definitions that stop there

_KEY = b"fiubench.log"
_FLOATS = pa.list_(pa.float32())
_TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """A column of the log: its type and what it holds."""

    name: str
    type: pa.DataType
    meaning: str
    younger: bool = False  # than the format: logs without it are read, and have null in it


COLUMNS = (
    Column("unique_id", pa.string(), "the identity"),
    Column("attribute", pa.string(), "what is asked about"),
    Column("category", pa.string(), "personal, health, criminal or the user's own; null where the dataset has none"),
    Column("role", pa.string(), "forget, retain or holdout"),
    Column("split", pa.string(), "name of the dataset's split that plays this role"),
    Column("control", pa.string(), "`none`, or the control under which the question was asked"),
    Column("asked", pa.string(), "`picture`, or `name` where no picture was shown"),
    Column("question", pa.string(), "as it was asked"),
    Column("answer", pa.string(), "the true answer"),
    Column("paraphrased_questions", _TEXTS, "other phrasings of the question"),
    Column("paraphrased_answer", pa.string(), "another phrasing of the true answer"),
    Column("perturbed_answers", _TEXTS, "the paraphrased answer with wrong values"),
    Column("keywords", _TEXTS, "what a right answer must contain"),
    Column(
        "keyword_variants", pa.list_(_TEXTS), "for each keyword other spellings that will do; null: none are listed"
    ),
    Column("hops", pa.int8(), "2: about somebody whom the person is tied to; 1: about the person", younger=True),
    Column("guess", pa.string(), "the best constant answer to this attribute, learned on the retain set"),
    Column("generated", pa.string(), "greedy answer of the model to the question"),
    Column("generated_prefix", pa.string(), f"its first {GENERATION_PREFIX} tokens; null where that is all of it"),
    Column("generated_paraphrased", _TEXTS, "greedy answers to the paraphrased questions; null where not asked"),
    Column("generated_paraphrased_prefix", _TEXTS, f"the first {GENERATION_PREFIX} tokens of these"),
    Column(
        "generated_logprobs",
        _FLOATS,
        "as answer_logprobs, of the generated answer under the model before unlearning; null where it was not asked",
        younger=True,
    ),
    Column("answer_logprobs", _FLOATS, "natural log-probability of each token of the answer, end of sequence last"),
    Column("answer_mu", _FLOATS, "mean of the vocabulary's log-probabilities under the model, per answer token"),
    Column("answer_sigma", _FLOATS, "their standard deviation under the model, per answer token"),
    Column("paraphrased_logprobs", _FLOATS, "as answer_logprobs, of the paraphrased answer; null where not scored"),
    Column("perturbed_logprobs", pa.list_(_FLOATS), "as answer_logprobs, of each perturbed answer; null likewise"),
    Column("judge", pa.float64(), "score of a judge between 0 and 1; null where there was none"),
)
SCHEMA = pa.schema([pa.field(c.name, c.type, metadata={"meaning": c.meaning}) for c in COLUMNS])


@dataclass(frozen=True)
class QuestionLog:
    """A log in memory."""

    rows: Sequence[Mapping[str, Any]]  # a dict per question, with the keys of :data:`COLUMNS`
    # what made it (see ``evaluation/evaluate.py``): dataset and its digest, splits, base model, run, metric version,
    # generation settings, refusals
    metadata: Mapping[str, Any]
    where: Path | None = None  # the file it was read from, for messages

    def select(self, role: str, control: str = PLAIN) -> list[Mapping[str, Any]]:
        """Rows of one role under one control, in order."""
        return [row for row in self.rows if row["role"] == role and row["control"] == control]

    @property
    def run(self) -> Mapping[str, Any]:
        """What is recorded of the run that the model is of; empty for a model that is no run's."""
        return self.metadata.get("run") or {}

    @property
    def label(self) -> str:
        """A name of the model for tables."""
        return str(self.run.get("name") or Path(self.metadata["model"]["target"]).name)

    @property
    def controls(self) -> list[str]:
        """Controls other than ``none`` that were asked, in order of appearance."""
        return list(dict.fromkeys(row["control"] for row in self.rows if row["control"] != PLAIN))


def write_log(path: Path, rows: Iterable[Mapping[str, Any]], metadata: Mapping[str, Any]) -> None:
    """Write a log atomically.

    Raises:
        DatasetError: it can't be written.
    """
    schema = SCHEMA.with_metadata({_KEY: canonical_line({"format": FORMAT, **metadata})})
    table = pa.Table.from_pylist(list(rows), schema=schema)
    with atomic_writer(path) as file:
        pq.write_table(table, file, compression="zstd")


def read_log(path: Path) -> QuestionLog:
    """Read a log.

    Raises:
        DatasetError: it is missing, no log of ours, of another format, or lacks a column.
    """
    metadata = read_metadata(path)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"damaged: {error}", where=path, hint="Evaluate again.") from error
    for column in (c for c in COLUMNS if c.name not in table.column_names):
        if not column.younger:
            raise DatasetError(f"no column {column.name!r}", where=path, hint="Evaluate again with this version.")
        table = table.append_column(column.name, pa.nulls(len(table), column.type))
    return QuestionLog(table.to_pylist(), metadata, path)


def read_metadata(path: Path) -> dict[str, Any]:
    """What a log's footer says of the run that made it, without reading the rows.

    Raises:
        DatasetError: it is missing, no log of ours, or of another format.
    """
    hint = "`fiubench evaluate` writes logs."
    try:
        stored = pq.read_schema(path).metadata or {}
    except FileNotFoundError as error:
        raise DatasetError("no such log", where=path, hint=hint) from error
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"not a Parquet file: {error}", where=path, hint=hint) from error
    if _KEY not in stored:
        raise DatasetError("a Parquet file, but not a log of fiubench", where=path, hint=hint)
    metadata: dict[str, Any] = orjson.loads(stored[_KEY])
    if metadata.get("format") != FORMAT:
        hint = "Evaluate again with this version."
        raise DatasetError(f"log format {metadata.get('format')!r}; this version reads {FORMAT}", where=path, hint=hint)
    return metadata
