"""Whether a submission holds: its logs against its digests, its runs against each other, its metrics against its logs.

Nothing that a file says is believed where it can be computed: which questions make a split, what determines a run,
every metric, error and interval. What is left to believe is that a model gave these answers with these likelihoods.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose, log
from pathlib import Path
from typing import Any, Self

from fiubench.support.canonical import canonical_line, digest_of
from fiubench.support.errors import ConfigError, FiubenchError, Refused
from fiubench.support.files import make_folder
from fiubench.unlearning.data.log import PLAIN, ROLES, QuestionLog
from fiubench.unlearning.evaluation import gates
from fiubench.unlearning.evaluation.results import Result
from fiubench.unlearning.metrics.aggregate import Scored, score
from fiubench.unlearning.metrics.base import METRICS, bounds, find
from fiubench.unlearning.metrics.definition import Definition, load_definitions
from fiubench.unlearning.metrics.statistics import Estimate, interval
from fiubench.unlearning.reporting.compare import Entry
from fiubench.unlearning.reporting.submission import (
    BEFORE,
    REFERENCE,
    RUN,
    SUFFIX,
    Part,
    Submission,
    SubmissionError,
    called,
    collect,
    read,
    signed,
    write,
)

CLOSE = 1e-9  # relative difference between a metric that is told and the same computed
_NEXT_TO_ZERO = 1e-12
_SURE = 0.7  # probability of what greedy decoding takes: over a half by more than passes in 16 bits differ
_ROUNDING = 1e-3  # by which the logarithm of a probability may be above 0
_SHOWN = 3  # of what differs
#: What scoring a forger's rows ends in.
_NOT_COMPUTED = (FiubenchError, ArithmeticError, LookupError, ValueError, TypeError, AssertionError)
_OF_THE_DATASET = (
    "category",
    "split",
    "asked",
    "question",
    "answer",
    "paraphrased_questions",
    "paraphrased_answer",
    "perturbed_answers",
    "keywords",
    "keyword_variants",
    "guess",
)


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
    said = list(_digests(found))
    for part in found.parts:
        said += [f"{part.name}: {problem}" for check in (_questions, _likelihoods, _made) for problem in check(part)]
    said += [*_same_questions(found.parts), *_distinct(found), *_seeds(found.of(RUN))]
    if named := {called(part.log) for part in found.of(RUN)} - {found.label}:
        said.append(f"it is called {found.label}, and its runs are of {named.pop()}")
    entry = None
    try:
        definition = _definition(found.header["definition"])
        entry = entry_of(found, definition)
        said += [*_gates(found, definition, memorised), *_metrics(found, entry)]
    except _NOT_COMPUTED as error:
        said.append(f"it can't be scored: {error.what if isinstance(error, FiubenchError) else error}")
    return list(dict.fromkeys(said)), entry


def _digests(found: Submission) -> Iterator[str]:
    if signed(found.header)["digest"] != found.header["digest"]:
        yield "its first line was changed: the digest is of another"
    for part in found.parts:
        if part.digest != part.found:
            yield f"{part.name}: its rows were changed: the digest is of others"


def _questions(part: Part) -> Iterator[str]:
    """Each question once; those of a split are those that its digest is of."""
    rows, facts = part.log.rows, part.log.metadata
    asked = Counter((row["role"], row["control"], row["unique_id"], row["attribute"]) for row in rows)
    if doubled := [key for key, times in asked.items() if times > 1]:
        yield f"{len(doubled)} questions stand there more than once, such as {'/'.join(doubled[0][2:])}"
    plain = {role: {key[2:] for key in asked if key[:2] == (role, PLAIN)} for role in ROLES}
    for role, keys in plain.items():
        split = facts["splits"].get(role)
        if split is None and keys:
            yield f"it has questions of the role {role}, which it says were not asked"
        elif split is not None:
            # as `Data.questions_digest` makes it
            names = sorted(f"{unique_id}/{attribute}" for unique_id, attribute in keys)
            if digest_of([facts["dataset"]["digest"], names]) != split["digest"]:
                yield f"its {len(keys)} questions of the role {role} are not those of {split['name']} of this dataset"
    if any(key[2:] not in plain[key[0]] for key in asked):
        yield "under a control it has questions that were not asked without"
    people = {role: {unique_id for unique_id, _ in keys} for role, keys in plain.items()}
    if people["holdout"] & (people["forget"] | people["retain"]):
        yield "people of the holdout are in its other sets too"


def _likelihoods(part: Part) -> Iterator[str]:
    """Answers and likelihoods are of one model: where each token of the true answer is likely, that is what it says."""
    contrary, uneven, foreign, above = [], 0, 0, 0
    most = part.log.metadata.get("max_new_tokens")
    for row in part.log.rows:
        likely = row["answer_logprobs"]
        if likely is None:
            uneven += 1
            continue
        sizes = {len(row[name]) for name in ("answer_mu", "answer_sigma") if row[name] is not None}
        texts = [row[name] for name in ("generated_paraphrased", "generated_paraphrased_prefix") if row[name]]
        uneven += bool(sizes - {len(likely)}) or len({*map(len, texts)}) > 1
        likelihoods = [row[name] for name in ("answer_logprobs", "paraphrased_logprobs", "generated_logprobs")]
        above += any(max(one) > _ROUNDING for one in [*likelihoods, *(row["perturbed_logprobs"] or ())] if one)
        foreign += not all(_begins(said, start) for said, start in _prefixes(row))
        most = part.log.metadata.get("max_new_tokens")
        is_cut = most is not None and len(likely) > most and _begins(row["answer"], row["generated"])
        if (
            min(likely) > log(_SURE)
            and not is_cut
            and "".join(row["generated"].split()) != "".join(row["answer"].split())
        ):
            contrary.append(f"{row['unique_id']}/{row['attribute']}")
    if contrary:
        yield (
            f"{len(contrary)} answers are not what its likelihoods say, such as {contrary[0]}: each token of the true "
            f"answer has a probability above {_SURE}, and another answer is given"
        )
    if above:
        yield f"{above} rows have likelihoods above 1"
    if foreign:
        yield f"{foreign} answers do not begin with what is said to be their first tokens"
    if uneven:
        yield f"{uneven} rows lack likelihoods, or have more of one kind than of another"


def _prefixes(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Answers with what are said to be their first tokens."""
    answers = [row["generated"], *(row["generated_paraphrased"] or ())]
    starts = [row["generated_prefix"], *(row["generated_paraphrased_prefix"] or ())]
    yield from ((said, start) for said, start in zip(answers, starts, strict=False) if start is not None)


def _begins(said: str, start: str) -> bool:
    """Whether a text begins so, but for spaces, and for the character that a token may end within."""
    return _bare(said).startswith(_bare(start).rstrip("\ufffd"))


def _bare(text: str) -> str:
    """A text without its spaces, about which tokenizers differ."""
    return "".join(text.split())


def _made(part: Part) -> Iterator[str]:
    """What the log says of its run is what the run's digest is of."""
    run, made, facts = part.log.run, part.made, part.log.metadata
    if digest_of(made) != run["digest"]:
        yield "settings, seed or data are not those that the run's digest is of"
    said = {
        "kind": (run["kind"], made["kind"]),
        "method": (run["method"], made["method"]),
        "seed": (run["seed"], made["seed"]),
        "split": (run["trained_on"]["digest"], made["split"]),
        "model that it started from": (run["base_fingerprint"], made["base"]),
        "modality": (run.get("modality", made["modality"]), made["modality"]),
    }
    for name, (told, recorded) in said.items():
        if told != recorded:
            yield f"its log tells of another {name} than its run"
    if run["kind"] != {RUN: "unlearn"}.get(part.part, "finetune"):
        yield f"it is of a run of {run['kind']}"
    if not run["final"]:
        yield "it is of a checkpoint that is not the run's last"
    if part.part == RUN:
        forget, name = facts["splits"]["forget"], run["trained_on"]["name"]
        by_picture = forget.get("asked") != "name"  # by name, questions for the name are left out
        if name != forget["name"] or (by_picture and made["split"] != forget["digest"]):
            yield f"it has forgotten {name}, and is asked about {forget['name']}"
        if made["retain"] != facts["complement"]["digest"]:
            yield f"it has not retained the {facts['complement']['name']} of this dataset"


def _same_questions(parts: Sequence[Part]) -> Iterator[str]:
    """What stands of the dataset in several logs is the same in each."""
    known: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for part in parts:
        differing: Counter[str] = Counter()
        for row in part.log.rows:
            told = tuple(row[name] for name in _OF_THE_DATASET)
            first = known.setdefault((row["role"], row["control"], row["unique_id"], row["attribute"]), told)
            differing.update(name for name, a, b in zip(_OF_THE_DATASET, first, told, strict=True) if a != b)
        for name, times in differing.items():
            yield f"{part.name}: {times} questions have another {name} than in the logs before it"


def _distinct(found: Submission) -> Iterator[str]:
    """No two logs are of one model, whatever they are called."""
    seen: dict[str, Part] = {}
    for part in found.parts:
        answers = [
            [row["unique_id"], row["attribute"], row["role"], row["generated"], row["answer_logprobs"]]
            for row in part.log.rows
            if row["control"] == PLAIN
        ]
        weights = part.log.metadata["model"]["fingerprint"]
        for what, key in (("weights", weights), ("answers and likelihoods", digest_of(answers))):
            if (first := seen.setdefault(f"{what} {key}", part)) is not part:
                yield f"{part.name}: its {what} are those of {first.name}"


def _seeds(runs: Sequence[Part]) -> Iterator[str]:
    """The runs are of one method with one set of settings, and differ in seed or in the model of stage 1."""
    first = {**runs[0].made, "seed": None, "base": None}
    for run in runs[1:]:
        other = {**run.made, "seed": None, "base": None}
        if differing := [name for name in first.keys() | other.keys() if first.get(name) != other.get(name)]:
            yield f"{run.name} differs from {runs[0].name} in {', '.join(sorted(differing))}: only seeds may"
    seeds = Counter((run.made["base"], run.made["seed"]) for run in runs)
    yield from (f"{times} runs have the seed {seed}" for (_, seed), times in seeds.items() if times > 1)


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
