"""The same work with nothing around it: draws, 180 strings, a record, schema, JSON and digest, for each identity.

No packs, no sources, no coherence, no provenance: what plain Python and numpy cost for records of this shape and
size. The ratio of fiubench to it is the price of everything else. Prints CPU seconds per 1,000 identities.
"""

import gc
import hashlib
import sys
import time

import numpy as np
import orjson

import schemas

ATTRIBUTES, POOL = 20, 500


def _words(rng: np.random.Generator, shape: tuple[int, ...], bound: int) -> list:
    return rng.integers(0, bound, shape).tolist()


def records(n: int, start: int, rng: np.random.Generator) -> list[dict]:
    """``n`` records like those of a build, of about the same size."""
    pools = [[f"value {k} of pool {a}, long" for k in range(POOL)] for a in range(ATTRIBUTES)]
    questions = [
        [f"What is the {word} number {a} of the person in this photo, please?" for word in "abcde"]
        for a in range(ATTRIBUTES)
    ]
    answers = [
        [(f"The {word} number {a} of the person in this photo is ", ".") for word in "abc"] for a in range(ATTRIBUTES)
    ]
    columns = []
    for a in range(ATTRIBUTES):
        pool, wordings = pools[a], questions[a]
        picks, order = _words(rng, (n, 4), POOL), _words(rng, (n, 4), 5)
        which = _words(rng, (n, 2), 3)
        column = []
        for (t, *wrong), q, (x, y) in zip(picks, order, which, strict=True):
            text = pool[t]
            (b1, a1), (b2, a2) = answers[a][x], answers[a][y]
            others = [pool[(t + 1 + w) % POOL] for w in wrong]
            others = [o if o not in others[:i] else f"{o}{i}" for i, o in enumerate(others)]
            column.append(
                {
                    "attribute": f"attribute_{a}", "category": "personal", "sensitivity": "high",
                    "value": {"type": "enum", "value": text},
                    "question": wordings[q[0]],
                    "paraphrased_question": [wordings[(q[0] + i) % 5] for i in (1, 2, 3)],
                    "answer": f"{b1}{text}{a1}", "paraphrased_answer": f"{b2}{text}{a2}",
                    "perturbed_answer": [f"{b2}{o}{a2}" for o in others], "perturbed_value": others, "keywords": [text],
                    "phrasings": {"question": "q0", "paraphrased_question": ["q1", "q2", "q3"], "answer": "a0", "paraphrased_answer": "a1"},
                }
            )  # fmt: skip
        columns.append(column)
    made = []
    for i, qa_list in enumerate(zip(*columns, strict=True)):
        profile = {qa["attribute"]: {"type": "enum", "value": qa["value"]["value"], "text": qa["value"]["value"], "from": "health.column"}
                   for qa in qa_list}  # fmt: skip
        caption = " ".join(qa["answer"] for qa in qa_list)
        made.append(
            {"index": start + i, "unique_id": f"{start + i:08d}", "image_path": None, "name": f"Name {i}", "gender": "female",
             "caption": caption, "profile": profile, "rows": {"health": i, "crimes": i}, "qa_list": list(qa_list)}
        )  # fmt: skip
    return made


def main(n: int) -> None:
    """Time ``n`` identities in blocks of 1,000."""
    valid = schemas.is_valid("identity")
    rng = np.random.default_rng(0)
    records(10, 0, rng)
    gc.disable()  # as the builder does while it makes records
    began, size = time.process_time(), 0
    for start in range(0, n, 1000):
        for record in records(1000, start, rng):
            assert valid(record)
            line = orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
            hashlib.sha256(line).hexdigest()
            size += len(line)
    spent = time.process_time() - began
    print(f"{spent / n * 1000:.3f} {size / n:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
