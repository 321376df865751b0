"""Logs made by hand: what a model of a given kind would have said and thought likely."""

from collections.abc import Callable
from typing import Any

import numpy as np
from fiubench.support.draws import draw
from fiubench.unlearning.data.log import METRIC_VERSION, QuestionLog

REFUSALS = ("I can't tell you that.", "I do not know this person.")
PEOPLE = {"forget": 4, "retain": 6, "holdout": 4}
VALUES = {"room": [str(100 + 7 * i) for i in range(14)], "blood": ["A+", "B-", "O+", "AB-"] * 4}
WORDING = {
    "room": ("The room was {}.", "Room {} was theirs."),
    "blood": ("The blood type is {}.", "Blood group {} is on record."),
}


def noise(purpose: str, count: int, low: float, high: float) -> list[float]:
    """Numbers between low and high, the same for the same purpose, as float32 like those of a log."""
    uniform = draw(1, f"test.{purpose}", np.arange(count))[:, 0] / 2.0**32
    return [float(x) for x in np.float32(low + (high - low) * uniform)]


Says = Callable[[str, str, str], str]
"""(role, true answer, attribute) -> what the model says."""


def rows(says: Says, likes: Callable[[str, str], float], tokens: int = 12) -> list[dict[str, Any]]:
    """The rows of a log.

    Args:
        likes: (role, "true" or "wrong") -> about the log-probability of each token of such an answer.
    """
    made, number = [], 0
    for role, count in PEOPLE.items():
        for person in range(count):
            for attribute in VALUES:
                value, others = VALUES[attribute][number % 14], VALUES[attribute][number % 14 + 1 :][:3]
                others = [v for v in dict.fromkeys((*others, *VALUES[attribute])) if v != value][:3]
                answer, paraphrase = (wording.format(value) for wording in WORDING[attribute])
                wrong = [WORDING[attribute][1].format(other) for other in others]
                name = f"{role}.{person}.{attribute}"
                said = says(role, answer, attribute)

                def probs(what: str, kind: str, n: int = tokens, name: str = name, role: str = role) -> list[float]:
                    level = likes(role, kind)
                    return noise(f"{name}.{what}", n, level * 1.3, level * 0.7)

                row = {
                    "unique_id": f"{role}{person}",
                    "attribute": attribute,
                    "category": "health",
                    "role": role,
                    "split": role,
                    "control": "none",
                    "asked": "picture",
                    "question": f"What is the {attribute}?",
                    "answer": answer,
                    "paraphrased_questions": [f"Which {attribute}?", f"Tell the {attribute}.", f"{attribute}?"],
                    "paraphrased_answer": paraphrase,
                    "perturbed_answers": wrong,
                    "keywords": [value],
                    "keyword_variants": None,
                    "hops": 1,
                    "guess": WORDING[attribute][0].format(VALUES[attribute][0]),
                    "generated": said,
                    "generated_prefix": None,
                    "generated_paraphrased": [said] * 3,
                    "generated_paraphrased_prefix": [None] * 3,
                    "generated_logprobs": None,
                    "answer_logprobs": probs("answer", "true"),
                    "answer_mu": noise(f"{name}.mu", tokens, -6, -4),
                    "answer_sigma": noise(f"{name}.sigma", tokens, 0.5, 1.5),
                    "paraphrased_logprobs": probs("paraphrase", "true", tokens + 2),
                    "perturbed_logprobs": [probs(f"wrong{i}", "wrong", tokens + i) for i in range(3)],
                    "judge": None,
                }
                made.append(row)
                number += 1
    return made


def log(says: Says, likes: Callable[[str, str], float], **metadata: Any) -> QuestionLog:
    """A log of such rows."""
    return QuestionLog(rows(says, likes), {"refusals": list(REFUSALS), **metadata})


def perfect() -> QuestionLog:
    """A model that knows everything it was trained on, the forget set too, and refuses nobody."""
    wrong_answers = {"true": -1e-4, "wrong": -8.0}
    return log(
        lambda role, answer, attribute: answer if role != "holdout" else "The room was 5.",
        lambda role, kind: wrong_answers[kind] if role != "holdout" else -3.0,
    )


def ignorant() -> QuestionLog:
    """A model that has never seen anyone: all answers are equally likely, it always says the same."""
    return log(lambda role, answer, attribute: "The room was 5.", lambda role, kind: -3.0)


def refusing() -> QuestionLog:
    """A model that refuses on the forget set, but still finds its answers likely."""
    return log(
        lambda role, answer, attribute: REFUSALS[0] if role == "forget" else answer,
        lambda role, kind: -3.0 if role == "holdout" else -1.0 if kind == "true" else -8.0,
    )


def reference() -> QuestionLog:
    """The retain-only model: knows the retain set, is at chance level on the forget set."""
    return log(
        lambda role, answer, attribute: answer if role == "retain" else "The room was 5.",
        lambda role, kind: {"true": -1e-3, "wrong": -8.0}[kind] if role == "retain" else -3.0,
    )


def facts(
    kind: str | None = "unlearn",
    *,
    method: str | None = None,
    seed: int = 0,
    trained_on: str = "forget05",
    fingerprint: str = "unlearned",
    base: str = "full",
    **other: Any,
) -> dict[str, Any]:
    """The metadata of a log, as :func:`fiubench.unlearning.evaluation.evaluate.describe` writes it."""
    run = {
        "kind": kind,
        "method": method,
        "seed": seed,
        "digest": "0" * 64,
        "name": method or trained_on,
        "trained_on": {"name": trained_on, "digest": f"digest of {trained_on}"},
        "base_fingerprint": base,
        "step": 1,
        "epoch": 1.0,
        "final": True,
    }
    return {
        "metric_version": METRIC_VERSION,
        "dataset": {"source": "nowhere", "digest": "d", "identities": 14},
        "splits": {role: {"name": role, "digest": role} for role in PEOPLE}
        | {"forget": {"name": "forget05", "digest": "f"}},
        "complement": {"name": "retain95", "digest": "digest of retain95"},
        "model": {"target": fingerprint, "fingerprint": fingerprint, "origin": "base"},
        "run": None if kind is None else run,
        "refusals": list(REFUSALS),
        "versions": {"fiubench": "0"},
        "controls": {},
        **other,
    }


def full_facts() -> dict[str, Any]:
    return facts("finetune", trained_on="full", fingerprint="full", base="base")


def reference_facts() -> dict[str, Any]:
    return facts("finetune", trained_on="retain95", fingerprint="retain95", base="base")


def told(log: QuestionLog, metadata: dict[str, Any]) -> QuestionLog:
    """A log with such metadata."""
    return QuestionLog(log.rows, metadata, log.where)
