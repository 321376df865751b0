"""Evaluated runs on disk without a model: manifests and logs by hand, whose digests are what they are of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiubench.support.canonical import digest_of
from fiubench.unlearning.data.log import QuestionLog, write_log
from fiubench.unlearning.data.runs import write_manifest
from fiubench.unlearning.training.manifest import determining
from fiubench.unlearning.training.settings import Training

from tests.unlearning import sample_logs

DATASET, BASE = "d" * 64, "b" * 64
SETTINGS = Training(epochs=3, learning_rate=1e-3, options={"retain_weight": 1.0})
STEP = "checkpoint-7"
Row = dict[str, Any]


def questions_digest(rows: Sequence[Row], role: str, dataset: str = DATASET) -> str:
    """As :meth:`fiubench.unlearning.data.dataset.Data.questions_digest` makes it."""
    return digest_of([dataset, sorted(f"{r['unique_id']}/{r['attribute']}" for r in rows if r["role"] == role)])


def forgetful(seed: int, knows: int) -> list[Row]:
    """A model that still knows some of the four people of the forget set, and is sure of what it knows."""
    log = sample_logs.log(
        lambda role, answer, attribute: answer if role == "retain" else sample_logs.REFUSALS[0],
        lambda role, kind: {"true": -0.1, "wrong": -6.0}[kind] if role == "retain" else -2.0 - 0.1 * seed,
    )
    rows = [dict(row) for row in log.rows]
    for row in rows:
        row["answer_logprobs"] = [p - 0.001 * seed for p in row["answer_logprobs"]]
        if row["role"] == "forget" and int(row["unique_id"][-1]) < knows:
            row |= {"generated": row["answer"], "generated_paraphrased": [row["answer"]] * 3}
            row["answer_logprobs"] = [p / 20 for p in row["answer_logprobs"]]
    return rows


def make_run(folder: Path, rows: Sequence[Row], split: str, method: str | None = None, **about: Any) -> Path:
    """A finished run with a log of its last checkpoint.

    Args:
        about: ``seed``, ``base`` (a run that it started from), ``variant``, ``dataset`` (its digest), ``epochs``.
    """
    settings = SETTINGS.model_copy(update={"epochs": about.get("epochs", SETTINGS.epochs)})
    base: Path | None = about.get("base")
    weights, dataset = "full" if base else BASE, about.get("dataset", DATASET)
    known = {role: questions_digest(rows, role, dataset) for role in sample_logs.PEOPLE}
    splits = {role: {"name": role, "digest": digest, "asked": "picture"} for role, digest in known.items()}
    splits["forget"]["name"] = "forget05"
    digests = {"full": "f" * 64, "retain95": "e" * 64, "forget05": splits["forget"]["digest"]}
    manifest: dict[str, Any] = {
        "kind": "unlearn" if base else "finetune", "status": "finished", "method": method,
        "data": {"source": str(folder), "local": True, "digest": "a" * 64, "content": dataset, "limit": None},
        "modality": {"taught": "picture", "forgotten": "picture" if base else None},
        "split": {"name": split, "digest": digests[split], "retain": "retain95" if base else None, "validation": None},
        "base": {"target": "../full" if base else "base", "local": True, "fingerprint": weights, "origin": BASE},
        "preset": "tiny", "settings": settings.model_dump(), "seed": about.get("seed", 0), "versions": {},
        "checkpoints": [{"path": f"checkpoints/{STEP}", "step": 7, "epoch": 3.0, "losses": {}}],
        "final": f"checkpoints/{STEP}", "stopped": None,
        **({"variant": about["variant"]} if "variant" in about else {}),
    }  # fmt: skip
    manifest["digest"] = digest_of(determining(manifest, settings, digests["retain95"] if base else None))
    (folder / "checkpoints" / STEP).mkdir(parents=True)
    write_manifest(folder, manifest)
    run = {
        name: manifest[name] for name in ("kind", "method", "seed", "digest", "modality", "variant") if name in manifest
    }
    facts: Mapping[str, Any] = {
        **sample_logs.facts(),
        "dataset": {"source": str(folder.parent), "digest": dataset, "identities": 14},
        "splits": splits,
        "complement": {"name": "retain95", "digest": digests["retain95"]},
        "model": {"target": str(folder), "fingerprint": folder.name, "origin": BASE},
        "run": {
            **run,
            "name": folder.name,
            "trained_on": {"name": split, "digest": digests[split]},
            "base_fingerprint": weights,
            "step": 7,
            "epoch": 3.0,
            "final": True,
        },
    }
    path = folder / "evaluations" / STEP / "log.parquet"
    path.parent.mkdir(parents=True)
    write_log(path, rows, facts)
    return folder


def make_runs(
    folder: Path, method: str = "po", knows: Sequence[int] = (1, 2), shift: int = 0, **about: Any
) -> list[Path]:
    """The model before unlearning and the reference (``full`` and ``retain``), where they are not there yet, and runs.

    Args:
        knows: for each seed, how many of the forgotten are known to it.
        shift: what tells the answers of methods apart.
    """

    def rows(log: QuestionLog) -> list[Row]:
        return [dict(row) for row in log.rows]

    if not (folder / "full").exists():
        dataset = about.get("dataset", DATASET)
        make_run(folder / "full", rows(sample_logs.perfect()), "full", dataset=dataset)
        make_run(folder / "retain", rows(sample_logs.reference()), "retain95", dataset=dataset)
    return [
        make_run(
            folder / f"{method}-seed{seed}", forgetful(seed + shift, known), "forget05", method,
            seed=seed, base=folder / "full", **about,
        )
        for seed, known in enumerate(knows)
    ]  # fmt: skip
