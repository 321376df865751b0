"""The steps of ``fiubench unlearn --requests``: forget, ask, forget, ask, and set it side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from fiubench.schemas.requests import Request, read_requests, together
from fiubench.support.canonical import readable_json
from fiubench.support.extras import need
from fiubench.support.files import PARTIAL, claimed, make_folder, write_atomic
from fiubench.support.progress import Progress, Report, silent
from fiubench.unlearning.data.dataset import Data
from fiubench.unlearning.data.log import read_log
from fiubench.unlearning.data.refusals import read_refusals
from fiubench.unlearning.data.requested import asked_of, forget_set, requested
from fiubench.unlearning.data.runs import RunError
from fiubench.unlearning.evaluation import evaluate as questions
from fiubench.unlearning.evaluation import gates
from fiubench.unlearning.evaluation.subject import BEFORE, Subject
from fiubench.unlearning.evaluation.workflow import check_alone
from fiubench.unlearning.metrics.definition import Definition, find_definition
from fiubench.unlearning.streams.chain import (
    AT_ONCE,
    FILE,
    REFERENCE,
    Stream,
    base_entry,
    check_logs,
    check_runs,
    listed,
)
from fiubench.unlearning.streams.matrix import Matrix, read_told
from fiubench.unlearning.streams.report import write_report
from fiubench.unlearning.training.checks import data_for, method_for
from fiubench.unlearning.training.settings import Preset, Training, preset_for
from fiubench.unlearning.training.train import unlearn


@dataclass(frozen=True, repr=False)
class Streamed:
    """A stream that is done: what became of each request, and the files of the report."""

    stream: Stream
    matrix: Matrix
    files: Sequence[Path] = ()

    def __repr__(self) -> str:
        return self.matrix.markdown


def unlearn_requests(
    base: str | Path,
    out: str | Path,
    method: str,
    requests: str | Path,
    preset: str | Preset | None = None,
    *,
    data: str | Path | Data | None = None,
    settings: Training | Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    teach: str | None = None,
    forget_through: str | None = None,
    seed: int = 0,
    at_once: bool = False,
    reference: str | Path | None = None,
    definition: str | Definition = "corrected",
    memorised: float = gates.MEMORISED,
    force: bool = False,
    batch_size: int = 16,
    progress: Progress = silent,
    report: Report = silent,
) -> Streamed:
    """Make a fine-tuned model forget what a file of requests asks for, one request after the other.

    Each step is a run that starts from the step before, and whose retain set holds nothing that was asked for before or
    is now. After each, all questions of all requests are asked. The same call goes on where it was interrupted.

    >>> print(unlearn_requests("runs/full", "runs/stream", "kl", "requests.jsonl"))           # doctest: +SKIP

    Args:
        base, method, preset, data, settings, options, teach, forget_through, seed: as for
            :func:`~fiubench.unlearning.training.train.unlearn`.
        out: folder of the stream.
        requests: JSON lines, see :mod:`fiubench.schemas.requests`.
        at_once: also make one run that forgets all requests together, to be compared with.
        reference: the retain reference, fine-tuned without all that is asked for (`fiubench split --requests`).
        definition: how exact match is computed.
        memorised: exact match on the requests that the model must have before the first.
        force: go on although that, or the reference, is not as it must be, and mark the report.
        batch_size: questions in one pass.
        progress: called with (what, done, total).
        report: called with a line at every checkpoint and step.

    Raises:
        ConfigError: a line of the file that can't be carried out; and as for ``unlearn``.
        RunError: ``out`` holds another stream; and as for ``unlearn``.
        GateError: a condition does not hold, or the steps in ``out`` are no chain.
        DatasetError: another stream is running in ``out``; or it can't be written.
    """
    need("unlearning")
    check_alone("unlearn --requests")
    preset, folder = preset_for(base, preset), Path(out)
    settings = settings if isinstance(settings, Training) else preset.unlearn(method, **(settings or {}))
    _, settings = method_for(method, settings, options)
    whole = data_for(base, Data.open(data) if isinstance(data, str | Path) else data)
    asked = read_requests(Path(requests), asked_of(whole))
    work = _Work(
        _manifest(folder, str(base), method, asked, whole, settings, (teach, forget_through), seed),
        folder,
        whole,
        preset,
        settings,
        find_definition(definition),
        batch_size,
        progress,
        report,
    )
    with claimed(folder, "stream"):
        work.begin()
        work.ask(BEFORE, str(base))
        if reference is not None:
            work.ask(REFERENCE, str(reference))
        marks = work.conditions(memorised, with_reference=reference is not None, force=force)
        for name in [*work.stream.steps, *([AT_ONCE] if at_once or work.stream.is_made(AT_ONCE) else [])]:
            work.forget(name)
            work.ask(name, str(work.stream.run(name)))
        check_runs(work.stream)
        check_logs(stream := work.stream, facts := stream.facts(with_reference=reference is not None))
        told = {name: read_told(read_log(stream.log(name)), asked, work.definition) for name in facts}
        matrix = Matrix(tuple(asked), told, facts, work.definition, tuple(marks))
        return Streamed(stream, matrix, write_report(matrix, stream.directory / "report"))


def _manifest(
    folder: Path,
    base: str,
    method: str,
    asked: Sequence[Request],
    whole: Data,
    settings: Training,
    modality: tuple[str | None, str | None],
    seed: int,
) -> dict[str, Any]:
    """``stream.json``."""
    manifest: dict[str, Any] = {
        "requests": listed(asked),
        "content": whole.content,
        "base": base_entry(base, folder),
        "method": method,
        "seed": seed,
        "settings": settings.fingerprint(),
        "modality": modality,
    }
    as_written: dict[str, Any] = orjson.loads(readable_json(manifest))  # lists for tuples, so that it compares
    return as_written


@dataclass
class _Work:
    """A stream in the making."""

    manifest: Mapping[str, Any]
    folder: Path
    whole: Data
    preset: Preset
    settings: Training
    definition: Definition
    batch_size: int
    progress: Progress
    report: Report
    stream: Stream = field(init=False)
    everything: Data = field(init=False)  # the cut in which all requests are one: what is asked after every step

    def begin(self) -> None:
        """Write ``stream.json``, having found this stream there, perhaps with fewer requests; check its steps."""
        if (self.folder / FILE).is_file():
            there, mine = Stream.open(self.folder).manifest, self.manifest
            wanted = {**mine, "requests": mine["requests"][: len(there["requests"])]}
            differs = [key for key in mine if key != "base" and there[key] != wanted[key]]
            differs += ["base"] if there["base"]["fingerprint"] != mine["base"]["fingerprint"] else []
            if differs:
                what = f"the folder holds another stream ({', '.join(differs)} differ)"
                raise RunError(what, where=self.folder, hint="Choose another folder, or remove this one.")
        self.stream = Stream(self.folder, self.manifest)
        check_runs(self.stream)
        self.everything = requested(self.whole, [together(self.stream.requests)])
        write_atomic(make_folder(self.folder) / FILE, readable_json(self.manifest))

    def forget(self, name: str) -> None:
        """Make a run, beside its place, and move it there when it is whole."""
        if self.stream.is_made(name):
            return
        stream, final = self.stream, self.stream.run(name)
        scratch = make_folder(final.parent) / f".{name}{PARTIAL}"
        place = None if name == AT_ONCE else stream.steps.index(name) + 1
        data = self.everything if place is None else requested(self.whole, stream.requests[:place])
        teach, through = stream.manifest["modality"]
        unlearn(
            stream.parent(name),
            scratch,
            stream.manifest["method"],
            forget_set(data),
            self.preset,
            data=data,
            settings=self.settings,
            teach=teach,
            forget_through=through,
            variant=f"{stream.manifest['method']}-{name}",
            seed=stream.manifest["seed"],
            progress=self.progress,
            report=lambda line: self.report(f"{name}: {line}"),
        )
        scratch.rename(final)

    def ask(self, name: str, target: str) -> None:
        """Ask a model all questions of all requests, and about those of whom nothing is to be forgotten."""
        path = self.stream.log(name)
        there = path.is_file()
        questions.evaluate(
            Subject.open(target),
            self.everything,
            forget_set(self.everything),
            path.parent,
            refusals=read_refusals(),
            batch_size=self.batch_size,
            progress=self.progress,
            report=self.report,
        )
        if not there:
            self.report(f"{name}: evaluated")

    def conditions(self, least: float, *, with_reference: bool, force: bool) -> list[str]:
        """Marks of what does not hold of the model before and of the reference, where that is forced."""
        before = read_log(self.stream.log(BEFORE))
        started = {"kind": "unlearn", "base_fingerprint": before.metadata["model"]["fingerprint"]}
        facts = {**before.metadata, "run": started}
        reference = read_log(self.stream.log(REFERENCE)) if with_reference else None
        broken = gates.broken(facts, before, reference, self.definition, least)
        if not with_reference:  # nothing in the report is measured by it
            unreferenced = gates.unfit_reference(facts, None)
            broken = [each for each in broken if each not in unreferenced]
        if not force:
            gates.refuse(broken, self.folder)
        return [each.mark for each in broken]
