"""What `phrasings check` and `phrasings judge` look at: a file of candidates, a pack, or a built dataset."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fiubench.builder.dataset.reading import Dataset, open_dataset
from fiubench.builder.packs.attributes import packs_of
from fiubench.builder.packs.model import BUILT_IN
from fiubench.builder.packs.parse import parse_pack
from fiubench.builder.phrasings.candidates import Candidate, Candidates, Ground
from fiubench.builder.phrasings.gate import Checks, Subject, stated
from fiubench.builder.phrasings.judge import Case, cases_of_candidates, cases_of_dataset
from fiubench.support.errors import DatasetError, PackError
from fiubench.support.yaml_file import load_yaml


def checked(target: Path, packs: Sequence[Path] = (), tables: Sequence[Path] = ()) -> Iterator[Candidate]:
    """Every phrasing of a candidates or pack file, or every sentence of a dataset, with what the checks find wrong.

    ``packs`` are those that the phrasings are for, beyond the built-in one; ``tables`` declare what those may name.

    Raises:
        FiubenchError: it is none of these, or can't be read.
    """
    if target.is_dir():
        yield from _sentences(open_dataset(target))
        return
    listed, ground = _listed(target, packs, tables)
    for candidate in listed:
        if candidate.attribute not in ground.checks.subjects:
            hint = "Name its pack with --attributes."
            raise PackError(f"no pack declares the attribute {candidate.attribute!r}", where=target, hint=hint)
        candidate.problems = ground.problems(candidate)
        yield candidate


def cases(target: Path, packs: Sequence[Path], tables: Sequence[Path], sample: int, seed: int) -> list[Case]:
    """A keyed sample of sentences for a judge.

    Raises:
        FiubenchError: the target can't be judged.
    """
    if target.is_dir():
        return cases_of_dataset(open_dataset(target), sample, seed)
    listed, ground = _listed(target, packs, tables)
    for candidate in listed:
        if candidate.attribute in ground.checks.subjects:
            candidate.problems = ground.problems(candidate)
    return cases_of_candidates(listed, ground, sample, seed)


def _listed(target: Path, packs: Sequence[Path], tables: Sequence[Path]) -> tuple[list[Candidate], Ground]:
    if target.suffix.lower() in (".yaml", ".yml"):
        pack = parse_pack(load_yaml(target, PackError), target.name, target)
        own = [(a.name, a.questions, a.answers) for a in pack.attributes]
        own += [(name, added.questions, added.answers) for name, added in pack.phrasings.items()]
        listed = [
            Candidate(name, kind, text)
            for name, questions, answers in own
            for kind, texts in (("question", questions), ("answer", answers))
            for text in texts
        ]
        # the pack's own attributes are needed; phrasings that it adds to others are not the model of themselves
        own_pack = [target] if pack.attributes and pack.name != BUILT_IN else []
        return listed, Ground.of([*packs, *own_pack], tables=tables)
    if not target.exists():
        hint = "Give a dataset folder, a file of candidates, or a pack."
        raise DatasetError("no such file or folder", where=target, hint=hint)
    return Candidates.read(target).candidates, Ground.of(packs, tables=tables)


def _sentences(dataset: Dataset) -> Iterator[Candidate]:
    """Each answer, paraphrase and wrong answer of a dataset, checked against the value that it should state."""
    packs = packs_of(dataset.manifest)
    asked = [packs.by_name[name] for name in dataset.manifest["attributes"]]
    checks = Checks(Subject(attribute) for attribute in asked)
    for record in dataset:
        for qa in record["qa_list"]:
            name = qa["attribute"]
            text = record["profile"][name]["text"]
            for value, sentence, written in stated(qa, text, checks.subjects[name].attribute):
                yield Candidate(name, "answer", sentence, checks.sentence(name, value, sentence, written))
