"""Asking a model everything that metrics need, and writing the log.

This is the only part of evaluation that needs the model: ``results.py`` computes metrics from logs.
"""

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

from fiubench.schemas.splits import SplitName
from fiubench.support.canonical import digest_of
from fiubench.support.errors import ConfigError, DatasetError
from fiubench.support.files import make_folder
from fiubench.support.progress import Progress, Report, silent
from fiubench.unlearning.data.dataset import Data, Sample
from fiubench.unlearning.data.log import METRIC_VERSION, PLAIN, QuestionLog, read_log, read_metadata, write_log
from fiubench.unlearning.data.modality import BOTH, NAME, PICTURE, Modality, modality_for
from fiubench.unlearning.evaluation.controls import BY_NAME, PLAINLY, Control, Pictures, load_controls
from fiubench.unlearning.evaluation.roles import described, questions, roles
from fiubench.unlearning.evaluation.subject import LOG, Subject
from fiubench.unlearning.evaluation.workers import Asked, Here, Replies, Several, answering, reply
from fiubench.unlearning.metrics.text import best_guess
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import fingerprint, origin
from fiubench.unlearning.models.measuring import duration, held, peak, reset_peak, size

_PARTS = ".parts"
_ONE, _SEVERAL = 1, 8  # people who are asked about together: those of one picture, and where there is none


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
            "name": subject.run.directory.resolve().name,
            "modality": manifest["modality"],
            "trained_on": {"name": manifest["split"]["name"], "digest": manifest["split"]["digest"]},
            "base_fingerprint": manifest["base"]["fingerprint"],
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
    asked_by, controls = _conditions(subject, data, ask, controls)
    metadata = {**(facts or describe(subject, data, forget, refusals, asked_by))}
    metadata["controls"] = {control.name: control.model_dump() for control in controls}
    metadata["max_new_tokens"] = max_new_tokens
    path = out / LOG
    there = _usable(path, metadata)
    plan = _plan(data, forget, controls, asked_by)
    if there is not None and all(_has(there, control) for _, control in plan):
        return path
    make_folder(out / _PARTS)
    rows: list[Mapping[str, Any]] = []
    with answering(subject.target, device, dtype, batch_size, workers) as model:
        asked = _Questions(subject, data, forget, plan, model, max_new_tokens, progress, report)
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


def _plan(data: Data, forget: str, controls: Sequence[Control], asked: Modality) -> list[tuple[str, Control]]:
    """What is asked under which control, in order."""
    plain = PLAINLY[NAME if asked == NAME else PICTURE]
    plan = [(role, plain) for role in roles(data, forget)]
    return plan + [(role, control) for control in controls for role in ("forget", "retain")]


def _conditions(
    subject: Subject, data: Data, ask: Modality | None, controls: Sequence[Control]
) -> tuple[Modality, list[Control]]:
    """How the people are pointed out, and the controls that go with it."""
    asked_by = ask_by(subject, data, ask)
    chosen = with_name(controls, asked_by)
    check_pictures(chosen, data)
    return asked_by, chosen


def estimate(
    subject: Subject,
    data: Data,
    forget: str,
    *,
    controls: Sequence[Control] = (),
    ask: Modality | None = None,
    batch_size: int = 16,
    max_new_tokens: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    workers: int = 1,
    report: Report = silent,
) -> None:
    """Report what an evaluation would take, from the questions about one person on the model itself. Writes nothing.

    Arguments and what is raised are those of :func:`evaluate`.
    """
    reset_peak()
    asked_by, controls = _conditions(subject, data, ask, controls)
    began, plan = time.monotonic(), _plan(data, forget, controls, asked_by)
    model = Here(subject.target, device, dtype, batch_size)
    asked = _Questions(subject, data, forget, plan, model, max_new_tokens, silent, report)
    generated, scored = (sum(numbers) for numbers in zip(*(asked.counts(*each) for each in plan), strict=True))
    report(f"{generated} answers to be generated, {scored} to be scored, {len(plan)} rounds of questions")
    one = asked.first()
    # what happens once: the first passes, and the comparison of shared with whole ones
    reply(model.scorer, replace(one, prompts=one.prompts[:2], answers=one.answers[:2], others=()))
    loading, times = time.monotonic() - began, [time.monotonic()]
    model.scorer.generate(one.prompts, one.max_new_tokens)
    times.append(time.monotonic())
    model.scorer.score([*one.answers, *one.others])
    times.append(time.monotonic())
    each = (times[1] - times[0]) / len(one.prompts), (times[2] - times[1]) / (len(one.answers) + len(one.others))
    weights, (most, of_what) = held(model.scorer.model.parameters()), peak()
    for note in model.scorer.notes:
        report(note)
    report(f"memory: weights {size(weights)} in each process; at the peak, {of_what}: {size(most)}")
    report(f"measured on one person: {each[0]:.3f} s an answer generated, {each[1]:.3f} s one scored")
    total = loading + (generated * each[0] + scored * each[1]) / workers
    shared = f" in {workers} processes, if they do not slow each other down" if workers > 1 else ""
    report(f"estimate: {duration(total)}{shared}; answers of at most {one.max_new_tokens} tokens")


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


def ask_by(subject: Subject, data: Data, wanted: Modality | None) -> Modality:
    """How the people are pointed out: as is wanted, else as the model was taught, else by what the dataset has.

    Raises:
        ConfigError: the dataset has no pictures for it.
    """
    taught = None if subject.run is None else subject.run.manifest["modality"]["taught"]
    return modality_for(data, wanted or taught, "--ask")


def with_name(controls: Sequence[Control], asked: Modality) -> list[Control]:
    """The controls, with that by name where people are asked about both ways, without where they are anyway."""
    others = [control for control in controls if control.name != BY_NAME]
    if asked == BOTH:
        return [*load_controls([BY_NAME]), *others]
    return others if asked == NAME else list(controls)


def check_pictures(controls: Sequence[Control], data: Data) -> None:
    """Nothing, if the dataset has the pictures that the controls change.

    Raises:
        ConfigError: it has not.
    """
    for control in controls:
        if control.image != "none" and not data.pictured:
            hint = "Leave it out, or build with faces (`fiubench build --faces embedded`)."
            raise ConfigError(f"control {control.name} needs pictures", where="--controls", hint=hint)


@dataclass
class _Questions:
    """Puts the questions of one role under one control to the model, person by person."""

    subject: Subject
    data: Data
    forget: str
    plan: Sequence[tuple[str, Control]]
    model: Here | Several
    limit: int | None
    progress: Progress
    report: Report

    def __post_init__(self) -> None:
        self._told: set[str] = set()
        self._pictures, self._questions = Pictures(self.data), questions(self.data, self.forget)
        self._guesses = guesses(self.data.samples(SplitName.parse(self.forget).retain))
        self._done, self._total = 0, sum(self.work(role, control) for role, control in self.plan)

    def step(self, count: int) -> None:
        """Report that so many answers more are there."""
        self._done += count
        self.progress(f"evaluating {self.subject.name}", self._done, self._total)

    def _samples(self, role: str, control: Control) -> list[tuple[str, Sample]]:
        """The questions under a control, each with its split, in the words that the control has."""
        return [
            (split, sample.by_name() if control.named else sample)
            for split, sample in self._questions[role]
            if control.applies(sample)
        ]

    def work(self, role: str, control: Control) -> int:
        """How many answers are generated and scored."""
        return sum(self.counts(role, control))

    def counts(self, role: str, control: Control) -> tuple[int, int]:
        """How many answers are generated, and how many are scored."""
        samples = [sample for _, sample in self._samples(role, control)]
        if not _fully(role, control):
            return len(samples), len(samples)
        return sum(1 + len(s.paraphrased_question) for s in samples), sum(1 + len(_variants(s)) for s in samples)

    def first(self) -> Asked:
        """What is asked first."""
        role, control = self.plan[0]
        samples = _portions(self._samples(role, control), _ONE)[0]
        return self._asked(role, control, samples, [self._pictures.turn(sample, control) for _, sample in samples])

    @cached_property
    def _longest(self) -> int:
        role, control = self.plan[0]
        self.model.check(self._pictures.turn(self._samples(role, control)[0][1], control))
        everyone = [sample.answer for role, control in self.plan for _, sample in self._samples(role, control)]
        return self.limit or self.model.token_limit(everyone)

    def ask(self, role: str, control: Control) -> list[dict[str, Any]]:
        """The rows of the log."""
        portions = _portions(self._samples(role, control), _ONE if _has_picture(control) else _SEVERAL)
        turns = [[self._pictures.turn(sample, control) for _, sample in samples] for samples in portions]
        asked = [self._asked(role, control, *one) for one in zip(portions, turns, strict=True)]
        rows: list[dict[str, Any]] = []
        for samples, own, replies in zip(portions, turns, self.model.replies(asked, self.step), strict=True):
            rows += self._rows(role, control, samples, own, replies)
            for note in set(replies.notes) - self._told:
                self._told.add(note)
                self.report(note)
        return rows

    def _asked(
        self, role: str, control: Control, samples: Sequence[tuple[str, Sample]], turns: Sequence[Turn]
    ) -> Asked:
        """What is asked together."""
        fully = _fully(role, control)
        pairs = [(sample, turn) for (_, sample), turn in zip(samples, turns, strict=True)]
        return Asked(
            prompts=[
                Turn(question, turn.image)
                for s, turn in pairs
                for question in (turn.question, *(s.paraphrased_question if fully else ()))
            ],
            answers=[Turn(turn.question, turn.image, s.answer) for s, turn in pairs],
            others=[Turn(turn.question, turn.image, answer) for s, turn in pairs if fully for answer in _variants(s)],
            moments=control.name == PLAIN,
            max_new_tokens=self._longest,
        )

    def _rows(
        self,
        role: str,
        control: Control,
        samples: Sequence[tuple[str, Sample]],
        turns: Sequence[Turn],
        replies: Replies,
    ) -> Iterator[dict[str, Any]]:
        """The rows of what was asked together."""
        fully = _fully(role, control)
        generated, others = iter(replies.generated), iter(replies.others)
        for (split, sample), turn, first in zip(samples, turns, replies.answers, strict=True):
            said = list(islice(generated, 1 + (len(sample.paraphrased_question) if fully else 0)))
            rest = list(islice(others, len(_variants(sample)) if fully else 0))
            yield {
                **_facts(sample, turn.question, self._guesses.get(sample.attribute)),
                "role": role,
                "split": split,
                "control": control.name,
                "asked": NAME if turn.image is None else PICTURE,
                "generated": said[0].text,
                "generated_prefix": said[0].prefix,
                "generated_paraphrased": [a.text for a in said[1:]] if fully else None,
                "generated_paraphrased_prefix": [a.prefix for a in said[1:]] if fully else None,
                "generated_logprobs": None,
                "answer_logprobs": first.logprobs,
                "answer_mu": first.mu or None,
                "answer_sigma": first.sigma or None,
                "paraphrased_logprobs": rest[0].logprobs if fully else None,
                "perturbed_logprobs": [r.logprobs for r in rest[1:]] if fully else None,
                "judge": None,
            }


def _has_picture(control: Control) -> bool:
    return control.image != "none"


def _portions(samples: Sequence[tuple[str, Sample]], people: int) -> list[list[tuple[str, Sample]]]:
    """The questions about so many people at a time."""
    each = [list(group) for _, group in groupby(samples, lambda one: one[1].unique_id)]
    return [list(chain.from_iterable(each[i : i + people])) for i in range(0, len(each), people)]


def _fully(role: str, control: Control) -> bool:
    """Whether paraphrases and wrong answers are asked and scored too."""
    return control.name == PLAIN and role != "holdout"


def _facts(sample: Sample, question: str, guess: str | None) -> dict[str, Any]:
    return {
        "unique_id": sample.unique_id,
        "attribute": sample.attribute,
        "category": sample.category,
        "question": question,
        "answer": sample.answer,
        "paraphrased_questions": list(sample.paraphrased_question),
        "paraphrased_answer": sample.paraphrased_answer,
        "perturbed_answers": list(sample.perturbed_answer),
        "keywords": list(sample.keywords),
        "keyword_variants": [list(variants) for variants in sample.keyword_variants] or None,
        "guess": guess,
    }


def guesses(samples: Iterable[Sample]) -> dict[str, str]:
    """Attribute -> the answer that is right most often when it is given to everyone."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.attribute, []).append(sample)
    return {name: best_guess([s.answer for s in group], [s.keywords for s in group]) for name, group in groups.items()}


def _variants(sample: Sample) -> tuple[str, ...]:
    return (sample.paraphrased_answer, *sample.perturbed_answer)
