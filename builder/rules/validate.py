"""Validating a dataset directory, or a dataset in another's shape: schemas and cross-record rules."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fiubench.builder.dataset.others import data_files, is_release, open_others
from fiubench.builder.dataset.reading import digests_of_pictures, open_dataset
from fiubench.builder.dataset.splits import picture_sets
from fiubench.builder.rules.dataset import Uniqueness, values_of_one
from fiubench.builder.rules.kinship import Kin, Kinship
from fiubench.builder.rules.others import others_findings
from fiubench.builder.rules.pair import qa_problems
from fiubench.builder.rules.person import Coherence
from fiubench.builder.rules.picture import image_problems
from fiubench.builder.rules.problem import Finding, Problem
from fiubench.schemas.documents import (
    IDENTITIES,
    MANIFEST,
    SPLITS,
    Block,
    blocks_of,
    read_object,
    read_records,
)
from fiubench.schemas.splits import FORGET, HOLDOUT, SplitName, kind_of
from fiubench.support.errors import DatasetError
from fiubench.support.processes import shared_out
from fiubench.support.progress import Report, silent

from fiubench import schemas

_LINES = 200  # that a worker looks at in a turn


def validate(target: str | Path, *, images: bool = True, workers: int = 1, step: Report = silent) -> Iterator[Finding]:
    """Hold a dataset to the schemas and the rules between records; memory hardly grows with the records.

    Another's dataset is read by an adapter and held to what its own readers need, and to the rules of what it has.

    >>> for finding in validate("dataset"): print(finding)                # doctest: +SKIP

    Args:
        target: a dataset directory, a release, or a JSON, JSON lines or Parquet file in a shape that an adapter knows,
            or a folder of them.
        images: whether pictures are opened too, and those of a dataset directory compared with their digests.
        workers: processes that look at the records of a dataset directory; what is found does not depend on it.
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
        yield from _directory(target, images, workers)
    else:
        yield from others_findings(open_others(target), images, step)


def _directory(directory: Path, images: bool, workers: int) -> Iterator[Finding]:
    open_dataset(directory)  # finished, or an error
    manifest, membership = read_object(directory / MANIFEST), read_object(directory / SPLITS)
    broken = [
        *_schema_findings(MANIFEST, "", "manifest", manifest),
        *_schema_findings(SPLITS, "", "splits", membership),
    ]
    yield from broken
    if broken:
        return  # what follows would only repeat it
    ids, uniqueness, kinship = list[str](), Uniqueness(), Kinship(manifest)
    for seen in _looked_at(directory, images, workers):
        yield from seen.before
        for problem in uniqueness.repeats(seen.own, len(ids)):
            yield Finding(IDENTITIES, seen.who, problem)
        yield from seen.after
        ids.append(seen.unique_id)
        if seen.kin is not None:
            kinship.add(seen.kin, seen.who)
    yield from (Finding(IDENTITIES, who, problem) for who, problem in kinship.problems())
    benchmark = manifest["counts"]["identities"]
    expected = benchmark + manifest["counts"]["holdout"]
    if len(ids) != expected:
        problem = Problem("(file)", "", f"{len(ids)} identities", f"the manifest says {expected}")
        yield Finding(IDENTITIES, "", problem)
    for problem in split_problems(membership["splits"], ids, benchmark, membership["scheme"]):
        yield Finding(SPLITS, "", problem)
    expected_sets = picture_sets(manifest["config"].get("pictures", 1)).get("pictures")
    if membership.get("pictures") != expected_sets:
        found = membership.get("pictures", "nothing")
        yield Finding(SPLITS, "", Problem("pictures", "", f"is {found}", f"it should be {expected_sets or 'left out'}"))


class Seen(NamedTuple):
    """What a look at one record gives: findings before and after those that only all records together show.

    Attributes:
        unique_id: also of a broken record.
        own: what nobody else may have.
        kin: whom they are tied to.
    """

    who: str
    unique_id: str
    before: list[Finding]
    own: list[tuple[str, str]]
    after: list[Finding]
    kin: Kin | None = None


class Looker:
    """Looks at records by their schema, then by the rules; one in each process.

    Args:
        images: whether pictures are looked at.
    """

    def __init__(self, directory: Path, images: bool) -> None:
        manifest = read_object(directory / MANIFEST)
        self.path, self.coherence = directory / IDENTITIES, Coherence.of(manifest)
        self.kinship = Kinship(manifest)
        self.digests = digests_of_pictures(manifest) if images else None

    def __call__(self, block: Block) -> tuple[list[Seen], DatasetError | None]:
        """The records of a block, in order, up to one that can't be read."""
        seen: list[Seen] = []
        try:
            seen += self._look(block)  # what came before an error is kept
        except DatasetError as error:
            return seen, error
        return seen, None

    def _look(self, block: Block) -> Iterator[Seen]:
        for number, record in enumerate(read_records(self.path, block), block.record):
            unique_id = str(record.get("unique_id"))
            who = f"identity {number} ({record.get('unique_id')})"
            if wrong := list(_schema_findings(self.path.name, who, "identity", record)):
                yield Seen(who, unique_id, wrong, [], [])
                continue
            before = [*qa_problems(record, self.coherence.spoken), *self.coherence.problems(record)]
            after = [] if self.digests is None else list(image_problems(self.path, record, self.digests))
            if record["index"] != number:
                what = f"is {record['index']}", f"line {number + 1} holds identity {number}"
                after.insert(0, Problem("index", "", *what))
            told = self._told(who, before), values_of_one(record), self._told(who, after)
            yield Seen(who, unique_id, *told, self.kinship.kin(record))

    def _told(self, who: str, problems: Iterable[Problem]) -> list[Finding]:
        return [Finding(self.path.name, who, problem) for problem in problems]


def _looked_at(directory: Path, images: bool, workers: int) -> Iterator[Seen]:
    """Every record, by one process or several."""
    blocks = blocks_of(directory / IDENTITIES, _LINES)
    for seen, error in shared_out(Looker, (directory, images), blocks, workers, where=directory):
        yield from seen
        if error is not None:
            raise error


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
