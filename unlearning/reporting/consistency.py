"""Whether the logs of a submission fit their digests and each other, before anything of them is scored."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any

from fiubench.support.canonical import digest_of
from fiubench.unlearning.data.log import PLAIN, ROLES
from fiubench.unlearning.reporting.submission import RUN, Part, Submission, called, signed

_SURE = 0.7  # probability of what greedy decoding takes: over a half by more than passes in 16 bits differ
_ROUNDING = 1e-3  # by which the logarithm of a probability may be above 0
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
    "hops",
)


def inconsistencies(found: Submission) -> Iterator[str]:
    """What does not fit, a sentence each."""
    yield from _digests(found)
    for part in found.parts:
        for check in (_questions, _likelihoods, _made):
            yield from (f"{part.name}: {problem}" for problem in check(part))
    yield from _same_questions(found.parts)
    yield from _distinct(found)
    yield from _seeds(found.of(RUN))
    if named := {called(part.log) for part in found.of(RUN)} - {found.label}:
        yield f"it is called {found.label}, and its runs are of {named.pop()}"


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
            hops = row["hops"] or 1  # which older logs leave out
            told = (*(row[name] for name in _OF_THE_DATASET[:-1]), hops)
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
