"""What the pictures are worth: whether they open, repeat each other, and fit their records."""

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fiubench.builder.audit.people import Person
from fiubench.builder.audit.registry import Check, Count, Histogram, Measure, Result, Survey, check
from fiubench.builder.rules.person import age_unlike_face, face_of_another_gender
from fiubench.raw_sources.source import MOST_UNDER_20
from fiubench.support.extras import install
from fiubench.support.reading import is_file
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fiubench.raw_sources.labelling.estimator import Estimate

_SMALL = 112  # pixels; face recognition models take no less
_SAME = 20  # of 256 bits; re-encoding and shrinking move at most 18, distinct faces differ in 28 or more
_ALIKE = 0.25  # distance of embeddings
_COMPARED = 10_000  # faces that are compared with each other: fifty million pairs
_AT_ONCE = 1 << 21  # pairs
_EDGES = list(range(0, 132, 4))
_SURE = 0.9  # probability from which an estimated gender counts as known
_COUNTED = ("missing_faces", "undecodable_faces", "small_faces", "repeated_faces", "face_gender", "face_age",
            "child_faces", "unknown_ages")  # fmt: skip
_group = partial(Measure, group="faces")


@check(
    _group("missing_faces", "Missing faces", "People whose image file does not exist.", "people", fail_above=0),
    _group("undecodable_faces", "Faces that can't be decoded", "Images that can't be decoded to the end.", "images",
        fail_above=0),
    _group("small_faces", "Small faces", "Images with a side of fewer than 112 pixels.", "images", warn_above=0),
    _group("repeated_faces", "Repeated faces",
        "Images whose perceptual hash of 256 bits, or that of their mirror image, differs from an earlier one's in "
        "at most 20 bits.", "images", fail_above=0),
    _group("look_alikes", "Look-alikes", "Pairs of faces with embeddings nearer than 0.25 (with the extra `faces`).",
        "pairs", warn_above=0),
    _group("face_gender", "Faces of another gender",
        "People whose record is of another gender than their face, where that is known.", "people", fail_above=0),
    _group("face_age", "Faces of another age",
        "People whose age lies in another band than their face's, where that is known.", "people", fail_above=0),
    _group("child_faces", "Faces of children",
        "People whose face is, or may be, younger than 20: by what the dataset says of it, else by its picture (with "
        "`--estimate`).", "people", fail_above=0),
    _group("unknown_ages", "Faces of unknown age",
        "People with a face from a file of which nobody says how old it is.", "people", fail_above=0),
    _group("face_diversity", "Distance between neighbouring faces",
        "Median distance of a face to its nearest neighbour, in bits of the perceptual hash of 256.", "bits",
        warn_below=24, fail_below=8),
)  # fmt: skip
class Faces(Check):
    """Opens every picture once; keeps 64 bytes of each, and 512 more where faces are embedded."""

    def __init__(self, survey: Survey) -> None:
        # Pillow is not needed for the text
        from fiubench.raw_sources.labelling.estimator import Estimator  # noqa: PLC0415
        from fiubench.raw_sources.reading import embeddings  # noqa: PLC0415

        super().__init__(survey)
        self.estimator = Estimator() if survey.estimate else None
        self.counts = {name: Count(name) for name in _COUNTED}
        self.embed = embeddings.embedder() if survey.embed else None
        self.hashes: list[tuple[int, int]] = []
        self.shown: list[str] = []
        self.vectors: list[NDArray[np.float32]] = []
        self.embedded: list[str] = []

    @classmethod
    def start(cls, survey: Survey) -> "Faces | None":
        """None with ``--no-faces``."""
        return cls(survey) if survey.faces else None

    def add(self, person: Person, side: int) -> None:
        from fiubench.raw_sources.reading.images import BadImage, look  # noqa: PLC0415

        if person.image is None:
            return
        missing, broken = self.counts["missing_faces"], self.counts["undecodable_faces"]
        missing.of += 1
        if isinstance(person.image, Path) and not is_file(person.image):
            missing.add(person.where, person.image.name)
            return
        broken.of += 1
        try:
            size, preview = look(person.image)
        except BadImage as bad:
            broken.add(person.where, str(bad))
            return
        except OSError as error:
            broken.add(person.where, f"can't be read ({error.strerror})")
            return
        self._agreement(person)
        self.counts["small_faces"].of += 1
        if min(size) < _SMALL:
            self.counts["small_faces"].add(person.where, f"{size[0]} x {size[1]} pixels")
        if len(self.hashes) < _COMPARED:
            from fiubench.raw_sources.reading.likeness import phash_256  # noqa: PLC0415

            self.hashes.append(phash_256(preview))
            self.shown.append(person.where)
            self._embed(person)

    def _embed(self, person: Person) -> None:
        if self.embed is not None and person.image is not None:
            vector = self.embed(person.image)
            if vector is not None:
                self.vectors.append(vector)
                self.embedded.append(person.where)

    def _agreement(self, person: Person) -> None:
        """Whether gender and age of the face are known, fit the record, and are no child's."""
        if person.record is not None and person.record["face"] is None:
            return  # a drawn portrait
        said: Mapping[str, Any] = (
            person.record["face"] if person.record else {"file": person.where, "gender": None, "age": None}
        )
        if person.record is not None:
            self.counts["unknown_ages"].of += 1
            if said["age"] is None:
                self.counts["unknown_ages"].add(person.where, said["file"])
        seen = self._estimate(person) if None in (said["age"], said["gender"]) else None
        sure = seen is not None and (seen.gender_confidence or 0) >= _SURE
        self._gender(person, said["gender"] or (seen.gender if seen and sure else None))
        if said["age"] is not None:
            self._age(person, said)
            self._child(person, said["age"], said.get("under_20"))
        elif seen is not None and seen.age is not None:
            self._child(person, seen.age, seen.under_20)

    def _estimate(self, person: Person) -> "Estimate | None":
        return None if self.estimator is None or person.image is None else self.estimator.look(person.image)

    def _gender(self, person: Person, gender: str | None) -> None:
        if gender is None or person.gender is None:
            return
        self.counts["face_gender"].of += 1
        if face_of_another_gender({"gender": gender}, person.gender):
            self.counts["face_gender"].add(person.where, f"a {gender} face, a {person.gender} record")

    def _age(self, person: Person, face: Mapping[str, Any]) -> None:
        born = next((pair.value for pair in person.pairs if pair.attribute == "date_of_birth"), None)
        as_of = self.survey.target.as_of
        if born is None or not as_of:
            return
        self.counts["face_age"].of += 1
        age = age_unlike_face(face, born, as_of)
        if age is not None:
            self.counts["face_age"].add(person.where, f"about {face['age']} in the picture, {age} in the record")

    def _child(self, person: Person, age: int, under_20: float | None) -> None:
        from fiubench.raw_sources.reading.labels import Label  # noqa: PLC0415

        self.counts["child_faces"].of += 1
        label = Label("", age=age, under_20=under_20)
        if why := label.refusal(MOST_UNDER_20):
            self.counts["child_faces"].add(person.where, f"{why}: about {age}")

    def results(self) -> Iterable[Result]:
        nearest = self.nearest
        capped = f"the first {_COMPARED:,} were compared" if len(self.hashes) == _COMPARED else ""
        for name, count in self.counts.items():
            yield count.result(len(self.hashes), capped) if name == "repeated_faces" else count.result()
        yield self._look_alikes()
        yield Result("face_diversity", float(np.median(nearest)) if nearest.size > 1 else None, note=capped)

    def histograms(self) -> dict[str, Histogram]:
        if self.nearest.size < 2:
            return {}
        counts, _ = np.histogram(np.minimum(self.nearest, _EDGES[-1]), bins=_EDGES)
        title = "Distance of each face to its nearest neighbour"
        return {
            "face_distance": Histogram(title, "bits of 256", list(map(float, _EDGES)), {"faces": counts.tolist()}),
        }

    @cached_property
    def nearest(self) -> NDArray[np.int64]:
        """Distance of each face to the nearest other; repeats are counted on the way."""
        size = len(self.hashes)
        own, mirrored = (_words([pair[k] for pair in self.hashes]) for k in (0, 1))
        nearest = np.full(size, 256, dtype=np.int64)
        count = self.counts["repeated_faces"]
        step = max(1, _AT_ONCE // max(size, 1))
        for start in range(0, size, step):
            rows = slice(start, start + step)
            bits = np.minimum(_distances(own[rows], own), _distances(mirrored[rows], own))
            bits[np.arange(bits.shape[0]), np.arange(start, start + bits.shape[0])] = 256
            nearest[rows] = bits.min(axis=1)
            for i in np.flatnonzero(nearest[rows] <= _SAME):
                earlier = np.flatnonzero(bits[i, : start + i] <= _SAME)
                if earlier.size:  # of two that are alike, the later one counts
                    count.add(self.shown[start + i], f"as {self.shown[int(earlier[0])]}")
        return nearest

    def _look_alikes(self) -> Result:
        if self.embed is None:
            return Result("look_alikes", None, note=f"needs the extra `faces`: {install('faces')}")
        count = Count("look_alikes", of=len(self.vectors))
        vectors = np.array(self.vectors, dtype=np.float32).reshape(len(self.vectors), -1)
        for i in range(1, len(vectors)):
            gaps = np.linalg.norm(vectors[:i] - vectors[i], axis=1)
            for j in np.flatnonzero(gaps < _ALIKE):
                count.add(self.embedded[i], f"{gaps[j]:.2f} from {self.embedded[int(j)]}")
        return count.result(note=f"a face was found in {len(self.vectors):,} pictures")


def _words(hashes: list[int]) -> NDArray[np.uint64]:
    data = b"".join(value.to_bytes(32, "big") for value in hashes)
    return np.frombuffer(data, dtype=np.uint64).reshape(-1, 4)


def _distances(some: NDArray[np.uint64], every: NDArray[np.uint64]) -> NDArray[np.int64]:
    total = np.zeros((some.shape[0], every.shape[0]), dtype=np.int64)
    for k in range(4):
        total += np.bitwise_count(some[:, k, None] ^ every[None, :, k])
    return total
