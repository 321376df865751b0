"""What differs between two datasets, per identity and attribute."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiubench.builder.dataset.reading import Dataset, digests_of_pictures, open_dataset

#: Fields of a QA pair by what a change of them means.
_WORDING = ("question", "paraphrased_question", "answer", "paraphrased_answer")
_WRONG = ("perturbed_answer", "perturbed_value")
_KEYWORDS = ("keywords", "keyword_variants", "keyword_parts")


@dataclass(frozen=True)
class Difference:
    """One thing that is another in B than in A. ``kind``: identity, fact, wording, wrong answers, image, split, ..."""

    unique_id: str
    attribute: str
    kind: str
    a: str
    b: str

    def __str__(self) -> str:
        subject = f"{self.unique_id} {self.attribute}".strip()
        return f"{subject}: {self.kind}: {self.a or '-'} | {self.b or '-'}"


def compare(a: str | Path, b: str | Path) -> Iterator[Difference]:
    """Every difference between two dataset directories, identity by identity; identities are matched by unique id.

    Raises:
        DatasetError: one of them is no dataset.
    """
    left, right = open_dataset(Path(a)), open_dataset(Path(b))
    others = right.index
    images_a, images_b = digests_of_pictures(left.manifest), digests_of_pictures(right.manifest)
    seen = set()
    for record in left:
        unique_id = record["unique_id"]
        seen.add(unique_id)
        if unique_id not in others.places:
            yield Difference(unique_id, "", "identity", record["name"], "")
            continue
        other = others.record(others.places[unique_id])
        if record != other:
            yield from between(record, other)
        (one, *more_a), (two, *more_b) = (images.get(unique_id, [None]) for images in (images_a, images_b))
        if one != two:
            yield Difference(unique_id, "", "image", _short(one), _short(two))
        if more_a != more_b and record.get("pictures") == other.get("pictures"):
            yield Difference(unique_id, "", "pictures", *(", ".join(map(_short, each)) for each in (more_a, more_b)))
    for unique_id, place in others.places.items():
        if unique_id not in seen:
            yield Difference(unique_id, "", "identity", "", others.record(place)["name"])
    yield from _splits(left, right)
    yield from _forget_attributes(left, right)


def between(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Difference]:
    """Every difference between two identities."""
    unique_id = a["unique_id"]
    for field in ("index", "unique_id", "name", "gender", "image_path", "caption", "rows", "face"):
        if a[field] != b[field]:
            yield Difference(unique_id, "", field, str(a[field]), str(b[field]))
    one, two = (
        [f"{each['image_path']} from {each['from']}" for each in record.get("pictures", ())] for record in (a, b)
    )
    if one != two:
        here, there = ([each for each in own if each not in others] for own, others in ((one, two), (two, one)))
        yield Difference(unique_id, "", "pictures", ", ".join(here), ", ".join(there))
    for name in _both(a["profile"], b["profile"]):
        before, after = a["profile"].get(name), b["profile"].get(name)
        if before is None or after is None or before["value"] != after["value"]:
            yield Difference(unique_id, name, "fact", _text(before), _text(after))
        elif before["text"] != after["text"]:
            yield Difference(unique_id, name, "fact (text)", before["text"], after["text"])
        elif before != after:
            yield Difference(unique_id, name, "provenance", before["from"], after["from"])
    questions_a, questions_b = ({qa["attribute"]: qa for qa in r["qa_list"]} for r in (a, b))
    for name in _both(questions_a, questions_b):
        qa, other = questions_a.get(name), questions_b.get(name)
        if qa is None or other is None:
            yield Difference(unique_id, name, "question", "asked" if qa else "", "asked" if other else "")
            continue
        others = sorted((qa.keys() | other.keys()) - {*_WORDING, *_WRONG, *_KEYWORDS})
        for kind, fields in (
            ("wording", _WORDING),
            ("wrong answers", _WRONG),
            ("keywords", _KEYWORDS),
            ("other", others),
        ):
            for field in fields:
                if qa.get(field) != other.get(field):
                    yield Difference(unique_id, name, f"{kind} ({field})", str(qa.get(field)), str(other.get(field)))
                    break


def _splits(a: Dataset, b: Dataset) -> Iterator[Difference]:
    for name in _both(a.splits, b.splits):
        before, after = set(a.splits.get(name, ())), set(b.splits.get(name, ()))
        if before != after:
            yield Difference(
                "",
                name,
                "split",
                f"{len(before)} ids, {len(before - after)} of them only here",
                f"{len(after)} ids, {len(after - before)} of them only here",
            )


def _forget_attributes(a: Dataset, b: Dataset) -> Iterator[Difference]:
    if (a.forget_attributes, a.own_attributes) != (b.forget_attributes, b.own_attributes):
        yield Difference("", "(forget sets)", "split", f"about {_about(a)}", f"about {_about(b)}")


def _about(dataset: Dataset) -> str:
    """What the forget sets are about, in words."""
    names, own = ", ".join(dataset.forget_attributes) or "everything", dataset.own_attributes
    return f"{names}: {sum(map(len, own.values()))} facts of {len(own)} people" if own else names


def _both(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*a, *b]))


def _text(fact: Mapping[str, Any] | None) -> str:
    return str(fact["text"]) if fact else ""


def _short(image: str | None) -> str:
    return image[:12] if image else "none"
