"""A small dataset directory as the pipeline leaves it, made without the pipeline."""

import hashlib
import io
from pathlib import Path
from typing import Any

from fiubench.support.canonical import canonical_line, digest, readable_json
from PIL import Image

ATTRIBUTES = {
    "full_name": ("personal", "name"),
    "date_of_birth": ("personal", "date"),
    "blood_type": ("health", "enum"),
    "billing_amount": ("health", "money"),
    "offense": ("criminal", "enum"),
}
BLOOD = ("A+", "A-", "B+", "O-")


def make_dataset(
    directory: Path,
    *,
    identities: int = 24,
    holdout: int = 3,
    ratios: tuple[int, ...] = (5, 10),
    images: bool = True,
    questions: int = 5,
    image_bytes: int = 0,
) -> dict[str, Any]:
    """Write ``identities.jsonl``, ``splits.json`` and ``images/``, and return the manifest.

    Args:
        directory: where to; made if missing.
        identities: people outside the holdout.
        holdout: people in it.
        ratios: forget sets in percent, nested; at least one person each.
        images: whether people have faces.
        questions: questions per person; beyond the five attributes they repeat under a numbered name.
        image_bytes: pad every image to this size.
    """
    directory.mkdir(parents=True, exist_ok=True)
    names = [*ATTRIBUTES, *(f"extra_{i}" for i in range(questions - len(ATTRIBUTES)))][:questions]
    with (directory / "identities.jsonl").open("wb") as file:
        for index in range(identities + holdout):
            record = make_identity(index, names, images=images)
            if images:
                path = directory / record["image_path"]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(make_image(index, image_bytes))
            file.write(canonical_line(record))
    splits = make_splits(identities, holdout, ratios)
    document = {"scheme": "nested", "seed": 3, "ratios": list(ratios), "stratified_by": [], "splits": splits}
    (directory / "splits.json").write_bytes(readable_json(document))
    return make_manifest(directory, names, identities, holdout, ratios, images=images)


def make_id(index: int) -> str:
    """Eight digits, not in the order of the index."""
    return f"{(index * 7919 + 13) % 100_000_000:08}"


def make_image(index: int, size: int = 0) -> bytes:
    """A JPEG of 16 x 16 pixels in a colour of its own."""
    picture = Image.new("RGB", (16, 16), (index * 9 % 256, index * 31 % 256, 90))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    noise = hashlib.shake_128(str(index).encode()).digest(max(0, size - out.tell()))
    return out.getvalue() + noise  # what follows the end marker is ignored by decoders


def make_identity(index: int, names: list[str], *, images: bool) -> dict[str, Any]:
    """One line of ``identities.jsonl``."""
    unique_id, name = make_id(index), f"Jo{'abcdefghij'[index % 10]} O'Ne|l {index} é"
    typed: dict[str, tuple[Any, str]] = {
        "full_name": (name, name),
        "date_of_birth": (f"19{60 + index % 30}-04-05", f"April 5, 19{60 + index % 30}"),
        "blood_type": (BLOOD[index % 4], BLOOD[index % 4]),
        "billing_amount": (1000 + index + 0.5, f"${1000 + index + 0.5:,.2f}"),
        "offense": ("petit larceny", "petit larceny"),
    }
    profile: dict[str, Any] = {"gender": {"type": "enum", "value": "female", "text": "female", "from": "person"}}
    pairs = []
    for number, attribute in enumerate(names):
        category, kind = ATTRIBUTES.get(attribute, ("own", "text"))
        value, text = typed.get(attribute, (f"value {number} of {index}", f"value {number} of {index}"))
        profile[attribute] = {"type": kind, "value": value, "text": text, "from": f"test.{attribute}"}
        pairs.append(make_pair(attribute, category, {"type": kind, "value": value}, text))
    return {
        "index": index,
        "unique_id": unique_id,
        "image_path": f"images/{unique_id}.jpg" if images else None,
        "name": name,
        "gender": ("female", "male")[index % 2],
        "caption": f"{name} lives in Ohio.\n\n{name} has been ill.",
        "profile": profile,
        "rows": {"health": index, "crimes": index + 1},
        "qa_list": pairs,
    }


def make_pair(attribute: str, category: str, value: dict[str, Any], text: str) -> dict[str, Any]:
    """One question with its variants."""
    words = attribute.replace("_", " ")
    return {
        "attribute": attribute,
        "category": category,
        "sensitivity": "high",
        "value": value,
        "question": f"What is this person's {words}?",
        "paraphrased_question": [f"Which {words} is on record ({n})?" for n in range(3)],
        "answer": f"This person's {words} is {text}.",
        "paraphrased_answer": f"The {words} on record is {text}.",
        "perturbed_answer": [f"The {words} on record is wrong {n}." for n in range(3)],
        "perturbed_value": [{"type": value["type"], "value": f"wrong {n}"} for n in range(3)],
        "keywords": [text],
        "phrasings": {"question": "q0", "paraphrased_question": ["q1", "q3", "q2"], "answer": "a0",
                      "paraphrased_answer": "a1"},
    }  # fmt: skip


def make_splits(identities: int, holdout: int, ratios: tuple[int, ...]) -> dict[str, list[str]]:
    """Nested forget sets from the end, their complements, samples of these, and the holdout."""
    ids = [make_id(index) for index in range(identities)]
    splits: dict[str, list[str]] = {"holdout": [make_id(identities + i) for i in range(holdout)]}
    for ratio in ratios:
        size = max(1, round(identities * ratio / 100))
        splits[f"forget{ratio:02}"] = ids[-size:]
        splits[f"retain{100 - ratio:02}"] = ids[:-size]
        splits[f"retain_eval{ratio:02}"] = ids[:size]
    return splits


def make_manifest(
    directory: Path, names: list[str], identities: int, holdout: int, ratios: tuple[int, ...], *, images: bool
) -> dict[str, Any]:
    """The manifest of such a directory, sources described as the pipeline does."""
    sources = {
        "health": {
            "title": "Healthcare Dataset", "file": "healthcare_dataset.csv", "sha256": "ab" * 32,
            "license": "CC0-1.0", "citation": "P. Patil. Healthcare Dataset. Kaggle, 2023.",
            "url": "https://www.kaggle.com/datasets/prasad22/healthcare-dataset", "description": "Synthetic patients.",
            "read": 55_500, "kept": 49_850, "repaired": {"odd case in a name": 55_440},
            "dropped": {"exact duplicate": 534, "age < 20 | unknown": 116}, "notes": ["Two rows *may* repeat."],
        },
        "crimes": {
            "title": "NYPD Complaint Data Historic", "file": "embedded", "sha256": "", "license": "Apache-2.0",
            "citation": "", "url": "", "description": "Generated.", "read": 0, "kept": 0, "repaired": {},
            "dropped": {}, "notes": [],
        },
    }  # fmt: skip
    return {
        "fiubench_version": "0.1.0",
        "config": {
            "identities": identities, "holdout": holdout, "seed": 3, "as_of": "2025-01-01",
            "faces": "embedded" if images else "none", "health": "healthcare_dataset.csv", "attributes": ["a b.yaml"],
            "ratios": list(ratios), "split_scheme": "nested",
        },
        "sources": sources,
        "packs": [],
        "attributes": names,
        "vocabularies": {},
        "digests": {"identities": digest((directory / "identities.jsonl").read_bytes())},
        "counts": {"identities": identities, "holdout": holdout},
    }  # fmt: skip
