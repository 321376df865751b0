"""What is evaluated, and where its evaluation lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.schemas.splits import SplitName
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import QuestionLog, read_log
from fiubench.unlearning.data.runs import Run, RunError, run_of

EVALUATIONS = "evaluations"  # beside a run's checkpoints
LOG, UTILITY = "log.parquet", "utility.parquet"
BEFORE = "before"  # among the evaluations of a stream: of the model that its first step starts from


@dataclass(frozen=True)
class Subject:
    """What is evaluated: a checkpoint of a run, or any other model."""

    target: str  # the folder or Hub id that is loaded
    run: Run | None  # the run it belongs to, where it belongs to one

    @classmethod
    def open(cls, target: str | Path, checkpoint: str | None = None) -> "Subject":
        """A run (its final checkpoint, or the one named), a checkpoint folder of a run, a model folder or a Hub id.

        Raises:
            RunError: the run is unfinished or has no such checkpoint.
        """
        folder = Path(target)
        run = run_of(folder) if folder.exists() else None
        if run is not None and folder.resolve() == run.directory.resolve():
            folder = run.final if checkpoint is None else _checkpoint(run, checkpoint)
        elif checkpoint is not None:
            raise RunError("only a run folder has checkpoints to choose from", where=target)
        return cls(str(folder) if folder.exists() else str(target), run)

    @property
    def name(self) -> str:
        """The checkpoint's name, or the model's."""
        return Path(self.target).name

    @property
    def folder(self) -> Path:
        """Where its evaluation is kept.

        Raises:
            ConfigError: it is no run's, so a place must be named.
        """
        if self.run is None:
            hint = "Name a folder: --out DIR."
            raise ConfigError("where is the evaluation to be kept?", where=self.target, hint=hint)
        return self.run.directory / EVALUATIONS / self.name

    def data(self, source: str | None = None) -> Data:
        """The dataset it was trained on, as its run records it, or a copy of it elsewhere.

        Raises:
            ConfigError: it is no run's and none is named.
            RunError: the dataset is not, or no longer, the one that it was trained on.
        """
        if self.run is None:
            if source is None:
                raise ConfigError(
                    "no dataset is given", where=self.target, hint="Name a folder or OWNER/NAME with --data."
                )
            return Data.open(source)
        return self.run.open_data(source)

    def forget(self, name: str | None = None) -> str:
        """The forget set it is evaluated on: the one named, or the one its run implies.

        Raises:
            ConfigError: the run implies none, and none is named.
        """
        implied = None if self.run is None else _implied_forget(self.run.manifest)
        if name is None and implied is None:
            raise ConfigError("which forget set?", where=self.target, hint="Name one: --forget forget05.")
        return str(name or implied)


def _implied_forget(manifest: Mapping[str, Any]) -> str | None:
    """The forget set of an unlearning run, of a limited dataset, or the complement of what was retained."""
    split, limit = manifest["split"]["name"], manifest["data"]["limit"]
    if manifest["kind"] == "unlearn":
        return str(split)
    if limit is not None and limit[1] is not None:
        return str(limit[1])
    return SplitName.parse(split).forget


def _checkpoint(run: Run, name: str) -> Path:
    known = {c.path.name: c.path for c in run.checkpoints()}
    found = known.get(name) or known.get(f"checkpoint-{name}")
    if found is None:
        hint = f"It has {', '.join(known) or 'none yet'}."
        raise RunError(f"no checkpoint {name!r}", where=run.directory, hint=hint)
    return found


def load_log(target: str | Path) -> QuestionLog:
    """A log by its own path, by the folder of an evaluation, or by a run (of its final checkpoint).

    Raises:
        DatasetError: there is no log.
        RunError: the run is unfinished.
    """
    path = Path(target)
    if path.is_dir() and not (path / LOG).exists() and run_of(path) is not None:
        folder = Subject.open(path).folder
        if not (folder / LOG).exists():
            raise DatasetError("not evaluated yet", where=path, hint=f"fiubench evaluate {path}")
        return read_log(folder / LOG)
    return read_log(path / LOG if path.is_dir() else path)
