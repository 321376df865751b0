"""What the pictures are worth: whether they open, repeat each other, and fit their records."""

from collections.abc import Iterable
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from fiubench.builder.audit.people import Person
from fiubench.builder.audit.registry import Check, Count, Histogram, Measure, Result, Survey, check
from fiubench.builder.rules.person import age_unlike_face, face_of_another_gender
from numpy.typing import NDArray

_SMALL = 112  # pixels; face recognition models take no less
_SAME = 20  # of 256 bits; re-encoding and shrinking move at most 18, distinct faces differ in 28 or more
_ALIKE = 0.25  # distance of embeddings
_COMPARED = 10_000  # faces that are compared with each other: fifty million pairs
_AT_ONCE = 1 << 21  # pairs
_EDGES = list(range(0, 132, 4))
_COUNTED = ("missing_faces", "undecodable_faces", "small_faces", "repeated_faces", "face_gender", "face_age")
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
    _group("face_diversity", "Distance between neighbouring faces",
        "Median distance of a face to its nearest neighbour, in bits of the perceptual hash of 256.", "bits",
        warn_below=24, fail_below=8),
)  # fmt: skip
class Faces(Check):
    """Opens every picture once; keeps 64 bytes of each, and 512 more where faces are embedded."""

    def __init__(self, survey: Survey) -> None:
        from fiubench.raw_sources.reading import embeddings  # noqa: PLC0415  (Pillow is not needed for the text)

        super().__init__(survey)
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

        self._agreement(person)
        if person.image is None:
            return
        missing, broken = self.counts["missing_faces"], self.counts["undecodable_faces"]
        missing.of += 1
        if isinstance(person.image, Path) and not person.image.is_file():
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
        face = person.record["face"] if person.record else None
        if face is None:
            return
        if face["gender"] is not None:
            self.counts["face_gender"].of += 1
            if face_of_another_gender(face, person.gender):
                self.counts["face_gender"].add(person.where, f"a {face['gender']} face, a {person.gender} record")
        born = next((pair.value for pair in person.pairs if pair.attribute == "date_of_birth"), None)
        as_of = self.survey.target.as_of
        if face["age"] is not None and born is not None and as_of:
            self.counts["face_age"].of += 1
            age = age_unlike_face(face, born, as_of)
            if age is not None:
                self.counts["face_age"].add(person.where, f"about {face['age']} in the picture, {age} in the record")

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
            return Result("look_alikes", None, note="needs the extra: pip install 'fiubench[faces]'")
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
