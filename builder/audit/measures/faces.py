"""What the pictures are worth: whether they open, repeat each other, and fit their records."""

from pathlib import Path

import numpy as np
from fiubench.builder.audit.reading import Person
from fiubench.builder.audit.report import Count, Histogram, Measure
from fiubench.builder.values import dates
from fiubench.raw_sources.reading import embeddings
from fiubench.raw_sources.reading.images import BadImage, look
from fiubench.raw_sources.reading.likeness import phash_256
from numpy.typing import NDArray

_SMALL = 112  # pixels; face recognition models take no less
_SAME = 20  # of 256 bits; re-encoding and shrinking move at most 18, distinct faces differ in 28 or more
_ALIKE = 0.25  # distance of embeddings
_COMPARED = 10_000  # faces that are compared with each other: fifty million pairs
_AT_ONCE = 1 << 21  # pairs
_EDGES = list(range(0, 132, 4))
_COUNTED = ("missing_faces", "undecodable_faces", "small_faces", "repeated_faces", "face_gender", "face_age")


class FaceChecks:
    """Opens every picture once; keeps 64 bytes of each, and 512 more where faces are embedded.

    Args:
        as_of: the day on which ages are reckoned.
        embed: compare face embeddings too, where the extra ``faces`` is installed.
    """

    def __init__(self, as_of: str | None, *, embed: bool = True) -> None:
        self.counts = {rule: Count(rule) for rule in _COUNTED}
        self.as_of = as_of
        self.embed = embeddings.embedder() if embed else None
        self.hashes: list[tuple[int, int]] = []
        self.shown: list[str] = []
        self.vectors: list[NDArray[np.float32]] = []
        self.embedded: list[str] = []

    def add(self, person: Person) -> None:
        """Look at the face of a person, where the dataset has one."""
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
            if face["gender"] != person.gender:
                self.counts["face_gender"].add(person.where, f"a {face['gender']} face, a {person.gender} record")
        born = next((pair.value for pair in person.pairs if pair.attribute == "date_of_birth"), None)
        if face["age"] is not None and born is not None and self.as_of:
            self.counts["face_age"].of += 1
            age = dates.age_on(born, self.as_of)
            if dates.age_band(age) != dates.age_band(face["age"]):
                self.counts["face_age"].add(person.where, f"about {face['age']} in the picture, {age} in the record")

    def finish(self) -> tuple[list[Measure], dict[str, Histogram]]:
        """One measure per rule of the group, and how far each face is from the nearest other."""
        nearest = self._compare()
        capped = f"the first {_COMPARED:,} were compared" if len(self.hashes) == _COMPARED else ""
        measures = [count.measure() for rule, count in self.counts.items() if rule != "repeated_faces"]
        measures.insert(3, self.counts["repeated_faces"].measure(len(self.hashes), capped))
        measures.insert(4, self._look_alikes())
        measures.append(Measure("face_diversity", float(np.median(nearest)) if nearest.size > 1 else None, note=capped))
        if nearest.size < 2:
            return measures, {}
        counts, _ = np.histogram(np.minimum(nearest, _EDGES[-1]), bins=_EDGES)
        title = "Distance of each face to its nearest neighbour"
        histogram = Histogram(title, "bits of 256", list(map(float, _EDGES)), {"faces": counts.tolist()})
        return measures, {"face_distance": histogram}

    def _compare(self) -> NDArray[np.int64]:
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

    def _look_alikes(self) -> Measure:
        if self.embed is None:
            return Measure("look_alikes", None, note="needs the extra: pip install 'fiubench[faces]'")
        count = Count("look_alikes", of=len(self.vectors))
        vectors = np.array(self.vectors, dtype=np.float32).reshape(len(self.vectors), -1)
        for i in range(1, len(vectors)):
            gaps = np.linalg.norm(vectors[:i] - vectors[i], axis=1)
            for j in np.flatnonzero(gaps < _ALIKE):
                count.add(self.embedded[i], f"{gaps[j]:.2f} from {self.embedded[int(j)]}")
        return count.measure(note=f"a face was found in {len(self.vectors):,} pictures")


def _words(hashes: list[int]) -> NDArray[np.uint64]:
    data = b"".join(value.to_bytes(32, "big") for value in hashes)
    return np.frombuffer(data, dtype=np.uint64).reshape(-1, 4)


def _distances(some: NDArray[np.uint64], every: NDArray[np.uint64]) -> NDArray[np.int64]:
    total = np.zeros((some.shape[0], every.shape[0]), dtype=np.int64)
    for k in range(4):
        total += np.bitwise_count(some[:, k, None] ^ every[None, :, k])
    return total
