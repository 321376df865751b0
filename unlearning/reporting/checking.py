"""Whether a submission holds: its logs against its digests, its runs against each other, its metrics against its logs.

Nothing that a file says is believed where it can be computed: which questions make a split, what determines a run,
every metric, error and interval. What is left to believe is that a model gave these answers with these likelihoods.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path
from typing import Any, Self

from fiubench.support.canonical import canonical_line
from fiubench.support.errors import ConfigError, FiubenchError, Refused
from fiubench.support.files import make_folder
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.evaluation import gates
from fiubench.unlearning.evaluation.results import Result
from fiubench.unlearning.metrics.aggregate import Scored, score
from fiubench.unlearning.metrics.base import METRICS, bounds, find
from fiubench.unlearning.metrics.definition import Definition, load_definitions
from fiubench.unlearning.metrics.statistics import Estimate, interval
from fiubench.unlearning.reporting.compare import Entry
from fiubench.unlearning.reporting.consistency import inconsistencies
from fiubench.unlearning.reporting.submission import (
    BEFORE,
    REFERENCE,
    RUN,
    SUFFIX,
    Submission,
    SubmissionError,
    collect,
    read,
    signed,
    write,
)

CLOSE = 1e-9  # relative difference between a metric that is told and the same computed
_NEXT_TO_ZERO = 1e-12
_SHOWN = 3  # of what differs
#: What looking through a forger's facts and rows ends in.
_NOT_COMPUTED = (FiubenchError, ArithmeticError, LookupError, ValueError, TypeError, AssertionError)


@dataclass(frozen=True)
class Accepted:
    """A submission that holds, with its metrics as they are computed from its logs; of many, rows would fill memory."""

    path: Path
    submission: Submission  # without its rows
    definition: Definition
    entry: Entry  # its runs as a line of a table
    reference: Result
    befores: Sequence[Result]  # the models that its runs started from

    @classmethod
    def make(cls, path: Path, found: Submission, entry: Entry) -> Self:
        """From a submission with its rows, and its runs scored."""
        definition = Definition.parse(found.header["definition"])
        log = found.of(REFERENCE)[0].log
        befores = [_scored(part.log, definition, log) for part in found.of(BEFORE)]
        bare = [replace(part, log=QuestionLog((), part.log.metadata)) for part in found.parts]
        reference = _scored(log, definition, log)
        return cls(path, replace(found, parts=bare), definition, entry, reference, befores)


@dataclass(frozen=True)
class Checked:
    """A file that was checked."""

    path: Path
    problems: Sequence[str]  # a sentence each; empty: it holds
    accepted: Accepted | None = None  # None where it does not hold

    def __repr__(self) -> str:
        lines = [f"refused: {problem}" for problem in self.problems] or ["holds: every metric follows from its logs"]
        return "\n".join(f"{self.path.name}: {line}" for line in lines)


def submit(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    reference: str | Path,
    definition: str | Definition = "corrected",
    memorised: float = gates.MEMORISED,
) -> Checked:
    """Write evaluated runs of one method, which differ in the seed, into a file that anyone can check without a model.

    >>> submit(["runs/kl-seed0", "runs/kl-seed1"], "kl.jsonl.gz", reference="runs/retain")       # doctest: +SKIP

    Args:
        runs: runs of `fiubench unlearn`, evaluated as the models are that they started from.
        out: the file; its name ends in ``.jsonl.gz``.
        reference: the evaluated retain reference.
        definition: of the metrics.
        memorised: least exact match of the model before unlearning on the forget set.

    Raises:
        Refused: it would be refused by whoever checks it.
        ConfigError: the file has another ending.
        FiubenchError: a run can't be read, is unfinished or not evaluated.
    """
    if not Path(out).name.endswith(SUFFIX):
        raise ConfigError(f"does not end in {SUFFIX}", where=out, hint="A leaderboard knows submissions by it.")
    made = collect(runs, reference, definition)
    entry = entry_of(made, Definition.parse(made.header["definition"]))
    made = replace(made, header=signed({**made.header, "metrics": metrics_of(entry)}))
    if found := examine(made, memorised)[0]:
        raise Refused("; ".join(found), where=", ".join(map(str, runs)), hint="Nothing was written.")
    make_folder(Path(out).parent)
    write(made, Path(out))
    return Checked(Path(out), (), Accepted.make(Path(out), made, entry))


def check_submission(path: str | Path, memorised: float = gates.MEMORISED) -> Checked:
    """Compute everything in a submission anew, and say what does not agree.

    >>> check_submission("kl.jsonl.gz").problems                                              # doctest: +SKIP

    Args:
        path: the file.
        memorised: least exact match of the model before unlearning on the forget set.

    Raises:
        DatasetError: there is no such file.
    """
    try:
        found = read(Path(path))
    except SubmissionError as error:
        return Checked(Path(path), [error.what])
    problems, entry = examine(found, memorised)
    accepted = None if problems or entry is None else Accepted.make(Path(path), found, entry)
    return Checked(Path(path), problems, accepted)


def entry_of(submission: Submission, definition: Definition) -> Entry:
    """The runs of a submission, scored."""
    reference = submission.of(REFERENCE)[0].log
    return Entry(submission.label, [_scored(run.log, definition, reference) for run in submission.of(RUN)])


def _scored(log: QuestionLog, definition: Definition, reference: QuestionLog) -> Result:
    return Result(QuestionLog((), log.metadata), score(log, definition, reference))


def metrics_of(entry: Entry) -> dict[str, Any]:
    """The metrics that a submission states: those of fiubench itself, of each run and over all of them."""
    names = [name for name in entry.finals[0].scores.metrics if _is_built_in(name)]
    over = {name: entry.over_seeds(name) for name in names}
    return {
        "runs": [{name: _stated(name, final.scores.metrics[name]) for name in names} for final in entry.finals],
        "over_seeds": {
            name: {"mean": one.mean, "interval": None if one.low is None else [one.low, one.high], "runs": one.runs}
            for name, one in over.items()
        },
    }


def _is_built_in(name: str) -> bool:
    return METRICS.plugin(find(".".join(name.split(".")[-2:]) if name.startswith("control.") else name)[1].name) is None


def _stated(name: str, value: Estimate) -> dict[str, Any]:
    reach = interval(value, bounds(name))
    numbers = {key: getattr(value, key) for key in ("value", "se", "n", "identities")}
    return {**numbers, "interval": None if reach is None else list(reach)}


def examine(found: Submission, memorised: float = gates.MEMORISED) -> tuple[list[str], Entry | None]:
    """What does not hold of a submission, a sentence each; and its runs, scored, where they can be."""
    kinds = Counter(part.part for part in found.parts)
    if lacks := [name for name in (BEFORE, REFERENCE, RUN) if not kinds[name]]:
        return [f"it has no log of {lacks[0]}"], None
    if kinds[REFERENCE] > 1:
        return [f"it has {kinds[REFERENCE]} logs of a reference"], None
    said: list[str] = []
    entry = None
    try:
        said += inconsistencies(found)
        definition = _definition(found.header["definition"])
        entry = entry_of(found, definition)
        said += [*_gates(found, definition, memorised), *_metrics(found, entry)]
    except _NOT_COMPUTED as error:
        said.append(f"it can't be scored: {error.what if isinstance(error, FiubenchError) else error}")
    return list(dict.fromkeys(said)), entry


def _definition(document: Mapping[str, Any]) -> Definition:
    """The definition of a submission.

    Raises:
        ConfigError: it is none.
        SubmissionError: it has the name of one of ours and is another.
    """
    definition = Definition.parse(document)
    own = load_definitions().get(definition.name)
    if own is not None and own != definition:
        raise SubmissionError(f"is called {own.name}, and is not what this fiubench calls so")
    return definition


def _gates(found: Submission, definition: Definition, memorised: float) -> Iterator[str]:
    (reference,), befores = found.of(REFERENCE), found.of(BEFORE)
    of_model = {part.log.metadata["model"]["fingerprint"]: part.log for part in befores}
    for run in found.of(RUN):
        facts = run.log.metadata
        before = of_model.get(facts["run"]["base_fingerprint"], befores[0].log)
        broken = gates.broken(facts, before, reference.log, definition, memorised)
        yield from (f"{run.name}: {condition.what}" for condition in broken)
    for part in befores:
        if all(run.made["base"] != part.log.metadata["model"]["fingerprint"] for run in found.of(RUN)):
            yield f"{part.name}: no run started from it"
    known = Scored(reference.log, definition)
    forgotten, retained = (known[f"{role}.exact_match"].value for role in ("forget", "retain"))
    if forgotten is None or forgotten >= gates.MEMORISED:
        yield f"the retain reference knows the forget set, from which it was to be kept: exact match {forgotten}"
    if retained is None or retained < memorised:
        yield f"the retain reference does not know the retain set: exact match {retained}, below {memorised}"


def _metrics(found: Submission, entry: Entry) -> Iterator[str]:
    told, computed = found.header["metrics"], metrics_of(entry)
    if len(told["runs"]) != len(computed["runs"]):
        yield f"it tells metrics of {len(told['runs'])} runs, and has logs of {len(computed['runs'])}"
        return
    parts = [part.name for part in found.of(RUN)]
    pairs = [*zip(parts, told["runs"], computed["runs"], strict=True)]
    for who, stated, own in [*pairs, ("all runs", told["over_seeds"], computed["over_seeds"])]:
        needed = {name for name in ("utility.model", "forget_quality") if name in own}
        if unknown := sorted((stated.keys() - own.keys()) | (needed - stated.keys())):
            yield f"{who}: {unknown[0]} can't be computed, or is not told"
        wrong = [
            f"{name}, {key}: {_short(value)}, the logs say {_short(own[name][key])}"
            for name in stated.keys() & own.keys()
            for key, value in stated[name].items()
            if not _agree(value, own[name][key])
        ]
        if wrong:
            more = f" (and {len(wrong) - _SHOWN} more)" if len(wrong) > _SHOWN else ""
            yield f"{who}: {'; '.join(sorted(wrong)[:_SHOWN])}{more}"


def _agree(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_agree, a, b))
    if a is None or b is None or isinstance(a, list) or isinstance(b, list):
        return a is b
    return isclose(a, b, rel_tol=CLOSE, abs_tol=_NEXT_TO_ZERO)


def _short(value: Any) -> str:
    return canonical_line(value).decode().strip()
