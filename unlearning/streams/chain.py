"""A stream's folder, and whether its runs are a chain: each step begins with what the step before it ended in.

STREAM/stream.json              what determines it: requests, data, base model, method, settings, seed
STREAM/steps/001/, 002/, ..     a run for each request, whole or not there
STREAM/at-once/                 a run that forgets all requests together
STREAM/evaluations/NAME/        the log of ``before``, of each of these and of ``reference``
STREAM/report/                  the matrix of requests and time
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.schemas.documents import checked, read_object
from fiubench.schemas.requests import Request, together
from fiubench.support.errors import FiubenchError
from fiubench.unlearning.data.log import read_metadata
from fiubench.unlearning.data.runs import MANIFEST, Run, relative, run_of
from fiubench.unlearning.evaluation.gates import GateError, differing
from fiubench.unlearning.evaluation.subject import BEFORE, EVALUATIONS, LOG
from fiubench.unlearning.models.loading import fingerprint

FILE = "stream.json"
AT_ONCE, REFERENCE = "at-once", "reference"


@dataclass(frozen=True)
class Stream:
    """A stream on disk."""

    directory: Path
    manifest: Mapping[str, Any]  # the content of ``stream.json`` (``schemas/stream.schema.json``)

    @classmethod
    def open(cls, directory: Path) -> "Stream":
        """Read a stream's folder.

        Raises:
            DatasetError: it is none, or damaged.
        """
        path = directory / FILE
        return cls(directory, checked(read_object(path), "stream", path))

    @property
    def requests(self) -> list[Request]:
        """What is asked for, in order."""
        return [{who: tuple(names) for who, names in each.items()} for each in self.manifest["requests"]]

    @property
    def base(self) -> str:
        """The model that the first step starts from."""
        base = self.manifest["base"]
        return str(self.directory / base["target"]) if base["local"] else str(base["target"])

    @property
    def steps(self) -> list[str]:
        """Names of the steps: their numbers."""
        return [f"{number:03d}" for number in range(1, len(self.manifest["requests"]) + 1)]

    def run(self, name: str) -> Path:
        """The folder of a step's run, or of that which forgets all at once."""
        return self.directory / AT_ONCE if name == AT_ONCE else self.directory / "steps" / name

    def parent(self, name: str) -> str:
        """What a run starts from: the step before it, or what was fine-tuned."""
        place = 0 if name == AT_ONCE else self.steps.index(name)
        return str(self.run(self.steps[place - 1])) if place else self.base

    def is_made(self, name: str) -> bool:
        """Whether a run is there."""
        return (self.run(name) / MANIFEST).is_file()

    @property
    def made(self) -> list[str]:
        """The runs that are there: steps in order, then all at once."""
        return [name for name in (*self.steps, AT_ONCE) if self.is_made(name)]

    def log(self, name: str) -> Path:
        """The log of a run by its name, of the model before, or of the reference."""
        return self.directory / EVALUATIONS / name / LOG

    def facts(self, *, with_reference: bool = False) -> dict[str, dict[str, Any]]:
        """What the logs say of themselves: of the model before, of every run that is there, and of the reference.

        Raises:
            DatasetError: one is missing or damaged.
        """
        names = [BEFORE, *self.made, *([REFERENCE] if with_reference else [])]
        return {name: read_metadata(self.log(name)) for name in names}


def listed(requests: Sequence[Request]) -> list[dict[str, list[str]]]:
    """Requests as files have them."""
    return [{who: list(names) for who, names in each.items()} for each in requests]


def base_entry(base: str, directory: Path) -> dict[str, Any]:
    """How ``stream.json`` names the model that the first step starts from."""
    target, local = relative(base, directory)
    return {"target": target, "local": local, "fingerprint": fingerprint(base)}


def check_runs(stream: Stream) -> None:
    """Nothing, if the runs that are there are a chain.

    Raises:
        GateError: they are not. What is wrong is named, step by step.
    """
    _refuse(stream, [problem for name in stream.made for problem in _run_problems(stream, name)])


def check_logs(stream: Stream, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """Nothing, if each log is of the weights of its run, and all were asked the same questions (:meth:`Stream.facts`).

    Raises:
        GateError: they are not.
    """
    _refuse(stream, list(_log_problems(stream, facts)))


def _refuse(stream: Stream, problems: Sequence[str]) -> None:
    if problems:
        hint = "Remove the first step that is named and those after it, and give the same command again."
        raise GateError(f"the chain is broken: {'; '.join(problems)}", where=stream.directory, hint=hint)


def _run_problems(stream: Stream, name: str) -> Iterator[str]:
    """What keeps a run from being this link of the chain."""
    run, parent = Run.open(stream.run(name)), stream.parent(name)
    base, requests = run.manifest["base"], stream.requests
    if not run.finished:
        yield f"{name} is not finished"
        return
    asked = [together(requests)] if name == AT_ONCE else requests[: stream.steps.index(name) + 1]
    if listed(asked) != run.manifest["data"].get("requests"):
        yield f"{name} had other requests"
    if parent != stream.base and not (Path(parent) / MANIFEST).is_file():
        yield f"{Path(parent).name}, which {name} started from, is missing"
        return
    try:
        before = run_of(Path(parent))
        weights, digest = fingerprint(parent), None if before is None else before.manifest["digest"]
    except FiubenchError as error:
        yield f"what {name} started from can't be read: {error.what}"
        return
    if base["fingerprint"] != weights or base.get("run") != digest:
        yield f"{name} did not start from {Path(parent).name} as it is"
    for key in ("method", "seed"):
        if run.manifest[key] != stream.manifest[key]:
            yield f"{name} has another {key}"


def _log_problems(stream: Stream, facts: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, own in facts.items():
        target = stream.base if name == BEFORE else stream.run(name)
        if name != REFERENCE and own["model"]["fingerprint"] != fingerprint(target):
            yield f"the log of {name} is of other weights"
        if unlike := differing(own, facts[BEFORE], ("dataset", "splits", "metric_version")):
            yield f"the log of {name} was asked otherwise ({', '.join(unlike)})"
