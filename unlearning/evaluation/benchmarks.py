"""General abilities: accuracy on yes/no questions about pictures, such as those of POPE (Li et al., 2023).

Unlearning may cost what a model could do before; accuracy here is a part of utility. The questions come from a Parquet
file of the user's own; lmms-eval asks the standard sets (``lmms.py``). Each answer goes into a Parquet file beside the
question log, so that scores can be taken again without the model.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.dataset as pad
import pyarrow.parquet as pq
from fiubench.schemas.images import decode_image
from fiubench.support.canonical import canonical_line, digest
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.files import atomic_writer
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean
from fiubench.unlearning.models.encoding import Turn

if TYPE_CHECKING:
    from fiubench.unlearning.evaluation.scoring import Scorer, Step

_ANSWER_TOKENS = 16
_AT_ONCE = 256  # questions whose pictures are held at a time
_KEY = b"fiubench.benchmarks"
_COLUMNS = ("image", "question", "answer")
_SCHEMA = pa.schema([(name, pa.string()) for name in ("benchmark", "picture", "question", "answer", "generated")])


@dataclass(frozen=True)
class Benchmark:
    """A set of yes/no questions: its name, and a Parquet file or a folder of them."""

    name: str
    source: str

    @classmethod
    def parse(cls, text: str) -> "Benchmark":
        """``NAME=FILE.parquet``.

        Raises:
            ConfigError: there is no file in it.
        """
        name, _, path = text.partition("=")
        if not name or not path:
            hint = f"Name a task of lmms-eval, lmms:{text}, or a Parquet file of yes/no questions: {text}=FILE.parquet."
            raise ConfigError(f"{text!r} is no benchmark", where="--benchmark", hint=hint)
        return cls(name, path)

    def items(self) -> Iterator[dict[str, Any]]:
        """The questions one at a time: picture (a digest), image (decoded), question, and answer (yes or no).

        Raises:
            DatasetError: the file can't be read, a column is missing, or an answer is neither yes nor no.
        """
        try:
            table = pad.dataset(self.source, format="parquet")
            if missing := [column for column in _COLUMNS if column not in table.schema.names]:
                hint = f"Columns {', '.join(_COLUMNS)} are needed."
                raise DatasetError(f"no column {missing[0]!r}", where=self.source, hint=hint)
            batches = table.to_batches(columns=list(_COLUMNS), batch_size=_AT_ONCE)
            for number, row in enumerate(row for batch in batches for row in batch.to_pylist()):
                yield _item(row, f"{self.source}, row {number}")
        except (OSError, pa.ArrowException) as error:
            raise DatasetError(f"can't be read: {error}", where=self.source, hint="Give a Parquet file.") from error


def _item(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    answer = yes_or_no(str(row["answer"]))
    if answer is None:
        raise DatasetError(f"answer {row['answer']!r} is neither yes nor no", where=where)
    data = row["image"].get("bytes") if isinstance(row["image"], dict) else row["image"]
    if not isinstance(data, bytes):
        raise DatasetError("the picture is missing", where=where, hint="Column image holds the bytes of a picture.")
    image = decode_image(data, where)
    return {"picture": digest(data)[:16], "image": image, "question": row["question"], "answer": answer}


def yes_or_no(text: str) -> str | None:
    """ "yes" or "no", whichever stands first as a word of its own; null where neither does."""
    found = re.search(r"\b(yes|no)\b", text.lower())
    return found[1] if found else None


def run(
    benchmarks: Sequence[Benchmark],
    scorer: "Scorer",
    path: Path,
    key: Mapping[str, Any],
    *,
    limit: int | None = None,
    step: "Step | None" = None,
) -> None:
    """Ask a model every question and write the answers to ``path``.

    Args:
        key: what identifies the model; a file of the same model and benchmarks is left as it is.
        limit: questions per benchmark, from the first; null for all.

    Raises:
        DatasetError: a benchmark can't be loaded.
        OutOfMemoryError: a batch did not fit.
    """
    asked = {**key, "limit": limit, "benchmarks": {b.name: b.source for b in benchmarks}}
    if path.exists() and (pq.read_schema(path).metadata or {}).get(_KEY) == canonical_line(asked):
        return
    rows: list[dict[str, Any]] = []
    for benchmark in benchmarks:
        items = islice(benchmark.items(), limit)
        while block := list(islice(items, _AT_ONCE)):
            turns = [Turn(item["question"], item.pop("image")) for item in block]
            answers = scorer.generate(turns, _ANSWER_TOKENS, step)
            for item, answer in zip(block, answers, strict=True):
                rows.append({**item, "benchmark": benchmark.name, "generated": answer.text})
    with atomic_writer(path) as file:
        schema = _SCHEMA.with_metadata({_KEY: canonical_line(asked)})
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, compression="zstd")


def accuracies(path: Path) -> dict[str, Estimate]:
    """Benchmark -> share of right answers, its error clustered by picture. What is neither yes nor no is wrong.

    Raises:
        DatasetError: not a file of ours.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"cannot be read: {error}", where=path, hint="Evaluate again.") from error
    stored = (table.schema.metadata or {}).get(_KEY)
    if stored is None:
        raise DatasetError("not written by fiubench", where=path, hint="Remove it and evaluate again.")
    found = {}
    for name in orjson.loads(stored)["benchmarks"]:
        rows = [row for row in table.to_pylist() if row["benchmark"] == name]
        right = [float(yes_or_no(row["generated"]) == row["answer"]) for row in rows]
        found[name] = clustered_mean(right, [row["picture"] for row in rows])
    return found
