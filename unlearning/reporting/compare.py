"""Runs side by side: one row per method with its seeds, curves over checkpoints, attributes, paired tests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from fiubench.support.errors import DatasetError
from fiubench.unlearning.data.log import QuestionLog, read_log
from fiubench.unlearning.data.runs import Run, run_of
from fiubench.unlearning.evaluation import gates
from fiubench.unlearning.evaluation.results import Result, before_of, result
from fiubench.unlearning.evaluation.subject import EVALUATIONS, LOG, load_log
from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.base import bounds, find, title
from fiubench.unlearning.metrics.definition import Definition, load_definitions
from fiubench.unlearning.metrics.statistics import Bounds, OverSeeds, PairedTest, holm, over_seeds, paired_test
from fiubench.unlearning.metrics.text import exact_match

BEFORE, REFERENCE = "before unlearning", "retain reference"
# Few, because every test makes the p of all others larger.
TESTED = ("forget.exact_match", "retain.exact_match", "forget.truth_ratio")


@dataclass(frozen=True)
class Entry:
    """One line of the comparison: a method with the runs that differ in the seed, or one other model."""

    label: str  # the method, or what the model is
    finals: Sequence[Result]  # result of the final checkpoint, one per seed
    # results of all evaluated checkpoints in the order of training, one list per seed
    curves: Sequence[Sequence[Result]] = field(default=())

    def over_seeds(self, metric: str) -> OverSeeds:
        """A metric's mean and interval."""
        return self.mean_of([found.scores.value(metric) for found in self.finals], bounds(metric))

    def mean_of(self, values: Sequence[float | None], within: Bounds) -> OverSeeds:
        """Mean and interval of a value of each run."""
        return over_seeds(values, self._started_from, within)

    @property
    def _started_from(self) -> list[str]:
        """The model that unlearning started from, run by run; a model that is none of unlearning is its own."""
        logs = [found.log for found in self.finals]
        bases = [log.run.get("base_fingerprint") if log.run.get("kind") == "unlearn" else None for log in logs]
        return [str(base or log.metadata["model"]["fingerprint"]) for base, log in zip(bases, logs, strict=True)]

    @property
    def stage_1(self) -> int:
        """How many models its runs started from: where they are several, the seeds of stage 1 are in the intervals."""
        return len(set(self._started_from))

    def error(self, metric: str) -> float | None:
        """Standard error clustered by identity; of several seeds, the mean one."""
        known = [found.scores.metrics[metric].se for found in self.finals if metric in found.scores.metrics]
        values = [value for value in known if value is not None]
        return float(np.mean(values)) if values and len(values) == len(known) else None

    @property
    def marks(self) -> list[str]:
        """Conditions that do not hold for any of its runs."""
        return list(dict.fromkeys(mark for found in self.finals for mark in found.marks))

    @property
    def warnings(self) -> list[str]:
        """What its numbers do not show, of any of its runs."""
        several = len(self.finals) > 1
        return [
            f"seed {found.log.run.get('seed')}: {warning}" if several else warning
            for found in self.finals
            for warning in found.warnings
        ]


@dataclass(frozen=True)
class Test:
    """Two entries on the same questions, p adjusted by Holm over all tests of the comparison."""

    metric: str
    a: str
    b: str
    found: PairedTest
    adjusted: float | None


@dataclass(frozen=True)
class Comparison:
    """Everything that a report shows."""

    definition: Definition  # under which metrics are shown
    entries: Sequence[Entry]  # the model before unlearning and the retain reference first, where they are known
    others: Mapping[str, Sequence[Entry]]  # definition -> entries under it, in the same order
    tests: Sequence[Test]

    @property
    def marks(self) -> list[str]:
        """Conditions that do not hold, with whom they concern."""
        return [f"{entry.label}: {mark}" for entry in self.entries for mark in entry.marks]

    @property
    def warnings(self) -> list[str]:
        """What numbers do not show, with whom it concerns."""
        return [f"{entry.label}: {warning}" for entry in self.entries for warning in entry.warnings]

    @property
    def notes(self) -> list[str]:
        """What intervals over seeds hold, and what values were made without."""
        several = [entry for entry in self.entries if len(entry.finals) > 1]
        hold = {
            "over seeds of unlearning alone, from one model of stage 1": [e for e in several if e.stage_1 == 1],
            "over the seeds of stage 1, each with its runs": [e for e in several if e.stage_1 > 1],
        }
        labels = {what: ", ".join(entry.label for entry in entries) for what, entries in hold.items() if entries}
        notes = [f"Intervals of {listed}: {what}." for what, listed in labels.items()]
        if several and self.find(REFERENCE) is not None:
            notes.append("The retain reference is one model: its seed is in no interval.")
        return [*notes, *self._power, *dict.fromkeys(note for entry in self.entries for note in entry.finals[0].notes)]

    @property
    def _power(self) -> list[str]:
        """By metric, how large a difference must be to be found by four of five such comparisons."""
        notes = []
        for metric in TESTED:
            tests = [test.found for test in self.tests if test.metric == metric]
            found = sorted(d for test in tests if (d := test.detectable) is not None)
            if found:
                least, most = f"{found[0]:.2f}", f"{found[-1]:.2f}"
                size = least if least == most else f"{least} to {most}, depending on the pair"
                people = max(test.identities for test in tests)
                notes.append(f"{title(metric)}, {people} people: four of five comparisons find a difference of {size}.")
        return notes

    @property
    def unlearned(self) -> list[Entry]:
        """Entries of unlearning methods."""
        return [entry for entry in self.entries if entry.finals[0].log.run.get("kind") == "unlearn"]

    def find(self, label: str) -> Entry | None:
        """An entry by its label."""
        return next((entry for entry in self.entries if entry.label == label), None)


@dataclass(frozen=True)
class _Source:
    """Logs of one target: the final one, and with a run those of all evaluated checkpoints."""

    final: QuestionLog
    curve: Sequence[Path]
    before: QuestionLog | None


def compare(
    targets: Sequence[str | Path],
    definition: Definition,
    *,
    reference: str | Path | None = None,
    memorised: float = gates.MEMORISED,
    force: bool = False,
) -> Comparison:
    """Compare evaluated runs (run folders, evaluation folders or logs); those that differ in the seed are one entry.

    Raises:
        DatasetError: a run has not been evaluated, or they were asked different questions.
        GateError: a condition does not hold, and nothing forces it.
    """
    sources = [_source(target) for target in targets]
    retained = None if reference is None else load_log(reference)
    _check_same_questions([source.final for source in sources], retained)
    befores = {s.before.metadata["model"]["fingerprint"]: s.before for s in sources if s.before is not None}

    def entries(one: Definition, forced: bool, curves: bool) -> list[Entry]:
        def scored(log: QuestionLog, before: QuestionLog | None = None) -> Result:
            return result(log, one, reference=retained, before=before, memorised=memorised, force=forced)

        def way(source: _Source) -> list[Result]:
            return [_without_rows(scored(read_log(path), source.before)) for path in source.curve]

        made = [Entry(BEFORE, [scored(log) for log in befores.values()])] if befores else []
        if retained is not None:
            made.append(Entry(REFERENCE, [scored(retained)]))
        shown = {e.log.metadata["model"]["fingerprint"] for entry in made for e in entry.finals}
        groups: dict[str, list[_Source]] = {}
        for source in sources:
            if source.final.metadata["model"]["fingerprint"] not in shown:
                groups.setdefault(_label(source.final), []).append(source)
        for label, members in _told_apart(groups):
            finals = [scored(s.final, s.before) for s in members]
            made.append(Entry(label, finals, [way(source) for source in members] if curves else ()))
        return made

    chosen = entries(definition, force, curves=True)
    others = {n: entries(d, True, curves=False) for n, d in load_definitions().items() if n != definition.name}
    return Comparison(definition, chosen, others, _tests(chosen, definition))


def _label(log: QuestionLog) -> str:
    """What a line is called: its variant or method, for runs that differ in the seed; any other model by its name."""
    return str(log.run.get("variant") or log.run["method"]) if log.run.get("kind") == "unlearn" else log.label


def _told_apart(groups: Mapping[str, Sequence[_Source]]) -> Iterator[tuple[str, Sequence[_Source]]]:
    """Groups of runs; where two of one start from the same model with the same seed, each run by its folder's name."""
    for label, members in groups.items():
        seeds = [(source.final.run.get("base_fingerprint"), source.final.run.get("seed")) for source in members]
        if len(set(seeds)) == len(seeds):
            yield label, members
        else:
            yield from ((f"{label} ({source.final.label})", [source]) for source in members)


def _source(target: str | Path) -> _Source:
    path = Path(target)
    final = load_log(path)
    assert final.where is not None
    before = before_of(final.where)
    run = run_of(path) if path.is_dir() and not (path / LOG).exists() else None
    return _Source(final, [] if run is None else _curve(run), before)


def _curve(run: Run) -> list[Path]:
    logs = [run.directory / EVALUATIONS / checkpoint.path.name / LOG for checkpoint in run.checkpoints()]
    return [path for path in logs if path.exists()]


def _without_rows(found: Result) -> Result:
    """A result whose scores alone are needed: dozens of logs would fill the memory."""
    return replace(found, log=QuestionLog((), found.log.metadata, found.log.where))


def _check_same_questions(logs: Sequence[QuestionLog], reference: QuestionLog | None) -> None:
    first = logs[0]
    for log in [*logs[1:], *([] if reference is None else [reference])]:
        for key in gates.differing(first.metadata, log.metadata):
            what = {"dataset": "another dataset", "splits": "other splits"}[key]
            hint = f"Compare runs of one dataset and forget set, not with {first.where}."
            raise DatasetError(f"evaluated on {what}", where=log.where, hint=hint)


def _tests(entries: Sequence[Entry], definition: Definition) -> list[Test]:
    """Every method against the reference and against every other."""
    compared = [e for e in entries if e.label == REFERENCE or e.finals[0].log.run.get("kind") == "unlearn"]
    found: list[tuple[str, str, str, PairedTest]] = []
    for metric in TESTED:
        scores = {e.label: by_question([f.log for f in e.finals], metric, definition) for e in compared}
        for a, b in combinations(scores, 2):
            test = paired_test(scores[a], scores[b])
            if test is not None:
                found.append((metric, a, b, test))
    adjusted = holm([test.p for *_, test in found])
    return [Test(m, a, b, test, p) for (m, a, b, test), p in zip(found, adjusted, strict=True)]


def by_question(logs: Sequence[QuestionLog], metric: str, definition: Definition) -> dict[tuple[str, str], float]:
    """Score of each question by (identity, attribute), the mean over the logs of runs that differ in the seed."""
    role, of = find(metric)
    gathered: dict[tuple[str, str], list[float]] = {}
    for log in logs:
        for question in Scored(log, definition).sets[role]:
            if (value := of(question)) is not None:
                gathered.setdefault(question.key, []).append(value)
    return {key: float(np.mean(v)) for key, v in gathered.items() if len(v) == len(logs)}


def examples(found: Comparison, most: int) -> list[dict[str, Any]]:
    """Questions with what each model answers: of the forget set, one attribute after the other over its people."""
    logs = {entry.label: entry.finals[0].log for entry in found.entries}
    said = {label: {(r["unique_id"], r["attribute"]): r for r in log.select("forget")} for label, log in logs.items()}
    rows = next(iter(said.values()))
    people, attributes = (list(dict.fromkeys(key[k] for key in rows)) for k in (0, 1))
    keys = [(person, attribute) for attribute in attributes for person in people if (person, attribute) in rows]
    # Those that were known before come first, then one person and attribute after the other.
    known = {key: exact_match(row["generated"], row["keywords"], row["keyword_variants"]) for key, row in rows.items()}
    keys.sort(key=lambda key: (-known[key], (attributes.index(key[1]) - 3 * people.index(key[0])) % len(attributes)))
    return [
        {**rows[key], "said": {label: answers[key]["generated"] for label, answers in said.items() if key in answers}}
        for key in sorted(keys[:most], key=lambda key: people.index(key[0]))
    ]
