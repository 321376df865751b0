"""Validating a dataset directory, or a dataset in another's shape: schemas and cross-record rules."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fiubench.builder.dataset.others import data_files, is_release, open_others
from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.rules.dataset import Uniqueness
from fiubench.builder.rules.others import others_findings
from fiubench.builder.rules.pair import qa_problems
from fiubench.builder.rules.person import Coherence
from fiubench.builder.rules.picture import image_problems
from fiubench.builder.rules.problem import Finding, Problem
from fiubench.schemas.documents import (
    IDENTITIES,
    MANIFEST,
    SPLITS,
    read_object,
    read_records,
)
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName, kind_of
from fiubench.support.errors import DatasetError
from fiubench.support.progress import Report, silent

from fiubench import schemas

Rules = Callable[[Mapping[str, Any], int], Iterator[Problem]]  # of a record and its place in the file


def validate(target: str | Path, *, images: bool = True, step: Report = silent) -> Iterator[Finding]:
    """Hold a dataset to the schemas and the rules between records; memory hardly grows with the records.

    Another's dataset is read by an adapter and held to what its own readers need, and to the rules of what it has.

    >>> for finding in validate("dataset"): print(finding)                # doctest: +SKIP

    Args:
        target: a dataset directory, a release, or a JSON, JSON lines or Parquet file in a shape that an adapter knows,
            or a folder of them.
        images: whether pictures are opened too, and those of a dataset directory compared with their digests.
        step: called with a sentence on another's dataset: its shape, what was checked, and what it lacks.

    Yields:
        Every violation, as it is met, of another's dataset each kind once; nothing where the dataset is valid.

    Raises:
        DatasetError: nothing that could be validated.
    """
    target = Path(target)
    if not target.exists():
        hint = "Give a dataset folder, or a file or folder in a known shape."
        raise DatasetError("no such file or folder", where=target, hint=hint)
    if target.is_dir() and not is_release(target) and ((target / MANIFEST).exists() or not data_files(target)):
        yield from _directory(target, images)
    else:
        yield from others_findings(open_others(target), images, step)


def _directory(directory: Path, images: bool) -> Iterator[Finding]:
    open_dataset(directory)  # finished, or an error
    manifest, membership = read_object(directory / MANIFEST), read_object(directory / SPLITS)
    broken = [
        *_schema_findings(MANIFEST, "", "manifest", manifest),
        *_schema_findings(SPLITS, "", "splits", membership),
    ]
    yield from broken
    if broken:
        return  # what follows would only repeat it
    coherence, uniqueness = Coherence.of(manifest), Uniqueness()

    def rules(record: Mapping[str, Any], number: int) -> Iterator[Problem]:
        yield from qa_problems(record, coherence.spoken)
        yield from coherence.problems(record)
        yield from uniqueness.problems(record, number)
        if record["index"] != number:
            yield Problem("index", "", f"is {record['index']}", f"line {number + 1} holds identity {number}")

    ids: list[str] = []
    digests = {unique_id: image for unique_id, _, image in manifest["identities"]} if images else None
    yield from _records(directory / IDENTITIES, rules, digests, ids)
    benchmark = manifest["counts"]["identities"]
    expected = benchmark + manifest["counts"]["holdout"]
    if len(ids) != expected:
        problem = Problem("(file)", "", f"{len(ids)} identities", f"the manifest says {expected}")
        yield Finding(IDENTITIES, "", problem)
    for problem in split_problems(membership["splits"], ids, benchmark, membership["scheme"]):
        yield Finding(SPLITS, "", problem)


def _records(path: Path, rules: Rules, images: Mapping[str, str] | None, ids: list[str]) -> Iterator[Finding]:
    """Every record of a file by its schema, then by the rules.

    Args:
        images: unique id -> digest of the image, as far as known; ``None`` where images are not looked at.
        ids: gets the id of each record, also of a broken one.
    """
    for number, record in enumerate(read_records(path)):
        who = f"identity {number} ({record.get('unique_id')})"
        ids.append(str(record.get("unique_id")))
        wrong = list(_schema_findings(path.name, who, "identity", record))
        yield from wrong
        if not wrong:
            problems = [
                *rules(record, number),
                *(image_problems(path, record, images) if images is not None else ()),
            ]
            yield from (Finding(path.name, who, problem) for problem in problems)


def split_problems(splits: Mapping[str, list[str]], ids: list[str], benchmark: int, scheme: str) -> Iterator[Problem]:
    """The algebra of splits: retain is the complement of forget, nested sets nest, disjoint ones do not meet."""
    everyone, members = set(ids), set(ids[:benchmark])
    sets = {name: set(listed) for name, listed in splits.items()}
    for name, chosen in sets.items():
        if unknown := sorted(chosen - everyone):
            yield Problem(name, "", f"{unknown[0]!r} is no identity of this dataset", "list ids of identities.jsonl")
    holdout = everyone - members
    if sets.get(HOLDOUT, set()) != holdout:
        found = f"holds {len(sets.get(HOLDOUT, ()))} identities"
        yield Problem(HOLDOUT, "", found, f"the last {len(holdout)} belong there")
    forgets = {name: chosen for name, chosen in sets.items() if kind_of(name) == FORGET}
    for name, chosen in forgets.items():
        forget = SplitName.parse(name)
        if sets.get(forget.retain) != members - chosen:
            what = f"is not everyone outside {name}"
            yield Problem(forget.retain, "", what, "forget and retain make up the benchmark")
        for part in (forget.retain_eval, forget.retain_hard):
            if not sets.get(part, set()) <= members - chosen:
                yield Problem(part, "", f"meets {name} or the holdout", "it is a part of the retain set")
    ordered = sorted(forgets.items(), key=lambda item: len(item[1]))
    for i, (small, inner) in enumerate(ordered):
        for large, outer in ordered[i + 1 :]:
            if scheme == "nested" and not inner <= outer:
                yield Problem(small, "", f"is not inside {large}", "the scheme is nested")
            if scheme == "disjoint" and inner & outer:
                yield Problem(small, "", f"meets {large}", "the scheme is disjoint")


def _schema_findings(file: str, who: str, schema: str, document: Mapping[str, Any]) -> Iterator[Finding]:
    if schemas.is_valid(schema)(document):
        return
    for violation in schemas.violations(schema, document):
        attribute = ""
        match violation.location:
            case ("qa_list", int(i), *_):
                qa = document["qa_list"][i]
                attribute = qa.get("attribute", "") if isinstance(qa, dict) else ""
            case ("profile", str(name), *_):
                attribute = name
        rule = f"schema rule: {violation.keyword}"
        yield Finding(file, who, Problem(violation.path, str(attribute), violation.message, rule))
