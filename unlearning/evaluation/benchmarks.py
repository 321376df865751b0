"""General abilities on yes/no questions about pictures: POPE (Li et al., 2023), MME (Fu et al., 2023), or one's own.

Unlearning may cost what a model could do before; accuracy here is a part of utility. Each answer goes into a Parquet
file beside the question log, so that scores can be taken again without the model.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from fiubench.schemas.images import decode_image
from fiubench.support.canonical import canonical_line, digest
from fiubench.support.errors import ConfigError, DatasetError, did_you_mean
from fiubench.support.files import atomic_writer
from fiubench.support.yaml_file import load_yaml
from fiubench.unlearning.metrics.statistics import Estimate, clustered_mean
from fiubench.unlearning.models.encoding import Turn

if TYPE_CHECKING:
    from fiubench.unlearning.evaluation.scoring import Scorer, Step
    from PIL.Image import Image

FILE = Path(__file__).with_name("benchmarks.yaml")
_ANSWER_TOKENS = 16
_AT_ONCE = 256  # questions whose pictures are held at a time
_KEY = b"fiubench.benchmarks"
_SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("category", pa.string()),
        ("picture", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("generated", pa.string()),
    ]
)


@dataclass(frozen=True)
class Benchmark:
    """A set of yes/no questions: where they are, and how they are asked (``benchmarks.yaml``)."""

    name: str
    source: str
    split: str
    picture: str | None
    wording: str
    reported: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Benchmark":
        """``pope`` (from the Hub) or ``pope=PATH``; any other name with a path is a benchmark of the user's own.

        Raises:
            ConfigError: an unknown name without a path.
        """
        name, _, path = text.partition("=")
        known = load_yaml(FILE, ConfigError)
        entry = known.get(name)
        if entry is None and not path:
            hint = f"{did_you_mean(name, known)} Or give your own questions: {name}=PATH."
            raise ConfigError(f"unknown benchmark {name!r}", where="--benchmark", hint=hint)
        entry = entry or {"split": "test", "picture": None, "wording": "{question}", "reported": ["accuracy"]}
        return cls(
            name, path or entry["hub"], entry["split"], entry["picture"], entry["wording"], tuple(entry["reported"])
        )


@dataclass(frozen=True)
class Item:
    """One question."""

    category: str
    picture: str
    question: str
    answer: str
    image: "Image"


def items(benchmark: Benchmark, limit: int | None = None) -> Iterator[Item]:
    """The questions, pictures decoded one at a time.

    Raises:
        DatasetError: the source can't be loaded, a column is missing, or an answer is neither yes nor no.
    """
    table = _load(benchmark)
    for column in ("image", "question", "answer"):
        if column not in table.column_names:
            hint = "Columns image, question and answer are needed; category is optional."
            raise DatasetError(f"no column {column!r}", where=benchmark.source, hint=hint)
    for number, row in enumerate(table):
        if limit is not None and number >= limit:
            return
        where = f"{benchmark.source}, row {number}"
        answer = yes_or_no(str(row["answer"]))
        if answer is None:
            raise DatasetError(f"answer {row['answer']!r} is neither yes nor no", where=where)
        data = _bytes(row["image"], where)
        picture = benchmark.picture if benchmark.picture in table.column_names else None
        name = digest(data)[:16] if picture is None else str(row[picture])
        yield Item(str(row.get("category") or ""), name, str(row["question"]), answer, decode_image(data, where))


def _load(benchmark: Benchmark) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise DatasetError("datasets is not installed", hint="pip install 'fiubench[unlearning]'") from error
    path = Path(benchmark.source)
    try:
        if path.is_file():
            table = datasets.load_dataset("parquet", data_files=str(path), split="train")
        else:
            loaded = datasets.load_dataset(benchmark.source)
            table = loaded[benchmark.split if benchmark.split in loaded else next(iter(loaded))]
    except Exception as error:  # datasets and its transports raise kinds of their own
        problem = str(error).strip().split("\n")[0][:200]
        hint = f"Give a local copy: {benchmark.name}=PATH."
        raise DatasetError(f"{benchmark.name} can't be loaded: {problem}", where=benchmark.source, hint=hint) from error
    return table.cast_column("image", datasets.Image(decode=False)) if "image" in table.column_names else table


def _bytes(value: Mapping[str, Any], where: str) -> bytes:
    if value.get("bytes") is not None:
        return bytes(value["bytes"])
    try:
        return Path(value["path"]).read_bytes()
    except (OSError, TypeError) as error:
        raise DatasetError("the picture is missing", where=where) from error


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
    asked = {**key, "limit": limit, "benchmarks": {b.name: [b.source, b.wording] for b in benchmarks}}
    if path.exists() and (pq.read_schema(path).metadata or {}).get(_KEY) == canonical_line(asked):
        return
    rows: list[dict[str, Any]] = []
    for benchmark in benchmarks:
        for block in _blocks(items(benchmark, limit)):
            turns = [Turn(benchmark.wording.replace("{question}", item.question), item.image) for item in block]
            for item, answer in zip(block, scorer.generate(turns, _ANSWER_TOKENS, step), strict=True):
                row = {name: getattr(item, name) for name in ("category", "picture", "question", "answer")}
                rows.append({**row, "benchmark": benchmark.name, "generated": answer.text})
    with atomic_writer(path) as file:
        schema = _SCHEMA.with_metadata({_KEY: canonical_line(asked)})
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, compression="zstd")


def _blocks(found: Iterable[Item]) -> Iterator[list[Item]]:
    block: list[Item] = []
    for item in found:
        block.append(item)
        if len(block) == _AT_ONCE:
            yield block
            block = []
    if block:
        yield block


def read(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Benchmark -> its rows.

    Raises:
        DatasetError: not a file of ours.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"cannot be read: {error}", where=path, hint="Evaluate again.") from error
    stored = (table.schema.metadata or {}).get(_KEY)
    if stored is None:
        raise DatasetError("not written by fiubench", where=path)
    groups: dict[str, list[dict[str, Any]]] = {name: [] for name in orjson.loads(stored)["benchmarks"]}
    for row in table.to_pylist():
        groups[row["benchmark"]].append(row)
    return groups


def accuracies(path: Path) -> dict[str, Estimate]:
    """Benchmark -> accuracy, its error clustered by picture. What is neither yes nor no is wrong."""
    return {name: MEASURES["accuracy"](rows) for name, rows in read(path).items()}


def _right(row: Mapping[str, Any]) -> bool:
    return bool(yes_or_no(row["generated"]) == row["answer"])


def accuracy(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Share of right answers."""
    return clustered_mean([float(_right(row)) for row in rows], [row["picture"] for row in rows])


def _counts(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Right yes, said yes, true yes."""
    said = [yes_or_no(row["generated"]) == "yes" for row in rows]
    true = [row["answer"] == "yes" for row in rows]
    return sum(s and t for s, t in zip(said, true, strict=True)), sum(said), sum(true)


def precision(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Share of right ones among those that were answered yes."""
    hits, said, _ = _counts(rows)
    return Estimate(hits / said, n=said) if said else Estimate(None, why="nothing was answered yes")


def recall(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Share of those answered yes among those whose answer is yes."""
    hits, _, true = _counts(rows)
    return Estimate(hits / true, n=true) if true else Estimate(None, why="nothing is yes")


def f1(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Harmonic mean of precision and recall of "yes"."""
    hits, said, true = _counts(rows)
    return Estimate(2 * hits / (said + true), n=len(rows)) if said + true else Estimate(None, why="no yes at all")


def yes_share(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Share of questions answered yes."""
    values = [float(yes_or_no(row["generated"]) == "yes") for row in rows]
    return clustered_mean(values, [row["picture"] for row in rows])


def mme_score(rows: Sequence[Mapping[str, Any]]) -> Estimate:
    """Sum over categories of accuracy + accuracy+ in per cent (Fu et al., 2023): 200 points a category.

    Accuracy+ is the share of pictures with all of their questions (two, in MME) answered right.
    """
    categories: dict[str, dict[str, list[bool]]] = {}
    for row in rows:
        categories.setdefault(row["category"], {}).setdefault(row["picture"], []).append(_right(row))
    points = 0.0
    for pictures in categories.values():
        answers = [right for group in pictures.values() for right in group]
        points += 100 * float(np.mean(answers)) + 100 * float(np.mean([all(group) for group in pictures.values()]))
    return Estimate(points, n=len(rows)) if rows else Estimate(None, why="no question")


MEASURES: Mapping[str, Callable[[Sequence[Mapping[str, Any]]], Estimate]] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "yes_share": yes_share,
    "mme_score": mme_score,
}


def report(path: Path) -> dict[str, dict[str, Estimate]]:
    """Benchmark -> measure -> value, those that are customary for it."""
    return {
        name: {measure: MEASURES[measure](rows) for measure in _reported().get(name, ("accuracy",))}
        for name, rows in read(path).items()
    }


@cache
def _reported() -> dict[str, tuple[str, ...]]:
    return {name: tuple(entry["reported"]) for name, entry in load_yaml(FILE, ConfigError).items()}
