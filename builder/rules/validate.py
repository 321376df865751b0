"""Validating a dataset directory or any file of the shape of ``full.json``: schemas and cross-record rules."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.rules.dataset import Uniqueness
from fiubench.builder.rules.pair import qa_problems
from fiubench.builder.rules.person import Coherence
from fiubench.builder.rules.problem import Problem
from fiubench.schemas.documents import (
    IDENTITIES,
    MANIFEST,
    SHORT_DIGEST,
    SPLITS,
    image_root,
    read_object,
    read_records,
)
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName, kind_of
from fiubench.support.canonical import file_digest
from fiubench.support.errors import DatasetError

from fiubench import schemas

Rules = Callable[[Mapping[str, Any], int], Iterator[Problem]]  # of a record and its place in the file


@dataclass(frozen=True)
class Finding:
    """One broken rule in a file: which file, which identity, and the problem."""

    file: str
    identity: str
    problem: Problem

    def __str__(self) -> str:
        return f"{self.file}, {self.identity}, {self.problem}" if self.identity else f"{self.file}, {self.problem}"


def validate(target: str | Path, *, images: bool = True) -> Iterator[Finding]:
    """Hold a dataset to the schemas and the rules between records; memory hardly grows with the records.

    >>> for finding in validate("dataset"): print(finding)                # doctest: +SKIP

    Args:
        target: a dataset directory, or a JSON lines or JSON array file of the shape of ``full.json``.
        images: whether pictures are opened too, and those of a dataset directory compared with their digests.

    Yields:
        Every violation, as it is met; nothing where the dataset is valid.

    Raises:
        DatasetError: nothing that could be validated.
    """
    target = Path(target)
    if not target.exists():
        hint = "Give a dataset folder, or a JSON file like full.json."
        raise DatasetError("no such file or folder", where=target, hint=hint)
    if target.is_dir():
        yield from _directory(target, images)
    else:
        yield from _file(target, images)


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
        yield from qa_problems(record)
        yield from coherence.problems(record)
        yield from uniqueness.problems(record, number)
        if record["index"] != number:
            yield Problem("index", "", f"is {record['index']}", f"line {number + 1} holds identity {number}")

    ids: list[str] = []
    digests = {unique_id: image for unique_id, _, image in manifest["identities"]} if images else None
    yield from _records(directory / IDENTITIES, "identity", rules, digests, ids)
    benchmark = manifest["counts"]["identities"]
    expected = benchmark + manifest["counts"]["holdout"]
    if len(ids) != expected:
        problem = Problem("(file)", "", f"{len(ids)} identities", f"the manifest says {expected}")
        yield Finding(IDENTITIES, "", problem)
    for problem in split_problems(membership["splits"], ids, benchmark, membership["scheme"]):
        yield Finding(SPLITS, "", problem)


def _file(path: Path, images: bool) -> Iterator[Finding]:
    uniqueness = Uniqueness()

    def rules(record: Mapping[str, Any], number: int) -> Iterator[Problem]:
        yield from qa_problems(record, foreign=True)
        yield from uniqueness.problems(record, number)

    yield from _records(path, "full_record", rules, {} if images else None, [])


def _records(
    path: Path, schema: str, rules: Rules, images: Mapping[str, str] | None, ids: list[str]
) -> Iterator[Finding]:
    """Every record of a file by its schema, then by the rules.

    Args:
        images: unique id -> digest of the image, as far as known; ``None`` where images are not looked at.
        ids: gets the id of each record, also of a broken one.
    """
    for number, record in enumerate(read_records(path)):
        who = f"identity {number} ({record.get('unique_id')})"
        ids.append(str(record.get("unique_id")))
        wrong = list(_schema_findings(path.name, who, schema, record))
        yield from wrong
        if not wrong:
            problems = [
                *rules(record, number),
                *(_image_problems(path, record, images) if images is not None else ()),
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


def _image_problems(file: Path, record: Mapping[str, Any], digests: Mapping[str, str]) -> Iterator[Problem]:
    name = record.get("image_path")
    if not name:
        return
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name:
        yield Problem("image_path", "", f"{name!r} leaves the dataset's folder", "name a file inside it")
        return
    from fiubench.raw_sources.reading.images import open_problem  # noqa: PLC0415

    path = image_root(file, name) / name
    if not path.is_file():
        yield Problem("image_path", "", f"{name!r} does not exist", f"it should lie beside {IDENTITIES}")
    elif problem := open_problem(path):
        yield Problem("image_path", "", f"{name!r}: {problem}", "a picture that opens")
    elif (built := digests.get(record["unique_id"])) and file_digest(path)[:SHORT_DIGEST] != built:
        yield Problem("image_path", "", f"{name!r} is not the picture that was built", "build it again")


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
