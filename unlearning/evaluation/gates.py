"""What must hold before a score of unlearning means anything.

A model that never memorised has nothing to forget, and a reference that saw other data, other people or another
model is a reference for nothing. Either makes good-looking numbers, so both are errors, or with ``--force`` a mark that
goes with every table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fiubench.schemas.splits import SplitName
from fiubench.support.errors import FiubenchError
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.metrics.aggregate import Scored
from fiubench.unlearning.metrics.definition import Definition

MEMORISED = 0.8  # least exact match of the model before unlearning on the forget set

Facts = Mapping[str, Any]


class GateError(FiubenchError):
    """Unlearning can't be scored honestly as things stand."""


@dataclass(frozen=True)
class Broken:
    """A condition that does not hold: in a sentence, as a mark of a few words, and what to do."""

    what: str
    mark: str
    hint: str


def refuse(broken: list[Broken], where: object) -> None:
    """Raise a ``GateError`` with every broken condition, if there is any."""
    if broken:
        hints = "\n  ".join(dict.fromkeys(condition.hint for condition in broken))
        hint = f"{hints}\n  With --force it is scored and every table is marked."
        raise GateError("; ".join(condition.what for condition in broken), where=where, hint=hint)


def broken(
    facts: Facts, before: QuestionLog | None, reference: QuestionLog | None, definition: Definition, least: float
) -> list[Broken]:
    """The conditions that do not hold.

    Args:
        facts: metadata of a log; only a model after unlearning has conditions.
        before: log of the model that unlearning started from.
        reference: log of the retain reference.
        least: exact match on the forget set that the model before unlearning must have.
    """
    if (facts.get("run") or {}).get("kind") != "unlearn":
        return []
    return [*_not_memorised(facts, before, definition, least), *unfit_reference(facts, reference)]


def _not_memorised(facts: Facts, before: QuestionLog | None, definition: Definition, least: float) -> list[Broken]:
    """The model before unlearning knew the forget set."""
    hint = "Evaluate the fine-tuned model first: fiubench evaluate RUN."
    if before is None:
        return [Broken("the model before unlearning has not been evaluated", "memorisation unchecked", hint)]
    found = _same(facts, before.metadata, "the log of the model before unlearning", ("dataset", "splits"))
    started_from = (facts["run"]["base_fingerprint"], *facts["run"].get("chain", ()))
    if before.metadata["model"]["fingerprint"] not in started_from:
        what = f"{before.where or 'the log'} is of another model than unlearning started from"
        found.append(Broken(what, "other model before", hint))
    known = Scored(before, definition)["forget.exact_match"].value
    if known is None or known < least:
        value = "unknown" if known is None else f"{known:.2f}"
        what = f"stage 1 did not memorise: exact match on the forget set is {value}, below {least}"
        found.append(Broken(what, "not memorised", "Fine-tune for longer, or declare another --memorised."))
    return found


def unfit_reference(facts: Facts, reference: QuestionLog | None) -> list[Broken]:
    """The retain reference was trained on the complement of the forget set, from the same model and data."""
    forget = facts["splits"]["forget"]["name"]
    made = f"`fiubench finetune --split {SplitName.parse(forget).retain}`"
    hint = f"Train one with {made}, evaluate it, and name it: --reference RUN."
    if reference is None:
        return [Broken("no retain reference", "no reference", hint)]
    other = reference.metadata
    found = _same(facts, other, "the retain reference", ("dataset", "splits", "metric_version"))
    run = other.get("run") or {}
    if run.get("kind") != "finetune" or run["trained_on"]["digest"] != facts["complement"]["digest"]:
        trained = run["trained_on"]["name"] if run else "something unknown"
        named = facts["complement"]["name"]
        what = f"the reference was trained on {trained}, not on {named} of this dataset"
        if trained == named:
            what = f"the reference was trained on the {named} of another cut, which holds other questions"
        found.append(Broken(what, "reference of another split", hint))
    if other["model"]["origin"] != facts["model"]["origin"]:
        found.append(Broken("the reference comes from another base model", "other base model", hint))
    return found


_NAMES = {
    "dataset": ("is of another dataset", "other dataset"),
    "splits": ("was asked other questions (another split)", "other splits"),
    "metric_version": ("was made by another version of the metrics", "other metric version"),
}


def _same(facts: Facts, other: Facts, who: str, keys: tuple[str, ...]) -> list[Broken]:
    hint = "Evaluate it again on the same dataset and splits."
    return [Broken(f"{who} {_NAMES[key][0]}", _NAMES[key][1], hint) for key in differing(facts, other, keys)]


def differing(facts: Facts, other: Facts, keys: Sequence[str] = ("dataset", "splits")) -> list[str]:
    """In which of these the metadata of two logs differ; a dataset may lie elsewhere."""

    def content(of: Facts, key: str) -> Any:
        return (of.get(key) or {}).get("digest") if key == "dataset" else of.get(key)

    return [key for key in keys if content(facts, key) != content(other, key)]
