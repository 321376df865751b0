"""Asking a model everything that metrics need, and writing the log.

This is the only part of evaluation that needs the model: ``results.py`` computes metrics from logs.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fiubench.support.canonical import digest_of
from fiubench.support.errors import DatasetError
from fiubench.support.files import make_folder
from fiubench.support.progress import Progress, Report, silent
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import METRIC_VERSION, PLAIN, QuestionLog, read_log, read_metadata, write_log
from fiubench.unlearning.data.modality import PICTURE, Modality
from fiubench.unlearning.evaluation.conditions import conditions, plan_of
from fiubench.unlearning.evaluation.controls import Control
from fiubench.unlearning.evaluation.questions import Questions
from fiubench.unlearning.evaluation.roles import described
from fiubench.unlearning.evaluation.subject import LOG, Subject
from fiubench.unlearning.evaluation.workers import answering
from fiubench.unlearning.models.loading import fingerprint, origin

_PARTS = ".parts"


def describe(
    subject: Subject, data: Data, forget: str, refusals: Sequence[str], asked: Modality = PICTURE
) -> dict[str, Any]:
    """What a log says of the model and of what it was asked: enough to see whether two logs can be compared."""
    target = subject.target
    source = str(Path(data.source).resolve()) if Path(data.source).is_dir() else data.source
    run = None
    if subject.run is not None:
        manifest = subject.run.manifest
        entry: Mapping[str, Any] = next(
            (c for c in manifest["checkpoints"] if Path(c["path"]).name == subject.name), {}
        )
        run = {
            **{name: manifest[name] for name in ("kind", "method", "seed", "digest")},
            **({"variant": manifest["variant"]} if "variant" in manifest else {}),
            "name": subject.run.directory.resolve().name,
            "modality": manifest["modality"],
            "trained_on": {"name": manifest["split"]["name"], "digest": manifest["split"]["digest"]},
            "base_fingerprint": manifest["base"]["fingerprint"],
            **({"chain": chain} if (chain := subject.run.chain()) else {}),
            "step": entry.get("step"),
            "epoch": entry.get("epoch"),
            "final": manifest["final"] is not None and Path(manifest["final"]).name == subject.name,
        }
    return {
        "metric_version": METRIC_VERSION,
        "dataset": {"source": source, "digest": data.content, "identities": len(data.identities)},
        **described(data, forget, asked),
        "model": {"target": target, "fingerprint": fingerprint(target), "origin": origin(target)},
        "run": run,
        "refusals": list(refusals),
        "versions": {name: version(name) for name in ("fiubench", "torch", "transformers")},
    }


def evaluate(
    subject: Subject,
    data: Data,
    forget: str,
    out: Path,
    *,
    controls: Sequence[Control] = (),
    ask: Modality | None = None,
    refusals: Sequence[str] = (),
    batch_size: int = 16,
    max_new_tokens: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    workers: int = 1,
    progress: Progress = silent,
    report: Report = silent,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Ask a model every question of the forget, retain and holdout sets and write ``out/log.parquet``.

    What was asked before an interruption is not asked again; a whole log of the same model and questions is left as
    it is.

    Args:
        controls: further conditions, for the forget and the retain set.
        ask: how people are pointed out; with both, the control ``name`` is added. By default as the model was taught.
        refusals: sentences that count as refusals.
        max_new_tokens: length of generations; None leaves room for the longest true answer, and 50 at least.
        workers: processes, each with a copy of the model, that share the people between them; the log is the same.
        report: called with a line where the model can't share what questions about one picture begin with.
        facts: what :func:`describe` gives, where that is known (weights are large to digest twice).

    Raises:
        FiubenchError: a split or the model does not exist, the run does not fit the dataset, pictures are needed that
            it does not have, or memory is too short.
    """
    asked_by, controls = conditions(subject, data, ask, controls)
    metadata = {**(facts or describe(subject, data, forget, refusals, asked_by))}
    metadata["controls"] = {control.name: control.model_dump() for control in controls}
    metadata["max_new_tokens"] = max_new_tokens
    path = out / LOG
    there = _usable(path, metadata)
    plan = plan_of(data, forget, controls, asked_by)
    if there is not None and all(_has(there, control) for _, control in plan):
        return path
    make_folder(out / _PARTS)
    rows: list[Mapping[str, Any]] = []
    with answering(subject.target, device, dtype, batch_size, workers) as model:
        asked = Questions(subject, data, forget, plan, model, max_new_tokens, progress, report)
        for role, control in plan:
            if there is not None and _has(there, control):
                rows += there.select(role, control.name)
                asked.step(asked.work(role, control))
                continue
            part = out / _PARTS / f"{role}.{control.name}.parquet"
            key = {"part": digest_of([{**metadata, "controls": None}, control.model_dump()])}
            if part.exists() and read_metadata(part).get("part") == key["part"]:
                asked.step(asked.work(role, control))
            else:
                write_log(part, asked.ask(role, control), key)
            rows += read_log(part).rows
    judge = {} if there is None or "judge" not in there.metadata else {"judge": there.metadata["judge"]}
    write_log(path, rows, {**metadata, **judge})
    shutil.rmtree(out / _PARTS)
    return path


def _usable(path: Path, metadata: Mapping[str, Any]) -> QuestionLog | None:
    """A log that is there already, if it asked the same model the same questions."""
    try:
        there = read_log(path)
    except DatasetError:
        return None  # none, or of another version: it is written anew
    wanted = {key: value for key, value in metadata.items() if key not in ("controls", "dataset")}
    same = all(there.metadata.get(key) == value for key, value in wanted.items())
    # wherever the dataset lies by now
    return there if same and there.metadata["dataset"]["digest"] == metadata["dataset"]["digest"] else None


def _has(log: QuestionLog, control: Control) -> bool:
    asked = log.metadata["controls"].get(control.name)
    return control.name == PLAIN or asked == json.loads(json.dumps(control.model_dump()))
