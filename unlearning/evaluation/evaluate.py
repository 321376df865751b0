"""Asking a model everything that metrics need, and writing the log.

This is the only part of evaluation that needs the model: ``results.py`` computes metrics from logs.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fiubench.schemas.splits import HOLDOUT, SplitName
from fiubench.support.canonical import digest_of
from fiubench.support.errors import DatasetError
from fiubench.support.files import make_folder
from fiubench.support.progress import Progress, silent
from fiubench.unlearning.data.dataset import Data, Sample
from fiubench.unlearning.data.log import METRIC_VERSION, PLAIN, QuestionLog, read_log, read_metadata, write_log
from fiubench.unlearning.evaluation.controls import Control, Pictures
from fiubench.unlearning.evaluation.scoring import Scorer
from fiubench.unlearning.evaluation.subject import LOG, Subject
from fiubench.unlearning.metrics.text import best_guess
from fiubench.unlearning.models.encoding import Turn
from fiubench.unlearning.models.loading import fingerprint, load, origin

_PARTS = ".parts"


def describe(subject: Subject, data: Data, forget: str, refusals: Sequence[str]) -> dict[str, Any]:
    """What a log says of the model and of what it was asked: enough to see whether two logs can be compared."""
    splits, target = roles(data, forget), subject.target
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
            "trained_on": {"name": manifest["split"]["name"], "digest": manifest["split"]["digest"]},
            "base_fingerprint": manifest["base"]["fingerprint"],
            "step": entry.get("step"),
            "epoch": entry.get("epoch"),
            "final": manifest["final"] is not None and Path(manifest["final"]).name == subject.name,
        }
    return {
        "metric_version": METRIC_VERSION,
        "dataset": {"source": source, "digest": data.digest, "identities": len(data.identities)},
        "splits": {role: {"name": name, "digest": data.split_digest(name)} for role, name in splits.items()},
        "complement": {"name": (rest := SplitName.parse(forget).retain), "digest": data.split_digest(rest)},
        "model": {"target": target, "fingerprint": fingerprint(target), "origin": origin(target)},
        "run": run,
        "refusals": list(refusals),
        "versions": {name: version(name) for name in ("fiubench", "torch", "transformers")},
    }


def roles(data: Data, forget: str) -> dict[str, str]:
    """Role -> split: the forget set, its size-matched retain set (else its complement), the holdout where there is one.

    Raises:
        ConfigError: the dataset has no such forget set.
    """
    data.ids(forget)
    name = SplitName.parse(forget)
    chosen = {"forget": forget, "retain": name.retain_eval if name.retain_eval in data.splits else name.retain}
    data.ids(chosen["retain"])
    return {**chosen, "holdout": HOLDOUT} if data.splits.get(HOLDOUT) else chosen


def evaluate(
    subject: Subject,
    data: Data,
    forget: str,
    out: Path,
    *,
    controls: Sequence[Control] = (),
    refusals: Sequence[str] = (),
    batch_size: int = 16,
    max_new_tokens: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
    progress: Progress = silent,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Ask a model every question of the forget, retain and holdout sets and write ``out/log.parquet``.

    What was asked before an interruption is not asked again; a whole log of the same model and questions is left as
    it is.

    Args:
        controls: further conditions, for the forget and the retain set.
        refusals: sentences that count as refusals.
        max_new_tokens: length of generations; None leaves room for the longest true answer, and 50 at least.
        facts: what :func:`describe` gives, where that is known (weights are large to digest twice).

    Raises:
        FiubenchError: a split or the model does not exist, the run does not fit the dataset, or memory is too short.
    """
    metadata = {**(facts or describe(subject, data, forget, refusals))}
    metadata["controls"] = {control.name: control.model_dump() for control in controls}
    metadata["max_new_tokens"] = max_new_tokens
    path = out / LOG
    there = _usable(path, metadata)
    plan: list[tuple[str, Control | None]] = [(role, None) for role in roles(data, forget)]
    plan += [(role, control) for control in controls for role in ("forget", "retain")]
    if there is not None and all(_has(there, control) for _, control in plan):
        return path
    make_folder(out / _PARTS)
    asked = _Questions(subject, data, forget, plan, device, dtype, batch_size, max_new_tokens, progress)
    rows: list[Mapping[str, Any]] = []
    for role, control in plan:
        if there is not None and _has(there, control):
            rows += there.select(role, _name(control))
            asked.step(asked.work(role, control))
            continue
        part = out / _PARTS / f"{role}.{_name(control)}.parquet"
        key = {"part": digest_of([{**metadata, "controls": None}, control and control.model_dump()])}
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


def _has(log: QuestionLog, control: Control | None) -> bool:
    return control is None or log.metadata["controls"].get(control.name) == json.loads(json.dumps(control.model_dump()))


def _name(control: Control | None) -> str:
    return PLAIN if control is None else control.name


@dataclass
class _Questions:
    """Puts the questions of one role under one control to the model, which is loaded when it is first needed."""

    subject: Subject
    data: Data
    forget: str
    plan: Sequence[tuple[str, Control | None]]
    device: str
    dtype: str
    batch_size: int
    limit: int | None
    progress: Progress

    def __post_init__(self) -> None:
        self._pictures, self._splits = Pictures(self.data), roles(self.data, self.forget)
        self._guesses = guesses(self.data.samples(SplitName.parse(self.forget).retain))
        self._done, self._total = 0, sum(self.work(role, control) for role, control in self.plan)

    def step(self, count: int) -> None:
        """Report that so many answers more are there."""
        self._done += count
        self.progress(f"evaluating {self.subject.name}", self._done, self._total)

    def _samples(self, role: str, control: Control | None) -> list[Sample]:
        return [s for s in self.data.samples(self._splits[role]) if control is None or control.applies(s)]

    def work(self, role: str, control: Control | None) -> int:
        """How many answers are generated and scored."""
        samples = self._samples(role, control)
        if control is not None or role == "holdout":
            return 2 * len(samples)
        return sum(3 + len(s.paraphrased_question) + len(s.perturbed_answer) for s in samples)

    @cached_property
    def _scorer(self) -> Scorer:
        # Adapters stay as they were trained: folded into 16-bit weights, small updates would be rounded away.
        loaded = load(self.subject.target, device=self.device, dtype=self.dtype)
        return Scorer(loaded.model, loaded.processor, self.batch_size)

    @cached_property
    def _longest(self) -> int:
        everyone = [s.answer for split in self._splits.values() for s in self.data.samples(split)]
        return self.limit or self._scorer.token_limit(everyone)

    def ask(self, role: str, control: Control | None) -> list[dict[str, Any]]:
        """The rows of the log."""
        scorer, samples = self._scorer, self._samples(role, control)
        fully = control is None and role != "holdout"
        asked = [self._pictures.turn(sample, control) for sample in samples]
        prompts = [
            [turn, *(Turn(question, turn.image) for question in (s.paraphrased_question if fully else ()))]
            for turn, s in zip(asked, samples, strict=True)
        ]
        sequences = [
            [Turn(turn.question, turn.image, answer) for answer in (s.answer, *(_variants(s) if fully else ()))]
            for turn, s in zip(asked, samples, strict=True)
        ]
        generated = _grouped(scorer.generate(_flat(prompts), self._longest, self.step), prompts)
        firsts = scorer.score([group[0] for group in sequences], moments=control is None, step=self.step)
        others = [group[1:] for group in sequences]
        scored = _grouped(scorer.score(_flat(others), step=self.step), others)
        split = self._splits[role]
        return [
            {
                **_facts(sample, turn.question, self._guesses.get(sample.attribute)),
                "role": role,
                "split": split,
                "control": _name(control),
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
            for sample, turn, said, first, rest in zip(samples, asked, generated, firsts, scored, strict=True)
        ]


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


def _flat(groups: Iterable[Sequence[Any]]) -> list[Any]:
    return [item for group in groups for item in group]


def _grouped(flat: Sequence[Any], like: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Cut a list into groups as long as those of ``like``."""
    rest = iter(flat)
    return [[next(rest) for _ in group] for group in like]
