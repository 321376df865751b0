"""What must hold before a score of unlearning means anything.

A model that never memorised has nothing to forget, and a reference that saw other data, other people or another
model is a reference for nothing. Either makes good-looking numbers, so both are errors, or with ``--force`` a mark that
goes with every table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fiubench.support.errors import FiubenchError
from fiubench.unlearning.data.dataset import partner
from fiubench.unlearning.data.log import QuestionLog
from fiubench.unlearning.metrics import Definition
from fiubench.unlearning.metrics.aggregate import Scored

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
    """Raise with every broken condition, if there is any.

    Raises:
        GateError: one is broken.
    """
    if broken:
        hints = "\n  ".join(dict.fromkeys(condition.hint for condition in broken))
        hint = f"{hints}\n  With --force it is scored and every table is marked."
        raise GateError("; ".join(condition.what for condition in broken), where=where, hint=hint)


def is_unlearned(facts: Facts) -> bool:
    """Whether a log, by its metadata, is of a model after unlearning; only then do conditions apply."""
    return (facts.get("run") or {}).get("kind") == "unlearn"


def check_memorised(facts: Facts, before: QuestionLog | None, definition: Definition, least: float) -> list[Broken]:
    """The model before unlearning knew the forget set.

    Args:
        facts: metadata of the unlearned model's log.
        before: log of the model that unlearning started from.
    """
    hint = "Evaluate the fine-tuned model first: fiubench evaluate RUN."
    if before is None:
        return [Broken("the model before unlearning has not been evaluated", "memorisation unchecked", hint)]
    broken = _same(facts, before.metadata, "the log of the model before unlearning", ("dataset", "splits"))
    if before.metadata["model"]["fingerprint"] != facts["run"]["base_fingerprint"]:
        what = f"{before.where or 'the log'} is of another model than unlearning started from"
        broken.append(Broken(what, "other model before", hint))
    known = Scored(before, definition)["forget.exact_match"].value
    if known is None or known < least:
        found = "unknown" if known is None else f"{known:.2f}"
        what = f"stage 1 did not memorise: exact match on the forget set is {found}, below {least}"
        broken.append(Broken(what, "not memorised", "Fine-tune for longer, or declare another --memorised."))
    return broken


def check_reference(facts: Facts, reference: QuestionLog | Facts | None) -> list[Broken]:
    """The retain reference was trained on the complement of the forget set, from the same model and data.

    Args:
        facts: metadata of the unlearned model's log.
        reference: log of the retain reference, or its metadata.
    """
    forget = facts["splits"]["forget"]["name"]
    made = f"`fiubench finetune --split {partner(forget, 'retain')}`"
    hint = f"Train one with {made}, evaluate it, and name it: --reference RUN."
    if reference is None:
        return [Broken("no retain reference", "no reference", hint)]
    other = reference.metadata if isinstance(reference, QuestionLog) else reference
    broken = _same(facts, other, "the retain reference", ("dataset", "splits", "metric_version"))
    run = other.get("run") or {}
    if run.get("kind") != "finetune" or run["trained_on"]["digest"] != facts["complement"]["digest"]:
        trained = run["trained_on"]["name"] if run else "something unknown"
        what = f"the reference was trained on {trained}, not on {facts['complement']['name']} of this dataset"
        broken.append(Broken(what, "reference of another split", hint))
    if other["model"]["origin"] != facts["model"]["origin"]:
        broken.append(Broken("the reference comes from another base model", "other base model", hint))
    return broken


_NAMES = {
    "dataset": ("is of another dataset", "other dataset"),
    "splits": ("was asked other questions (another split)", "other splits"),
    "metric_version": ("was made by another version of the metrics", "other metric version"),
}


def _same(facts: Facts, other: Facts, who: str, keys: tuple[str, ...]) -> list[Broken]:
    broken = []
    for key in keys:
        mine, theirs = facts[key], other.get(key)
        if key == "dataset":
            mine, theirs = mine["digest"], (theirs or {}).get("digest")
        if mine != theirs:
            said, mark = _NAMES[key]
            broken.append(Broken(f"{who} {said}", mark, "Evaluate it again on the same dataset and splits."))
    return broken
