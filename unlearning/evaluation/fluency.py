"""How likely the model before unlearning finds the answers of the model after it: what perplexity is made of.

A second model is needed for that, so it is asked when the first has answered everything and its log is written.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiubench.support.errors import ConfigError
from fiubench.support.progress import Progress, Report, silent
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import PLAIN, read_log, write_log
from fiubench.unlearning.data.modality import NAME
from fiubench.unlearning.data.runs import RunError
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.evaluation.subject import Subject
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import load

_COLUMN = "generated_logprobs"


def add_fluency(
    path: Path,
    subject: Subject,
    data: Data,
    *,
    batch_size: int = 16,
    device: str = "auto",
    dtype: str = "auto",
    progress: Progress = silent,
    report: Report = silent,
) -> None:
    """Fill the column ``generated_logprobs`` of a log, for the plain answers about the forget and the retain set.

    The model is the one that unlearning started from; of a model that is none of unlearning, it is itself. An empty
    answer has an empty list. What is filled is not computed again.

    Args:
        report: told why the column stays null, where the model before unlearning is not at hand any more.

    Raises:
        OutOfMemoryError: a batch does not fit. The log is as it was.
    """
    log = read_log(path)
    wanted = [i for i, row in enumerate(log.rows) if _wanted(row)]
    if not wanted:
        return
    run, done = subject.run, 0
    judge = run.base if run is not None and run.manifest["kind"] == "unlearn" else subject.target
    asked = [i for i in wanted if log.rows[i]["generated"]]

    def step(count: int) -> None:
        nonlocal done
        done += count
        progress("perplexity", done, len(asked))

    try:
        loaded = load(judge, device=device, dtype=dtype)
        scorer = Scorer(loaded.model, loaded.processor, batch_size)
        markers = scorer.encoder.tokenizer.all_special_tokens
        turns = [_turn(log.rows[i], data, markers) for i in asked]
        scores = scorer.score(turns, step=step)
    except (ConfigError, RunError) as error:
        report(f"no perplexity: the model before unlearning, {judge}, can't be asked: {error.what}")
        return
    found = {**{i: [] for i in wanted}, **{i: one.logprobs for i, one in zip(asked, scores, strict=True)}}
    rows = [{**row, _COLUMN: found.get(i, row[_COLUMN])} for i, row in enumerate(log.rows)]
    write_log(path, rows, log.metadata)


def _turn(row: Mapping[str, Any], data: Data, markers: Sequence[str]) -> Turn:
    """A question with the answer that was generated. Where that spells a special token ("<image>"), it is letters."""
    said = row["generated"]
    for marker in markers:
        said = said.replace(marker, " ".join(marker))
    return Turn(row["question"], None if row["asked"] == NAME else data.image(row["unique_id"]), said)


def _wanted(row: Mapping[str, Any]) -> bool:
    return row["role"] != "holdout" and row["control"] == PLAIN and row[_COLUMN] is None
