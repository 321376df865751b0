"""Datasets in another's shape: what its own readers need, and those rules that apply to what it has.

A fault of which a file is full is told once, with its count and its first place.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fiubench.builder.dataset.adapter import Fault
from fiubench.builder.dataset.others import Found, Others
from fiubench.builder.languages.base import Language, language_of
from fiubench.builder.rules.dataset import Uniqueness
from fiubench.builder.rules.pair import Spoken, qa_problems
from fiubench.builder.rules.picture import image_problems
from fiubench.builder.rules.problem import Finding, Problem
from fiubench.raw_sources.reading.images import open_problem
from fiubench.support.progress import Report

_INDEX = re.compile(r"\[\d+\]")
_ASKS_NAME = re.compile(r"\bnames?\b|\bwho\b|\bcalled\b", re.IGNORECASE)
_VARIANTS = {"paraphrased questions", "paraphrased answers", "wrong answers"}


def others_findings(others: Others, images: bool, step: Report) -> Iterator[Finding]:
    """Each kind of fault once, after a sentence on all of it for ``step``.

    Raises:
        DatasetError: a file can't be read, or has no rows.
    """
    first: dict[tuple[str, str], tuple[str, Problem]] = {}
    counts: dict[tuple[str, str], int] = {}

    def tell(where: str, problem: Problem) -> None:
        kind = _INDEX.sub("[]", problem.path), problem.right
        first.setdefault(kind, (where, problem))
        counts[kind] = counts.get(kind, 0) + 1

    def tell_fault(where: str, fault: Fault) -> None:
        tell(where, Problem(fault.path, "", fault.what, fault.right))

    uniqueness, spoken = Uniqueness(), None
    for number, found in enumerate(others.people(tell_fault)):
        spoken = spoken or Spoken(language_of(qa["question"] for qa in found.record["qa_list"]))
        for problem in _problems(found, number, uniqueness if others.adapter.ids else None, spoken, images):
            tell(found.where, problem)
    step(_summary(others, images))
    for kind, (where, problem) in first.items():
        yield Finding(others.name, where, problem, counts[kind])


def _problems(
    found: Found, number: int, uniqueness: Uniqueness | None, spoken: Spoken, images: bool
) -> Iterator[Problem]:
    yield from qa_problems(_completed(found.record, spoken.language), spoken, foreign=True)
    if uniqueness is not None:
        yield from uniqueness.problems(found.record, number)
    if images and found.record.get("image"):
        if problem := open_problem(found.record["image"]):
            yield Problem("image", "", problem, "a picture that opens")
    elif images and found.file is not None:
        yield from image_problems(found.file, found.record, {})


def _completed(record: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A record with all fields that the rules look at: what is not there breaks none."""
    pairs = [
        {
            **qa,
            "question": qa["question"] or language.question_mark,
            "paraphrased_question": _listed(qa.get("paraphrased_question")),
            "paraphrased_answer": qa.get("paraphrased_answer") or qa["answer"],
            "perturbed_answer": _listed(qa.get("perturbed_answer")),
            "keyword_variants": qa.get("keyword_variants") if isinstance(qa.get("value"), Mapping) else None,
            "keywords": _listed(qa.get("keywords")) or _name_asked(qa, record.get("name")),
        }
        for qa in record["qa_list"]
    ]
    return {**record, "qa_list": pairs}


def _name_asked(qa: Mapping[str, Any], name: Any) -> list[str]:
    """The name as the keyword of the question that asks for it, where no keywords are told."""
    asked = name and name in qa["answer"] and _ASKS_NAME.search(qa["question"])
    return [name] if asked else []


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else value


def _summary(others: Others, images: bool) -> str:
    lacks, variants = others.lacks, "" if {*others.lacks} >= _VARIANTS else ", their variants"
    ids, pictures = ", ids" if others.adapter.ids else "", ", pictures" if images and "pictures" not in lacks else ""
    checked = f"checked: the shape of every row{ids}, questions, answers{variants}{pictures}"
    left = f"; left out: {', '.join(others.left_out)}" if others.left_out else ""
    return f"{others.name}: {others.title}; {others.size}; {checked}; lacks {', '.join(lacks) or 'nothing'}{left}"
