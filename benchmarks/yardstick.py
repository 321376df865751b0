"""The same work with nothing around it: draws, 180 strings, a record, checks, schema, JSON, digest, for each identity.

No packs, no sources, no coherence, no constraints, no formats of dates and money: what plain Python and numpy cost for
records of this shape and size. The ratio of fiubench to it is the price of everything else.

Prints CPU seconds per 1,000 identities, and bytes of each.
"""

import gc
import hashlib
import sys
import time
from typing import Any

import numpy as np
import orjson

from fiubench import schemas

ATTRIBUTES, POOL = 20, 500
POOLS = [[f"value {k:03d} of pool {a}" for k in range(POOL)] for a in range(ATTRIBUTES)]
QUESTIONS = [
    [f"What is the {word} number {a} of the person in this photo?" for word in "abcde"] for a in range(ATTRIBUTES)
]
ANSWERS = [[(f"The {word} number {a} on record is ", ".") for word in "abc"] for a in range(ATTRIBUTES)]
FIXED = {"category": "personal", "sensitivity": "high"}
PHRASINGS = {"question": "q0", "paraphrased_question": ["q1", "q2", "q3"], "answer": "a0", "paraphrased_answer": "a1"}


def pairs(attribute: int, n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """QA pairs of one attribute for ``n`` identities."""
    pool, wordings, answers = POOLS[attribute], QUESTIONS[attribute], ANSWERS[attribute]
    truths, steps = rng.integers(0, POOL, n).tolist(), rng.integers(1, 150, (n, 3)).tolist()
    asked, answered = rng.integers(0, 5, n).tolist(), rng.integers(0, 3, n).tolist()
    made = []
    for t, (u, v, w), q, a in zip(truths, steps, asked, answered, strict=True):
        text = pool[t]
        (b1, a1), (b2, a2) = answers[a], answers[a - 1]
        wrong = [pool[(t + u) % POOL], pool[(t + u + v) % POOL], pool[(t + u + v + w) % POOL]]
        made.append(
            {
                **FIXED,
                "attribute": f"attribute_{attribute}",
                "value": {"type": "enum", "value": text},
                "question": wordings[q],
                "paraphrased_question": [wordings[q - 1], wordings[q - 2], wordings[q - 3]],
                "answer": f"{b1}{text}{a1}",
                "paraphrased_answer": f"{b2}{text}{a2}",
                "perturbed_answer": [f"{b2}{o}{a2}" for o in wrong],
                "perturbed_value": wrong,
                "keywords": [text],
                "phrasings": PHRASINGS,
            }
        )
    return made


def records(start: int, n: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """``n`` records like those of a build."""
    columns = [pairs(attribute, n, rng) for attribute in range(ATTRIBUTES)]
    made = []
    for i, qa_list in enumerate(zip(*columns, strict=True), start):
        facts = [(qa["attribute"], qa["value"]["value"]) for qa in qa_list]
        profile = {name: {"type": "enum", "value": v, "text": v, "from": "health.column"} for name, v in facts}
        made.append(
            {
                "index": i,
                "unique_id": f"{i:08d}",
                "image_path": None,
                "face": None,
                "name": f"Name {i}",
                "gender": "female",
                "caption": " ".join(qa["answer"] for qa in qa_list),
                "profile": profile,
                "rows": {"health": i, "crimes": i},
                "qa_list": list(qa_list),
            }
        )
    return made


def right(record: dict[str, Any]) -> bool:
    """The rules between value, answers and wrong answers, as shortly as they can be said."""
    name = record["name"]
    for qa in record["qa_list"]:
        text, answer, paraphrase, wrong = (
            qa["value"]["value"],
            qa["answer"],
            qa["paraphrased_answer"],
            qa["perturbed_answer"],
        )
        before, found, after = paraphrase.partition(text)
        if not (found and text in answer and len(set(wrong)) == len(wrong)) or name in answer or name in paraphrase:
            return False
        for keyword in qa["keywords"]:
            if keyword not in answer or keyword not in paraphrase:
                return False
        for sentence in wrong:
            if not (sentence.startswith(before) and sentence.endswith(after)) or text in sentence or name in sentence:
                return False
        for wording in (qa["question"], *qa["paraphrased_question"]):
            if text in wording:
                return False
    return True


def main(n: int) -> None:
    """Time ``n`` identities in blocks of 1,000."""
    valid = schemas.is_valid("identity")
    rng = np.random.default_rng(0)
    records(0, 10, rng)
    gc.disable()  # as the builder does while it makes records
    began, size = time.process_time(), 0
    for start in range(0, n, 1000):
        for record in records(start, min(1000, n - start), rng):
            assert valid(record)
            assert right(record)
            line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
            hashlib.sha256(line).hexdigest()
            size += len(line)
    spent = time.process_time() - began
    print(f"{spent / n * 1000:.3f} {size / n:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
