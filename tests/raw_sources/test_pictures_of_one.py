"""Several pictures of one person: drawn ones, groups of a folder, and altered copies."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fiubench.raw_sources.portraits import draw_portrait, lights, traits
from fiubench.raw_sources.portraits.light import DAYLIGHT, Light, lit
from fiubench.raw_sources.reading.faces import read_faces
from fiubench.raw_sources.reading.labels import read_labels, write_labels
from fiubench.raw_sources.reading.variants import variant_of
from fiubench.support.errors import SourceError
from PIL import Image

from tests.raw_sources.likeness_of_faces import descriptor, distances

Maker = Callable[[int, int], Image.Image]
VARIES = {
    "age", "wrinkles", "receding", "tilt", "yaw", "shift", "lift", "zoom", "gaze", "smile", "teeth", "clothes",
    "cloth", "cloth_under", "pattern", "glasses", "frame", "earrings", "necklace", "backdrop", "backdrop_turn", "disc",
}  # fmt: skip


def people(n: int, picture: int, seed: int = 3):
    index = np.arange(n)
    return traits(seed, index, ["female", "male"] * (n // 2), 20 + index * 37 % 65, picture)


def test_what_makes_a_person_is_the_same_in_all_pictures() -> None:
    first, others = people(40, 1), [people(40, picture) for picture in (2, 3, 4)]
    fixed = set(first[0]._fields) - VARIES
    for other in others:
        assert all(getattr(a, name) == getattr(b, name) for a, b in zip(first, other, strict=True) for name in fixed)
        assert all(a.age - 12 <= b.age <= a.age and b.age >= 20 for a, b in zip(first, other, strict=True))
    for name in VARIES:
        assert any(getattr(a, name) != getattr(b, name) for a, b in zip(first, others[0], strict=True)), name
    assert others[0] != others[1]
    assert people(20, 3) == others[1][:20]


def test_light() -> None:
    assert lights(3, np.arange(9), 1) == [DAYLIGHT] * 9
    assert lights(3, np.arange(9), 2) == lights(3, np.arange(4000), 2)[:9] != lights(3, np.arange(9), 3)
    flat = Image.new("RGB", (64, 64), (150, 150, 150))
    assert lit(flat, DAYLIGHT).tobytes() == flat.tobytes()
    brighter, darker = (np.asarray(lit(flat, Light(bright, 0, 0))).mean() for bright in (900, -900))
    assert darker < 140 and brighter > 160
    warm = np.asarray(lit(flat, Light(0, 1000, 0))).mean(axis=(0, 1))
    assert warm[0] > warm[1] > warm[2]
    left, right = np.asarray(lit(flat, Light(0, 0, -1000)))[32, [2, -3], 0]
    assert left < right - 20


def test_pictures_of_one_person_are_more_alike_than_those_of_different_people() -> None:
    """By gradients and colors of the face's middle, which the drawing knows nothing of."""
    count = 30
    vectors = [
        [descriptor(draw_portrait(*one)) for one in zip(people(count, k), [64] * count, light, strict=True)]
        for k, light in ((k, lights(3, np.arange(count), k)) for k in (1, 2, 3))
    ]
    same, different = distances(np.array(vectors))
    nearer = (same[:, None] < different[None]).mean()
    print(f"medians {np.median(same):.2f} and {np.median(different):.2f}; the same are nearer in {nearer:.1%} of pairs")
    assert np.median(same) < 0.75 * np.median(different)
    assert nearer > 0.9


def test_variants_are_declared_and_differ(picture: Maker) -> None:
    source = picture(0, 200)
    made = [variant_of(0, 7, number) for number in range(2, 8)]
    assert made == [variant_of(0, 7, number) for number in range(2, 8)]
    assert len({variant.told for variant in made}) == 6
    for number, variant in enumerate(made, 2):
        altered = variant.of(source)
        assert altered.size == (200 * variant.kept // 1000,) * 2 and 155 <= altered.width <= 184
        assert variant.mirrored == (number % 2 == 0) == ("mirrored" in variant.told)
        mean = np.asarray(altered).mean() - np.asarray(source).mean()
        assert variant.told.startswith("first picture, ") and variant.told.endswith(
            "brighter" if mean > 0 else "darker"
        )


def listed(folder: Path, *rows: str) -> None:
    """Write a ``faces.csv`` of rows like "5 female ann": number of the picture, gender, person; - is an empty cell."""
    cells = [row.replace("-", "").split(" ") for row in rows]
    with (folder / "faces.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("file", "gender", "person"), *((f"SFHQ_pt1_{int(number):08d}.jpg", *rest) for number, *rest in cells)]
        )


def test_rows_of_one_person_are_that_persons_pictures(faces: Path) -> None:
    listed(faces, "5 female ann", "2 - ann", "7 male bo", "1 - -", "0 - -", "9 female ann")
    table = read_faces(faces)
    found = {face.file.stem[-1]: [other.file.stem[-1] for other in face.others] for face in table.faces}
    assert found == {"5": ["2", "9"], "7": [], "1": [], "0": []}
    (ann,) = (face for face in table.faces if face.others)
    assert [other.unique_id for other in ann.others] == ["00000005-2", "00000005-3"]
    assert len(table.shapes) == len(table.faces) == 4
    assert "6 pictures show 4 people, by the column person of faces.csv." in table.report.notes
    rows = read_labels(faces / "faces.csv")
    assert rows is not None
    write_labels(faces / "faces.csv", [label for _, label in rows])
    assert read_labels(faces / "faces.csv") == rows


def test_any_row_has_the_gender_of_a_person(faces: Path) -> None:
    listed(faces, "5 - ann", "2 female ann", "7 - -")
    assert [(face.file.stem[-1], face.gender) for face in read_faces(faces).faces] == [("5", "female"), ("7", None)]


def test_one_person_has_one_gender(faces: Path) -> None:
    listed(faces, "5 female ann", "2 male ann")
    with pytest.raises(SourceError, match="'ann' is female in one row and male in another"):
        read_faces(faces)
