"""Run folders: what a training run was made from, and where its checkpoints lie.

RUN/run.json                    the manifest: data, split, base model, settings, seed, versions, checkpoints
RUN/checkpoints/checkpoint-N/   weights after N optimizer steps; the latest can be resumed from
RUN/cost.json                   device, seconds and memory of the training: no part of what determines it
RUN/base/                       the untrained model, where the run made one (tiny, smol)
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from fiubench.support.canonical import digest_of, file_digest, readable_json
from fiubench.support.errors import FiubenchError
from fiubench.support.files import write_atomic
from fiubench.support.reading import open_regular
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.requested import requested

from fiubench import schemas

MANIFEST = "run.json"
CHECKPOINTS = "checkpoints"
COST = "cost.json"
_LARGEST_COST = 10_000  # bytes
RUNNING, FINISHED = "running", "finished"


class RunError(FiubenchError):
    """A run folder that is none, is unfinished, or does not fit what it is used for."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights after ``step`` optimizer steps, ``epoch`` passes over the training split."""

    path: Path
    step: int
    epoch: float


@dataclass(frozen=True, repr=False)
class Run:
    """A training run on disk."""

    directory: Path
    manifest: Mapping[str, Any]  # the content of ``run.json`` (``schemas/run.schema.json``)

    @classmethod
    def open(cls, directory: str | Path) -> "Run":
        """Read a run folder.

        Raises:
            RunError: it is none, or its manifest is damaged.
        """
        path = Path(directory) / MANIFEST
        try:
            with open_regular(path) as file:
                manifest = orjson.loads(file.read())
        except FileNotFoundError as error:
            hint = "`fiubench finetune` and `fiubench unlearn` make run folders."
            raise RunError(f"not a run (no {MANIFEST})", where=directory, hint=hint) from error
        except (OSError, orjson.JSONDecodeError) as error:
            raise RunError(f"cannot be read: {error}", where=path) from error
        for violation in schemas.violations("run", manifest):
            raise RunError(f"damaged: {violation.path}: {violation.message}", where=path)
        return cls(Path(directory), manifest)

    def __repr__(self) -> str:
        made = f"{self.manifest['kind']} of {self.manifest['split']['name']}"
        return f"{self.directory}: {made}, {self.manifest['status']}, {len(self.manifest['checkpoints'])} checkpoints"

    @property
    def finished(self) -> bool:
        """Whether the training came to its end."""
        return bool(self.manifest["status"] == FINISHED)

    def open_data(self, copy: str | None = None) -> Data:
        """The dataset that the run was trained on, or a copy of it that lies elsewhere.

        A fine-tuned model may be asked about another cut of the same people too; an unlearned one about its own alone,
        which says what it was to forget.

        Raises:
            RunError: it is another one.
        """
        recorded = self.manifest["data"]
        source = str(self.directory / recorded["source"]) if recorded["local"] else recorded["source"]
        data = self.cut_alike(Data.open(copy or source))
        if "requests" in recorded:
            data = requested(data, recorded["requests"])
        key = "content" if copy is not None and self.manifest["kind"] == "finetune" else "digest"
        if getattr(data, key) != recorded[key]:
            what = f"{source} is not the dataset any more that the run saw"
            hint = "Build the old one again, or train on the new one."
            if copy is not None:
                what = f"{copy} is not the dataset that the run was trained on"
                hint = "Leave --data out, or name a copy of the dataset that the run was trained on."
            raise RunError(what, where=self.directory, hint=hint)
        return data

    def cut_alike(self, data: Data) -> Data:
        """The same part of a dataset as the run was trained on, where that was a part."""
        limit = self.manifest["data"]["limit"]
        return data if limit is None or data.limit is not None else data.limited(*limit)

    @property
    def base(self) -> str:
        """The model that the run started from: a Hub id, a model folder or another run."""
        target: str = self.manifest["base"]["target"]
        return str(self.directory / target) if self.manifest["base"]["local"] else target

    @property
    def cost(self) -> Mapping[str, Any]:
        """What its training took: ``device``, ``seconds``, ``peak_bytes``; empty where that is not recorded."""
        try:
            with open_regular(self.directory / COST) as file:
                found = orjson.loads(file.read(_LARGEST_COST))
        except (OSError, orjson.JSONDecodeError):
            return {}  # of an older run, or cut off: nothing hangs on it
        kinds = {"device": str, "seconds": int | float, "peak_bytes": int}
        known = found if isinstance(found, dict) else {}
        return {name: known[name] for name, kind in kinds.items() if isinstance(known.get(name), kind)}

    def chain(self) -> list[str]:
        """Fingerprints of the models that the one it started from was unlearned from, the nearest first."""
        before = run_of(Path(self.base)) if self.manifest["kind"] == "unlearn" else None
        if before is None or before.manifest["kind"] != "unlearn":
            return []
        return [before.manifest["base"]["fingerprint"], *before.chain()]

    def checkpoints(self) -> Iterator[Checkpoint]:
        """Every checkpoint, in the order of training."""
        for entry in self.manifest["checkpoints"]:
            yield Checkpoint(self.directory / entry["path"], entry["step"], entry["epoch"])

    @property
    def final(self) -> Path:
        """The checkpoint that counts as the run's result.

        Raises:
            RunError: the run is not finished.
        """
        if not self.finished:
            raise RunError("the run is not finished", where=self.directory, hint="Give the same command again.")
        return self.directory / str(self.manifest["final"])


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write ``run.json`` in one step."""
    write_atomic(directory / MANIFEST, readable_json(manifest))


def run_of(path: Path) -> Run | None:
    """The run that a checkpoint folder belongs to, or the run in this folder; ``None`` for any other path."""
    for folder in (path, path.parent.parent):
        if (folder / MANIFEST).is_file():
            return Run.open(folder)
    return None


def relative(target: str, directory: Path) -> tuple[str, bool]:
    """How a manifest names a model: a local folder relative to the run's, anything else as it is."""
    if not Path(target).is_dir():
        return target, False
    return os.path.relpath(Path(target).resolve(), directory.resolve()), True


def weights_digest(directory: Path) -> str:
    """SHA-256 over the weight files of a model or adapter folder.

    Raises:
        RunError: there are none.
    """
    files = sorted(directory.glob("*.safetensors"))
    if not files:
        raise RunError("no weights (*.safetensors)", where=directory)
    return digest_of({file.name: file_digest(file) for file in files})
