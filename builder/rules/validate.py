"""Validating a dataset directory or any file of the shape of ``full.json``: schemas and cross-record rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fiubench.builder.dataset.reading import open_dataset
from fiubench.builder.packs.attributes import combine
from fiubench.builder.packs.parse import parse_pack
from fiubench.builder.rules.dataset import Uniqueness
from fiubench.builder.rules.pair import qa_problems
from fiubench.builder.rules.person import Coherence
from fiubench.builder.rules.problem import Problem
from fiubench.raw_sources.places import load_places
from fiubench.schemas.documents import IDENTITIES, MANIFEST, SPLITS, read_object, read_records
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName, kind_of
from fiubench.support.errors import DatasetError

from fiubench import schemas


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
        images: whether pictures are opened too.

    Yields:
        Every violation, as it is met; nothing where the dataset is valid.

    Raises:
        DatasetError: nothing that could be validated.
    """
    target = Path(target)
    if not target.exists():
        raise DatasetError("no such file or folder", where=target)
    if target.is_dir():
        yield from _directory(target, images)
    else:
        yield from _file(target, images)


def _directory(directory: Path, images: bool) -> Iterator[Finding]:
    open_dataset(directory)  # finished, or an error
    manifest = read_object(directory / MANIFEST)
    broken = [_schema_finding(MANIFEST, "", v) for v in schemas.violations("manifest", manifest)]
    splits_document = read_object(directory / SPLITS)
    broken += [_schema_finding(SPLITS, "", v) for v in schemas.violations("splits", splits_document)]
    yield from broken
    if broken:
        return  # what follows would only repeat it
    packs = combine([parse_pack(entry["content"], entry["file"], entry["file"]) for entry in manifest["packs"]])
    coherence = Coherence(
        list(packs.by_name.values()), manifest["config"]["as_of"], load_places(), manifest["config"]["match"]
    )
    uniqueness = Uniqueness()
    ids = []
    for number, record in enumerate(read_records(directory / IDENTITIES)):
        who = f"identity {number} ({record.get('unique_id')})"
        ids.append(str(record.get("unique_id")))  # also of a broken one, lest its splits seem broken too
        wrong = list(_schema_findings(IDENTITIES, who, "identity", record))
        yield from wrong
        if wrong:
            continue
        problems = [*qa_problems(record), *coherence.problems(record), *uniqueness.problems(record, number)]
        if record["index"] != number:
            problems.append(Problem("index", "", f"is {record['index']}", f"line {number + 1} holds identity {number}"))
        if images:
            problems += _image_problems(directory, record)
        yield from (Finding(IDENTITIES, who, problem) for problem in problems)
    expected = manifest["counts"]["identities"] + manifest["counts"]["holdout"]
    if len(ids) != expected:
        yield Finding(
            IDENTITIES,
            "",
            Problem("(file)", "", f"{len(ids)} identities", f"the manifest says {expected}"),
        )
    for problem in split_problems(
        splits_document["splits"], ids, manifest["counts"]["identities"], splits_document["scheme"]
    ):
        yield Finding(SPLITS, "", problem)


def _file(path: Path, images: bool) -> Iterator[Finding]:
    uniqueness = Uniqueness()
    for number, record in enumerate(read_records(path)):
        who = f"identity {number} ({record.get('unique_id')})"
        wrong = list(_schema_findings(path.name, who, "full_record", record))
        yield from wrong
        if wrong:
            continue
        problems = [*qa_problems(record, foreign=True), *uniqueness.problems(record, number)]
        if images and record.get("image_path"):
            problems += _image_problems(path.parent, record)
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
        yield Problem(
            HOLDOUT,
            "",
            f"holds {len(sets.get(HOLDOUT, ()))} identities",
            f"the last {len(holdout)} belong there",
        )
    forgets = {name: chosen for name, chosen in sets.items() if kind_of(name) == FORGET}
    for name, chosen in forgets.items():
        forget = SplitName.parse(name)
        if sets.get(forget.retain) != members - chosen:
            yield Problem(
                forget.retain, "", f"is not everyone outside {name}", "forget and retain make up the benchmark"
            )
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


def _image_problems(root: Path, record: Mapping[str, Any]) -> Iterator[Problem]:
    name = record["image_path"]
    if name is None:
        return
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name:
        yield Problem("image_path", "", f"{name!r} leaves the dataset's folder", "name a file inside it")
        return
    from fiubench.raw_sources.reading.images import open_problem  # noqa: PLC0415

    path = root / name
    if not path.is_file():
        yield Problem("image_path", "", f"{name!r} does not exist", f"it should lie beside {IDENTITIES}")
    elif problem := open_problem(path):
        yield Problem("image_path", "", f"{name!r}: {problem}", "a picture that opens")


def _schema_findings(file: str, who: str, schema: str, record: Mapping[str, Any]) -> Iterator[Finding]:
    if not schemas.is_valid(schema)(record):
        yield from (_schema_finding(file, who, v, record) for v in schemas.violations(schema, record))


def _schema_finding(
    file: str, who: str, violation: schemas.Violation, record: Mapping[str, Any] | None = None
) -> Finding:
    attribute = ""
    match violation.location:
        case ("qa_list", int(i), *_) if record:
            qa = record["qa_list"][i]
            attribute = qa.get("attribute", "") if isinstance(qa, dict) else ""
        case ("profile", str(name), *_):
            attribute = name
    return Finding(
        file,
        who,
        Problem(violation.path, str(attribute), violation.message, f"schema rule: {violation.keyword}"),
    )
